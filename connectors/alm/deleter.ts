import { sameStamp } from '../../core/values.ts'
import { confirmRecordsGone } from '../confirm-gone.ts'
import type { CallOptions, DeleteResult, DeleteRow, Deletes } from '../contract.ts'
import { isHtml } from '../http.ts'
import { inOrder } from '../limiter.ts'
import { inDoubt, movedProblem } from '../row-results.ts'
import type { AlmCalls, AlmRead } from './connector.ts'
import { errorOf, problemOf } from './errors.ts'
import { lookUpAt } from './look-up.ts'
import { goneProblem, isDefinite, notSent, sent, words } from './row-results.ts'

/**
 * Evidence by id and deleting. With
 * locks, a deletion locks the record, reads it again, and deletes; the lock goes with the record.
 */
export function createDeleter(calls: AlmCalls, read: AlmRead, mode: 'lock' | 'bulk'): Deletes {
  async function one(entityType: string, row: DeleteRow, options: CallOptions): Promise<DeleteResult> {
    const path = `/${calls.collection(entityType)}/${row.id}`
    const lock = mode === 'lock' ? `${path}/lock` : null
    const unlock = async () => {
      // A lock that cannot be given back dies with the session, and with the record.
      if (lock !== null) await calls.send('DELETE', lock, undefined, {}).catch(() => undefined)
    }
    try {
      if (lock !== null) {
        const answer = await calls.send('POST', lock, undefined, options)
        if (answer.status >= 400) return refusal(entityType, answer)
      }
      const [now] = await read(entityType, [row.id], [], options)
      const moved = now !== undefined && !sameStamp(row.expected, now.stamp)
      if (now === undefined || moved) {
        await unlock()
        return { outcome: 'refused', problem: moved ? movedProblem() : goneProblem(row.id) }
      }
    } catch (error) {
      if (sent(error)) await unlock()
      return notSent(options.signal?.aborted === true ? options.signal.reason : error)
    }
    try {
      const answer = await calls.send('DELETE', path, undefined, options)
      if (answer.status < 300 && !isHtml(answer)) return { outcome: 'done' }
      await unlock()
      if (isHtml(answer) || (answer.status >= 500 && !isDefinite(answer)))
        return inDoubt(`${calls.name} answered HTTP ${answer.status} to a deletion.`, answer.status)
      return refusal(entityType, answer)
    } catch (error) {
      await unlock()
      return sent(error) ? inDoubt(words(error)) : notSent(error)
    }
  }

  function refusal(entityType: string, answer: Parameters<typeof errorOf>[0] & { status: number }): DeleteResult {
    return { outcome: 'refused', problem: problemOf(errorOf(answer), answer.status, calls.described(entityType)) }
  }

  return {
    confirmGone: (entityType, ids, siblings, options = {}) =>
      confirmRecordsGone(
        (id) => lookUpAt(calls, `/${calls.collection(entityType)}/${id}`, options),
        ids,
        siblings,
        options,
      ),
    delete: (entityType, rows, options = {}) =>
      inOrder(rows, calls.concurrency, (row) => one(entityType, row, options)),
  }
}
