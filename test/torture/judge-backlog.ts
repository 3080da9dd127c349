import { decodeEntry } from '../../core/attachments.ts'
import { referencedId } from '../../core/endpoint.ts'
import { verifyChain } from '../../db/ledger-verify.ts'
import type { TruthEntry } from '../../sandbox/common/truth-log.ts'
import type { Lab } from '../lab.ts'
import type { History, System } from './history.ts'
import { judgeComments } from './judge-comments.ts'
import { judgeFiles, overtaken } from './judge-files.ts'
import { createVerdict, type Verdict } from './verdict.ts'

/** Types of Octane's backlog with the requirement types that stand for them in these worlds. */
export const backlogTypes = { epic: ['4'], feature: ['3'], story: ['101', '6'] } as const
export type BacklogType = keyof typeof backlogTypes
export const backlogTypeNames = ['epic', 'feature', 'story'] as const

export function backlogTypeOf(almType: unknown): BacklogType | null {
  return backlogTypeNames.find((type) => (backlogTypes[type] as readonly string[]).includes(String(almType))) ?? null
}

/** A pair of records whose files and comments are compared. */
export interface RecordPair {
  about: string
  alm: string
  octane: { type: string; id: string }
}

/** A record of the backlog as one of the systems has it. */
export interface Item {
  id: string
  type: BacklogType
  name: string
  parent: string | null
  twin: string | null
}

/** All items of a system by id; its own root and what is no backlog are left out. */
export function itemsOf(lab: Lab, system: System): Map<string, Item> {
  const { alm, octane } = lab
  if (system === 'octane')
    return new Map(
      backlogTypeNames.flatMap((type) =>
        octane.records(type).map((one): [string, Item] => [
          one.id,
          {
            id: one.id,
            type,
            name: String(one.name),
            parent: (one.parent as { type: string; id: string } | null)?.id ?? null,
            twin: referencedId(
              { kind: 'alm', url: '', domain: alm.domain, project: alm.project },
              'requirement',
              one.alm_id_udf,
            ),
          },
        ]),
      ),
    )
  return new Map(
    alm.records('requirement').flatMap((one): [string, Item][] => {
      const type = backlogTypeOf(one['type-id'])
      const twin =
        String(one['user-01'] ?? '')
          .split('/')
          .at(-1) ?? ''
      return type === null || String(one.id) === '0'
        ? []
        : [
            [
              String(one.id),
              {
                id: String(one.id),
                type,
                name: String(one.name),
                parent: String(one['parent-id']) === '0' ? null : String(one['parent-id']),
                twin: twin === '' ? null : twin,
              },
            ],
          ]
    }),
  )
}

const isItem = (entry: TruthEntry) =>
  entry.type === 'requirement' || (backlogTypeNames as readonly string[]).includes(entry.type)

/** What is no record of its own: I10 counts its writes by side. Comments of ALM are a text of their record. */
const parts: Readonly<Record<string, string>> = { attachment: 'file', comment: 'comment' }

const keyOf = (entry: TruthEntry) => {
  const part = parts[entry.type]
  return part === undefined ? `${entry.system} ${entry.action} ${entry.id}` : `${entry.system} ${part}`
}

/**
 * I1, I3, I7 and I10 of a backlog that is at rest: the tree, the names, the files (by content) and the comments agree, every record, file
 * and comment is there once, no child was created before its parent, and ledger and truth logs match. Records that an open issue
 * names, and those whose twin a person deleted, are compared with nothing.
 */
