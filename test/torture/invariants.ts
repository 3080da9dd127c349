import { crossReference } from '../../core/endpoint.ts'
import { sameMemoContent } from '../../core/memo.ts'
import { verifyChain } from '../../db/ledger.ts'
import type { TruthEntry } from '../../sandbox/common/truth-log.ts'
import type { Lab } from '../lab.ts'
import { type TracedField, tracedFields } from './editors.ts'
import type { History } from './history.ts'

export const invariants = {
  I1: 'both sides agree',
  I2: 'no edit of a person is lost',
  I3: 'no record has two twins',
  I5: 'a further cycle writes nothing',
  I6: 'no echo: at most one write per edit and other side',
  I10: 'writes and ledger rows match one to one',
} as const
export type Invariant = keyof typeof invariants

export interface Violation {
  invariant: Invariant
  message: string
}

interface Twin {
  almId: string
  octaneId: string
}

/** Looks at both systems once everything is quiet, and answers what is not as it must be. Reads nothing through Tandem. */
export async function judgeWorld(lab: Lab, history: History): Promise<Violation[]> {
  const violations: Violation[] = []
  const broken = (invariant: Invariant, message: string) => violations.push({ invariant, message })
  const almAddress = { kind: 'alm' as const, url: '', domain: lab.alm.domain, project: lab.alm.project }
  const byReference = new Map<string, string[]>()
  for (const record of lab.octane.records('defect')) {
    const reference = String(record.alm_id_udf ?? '')
    byReference.set(reference, [...(byReference.get(reference) ?? []), record.id])
  }
  const twins: Twin[] = []
  for (const record of lab.alm.records('defect')) {
    const almId = String(record.id)
    const found = byReference.get(crossReference(almAddress, 'defect', almId)) ?? []
    if (found.length > 1) broken('I3', `ALM ${almId} has the twins ${found.join(', ')}`)
    const [octaneId] = found
    if (octaneId === undefined) broken('I1', `ALM ${almId} has no twin`)
    else twins.push({ almId, octaneId })
  }
  const paired = new Set(twins.map((twin) => twin.octaneId))
  for (const record of lab.octane.records('defect'))
    if (!paired.has(record.id)) broken('I1', `Octane ${record.id} has no twin`)

  const entries = history.entries()
  // A field that waits for a person is in nobody's way: it is neither lost nor agreed.
  const asked = await lab.database.sql<{ leftId: string; mappingId: string }[]>`
    select left_id as "leftId", mapping_id as "mappingId" from issues where resolved_at is null and code = 'both-changed'`
  const isAsked = (twin: Twin, field: TracedField) =>
    asked.some(
      (one) =>
        one.leftId === twin.almId &&
        lab.configuration.fields.some((mapping) => mapping.id === one.mappingId && mapping.left === field.alm),
    )
  for (const twin of twins)
    for (const field of tracedFields) {
      if (isAsked(twin, field)) continue
      const final = finalValues(lab, twin, field)
      if (!sameContent(field, final.alm, final.octane))
        broken(
          'I1',
          `${field.name} of ${twin.almId}/${twin.octaneId}: ALM ${show(final.alm)}, Octane ${show(final.octane)}`,
        )
      else {
        const lost = lostEdit(entries, twin, field, final.octane)
        if (lost !== null) broken('I2', `${field.name} of ${twin.almId}/${twin.octaneId}: ${lost}`)
      }
      for (const [system, other] of [
        ['alm', 'octane'],
        ['octane', 'alm'],
      ] as const) {
        const writes = touches(entries, twin, field, system).filter((one) => one.by === 'tandem' && !one.created).length
        const edits = touches(entries, twin, field, other).filter((one) => one.by === 'person' && !one.created).length
        if (writes > edits)
          broken('I6', `${field.name} of ${twin.almId}/${twin.octaneId}: ${writes} writes to ${system}, ${edits} edits`)
      }
    }

  const rest = entries.filter((entry) => entry.via === 'rest' && entry.type === 'defect')
  const unsettled = await lab.database.sql<{ system: string; id: string }[]>`
    select case side when 'left' then 'alm' else 'octane' end as system, case side when 'left' then left_id else right_id end as id
    from ledger where action = 'unsettled-write'`
  const ledger = await lab.database.sql<{ system: string; id: string; action: string; count: number }[]>`
    select case side when 'left' then 'alm' else 'octane' end as system, case side when 'left' then left_id else right_id end as id,
      case action when 'create' then 'create' else 'update' end as action, count(*)::int
    from ledger where kind = 'write' group by 1, 2, 3`
  const counted = new Map<string, number>()
  for (const row of ledger) counted.set(`${row.system} ${row.action} ${row.id}`, row.count)
  for (const entry of rest) {
    const key = `${entry.system} ${entry.action} ${entry.id}`
    counted.set(key, (counted.get(key) ?? 0) - 1)
  }
  for (const row of unsettled) {
    // The ledger says of this one that nobody can tell; either answer is true.
    const key = `${row.system} update ${row.id}`
    if ((counted.get(key) ?? 0) < 0) counted.set(key, (counted.get(key) ?? 0) + 1)
  }
  for (const [key, difference] of counted)
    if (difference !== 0)
      broken(
        'I10',
        `${key}: ${difference > 0 ? `${difference} ledger rows too many` : `${-difference} writes without ledger row`}`,
      )
  const chain = await verifyChain(lab.database, `link:${lab.linkId}`)
  if (chain.firstBreak !== null) broken('I10', `the ledger's chain breaks: ${chain.firstBreak.reason}`)
  return violations
}

