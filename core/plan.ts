import type { AttachmentComparison, PlannedAttachment } from './attachments.ts'
import { afterReturn, type Base, type BaseField, inTodaysForm, thawed } from './base.ts'
import type { PlannedComment } from './comment-intents.ts'
import type { ConflictDecision, Decisions, FieldConflict } from './conflicts.ts'
import { mappingFingerprint } from './hash.ts'
import type { PlannedField } from './intents.ts'
import type { EditTimes } from './latest.ts'
import { createLearner, type Learner } from './learn.ts'
import type { FieldMapping, LinkConfiguration, TypePair } from './link-config.ts'
import { canonicalMemo } from './memo.ts'
import { type AdoptedDifferences, isGap, type MergeField, type MergeResult, mergeGroup } from './merge.ts'
import { mergeKind } from './merge-values.ts'
import { type FieldMetadata, fieldByName, type SideMetadata } from './metadata.ts'
import { createPartsPlanner } from './plan-parts.ts'
import { requiredProblem, unreadable } from './plan-problems.ts'
import type { Problem } from './problems.ts'
import { type FileAddresses, imageRoute } from './record-images.ts'
import type { References } from './references.ts'
import type { LinkContext } from './store.ts'
import { guardText } from './text-guard.ts'
import { type Around, createTranslator, type Translation } from './translate.ts'
import {
  type CanonicalValue,
  canonicalSet,
  otherSide,
  type RecordSnapshot,
  type Side,
  type Stamp,
  sameStamp,
  sides,
} from './values.ts'

export interface PairPlan {
  /** By written side. */
  writes: { left: readonly PlannedField[]; right: readonly PlannedField[] }
  /** Base values learnt without writing, by mapping id: agreed, frozen, or tried again. */
  agreed: Readonly<Record<string, BaseField>>
  /** Held fields and warnings; the rest of the record goes on. */
  problems: readonly Problem[]
  /** Held fields that a person is to decide. */
  conflicts: readonly FieldConflict[]
  /** Mapping ids whose decision is being carried out. */
  deciding: readonly string[]
  /** Mapping ids whose decision is used up by this plan, whatever comes of it. */
  consumed: readonly string[]
  /** Of those, the ones that cannot be carried out: the field does not flow that way any more. */
  impossible: readonly string[]
  /** Mapping ids of conflicts that the endpoints' histories would settle. */
  wantsHistory: readonly string[]
  /** Attached files to carry, and to compare before. */
  files: { operations: readonly PlannedAttachment[]; comparisons: readonly AttachmentComparison[] }
  /** Comments to write, of each side in the order in which they are to stand there. */
  comments: readonly PlannedComment[]
}

export interface CreatePlan {
  fields: readonly PlannedField[]
  /** Mapped fields without a value: not sent, yet agreed to be empty, so that a default of the server counts as its edit. */
  unset: readonly PlannedField[]
  problems: readonly Problem[]
  /** True: a required field of the target has no value, so nothing is created. */
  blocked: boolean
  /** True: files or comments are to be carried once the record is there. */
  parts: boolean
  /** Comments that follow once the record is there. */
  comments: readonly PlannedComment[]
}

export interface Planner extends Learner {
  /** Names of the fields to read of a side: the mapped ones and the cross-reference. */
  fieldsToRead(side: Side): readonly string[]
  planPair(input: PairInput): PairPlan
  /** Plans the twin of a record that has none. */
  planCreate(from: Side, source: RecordSnapshot, references?: References): CreatePlan
  /** A value of a record as the other side's field of the mapping would hold it. */
  translate(
    mapping: FieldMapping,
    from: Side,
    source: RecordSnapshot,
    value: CanonicalValue,
    references?: References,
  ): Translation
}

export interface PairInput {
  base: Base
  left: RecordSnapshot
  right: RecordSnapshot
  seen: { left: Stamp | null; right: Stamp | null }
  /** What people decided about fields of the pair. */
  decisions?: Decisions
  /** The pair is being adopted: what becomes of values that differ. */
  adopting?: AdoptedDifferences
  /** Frozen fields are tried again. */
  retry?: boolean
  /** Twins of records that the two refer to. */
  references?: References
  /** By mapping id: the side edited last; null: nobody can tell. */
  newer?: Readonly<Record<string, Side | null>>
  /** By mapping id: the times that `newer` comes from, for the ledger. */
  times?: Readonly<Record<string, EditTimes>>
}

