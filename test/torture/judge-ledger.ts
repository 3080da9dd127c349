import { verifyChain } from '../../db/ledger-verify.ts'
import type { History, World } from './history.ts'
import type { Verdict } from './verdict.ts'

/**
 * I10: for each record and kind of write, as many committed writes in the truth logs as rows in the ledger. `undone`: keys
 * of writes that nobody had settled when their server went back in time: whether they had happened cannot be known.
 */
export async function judgeLedger(
  lab: World,
  history: History,
  verdict: Verdict,
  undone: ReadonlyMap<string, number>,
): Promise<void> {
  const { sql } = lab.database
  const rest = history.entries().filter(
    (entry, at) =>
      entry.via === 'rest' &&
      entry.type === 'defect' &&
      // The same reference written once more by a request that was given up long before: it changes nothing.
      !(history.isLate(at) && entry.action === 'update' && entry.changed.length === 0),
  )
  const unsettled = await sql<{ system: string; id: string | null }[]>`
    select case side when 'left' then 'alm' else 'octane' end as system, case side when 'left' then left_id else right_id end as id
    from ledger where action = 'unsettled-write'`
  const ledger = await sql<{ system: string; id: string; action: string; count: number }[]>`
    select case side when 'left' then 'alm' else 'octane' end as system, case side when 'left' then left_id else right_id end as id,
      case action when 'link-back' then 'update' else action end as action, count(*)::int
    from ledger where kind = 'write' group by 1, 2, 3`
  const difference = new Map<string, number>()
  for (const row of ledger) difference.set(`${row.system} ${row.action} ${row.id}`, row.count)
  for (const entry of rest) {
    const key = `${entry.system} ${entry.action} ${entry.id}`
    difference.set(key, (difference.get(key) ?? 0) - 1)
  }
  // Both sides' records are gone, a deletion of ours was open, and a person deleted it as well: whose it was nobody can tell.
  const settledByLooking = await sql<{ key: string }[]>`
    select case side when 'left' then 'alm delete ' || left_id else 'octane delete ' || right_id end as key
    from ledger where kind = 'write' and action = 'delete' and found_by_looking`
  const byPeople = new Set(
    history.entries().map((entry) => (entry.via === 'rest' ? '' : `${entry.system} ${entry.action} ${entry.id}`)),
  )
  for (const { key } of settledByLooking)
    if ((difference.get(key) ?? 0) > 0 && byPeople.has(key)) difference.set(key, (difference.get(key) ?? 0) - 1)
  const excuse = (key: string) => {
    if ((difference.get(key) ?? 0) < 0) difference.set(key, (difference.get(key) ?? 0) + 1)
  }
  // Created by a worker that died, and deleted by a person before anybody looked: nobody can know that it ever was.
  for (const entry of history.entries())
    if (entry.action === 'delete' && entry.via !== 'rest' && entry.type === 'defect')
      excuse(`${entry.system} create ${entry.id}`)
  for (const row of unsettled) {
    // The ledger says of this one that nobody can tell; either answer is true.
    if (row.id !== null) excuse(`${row.system} update ${row.id}`)
    else {
      const open = [...difference].find(([key, count]) => count < 0 && key.startsWith(`${row.system} create `))
      if (open !== undefined) excuse(open[0])
    }
  }
  // After a restore, a write may wait for a person with its record, whose twin's number belongs to another record by now.
  if (history.entries().some((entry) => entry.action === 'restore'))
    for (const row of await sql<{ key: string }[]>`
      select case side when 'left' then 'alm' else 'octane' end || ' update ' || target_id as key
      from intents where target_id is not null`)
      excuse(row.key)
  for (const [key, count] of undone) for (let index = 0; index < count; index++) excuse(key)
  for (const [key, count] of difference) {
    verdict.tried('I10')
    if (count !== 0)
      verdict.broken(
        'I10',
        `${key}: ${count > 0 ? `${count} ledger rows too many` : `${-count} writes without ledger row`}`,
      )
  }
  const chain = await verifyChain(lab.database, `link:${lab.linkId}`)
  if (chain.firstBreak !== null) verdict.broken('I10', `the ledger's chain breaks: ${chain.firstBreak.reason}`)
}
