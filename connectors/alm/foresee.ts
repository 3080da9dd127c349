import type { Problem } from '../../core/problems.ts'
import type { CallOptions, Foresees } from '../contract.ts'
import { isHtml } from '../http.ts'
import type { AlmCalls } from './connector.ts'
import { assertSuccess, parseJson } from './errors.ts'
import { asArray } from './schema.ts'

/** A listing of locks is used for so long, in milliseconds: people open and close records all the time. */
const keepMs = 5_000
const pageSize = 1_000

/** One row of the flat API's collection of locks. */
interface LockRow {
  entity?: { id?: number | string; type?: string }
  user?: string
}

interface LockStatus {
  LockStatus?: string
  LockUser?: string
}

/** Who has which record open, by `type:id`. */
type Locks = ReadonlyMap<string, string>

/**
 * Records that a person has open: listed by the flat API in one request for all, or, where the server has no such list,
 * asked for one by one for what would be updated or deleted. Permissions and workflow scripts are told by no resource of the API.
 */
export function createForesight(calls: AlmCalls, me: () => Promise<string>): Foresees {
  let listing: { locks: Promise<Locks | null>; until: number } | null = null
  let mine: Promise<string> | null = null

  /** Login of our own user: a lock of another job of ours is no person's. */
  function ownLogin(): Promise<string> {
    mine ??= me().catch((error: unknown) => {
      mine = null
      throw error
    })
    return mine
  }

  /** Null: the server has no such list, or not for us. */
  async function list(): Promise<Locks | null> {
    const own = (await ownLogin()).toLowerCase()
    const locks = new Map<string, string>()
    for (let offset = 0; ; offset += pageSize) {
      const answer = await calls.flat('/locks', { limit: String(pageSize), offset: String(offset) })
      if (isHtml(answer) || (answer.status >= 400 && answer.status < 500)) return null
      assertSuccess(answer, calls.name)
      const rows = asArray((parseJson(answer) as { data?: LockRow[] | LockRow } | undefined)?.data)
      for (const { entity, user = '' } of rows)
        if (entity?.id !== undefined && entity.type !== undefined && user.toLowerCase() !== own)
          locks.set(`${entity.type}:${entity.id}`, user)
      if (rows.length < pageSize) return locks
    }
  }

  function listed(): Promise<Locks | null> {
    if (listing !== null && listing.until > performance.now()) return listing.locks
    // Shared by everybody who asks meanwhile, so no caller's abort may end it.
    const locks = list()
    listing = { locks, until: performance.now() + keepMs }
    locks.catch(() => {
      listing = null
    })
    return locks
  }

  /** Null: nobody else has it open. */
  async function asked(entityType: string, id: string, options: CallOptions): Promise<string | null> {
    const answer = await calls.send('GET', `/${calls.collection(entityType)}/${id}/lock`, undefined, options)
    // What has no locks, or is not there any more, is not locked.
    if (isHtml(answer) || answer.status >= 400) return null
    const { LockStatus: status, LockUser: user = '' } = (parseJson(answer) ?? {}) as LockStatus
    if (status !== 'LOCKED_BY_OTHER') return null
    return user.toLowerCase() === (await ownLogin()).toLowerCase() ? null : user
  }

  return async (entityType, rows, options = {}) => {
    const existing = rows.filter((row) => row.id !== null)
    if (existing.length === 0) return rows.map(() => [])
    const locks = await listed()
    return Promise.all(
      rows.map(async ({ id, alongside }) => {
        if (id === null || (locks === null && alongside === true)) return []
        const user = locks === null ? await asked(entityType, id, options) : locks.get(`${entityType}:${id}`)
        return user === undefined || user === null ? [] : [lockedBy(user)]
      }),
    )
  }
}

function lockedBy(user: string): Problem {
  return {
    class: 'locked',
    code: 'locked',
    message: `The record is locked by user '${user}'.`,
    remedy: 'Nothing to do: it is tried again by itself. The person named has it open in ALM.',
  }
}