export interface PlannerContext {
  configuration: LinkConfiguration
  left: SideMetadata
  right: SideMetadata
  users: LinkContext['users']
  /** Names of both endpoints, for people. */
  names?: { left: string; right: string }
  /** The pair of types whose records are planned, where the link has several. */
  type?: TypePair
  /** What each system is called in the banners of comments that come from it. */
  origins?: Readonly<Record<Side, string>>
  /** Sides where an attached file may get another name. */
  renames?: Readonly<Record<Side, boolean>>
  /** Where both sides carry files: how texts show those that are images. */
  fileAddresses?: FileAddresses
}

/** Builds the planner of a link version: pure, so that runs, simulations and tests plan alike. */
export function createPlanner(context: PlannerContext): Planner {
  const { configuration } = context
  const translator = createTranslator(context)
  const mapped = configuration.fields.filter(
    (mapping) => (mapping.constant === undefined || mapping.constant === null) && !rests(mapping),
  )
  const prepared = new Map(mapped.map((mapping) => [mapping.id, prepare(mapping)]))
  const preparedOf = (mapping: FieldMapping) => prepared.get(mapping.id) ?? prepare(mapping)
  const ofType = (type: FieldMetadata['type']) =>
    mapped
      .filter((mapping) => sides.every((side) => fieldOf(side, mapping[side])?.type === type))
      .map((mapping) => preparedOf(mapping))
  const [ofFiles, ofComments] = [ofType('attachments'), ofType('comments')]
  const parts = createPartsPlanner({
    configuration,
    files: ofFiles,
    comments: ofComments,
    origins: context.origins ?? { left: 'left', right: 'right' },
    renames: context.renames ?? { left: true, right: true },
    fieldOf,
    translator,
    aroundOf,
  })
  const ofParts = new Set([...ofFiles, ...ofComments].map(({ mapping }) => mapping))
  const groups = groupMappings(mapped.filter((mapping) => !ofParts.has(mapping)))

  function fieldOf(side: Side, name: string | null): FieldMetadata | undefined {
    return name === null ? undefined : fieldByName(context[side].entity, name)
  }

  /** A mapped field that is not there any more is an issue of the link; its mapping rests, and the rest of each record goes on. */
  function rests(mapping: FieldMapping): boolean {
    return (['left', 'right'] as const).some(
      (side) => mapping[side] !== null && fieldOf(side, mapping[side]) === undefined,
    )
  }

  function prepare(mapping: FieldMapping) {
    const left = fieldOf('left', mapping.left)
    const right = fieldOf('right', mapping.right)
    const { rules } = configuration
    return {
      mapping,
      mergeKind: mergeKind(left, right),
      memo: { left: left?.type === 'memo', right: right?.type === 'memo' },
      fingerprint: mappingFingerprint(mapping),
      flows: {
        toRight:
          !mapping.createOnly &&
          mapping.direction !== 'to-left' &&
          rules.toRight.update &&
          (right === undefined || right.editable),
        toLeft:
          !mapping.createOnly &&
          mapping.direction !== 'to-right' &&
          rules.toLeft.update &&
          (left === undefined || left.editable),
      },
    }
  }

  function fieldsToRead(side: Side): readonly string[] {
    const names = mapped.flatMap((mapping) => (mapping[side] === null ? [] : [mapping[side]]))
    const reference = configuration[side].crossReference
    return reference === null || names.includes(reference) ? names : [...names, reference]
  }

  function planPair(input: PairInput): PairPlan {
    const { base, left, right, seen } = input
    const writes: { left: PlannedField[]; right: PlannedField[] } = { left: [], right: [] }
    const agreed: Record<string, BaseField> = {}
    const problems: Problem[] = []
    const conflicts: FieldConflict[] = []
    const deciding: string[] = []
    const consumed: string[] = []
    const impossible: string[] = []
    const wantsHistory: string[] = []
    const stampSeen = {
      left: seen.left !== null && sameStamp(seen.left, left.stamp),
      right: seen.right !== null && sameStamp(seen.right, right.stamp),
    }
    const around = { left: aroundOf('left', input), right: aroundOf('right', input) }
    for (const group of groups) {
      const fields: MergeField[] = []
      for (const mapping of group) {
        const leftValue = left.fields[mapping.left ?? '']
        const rightValue = right.fields[mapping.right ?? '']
        if (leftValue === undefined || rightValue === undefined) {
          problems.push(unreadable(mapping, leftValue === undefined ? 'left' : 'right'))
          continue
        }
        const { fingerprint, flows, memo, mergeKind: kind } = preparedOf(mapping)
        const stored = base[mapping.id]
        const lasting = stored === undefined ? undefined : afterReturn(stored, { left: leftValue, right: rightValue })
        const known = lasting === undefined ? undefined : inTodaysForm(lasting, memo)
        const decision = input.decisions?.[mapping.id]
        const newer = input.newer?.[mapping.id]
        fields.push({
          mapping,
          fingerprint,
          mergeKind: kind,
          stamps: { left: left.stamp, right: right.stamp },
          ...(newer === undefined ? {} : { newer }),
          ...(input.adopting === undefined ? {} : { adopting: input.adopting }),
          ...(decision === undefined ? {} : { decision: inCanonicalForm(mapping, decision) }),
          ...(context.names === undefined ? {} : { names: context.names }),
          base: input.retry === true && known !== undefined ? thawed(known) : known,
          left: leftValue,
          right: rightValue,
          flows,
          stampSeen,
          translate: (from, value) =>
            guarded(mapping, from, value, { left, right }, around[from], decision !== undefined),
        })
      }
      mergeGroup(fields).forEach((result, index) => {
        const mapping = fields[index]?.mapping
        if (mapping === undefined) return
        note(mapping, result)
        if (result.kind === 'held') return
        if (result.warning !== undefined) problems.push(result.warning)
        if (result.kind === 'agreed') {
          const stored = base[mapping.id]
          if (result.base !== null) agreed[mapping.id] = result.base
          else if (stored?.returned !== undefined) {
            const { returned: _returned, ...rest } = stored
            agreed[mapping.id] = rest
          }
          return
        }
        const target = fieldOf(result.side, mapping[result.side])
        if (result.value === null && target?.required === true) {
          problems.push(requiredProblem(mapping, result.side, target))
          return
        }
        writes[result.side].push({
          mappingId: mapping.id,
          field: mapping[result.side] ?? '',
          source: result.source,
          before: result.before,
          sent: result.value,
          rule: result.rule,
          group: mapping.group ?? null,
          ...(isGap(result.warning) ? { gap: true as const } : {}),
          ...(result.halfway === undefined ? {} : { halfway: result.halfway }),
          ...(result.rule === 'latest' && input.times?.[mapping.id] !== undefined
            ? { times: input.times[mapping.id] }
            : {}),
        })
      })
    }
    const files = parts.planFiles(input, { agreed, problems })
    const comments = parts.commentsOfPair(input, { agreed, problems })
    return { writes, agreed, problems, conflicts, deciding, consumed, impossible, wantsHistory, files, comments }

    /** People write a text as they please; the planner compares canonical forms. */
    function inCanonicalForm(mapping: FieldMapping, decision: ConflictDecision): ConflictDecision {
      const { side } = decision
      return { ...decision, value: asWritten(fieldOf(side, mapping[side]), decision.value) }
    }

    function note(mapping: FieldMapping, result: MergeResult): void {
      if (input.retry === true && base[mapping.id]?.frozen !== undefined) {
        const known = base[mapping.id]
        if (known !== undefined) agreed[mapping.id] = thawed(known)
      }
      if (result.consumed === true) consumed.push(mapping.id)
      if (result.impossible === true) impossible.push(mapping.id)
      if (result.kind === 'agreed') return
      if (result.deciding === true) deciding.push(mapping.id)
      if (result.wantsHistory === true) wantsHistory.push(mapping.id)
      if (result.kind === 'write') {
        if (result.thawed !== undefined) agreed[mapping.id] = result.thawed
        return
      }
      problems.push(result.problem)
      if (result.conflict !== undefined) conflicts.push(result.conflict)
      if (result.base !== undefined) agreed[mapping.id] = result.base
    }
  }

  /** A translation that minds what texts would lose. What a person has decided about is written whatever it costs. */
  function guarded(
    mapping: FieldMapping,
    from: Side,
    value: CanonicalValue,
    records: Partial<Record<Side, RecordSnapshot>>,
    around: Around,
    decided: boolean,
  ): Translation {
    const to = otherSide(from)
    const translation = translator.translate(mapping, from, value, around)
    const [source, target] = [fieldOf(from, mapping[from]), fieldOf(to, mapping[to])]
    if (source === undefined || target === undefined || decided) return translation
    const lostOn = (side: Side) => records[side]?.lost?.[mapping[side] ?? ''] ?? []
    const current = records[to]?.fields[mapping[to] ?? ''] ?? null
    const way = { mappingId: mapping.id, to, source, target }
    return guardText(way, translation, current, { source: lostOn(from), target: lostOn(to) })
  }

  function aroundOf(
    from: Side,
    {
      references,
      base = {},
      ...records
    }: { references?: References; base?: Base } & Partial<Record<Side, RecordSnapshot>>,
  ): Around {
    const { attachments } = configuration
    const addresses = attachments.method === 'value' ? context.fileAddresses : undefined
    return {
      ...(references === undefined ? {} : { references }),
      ...(addresses === undefined
        ? {}
        : { images: imageRoute({ from, ofFiles, base, records, attachments, addresses }) }),
    }
  }

  function planCreate(from: Side, source: RecordSnapshot, references?: References): CreatePlan {
    const to = otherSide(from)
    const fields: PlannedField[] = []
    const unset: PlannedField[] = []
    const problems: Problem[] = []
    let blocked = false
    const provided = new Set<string>()
    const around = aroundOf(from, { ...(references === undefined ? {} : { references }), [from]: source })
    for (const mapping of configuration.fields) {
      const name = mapping[to]
      if (name === null || ofParts.has(mapping)) continue
      const target = fieldOf(to, name)
      if (target === undefined || !target.creatable) continue
      const planned = plannedOnCreate(mapping, from, source, target, around)
      if (planned.problem !== undefined) {
        problems.push(planned.problem)
        // Without its place in the tree a record would stand where nobody looks for it; of unknown people somebody wants to
        // hear before.
        const waits = planned.problem.code === 'user-gap' || target?.hierarchy !== undefined
        if (planned.problem.warning !== true && waits) blocked = true
      }
      if (planned.field === undefined) continue
      if (planned.field.sent === null) {
        unset.push(planned.field)
        continue
      }
      fields.push(planned.field)
      provided.add(name)
    }
    for (const target of context[to].entity.fields) {
      if (!target.required || !target.creatable || provided.has(target.name)) continue
      if (target.name === configuration[to].crossReference) continue
      const mapping = configuration.fields.find((candidate) => candidate[to] === target.name)
      if (problems.some((problem) => problem.field === target.name && problem.warning !== true)) {
        blocked = true
        continue
      }
      blocked = true
      problems.push(requiredProblem(mapping, to, target))
    }
    const none = (mapping: FieldMapping) => (source.fields[mapping[from] ?? ''] ?? null) === null
    const comments = ofComments.flatMap((one) => {
      const { mapping } = one
      if (none(mapping)) return []
      const values = { [from]: source.fields[mapping[from] ?? ''] ?? null, [to]: null } as Record<Side, CanonicalValue>
      // What cannot go is told at the look that carries them.
      return parts.commentsOfMapping(one, [], values, [], () => around).planned
    })
    const hasParts = comments.length > 0 || [...ofParts].some((mapping) => !none(mapping))
    return { fields, unset, problems, blocked, parts: hasParts, comments }
  }

  function plannedOnCreate(
    mapping: FieldMapping,
    from: Side,
    source: RecordSnapshot,
    target: FieldMetadata | undefined,
    around: Around,
  ): { field?: PlannedField; problem?: Problem } {
    const to = otherSide(from)
    const group = mapping.group ?? null
    const at = { mappingId: mapping.id, field: mapping[to] ?? '', before: null, group }
    if (mapping.constant !== undefined && mapping.constant !== null)
      return { field: { ...at, source: null, sent: mapping.constant, rule: 'constant' } }
    const standIn = target?.type === 'user' && target.required ? translator.standIn(to) : null
    const fallback = mapping.defaults[to] ?? standIn
    const value = mapping[from] === null || rests(mapping) ? null : source.fields[mapping[from]]
    if (value === undefined) return { problem: unreadable(mapping, from) }
    if (mapping.direction !== 'both' && mapping.direction !== `to-${to}`)
      return fallback === null
        ? {}
        : { field: { ...at, source: value, sent: typed(fallback, target), rule: 'default' } }
    if (rests(mapping))
      return fallback === null ? {} : { field: { ...at, source: null, sent: typed(fallback, target), rule: 'default' } }
    const translation = guarded(mapping, from, value, { [from]: source }, around, false)
    if (!translation.ok) {
      // A start value only stands in where there is nothing to lose: a value that has no counterpart holds its field.
      if (fallback !== null && target?.required === true)
        return {
          field: { ...at, source: value, sent: typed(fallback, target), rule: 'default' },
          problem: translation.problem,
        }
      return { problem: translation.problem }
    }
    const warning = translation.warning === undefined ? {} : { problem: translation.warning }
    // Nobody waits where nothing would follow.
    const waits = isGap(translation.warning) && preparedOf(mapping).flows[to === 'left' ? 'toLeft' : 'toRight']
    const gap = waits ? { gap: true as const } : {}
    if (translation.value !== null)
      return { field: { ...at, source: value, sent: translation.value, rule: 'new', ...gap }, ...warning }
    if (fallback !== null)
      return { field: { ...at, source: value, sent: typed(fallback, target), rule: 'default', ...gap }, ...warning }
    return { field: { ...at, source: value, sent: null, rule: 'new', ...gap }, ...warning }
  }

  return {
    fieldsToRead,
    planPair,
    planCreate,
    ...createLearner({ prepared, fieldOf, translator }),
    translate: (mapping, from, _source, value, references) =>
      translator.translate(mapping, from, value, references === undefined ? {} : { references }),
  }
}

