import { crossReference } from '../../core/endpoint.ts'
import { sameMemoContent } from '../../core/memo.ts'
import type { TruthEntry } from '../../sandbox/common/truth-log.ts'
import { type TracedField, tracedFields } from './editors.ts'
import type { History, System, World } from './history.ts'
import { deletedByPeople } from './judge-deletions.ts'
import { lineageOf, namedTwin, numberOf, referenceField } from './lineage.ts'
import type { Verdict } from './verdict.ts'

interface Twin {
  almId: string
  octaneId: string
  /** Numbers of all records that ever stood for this one, also those that were deleted and created anew. */
  family: Record<System, ReadonlySet<string>>
}

/** Issues by which a record waits for a person: it is in nobody's way, neither lost nor agreed. */
const waitsForPerson = [
  'twin-edited',
  'twin-deleted',
  'reused-id',
  'unproven-twin',
  'copied-reference',
  'twin-undone',
  'several-twins',
]

/** I1, I2, I3 and I6: both systems are compared once everything is quiet. Reads no record through Tandem. */
export async function judgeTwins(lab: World, history: History, verdict: Verdict): Promise<{ waiting: number }> {
  const entries = history.entries()
  const restored = entries.some((entry) => entry.action === 'restore')
  const issues = await lab.database.sql<
    { code: string; leftId: string | null; rightId: string | null; mappingId: string | null }[]
  >`select code, left_id as "leftId", right_id as "rightId", mapping_id as "mappingId" from issues where resolved_at is null`
  const deleted = deletedByPeople(history)
  const { rules } = lab.configuration
  let waiting = 0
  const waits = (almId: string | null, octaneId: string | null) => {
    const found = issues.some(
      (issue) =>
        waitsForPerson.includes(issue.code) &&
        ((almId !== null && issue.leftId === almId) || (octaneId !== null && issue.rightId === octaneId)),
    )
    if (found) waiting++
    return found
  }
  /** Its twin was deleted, and the rule is to leave it alone, or it was gone before there was anything to carry over. */
  const keptAlone = (system: System, id: string) => {
    const other = system === 'alm' ? 'octane' : 'alm'
    const rule = other === 'alm' ? rules.toRight.delete : rules.toLeft.delete
    const twins = [...lineage.family(lineage.nameOf(system, id))[other]].map(numberOf)
    return rule === 'nothing' && twins.some((one) => deleted[other].has(one) || restored)
  }

  const lineage = lineageOf(lab, history)
  const familyOf = (almId: string): Twin['family'] => {
    const { alm, octane } = lineage.family(lineage.nameOf('alm', almId))
    return { alm: new Set([...alm].map(numberOf)), octane: new Set([...octane].map(numberOf)) }
  }
  const almAddress = { kind: 'alm' as const, url: '', domain: lab.alm.domain, project: lab.alm.project }
  const byReference = new Map<string, string[]>()
  for (const record of lab.octane.records('defect')) {
    const reference = String(record.alm_id_udf ?? '')
    byReference.set(reference, [...(byReference.get(reference) ?? []), record.id])
  }
  const namedByAlm = new Map<string, string[]>()
  const twins: Twin[] = []
  for (const record of lab.alm.records('defect')) {
    const almId = String(record.id)
    const named = namedTwin(lab, 'alm', record[referenceField.alm])
    if (named !== null) namedByAlm.set(named, [...(namedByAlm.get(named) ?? []), almId])
    const all = byReference.get(crossReference(almAddress, 'defect', almId)) ?? []
    // After a restore, an older record may name a number that another record has by now: it waits for a person.
    const found = all.length > 1 && restored ? all.filter((id) => !waits(null, id)) : all
    verdict.tried('I3')
    verdict.tried('I1')
    if (found.length > 1) verdict.broken('I3', `ALM ${almId} has the twins ${found.join(', ')}`)
    const [octaneId] = found
    if (octaneId !== undefined) twins.push({ almId, octaneId, family: familyOf(almId) })
    else if (!keptAlone('alm', almId) && !waits(almId, null)) verdict.broken('I1', `ALM ${almId} has no twin`)
  }
  for (const [octaneId, all] of namedByAlm) {
    const almIds = all.length > 1 && restored ? all.filter((id) => !waits(id, null)) : all
    if (almIds.length > 1) verdict.broken('I3', `Octane ${octaneId} has the twins ${almIds.join(', ')}`)
  }
  const paired = new Set(twins.map((twin) => twin.octaneId))
  for (const { id } of lab.octane.records('defect')) {
    verdict.tried('I3')
    verdict.tried('I1')
    if (!paired.has(id) && !keptAlone('octane', id) && !waits(null, id))
      verdict.broken('I1', `Octane ${id} has no twin`)
  }

  // Two open conflicts of one record are one issue: the conflicts themselves tell which fields wait.
  const conflicts = await lab.database.sql<{ leftId: string; mappingId: string }[]>`
    select p.left_id as "leftId", c.mapping_id as "mappingId" from conflicts c join pairs p on p.id = c.pair_id
    where c.link_id = ${lab.linkId} and c.resolved_at is null`
  const isAsked = (twin: Twin, field: TracedField) =>
    [
      ...conflicts,
      // A value that a restore brought back looks like one that somebody put back at once: the field is frozen.
      ...issues.filter((one) => restored && one.code === 'ping-pong'),
    ].some(
      (one) =>
        one.leftId === twin.almId &&
        lab.configuration.fields.some((mapping) => mapping.id === one.mappingId && mapping.left === field.alm),
    )
  for (const twin of twins)
    for (const field of tracedFields) {
      if (isAsked(twin, field)) continue
      const name = `${field.name} of ${twin.almId}/${twin.octaneId}`
      const final = finalValues(lab, twin, field)
      verdict.tried('I1')
      if (!sameContent(field, final.alm, final.octane)) {
        if (!waits(twin.almId, twin.octaneId))
          verdict.broken('I1', `${name}: ALM ${show(final.alm)}, Octane ${show(final.octane)}`)
      } else if (!restored) {
        const lost = lostEdit(entries, twin, field, final.octane, deleted, verdict)
        if (lost !== null) verdict.broken('I2', `${name}: ${lost}`)
      }
      // Going back in time undoes writes and edits alike: what remains cannot be counted against each other.
      if (restored) continue
      for (const [system, other] of [
        ['alm', 'octane'],
        ['octane', 'alm'],
      ] as const) {
        const writes = touches(entries, twin, field, system).filter((one) => one.by === 'tandem' && !one.created).length
        const edits = touches(entries, twin, field, other).filter((one) => one.by === 'person' && !one.created).length
        verdict.tried('I6')
        if (writes > edits) verdict.broken('I6', `${name}: ${writes} writes to ${system}, ${edits} edits`)
      }
    }
  return { waiting }
}

