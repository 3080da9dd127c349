import type { UserPair } from '../core/people.ts'
import { formatPeople } from '../core/people-csv.ts'
import { type Side, sides } from '../core/values.ts'
import { type Database, named } from './connection.ts'
import { appendLedger, chainOf } from './ledger.ts'
import { requeuePeople } from './requeue.ts'

export interface UserMapping {
  pairs: UserPair[]
  /** Every link of the same two endpoints follows it. */
  links: { id: string; name: string }[]
}

/** The user mapping of the endpoints of a link; null: there is no such link. */
export async function loadUserMapping({ sql }: Database, linkId: string): Promise<UserMapping | null> {
  return named('load user mapping', async () => {
    const [link] = await sql<{ endpointPairId: string }[]>`
      select endpoint_pair_id as "endpointPairId" from links where id = ${linkId} and deleted_at is null`
    if (link === undefined) return null
    const { endpointPairId } = link
    const [pairs, links] = await Promise.all([
      sql<UserPair[]>`
        select left_key as left, right_key as right, direction from user_mappings
        where endpoint_pair_id = ${endpointPairId} order by left_key is null, lower(left_key), lower(right_key)`,
      sql<UserMapping['links']>`
        select id, name from links where endpoint_pair_id = ${endpointPairId} and deleted_at is null order by name`,
    ])
    return { pairs: [...pairs], links: [...links] }
  })
}

export interface SavedUserMapping {
  added: number
  removed: number
  kept: number
  /** Records that waited for one of these people and are due now, of all links. */
  due: number
  /** Links that have some of them. */
  links: string[]
}

/**
 * Puts other pairs in the place of the user mapping. Records that wait for one of the people concerned are due at once, in
 * every link of the two endpoints; where somebody else stands in for everybody, all that wait for anybody.
 */
export async function saveUserMapping(
  { sql }: Database,
  input: {
    linkId: string
    pairs: readonly UserPair[]
    /** What user fields of a side hold for the person that a line names. */
    keyOf(side: Side, text: string): string
    actor: string
  },
): Promise<SavedUserMapping> {
  return named('save user mapping', () =>
    sql.begin(async (tx) => {
      const [owner] = await tx<{ id: string }[]>`
        select p.id from endpoint_pairs p join links l on l.endpoint_pair_id = p.id where l.id = ${input.linkId} for update of p`
      if (owner === undefined) throw new Error('the link is gone')
      const before = await tx<UserPair[]>`
        select left_key as left, right_key as right, direction from user_mappings where endpoint_pair_id = ${owner.id}`
      const [old, next] = [new Map(before.map(byLine)), new Map(input.pairs.map(byLine))]
      const added = input.pairs.filter((pair) => !old.has(lineOf(pair)))
      const removed = before.filter((pair) => !next.has(lineOf(pair)))
      const saved = { added: added.length, removed: removed.length, kept: next.size - added.length }
      if (added.length + removed.length === 0) return { ...saved, due: 0, links: [] }
      await tx`delete from user_mappings where endpoint_pair_id = ${owner.id}`
      if (input.pairs.length > 0)
        await tx`
          insert into user_mappings (endpoint_pair_id, left_key, right_key, direction)
          select ${owner.id}, r.left, r.right, r.direction
          from jsonb_to_recordset(${tx.json(input.pairs.map((pair) => ({ ...pair })))}) as r("left" text, "right" text, direction text)`
      const changed = [...added, ...removed]
      const everybody = changed.some((pair) => pair.left === null || pair.right === null)
      const keys = changed.flatMap((pair) =>
        sides.flatMap((side) => {
          const text = pair[side]
          return text === null ? [] : [text.toLowerCase(), input.keyOf(side, text).toLowerCase()]
        }),
      )
      const live = await tx<{ id: string }[]>`
        select id from links where endpoint_pair_id = ${owner.id} and deleted_at is null`
      const links: string[] = []
      let due = 0
      for (const { id } of live) {
        const count = await requeuePeople(tx, id, everybody ? null : keys)
        if (count > 0) links.push(id)
        due += count
      }
      await appendLedger(tx, chainOf(null), [
        {
          kind: 'command',
          action: 'user mapping changed',
          linkId: null,
          content: { endpointPairId: owner.id, added: added.map(lineOf), removed: removed.map(lineOf), due },
          actor: input.actor,
        },
      ])
      return { ...saved, due, links }
    }),
  )
}

/** As the file has it: two lines that read the same are one. */
function lineOf({ left, right, direction }: UserPair): string {
  return formatPeople([{ left: left ?? '*', right: right ?? '*', direction }]).trimEnd()
}

function byLine(pair: UserPair): [string, UserPair] {
  return [lineOf(pair), pair]
}