export async function judgeBacklog(lab: Lab, history: History, verdict: Verdict = createVerdict()): Promise<Verdict> {
  const items = { alm: itemsOf(lab, 'alm'), octane: itemsOf(lab, 'octane') }
  const issues = await lab.database.sql<{ leftId: string | null; rightId: string | null; code: string }[]>`
    select left_id as "leftId", right_id as "rightId", code from issues where resolved_at is null`
  const waits = (almId: string | null, octaneId: string | null) =>
    issues.some((one) => (almId !== null && one.leftId === almId) || (octaneId !== null && one.rightId === octaneId))
  const removed = new Set(
    history.entries().flatMap((one) => (one.action === 'delete' && isItem(one) ? [`${one.system} ${one.id}`] : [])),
  )
  for (const [system, other] of [
    ['alm', 'octane'],
    ['octane', 'alm'],
  ] as const) {
    const named = new Map<string, string[]>()
    for (const item of items[system].values()) {
      const [almId, octaneId] = system === 'alm' ? [item.id, item.twin] : [item.twin, item.id]
      if (item.twin !== null) named.set(item.twin, [...(named.get(item.twin) ?? []), item.id])
      verdict.tried('I1')
      const twin = item.twin === null ? undefined : items[other].get(item.twin)
      if (twin !== undefined || waits(almId, octaneId)) continue
      if (item.twin === null || !removed.has(`${other} ${item.twin}`))
        verdict.broken('I1', `${system} ${item.type} ${item.id} "${item.name}" has no twin`)
    }
    for (const [twin, all] of named) {
      verdict.tried('I3')
      if (all.length > 1) verdict.broken('I3', `${other} ${twin} has the twins ${all.join(', ')}`)
    }
  }
  const pairs: RecordPair[] = []
  for (const left of items.alm.values()) {
    const right = left.twin === null ? undefined : items.octane.get(left.twin)
    if (right === undefined || waits(left.id, right.id)) continue
    const about = `${left.type} ${left.id}/${right.id}`
    const check = (what: string, one: unknown, other: unknown) => {
      verdict.tried('I1')
      if (JSON.stringify(one) !== JSON.stringify(other))
        verdict.broken('I1', `${what} of ${about}: ALM ${JSON.stringify(one)}, Octane ${JSON.stringify(other)}`)
    }
    check('name', left.name, right.name)
    check('type', left.type, right.type)
    const above = left.parent === null ? undefined : items.alm.get(left.parent)
    const gone = right.parent !== null && items.octane.get(right.parent) === undefined
    if (!gone) check('parent', above?.twin ?? null, right.type === 'epic' ? null : right.parent)
    pairs.push({ about, alm: left.id, octane: { type: right.type, id: right.id } })
  }
  await judgeFiles(lab, history, pairs, verdict)
  judgeComments(lab, history, pairs, verdict)
  judgeOrder(history, verdict)
  await judgeLedger(lab, history, verdict)
  return verdict
}

/** I7: features and stories that Tandem creates or moves lie below something that is there. */
function judgeOrder(history: History, verdict: Verdict): void {
  const there = new Set<string>()
  for (const entry of history.entries()) {
    if (!isItem(entry)) continue
    const type = entry.system === 'octane' ? entry.type : backlogTypeOf(entry.after?.['type-id'])
    const named =
      entry.system === 'octane'
        ? (entry.after?.parent as { id: string } | null | undefined)?.id
        : String(entry.after?.['parent-id'] ?? '0')
    const parent = named === undefined || named === '0' ? null : String(named)
    if (entry.via === 'rest' && entry.action === 'create' && type !== 'epic') {
      verdict.tried('I7')
      if (parent === null)
        verdict.broken('I7', `${entry.system} ${type} ${entry.id} was created before its parent's twin`)
      else if (!there.has(`${entry.system} ${parent}`))
        verdict.broken('I7', `${entry.system} ${type} ${entry.id} lies under ${parent}, which does not exist`)
    }
    if (entry.action === 'create') there.add(`${entry.system} ${entry.id}`)
    if (entry.action === 'delete') there.delete(`${entry.system} ${entry.id}`)
  }
}