interface Touch {
  /** Position in the history. */
  at: number
  by: 'tandem' | 'person'
  created: boolean
  value: unknown
}

/** Who gave a field of a twin which value at one system, in order. */
function touches(entries: readonly TruthEntry[], twin: Twin, field: TracedField, system: 'alm' | 'octane'): Touch[] {
  const id = system === 'alm' ? twin.almId : twin.octaneId
  const name = field[system]
  return entries.flatMap((entry, at) =>
    entry.system === system && entry.type === 'defect' && entry.id === id && entry.changed.includes(name)
      ? [
          {
            at,
            by: entry.via === 'rest' ? 'tandem' : 'person',
            created: entry.action === 'create',
            value: entry.after?.[name] ?? null,
          },
        ]
      : [],
  )
}

function finalValues(lab: Lab, twin: Twin, field: TracedField): { alm: unknown; octane: unknown } {
  return {
    alm: lab.alm.store.get('defect', twin.almId)?.[field.alm] ?? null,
    octane: lab.octane.store.rows('defect').get(twin.octaneId)?.[field.octane] ?? null,
  }
}

function sameContent(field: TracedField, one: unknown, other: unknown): boolean {
  const empty = (value: unknown) => value === null || value === undefined || value === ''
  if (empty(one) || empty(other)) return empty(one) && empty(other)
  return field.name === 'text' ? sameMemoContent(String(one), String(other)) : String(one) === String(other)
}

function show(value: unknown): string {
  return JSON.stringify(value)
}

/**
 * Says which person's edit was lost, or null. Octane dominates: when both sides hold an edit of their own that the other
 * has not seen, Octane's stays. An edit made at a side after the other's value had arrived there is the later one and stays.
 */
function lostEdit(entries: readonly TruthEntry[], twin: Twin, field: TracedField, final: unknown): string | null {
  const alm = touches(entries, twin, field, 'alm')
  const octane = touches(entries, twin, field, 'octane')
  const lastOf = (list: typeof alm) => list.filter((one) => one.by === 'person').at(-1)
  const left = lastOf(alm)
  const right = lastOf(octane)
  if (left === undefined && right === undefined) return null
  const arrived = (list: typeof alm, edit: { at: number; value: unknown }) =>
    list.find((one) => one.by === 'tandem' && one.at > edit.at && sameContent(field, one.value, edit.value))
  let expected: { value: unknown; at: number }
  if (left === undefined) expected = right as NonNullable<typeof right>
  else if (right === undefined) expected = left
  else {
    const rightAtLeft = arrived(alm, right)
    expected = rightAtLeft !== undefined && left.at > rightAtLeft.at ? left : right
  }
  if (sameContent(field, expected.value, final)) return null
  return `${show(expected.value)} was lost, ${show(final)} is there`
}