/** A start value is configured as text; numbers and sets need their own type. */
function typed(value: string, target: FieldMetadata | undefined): CanonicalValue {
  if (target === undefined) return value
  if (target.multiple) return [value]
  if (target.type === 'integer' || target.type === 'float') return Number(value)
  if (target.type === 'boolean') return value === 'true'
  return value
}

/** A value that a person wrote for a field, in its canonical form as far as it has one; what has none is told when translated. */
function asWritten(field: FieldMetadata | undefined, value: CanonicalValue): CanonicalValue {
  if (value === null || value === '' || field === undefined) return value === '' ? null : value
  const items = Array.isArray(value) ? (value as readonly string[]) : [value as string | number | boolean]
  if (field.multiple) return canonicalSet(items.map(String))
  const [one = null] = items
  if (items.length !== 1 || one === null) return value
  switch (field.type) {
    case 'memo':
      return canonicalMemo(String(one))
    case 'integer':
    case 'float':
      return typeof one === 'string' && one.trim() !== '' && Number.isFinite(Number(one)) ? Number(one) : one
    case 'boolean':
      return one === 'true' ? true : one === 'false' ? false : one
    default:
      return String(one)
  }
}

/** Mappings of one group side by side, in the order of the configuration; others alone. */
function groupMappings(mappings: readonly FieldMapping[]): FieldMapping[][] {
  const named = new Map<string, FieldMapping[]>()
  const groups: FieldMapping[][] = []
  for (const mapping of mappings) {
    const name = mapping.group ?? null
    const known = name === null ? undefined : named.get(name)
    if (known !== undefined) {
      known.push(mapping)
      continue
    }
    const group = [mapping]
    groups.push(group)
    if (name !== null) named.set(name, group)
  }
  return groups
}