/** I10: per record as many writes as ledger rows; files and Octane's comments are counted by side. */
async function judgeLedger(lab: Lab, history: History, verdict: Verdict): Promise<void> {
  const rows = await lab.database.sql<{ key: string; count: number }[]>`
    select case side when 'left' then 'alm' else 'octane' end || ' ' ||
      case when action = 'attachment' then 'file' when action = 'comment' and side = 'right' then 'comment'
        when action in ('comment', 'link-back') then 'update ' || coalesce(own, '') else action || ' ' || coalesce(own, '') end as key,
      count(*)::int
    from (select *, case side when 'left' then left_id else right_id end as own from ledger) l where kind = 'write' group by 1`
  const difference = new Map(rows.map((row) => [row.key, row.count]))
  history.entries().forEach((entry, at) => {
    if (entry.via !== 'rest' || (history.isLate(at) && entry.action === 'update' && entry.changed.length === 0)) return
    const key = keyOf(entry)
    difference.set(key, (difference.get(key) ?? 0) - 1)
  })
  // The ledger says of these that nobody can tell; either answer is true. A create has no id where its source is gone.
  for (const row of await lab.database.sql<{ system: System; id: string | null }[]>`
    select case side when 'left' then 'alm' else 'octane' end as system, case side when 'left' then left_id else right_id end as id
    from ledger where action = 'unsettled-write'`) {
    const created = [...difference].find(([key, count]) => count < 0 && key.startsWith(`${row.system} create `))
    const key = row.id === null ? created?.[0] : `${row.system} update ${row.id}`
    if (key !== undefined && (difference.get(key) ?? 0) < 0) difference.set(key, (difference.get(key) ?? 0) + 1)
  }
  // Written ahead by a worker that died before it took a file away, and taken away by a person since.
  for (const { system, file } of await lab.database.sql<{ system: System; file: string }[]>`
    select case side when 'left' then 'alm' else 'octane' end as system, f ->> 'before' as file
    from ledger, jsonb_array_elements(content -> 'fields') f
    where kind = 'write' and action = 'attachment' and found_by_looking and f ->> 'rule' = 'delete'`) {
    const { id } = decodeEntry(file)
    const byHand = (one: TruthEntry) => one.via !== 'rest' && one.type === 'attachment' && one.action === 'delete'
    const taken = history.entries().some((one) => byHand(one) && one.system === system && one.id === id)
    const key = `${system} file`
    if (taken && (difference.get(key) ?? 0) > 0) difference.set(key, (difference.get(key) ?? 0) - 1)
  }
  // Done by a worker that died, and undone by a person before anybody looked: nobody can know that it ever was.
  const undone = [
    ...overtaken(history).map(keyOf),
    ...history
      .entries()
      .flatMap((one) =>
        one.action === 'delete' && one.via !== 'rest' && isItem(one) ? [`${one.system} create ${one.id}`] : [],
      ),
  ]
  for (const key of undone) if ((difference.get(key) ?? 0) < 0) difference.set(key, (difference.get(key) ?? 0) + 1)
  // Written ahead by a worker that died before it wrote, and done by a person since: nobody can know whose it was.
  for (const { key, field, sent } of await lab.database.sql<{ key: string; field: string; sent: unknown }[]>`
    select case l.side when 'left' then 'alm update ' || left_id else 'octane update ' || right_id end as key,
      f ->> 'field' as field, f -> 'sent' as sent
    from ledger l, jsonb_array_elements(content -> 'fields') f
    where kind = 'write' and action = 'update' and found_by_looking`) {
    const byHand = history
      .entries()
      .some(
        (one) =>
          one.via !== 'rest' &&
          `${one.system} update ${one.id}` === key &&
          one.changed.includes(field) &&
          plainValue(one.after?.[field]) === plainValue(sent),
      )
    if (byHand && (difference.get(key) ?? 0) > 0) difference.set(key, (difference.get(key) ?? 0) - 1)
  }
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

/** A value as both its server and the ledger have it: a reference by its id. */
function plainValue(value: unknown): string {
  return typeof value === 'object' && value !== null && 'id' in value ? String(value.id) : String(value)
}