interface Touch {
  /** Position in the history. */
  at: number
  id: string
  by: 'tandem' | 'person'
  created: boolean
  value: unknown
}

/** Who gave a field of a twin which value at one system, in order. */
function touches(entries: readonly TruthEntry[], twin: Twin, field: TracedField, system: System): Touch[] {
  const name = field[system]
  return entries.flatMap((entry, at) =>
    entry.system === system &&
    entry.type === 'defect' &&
    twin.family[system].has(entry.id) &&
    entry.changed.includes(name) &&
    entry.action !== 'delete'
      ? [
          {
            at,
            id: entry.id,
            by: entry.via === 'rest' ? 'tandem' : 'person',
            created: entry.action === 'create',
            value: entry.after?.[name] ?? null,
          },
        ]
      : [],
  )
}

function finalValues(lab: World, twin: Twin, field: TracedField): { alm: unknown; octane: unknown } {
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
 * An edit of a record that its own side deleted before it was carried over went with the record.
 */
function lostEdit(
  entries: readonly TruthEntry[],
  twin: Twin,
  field: TracedField,
  final: unknown,
  deleted: Record<System, ReadonlySet<string>>,
  verdict: Verdict,
): string | null {
  const alm = touches(entries, twin, field, 'alm')
  const octane = touches(entries, twin, field, 'octane')
  const arrived = (list: typeof alm, edit: { at: number; value: unknown }) =>
    list.find((one) => one.by === 'tandem' && one.at > edit.at && sameContent(field, one.value, edit.value))
  const lastOf = (list: typeof alm, system: System, others: typeof alm) =>
    list
      .filter((one) => one.by === 'person' && (!deleted[system].has(one.id) || arrived(others, one) !== undefined))
      .at(-1)
  const left = lastOf(alm, 'alm', octane)
  const right = lastOf(octane, 'octane', alm)
  if (left === undefined && right === undefined) return null
  verdict.tried('I2')
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
