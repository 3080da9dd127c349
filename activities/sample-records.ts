import type { CallOptions, Connector } from '../connectors/contract.ts'
import type { RecordScope } from '../core/scope.ts'
import type { RecordSnapshot } from '../core/values.ts'

export interface Sample {
  records: readonly RecordSnapshot[]
  /** True: these are all that are in scope. */
  exact: boolean
  /** How many there are in all; of a scope that takes only a part up, an estimate where it is not exact. */
  total: number
}

/** Where there are more, this many stretches of the numbers are looked at. */
const stretches = 10

/**
 * Records of a side that a link takes up: all of them, or a part from all ages where there are many. `most`: so many records
 * tell what is wrong with a mapping; all of them would make a check as long as a run.
 */
export async function sampleRecords(
  connector: Connector,
  entityType: string,
  fields: readonly string[],
  { scope, most }: { scope: RecordScope | null; most: number },
  call: CallOptions,
): Promise<Sample> {
  const total = await connector.count(entityType, call)
  const types = scope?.types ?? undefined
  const listed = new Set<string>()
  const list = async (afterId: string | null, limit: number) => {
    const page = await connector.scan(
      { entityType, since: null, afterId, limit, ...(types === undefined || types === null ? {} : { types }) },
      call,
    )
    for (const row of page.rows) listed.add(row.id)
    return page
  }
  if (total <= most) {
    for (let afterId: string | null = null; ; ) {
      const page = await list(afterId, most)
      const last = page.rows.at(-1)
      if (page.last || last === undefined) break
      afterId = last.id
    }
  } else {
    const first = await list(null, most / stretches)
    // Only plain numbers can be jumped over; others are listed from the beginning on.
    const plain = first.rows.every((row) => /^\d+$/.test(row.id))
    const lowest = Number(first.rows[0]?.id ?? 0)
    let afterId = first.rows.at(-1)?.id ?? null
    for (let stretch = 1; stretch < stretches && afterId !== null; stretch++) {
      const from: string = plain ? String(lowest + Math.floor((total * stretch) / stretches)) : afterId
      const page = await list(from, most / stretches)
      afterId = page.rows.at(-1)?.id ?? null
    }
  }
  const ids = [...listed]
  const inside = scope === null ? ids : await connector.matching(entityType, ids, scope, call)
  const records = inside.length === 0 ? [] : await connector.read(entityType, inside, fields, call)
  const exact = total <= most
  const share = exact || ids.length === 0 ? 0 : inside.length / ids.length
  return { records, exact, total: exact ? records.length : Math.round(total * share) }
}
