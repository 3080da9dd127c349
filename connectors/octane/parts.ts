import type { ListedPart } from '../../core/parts.ts'
import { type ListsParts, noParts } from '../contract.ts'
import { type OctaneEntity, quoted } from './codec.ts'
import type { OctaneCalls } from './connector.ts'
import { countOf, mayFollow, type ReadPage } from './pages.ts'

export interface PartsFeed {
  path: string
  /** Besides the owner. */
  fields: string
  /** The field that names what the parts of a type belong to; undefined: the type has none that clients may list. */
  ownerOf(entityType: string): string | undefined
  partOf(recordId: string, row: OctaneEntity): ListedPart
}

/** Listings of attachments or comments, whose ids are of one sequence and whose owners are fields of their own. */
export function listsParts(
  calls: Pick<OctaneCalls, 'get'>,
  paged: ReadPage,
  { path, fields, ownerOf, partOf }: PartsFeed,
): ListsParts {
  return {
    async listed(entityType, since, after, call = {}) {
      const owner = ownerOf(entityType)
      if (owner === undefined) return noParts
      const clauses = [
        // Of work items of all types: who asks for one type reads those of the others as missing.
        `!${owner} EQ {null}`,
        ...(since === null ? [] : [`last_modified GE ${quoted(since)}`]),
        ...(after === null ? [] : [`id GT ${after}`]),
      ]
      const query = { query: `"${clauses.join(';')}"`, fields: `${fields},${owner}`, order_by: 'id' }
      const page = await paged(path, query, call)
      const parts = page.data.map((row) => partOf(String((row[owner] as { id?: string } | null)?.id ?? ''), row))
      const last = parts[parts.length - 1]
      const next = last !== undefined && mayFollow(page, parts.length) ? last.id : null
      return { parts, ids: [], range: since === null ? { prefix: '', above: after, upTo: next } : null, next }
    },
    async totals(entityType, above, call = {}) {
      const owner = ownerOf(entityType)
      if (owner === undefined) return null
      const last = (clause: string) =>
        calls.get(path, { query: `"!${owner} EQ {null}${clause}"`, fields: 'id', order_by: '-id', limit: '1' }, call)
      const all = await last('')
      const count = countOf(all)
      if (count === null) return null
      const highest = all.data[0] === undefined ? null : String(all.data[0].id)
      const isMore = above !== null && highest !== null && Number(highest) > Number(above)
      const more = isMore ? (countOf(await last(`;id GT ${above}`)) ?? 0) : 0
      return { count, highest, above: above === null ? count : more }
    },
  }
}
