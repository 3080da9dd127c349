import type { RecordSnapshot } from '../../core/values.ts'
import type { CallOptions, RowResult } from '../contract.ts'
import { inOrder } from '../limiter.ts'
import { movedProblem } from '../row-results.ts'
import type { AlmCalls, AlmRead } from './connector.ts'
import { goneProblem, notSent, refusedBy, sent } from './row-results.ts'

interface LockedWork<R> {
  entityType: string
  ids: readonly string[]
  /** Read beside the stamps. */
  fields: readonly string[]
  options: CallOptions
  /** Settles what it sends, and may throw before. `asked`: when `current` was asked for, by `performance.now()`. */
  write(current: ReadonlyMap<string, RecordSnapshot>, asked: number): Promise<ReadonlyMap<string, R>>
}

/** What `write` said of each record, or, of one that could not be locked or read, why. */
type LockedResults<R> = ReadonlyMap<string, R | RowResult>

/** Twice: a session renewed between lock and reading has taken the locks with it. */
const rounds = 2

export function createLocks(calls: AlmCalls, read: AlmRead) {
  const writing = new Map<string, Promise<unknown>>()

  /** One writer per record in this process: two would share the session's lock without noticing each other. */
  async function alone<T>(keys: readonly string[], body: () => Promise<T>): Promise<T> {
    // All places in all lines are taken at once, so that no two wait for each other.
    const mine = Promise.allSettled(keys.map((key) => writing.get(key))).then(body)
    for (const key of keys) writing.set(key, mine)
    try {
      return await mine
    } finally {
      for (const key of keys) if (writing.get(key) === mine) writing.delete(key)
    }
  }

  /**
   * Locks records, reads them all at once, and calls `write` with what stands there then. Nobody else of this process has any of
   * the records meanwhile.
   */
  function under<R>(work: LockedWork<R>): Promise<LockedResults<R>> {
    const { entityType, ids } = work
    const keys = ids.map((id) => `${entityType}:${id}`)
    return alone(keys, async () => {
      const results = new Map<string, R | RowResult>()
      for (let round = 0; round < rounds && results.size < ids.length; round++) {
        const rest = ids.filter((id) => !results.has(id))
        for (const [id, result] of await underOnce({ ...work, ids: rest })) results.set(id, result)
      }
      for (const id of ids) if (!results.has(id)) results.set(id, { outcome: 'refused', problem: movedProblem() })
      return results
    })
  }

  /** Without those whose lock may have gone with its session: nothing was written to them. */
  async function underOnce<R>({ entityType, ids, fields, options, write }: LockedWork<R>): Promise<LockedResults<R>> {
    const lockOf = (id: string) => `/${calls.collection(entityType)}/${id}/lock`
    const failed = (error: unknown) => notSent(options.signal?.aborted === true ? options.signal.reason : error)
    const results = new Map<string, R | RowResult>()
    const number = calls.sessionNumber()
    const held: string[] = []
    /** Unanswered: they may be held. */
    const doubtful: string[] = []
    try {
      await inOrder(ids, calls.concurrency, async (id) => {
        try {
          const answer = await calls.send('POST', lockOf(id), undefined, options)
          if (answer.status >= 400) results.set(id, refusedBy(answer, calls, entityType))
          else held.push(id)
        } catch (error) {
          if (sent(error)) doubtful.push(id)
          results.set(id, failed(error))
        }
      })
      if (held.length === 0) return results
      const asked = performance.now()
      try {
        const current = new Map((await read(entityType, held, fields, options)).map((one) => [one.id, one]))
        if (calls.sessionNumber() !== number) return results
        for (const id of held) if (!current.has(id)) results.set(id, { outcome: 'refused', problem: goneProblem(id) })
        if (current.size > 0) for (const [id, result] of await write(current, asked)) results.set(id, result)
      } catch (error) {
        // `write` settles what it has sent, so whatever comes here happened before.
        for (const id of held) if (!results.has(id)) results.set(id, failed(error))
      }
      return results
    } finally {
      // Also after a failure or when the caller has given up; a lock that cannot be given back dies with the session.
      await inOrder([...held, ...doubtful], calls.concurrency, (id) =>
        calls.send('DELETE', lockOf(id), undefined, {}).catch(() => undefined),
      )
    }
  }

  return { under }
}
