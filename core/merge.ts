import { type BaseField, canonicalVersion, equalsBase, isOldHash, thawed, toBaseValue } from './base.ts'
import { type ConflictDecision, type ConflictKind, type FieldConflict, knownBase } from './conflicts.ts'
import { valueHash } from './hash.ts'
import type { FieldMapping } from './link-config.ts'
import { conflictProblem, frozenProblem, pingPongProblem } from './merge-problems.ts'
import { type MergeKind, mergeValues } from './merge-values.ts'
import { swings } from './ping-pong.ts'
import type { Problem } from './problems.ts'
import type { Translation } from './translate.ts'
import { type CanonicalValue, otherSide, type Side, type Stamp, sameValue, sides } from './values.ts'

/**
 * What becomes of different values of records that existed on both sides before they were paired: a person decides, as the
 * field's policy says, or a side wins.
 */
export type AdoptedDifferences = 'ask' | 'policy' | Side

/** One mapped field of a pair, ready to be judged. */
export interface MergeField {
  mapping: FieldMapping
  fingerprint: string
  /** What the pair last agreed on; undefined: never. */
  base: BaseField | undefined
  left: CanonicalValue
  right: CanonicalValue
  /** Ways a value may flow: the mapping's direction, the link's rules and what the fields can take, all together. */
  flows: { toLeft: boolean; toRight: boolean }
  /** The record's stamp on that side is the one we have seen: whatever differs from base there is no edit. */
  stampSeen: { left: boolean; right: boolean }
  /** Both records' stamps, where the endpoints tell them. */
  stamps?: { left: Stamp; right: Stamp }
  /** How the two fields can be merged where the policy says so. */
  mergeKind?: MergeKind
  /** The side that was edited last; null: nobody can tell. Undefined: the histories have not been asked. */
  newer?: Side | null
  /** The pair is being adopted: what becomes of values that differ. */
  adopting?: AdoptedDifferences
  /** What a person decided about the field. */
  decision?: ConflictDecision
  /** Names of both endpoints, for people. */
  names?: { left: string; right: string }
  translate(from: Side, value: CanonicalValue): Translation
}

export type MergeRule = 'changed' | 'new' | 'conflict' | 're-map' | 'latest' | 'merge' | 'decision'

/** `consumed`: a decision is used up by this; `impossible`: without having been carried out. */
export type MergeResult =
  /** Nothing to write. `base` is what both sides agree on now; null: what the base already says. */
  | { kind: 'agreed'; base: BaseField | null; warning?: Problem; consumed?: boolean; impossible?: boolean }
  /** `value` (of `side`, the written one) replaces `before`; `source` is the other side's value it comes from. */
  | {
      kind: 'write'
      side: Side
      value: CanonicalValue
      before: CanonicalValue
      source: CanonicalValue
      rule: MergeRule
      warning?: Problem
      /** Only half of what is to be done: the other side is written at the next look. */
      halfway?: 'merge' | 'decision'
      /** A person's decision that this carries out. */
      deciding?: boolean
      /** A frozen field that is tried again starts from this. */
      thawed?: BaseField
      /** The endpoints' histories would tell which edit came last. */
      wantsHistory?: boolean
      consumed?: boolean
      impossible?: boolean
    }
  /** Left as it is on both sides, base unmoved, until the problem is gone. */
  | {
      kind: 'held'
      problem: Problem
      /** For a person to decide. */
      conflict?: FieldConflict
      /** Decided already, and not carried out yet. */
      deciding?: boolean
      /** The field is frozen from now on, or has been thawed. */
      base?: BaseField
      wantsHistory?: boolean
      consumed?: boolean
      impossible?: boolean
    }

/**
 * Three-way merge of one field. The base holds one value per side, each in its side's own canonical form, so "changed"
 * is asked per side and never across: an echo of our own write, a lossy mapping and a server that reformats are no change.
 */
export function mergeField(field: MergeField): MergeResult {
  const { base, flows, decision } = field
  if (decision?.choose === 'retry') return tryAgain(field)
  const halfway = base?.halfway
  if (halfway !== undefined && asRemembered(field, halfway))
    return deciding(flow(field, halfway.side, halfway.rule), halfway.rule === 'decision' && decision !== undefined)
  if (decision !== undefined && asRemembered(field, { left: decision.leftHash, right: decision.rightHash })) {
    const decided = decide(field, decision)
    if (decided !== null) return decided
    // The field may not flow that way any more: the question is put again.
    const { decision: _decision, ...rest } = field
    return { ...mergeField(rest), consumed: true, impossible: true }
  }
  if (base?.frozen !== undefined)
    return { kind: 'held', problem: frozenProblem(field, base), conflict: conflictOf(field, 'frozen') }
  if (!flows.toLeft && !flows.toRight) return { kind: 'agreed', base: null }
  if (base === undefined)
    return field.adopting === undefined ? settleWithoutHistory(field, 'new') : adopt(field, field.adopting)
  if (base.differs === true) return adopt(field, 'ask')

  const changed = { left: hasChanged(field, base, 'left'), right: hasChanged(field, base, 'right') }
  if (base.fingerprint !== field.fingerprint) {
    if (changed.left !== changed.right) {
      const from: Side = changed.left ? 'left' : 'right'
      if (flowsFrom(flows, from)) return flow(field, from, 're-map')
    }
    return settleWithoutHistory(field, 're-map')
  }

  if (!(flows.toLeft && flows.toRight)) {
    // One way: edits of the target are not ours to carry, and are overwritten only when the source changes.
    const from: Side = flows.toRight ? 'left' : 'right'
    return changed[from] || base.gap === from
      ? flow(field, from, 'changed')
      : { kind: 'agreed', base: refreshed(field, base) }
  }
  if (!changed.left && !changed.right)
    return base.gap === undefined ? { kind: 'agreed', base: refreshed(field, base) } : flow(field, base.gap, 'changed')
  // Even a side that looks unchanged may be an edit: somebody may have taken back what we wrote.
  if (base.disputed === true)
    return agree(field) ? { kind: 'agreed', base: agreedBase(field) } : held(field, 'disputed')
  if (changed.left && changed.right) {
    if (agree(field)) return { kind: 'agreed', base: agreedBase(field) }
    // Of an old hash nobody can tell an edit from a new form: no side may win on the strength of it.
    return sides.some((side) => isOldHash(base, side)) ? held(field, 'disputed') : mergeConflict(field, base)
  }
  const from: Side = changed.left ? 'left' : 'right'
  const stamps = field.stamps
  if (stamps !== undefined && swings(base, from, field[from], stamps[from])) {
    const frozen: BaseField = { ...base, frozen: 'ping-pong', frozenSide: from }
    return {
      kind: 'held',
      problem: pingPongProblem(field, from),
      conflict: conflictOf(field, 'frozen'),
      base: frozen,
    }
  }
  return flow(field, from, 'changed')
}

/** Both sides changed the field differently: by its policy, and by the fallback where that cannot tell. */
function mergeConflict(field: MergeField, base: BaseField): MergeResult {
  const { mapping } = field
  if (mapping.conflict === 'latest') {
    const { newer } = field
    if (newer === undefined) return askingHistory(byFallback(field))
    return newer === null ? byFallback(field) : flow(field, newer, 'latest')
  }
  if (mapping.conflict === 'merge') return mergeBoth(field, base) ?? byFallback(field)
  return byFallback(field)
}

/**
 * Both edits in one value. Where it is neither side's value both have to be written: first left, then, at the next look,
 * right. Whatever happens in between is judged against right's value of now, from which the merged one grew.
 */
function mergeBoth(field: MergeField, base: BaseField): MergeResult | null {
  const known = knownBase(base)
  if (known === null) return null
  const merged = mergeValues({
    kind: field.mergeKind ?? null,
    base: known,
    left: field.left,
    right: field.right,
    translate: field.translate,
  })
  if (merged === null) return null
  if (sameValue(merged.value, field.left)) return flow(field, 'left', 'merge')
  const there = field.translate('left', merged.value)
  if (!there.ok) return { kind: 'held', problem: there.problem }
  const write: MergeResult = {
    kind: 'write',
    side: 'left',
    value: merged.value,
    before: field.left,
    source: field.right,
    rule: 'merge',
  }
  return sameValue(there.value, field.right) ? write : { ...write, halfway: 'merge' }
}

/** A side wins, or a person is asked. */
function byFallback(field: MergeField): MergeResult {
  const policy = sidePolicy(field.mapping)
  return policy === 'ask' ? held(field, 'both-changed') : flow(field, policy, 'conflict')
}

/** Who wins where neither time nor a merge decides. */
export function sidePolicy(mapping: FieldMapping): Side | 'ask' {
  return mapping.conflict === 'latest' || mapping.conflict === 'merge' ? mapping.conflictFallback : mapping.conflict
}

function held(field: MergeField, kind: ConflictKind): MergeResult {
  return { kind: 'held', problem: conflictProblem(field.mapping, kind), conflict: conflictOf(field, kind) }
}

function conflictOf(field: MergeField, kind: ConflictKind): FieldConflict {
  return {
    mappingId: field.mapping.id,
    kind,
    base: knownBase(field.base),
    left: field.left,
    right: field.right,
    leftHash: valueHash(field.left),
    rightHash: valueHash(field.right),
  }
}

function asRemembered(field: MergeField, hashes: { left: string; right: string }): boolean {
  return valueHash(field.left) === hashes.left && valueHash(field.right) === hashes.right
}

/** Carries a person's decision out; null: it cannot be, in the directions that the field may flow now. */
function decide(field: MergeField, decision: ConflictDecision): MergeResult | null {
  const { flows } = field
  if (decision.choose === 'left' || decision.choose === 'right')
    return flowsFrom(flows, decision.choose) ? deciding(flow(field, decision.choose, 'decision'), true) : null
  const { side, value } = decision
  if (sameValue(field[side], value))
    return flowsFrom(flows, side) ? deciding(flow(field, side, 'decision'), true) : null
  if (!(flows.toLeft && flows.toRight)) return null
  const there = field.translate(side, value)
  if (!there.ok) return { kind: 'held', problem: there.problem, deciding: true }
  const other = otherSide(side)
  const write: MergeResult = {
    kind: 'write',
    side,
    value,
    before: field[side],
    source: field[other],
    rule: 'decision',
    deciding: true,
  }
  return sameValue(there.value, field[other]) ? write : { ...write, halfway: 'decision' }
}

function askingHistory(result: MergeResult): MergeResult {
  return result.kind === 'agreed' ? result : { ...result, wantsHistory: true }
}

function deciding(result: MergeResult, yes: boolean): MergeResult {
  return yes && result.kind !== 'agreed' ? { ...result, deciding: true } : result
}

/** A frozen field is judged as if it had never been frozen, once: the decision is used up by the try. */
function tryAgain(field: MergeField): MergeResult {
  const { decision: _decision, ...rest } = field
  const { base } = rest
  if (base?.frozen === undefined) return { ...mergeField(rest), consumed: true }
  const fresh = thawed(base)
  const result = mergeField({ ...rest, base: fresh })
  switch (result.kind) {
    case 'agreed':
      return { ...result, base: result.base ?? fresh, consumed: true }
    case 'write':
      return { ...result, thawed: fresh, consumed: true }
    case 'held':
      return { ...result, base: result.base ?? fresh, consumed: true }
  }
}

/**
 * Merges fields that the endpoint validates together. Values then flow one way only: where edits would cross, the policy
 * of the group's first field decides for all; where one field is held, those that would be written beside it are too.
 */
export function mergeGroup(fields: readonly MergeField[]): MergeResult[] {
  const first = fields[0]
  // Merged values of two fields need not go together, nor do the later ones: in a group a side wins, or a person is asked.
  const results = fields.map((field) =>
    mergeField(
      fields.length === 1 ? field : { ...field, mapping: { ...field.mapping, conflict: sidePolicy(field.mapping) } },
    ),
  )
  if (first === undefined || fields.length === 1) return results

  const written = new Set(results.flatMap((result) => (result.kind === 'write' ? [result.side] : [])))
  if (written.size === 2) {
    const decided = results.find((result) => result.kind === 'write' && result.deciding === true)
    const policy = decided?.kind === 'write' ? otherSide(decided.side) : sidePolicy(first.mapping)
    return results.map((result, index) => {
      const field = fields[index]
      if (result.kind !== 'write' || field === undefined) return result
      if (decided === undefined && isAsking(field)) return askedOf(field)
      if (policy === 'ask') return held(field, 'both-changed')
      return result.side === policy && flowsFrom(field.flows, policy)
        ? flow(field, policy, decided === undefined ? 'conflict' : 'decision')
        : result
    })
  }
  const stopped = results.find((result) => result.kind === 'held')
  if (stopped?.kind !== 'held') return results
  return results.map((result, index) => {
    const field = fields[index]
    if (result.kind !== 'write' || field === undefined) return result
    return {
      kind: 'held',
      problem: { ...stopped.problem, mappingId: field.mapping.id },
      ...(result.deciding === true ? { deciding: true } : {}),
      ...(isAsking(field) ? { base: markedBase(field) } : {}),
    }
  })
}

function flowsFrom(flows: MergeField['flows'], from: Side): boolean {
  return from === 'left' ? flows.toRight : flows.toLeft
}

function hasChanged(field: MergeField, base: BaseField, side: Side): boolean {
  if (equalsBase(field[side], base[side])) return false
  // What was agreed in an older form differs by form alone while the record itself has not moved.
  return !(isOldHash(base, side) && field.stampSeen[side])
}

function agreedBase(field: MergeField): BaseField {
  return {
    left: toBaseValue(field.left, field.mapping),
    right: toBaseValue(field.right, field.mapping),
    fingerprint: field.fingerprint,
    canonical: canonicalVersion,
  }
}

/** Base values of an older canonical form, and hashes where the policy now merges, are recomputed in passing. */
function refreshed(field: MergeField, base: BaseField): BaseField | null {
  const unchanged = equalsBase(field.left, base.left) && equalsBase(field.right, base.right)
  const tooShort = field.mapping.conflict === 'merge' && sides.some((side) => 'h' in base[side])
  if (unchanged) return base.canonical === canonicalVersion && !tooShort ? null : agreedBase(field)
  // An edit may wait behind an old hash, held by an issue: it is not declared agreed.
  return sides.some((side) => isOldHash(base, side)) && agree(field) ? agreedBase(field) : null
}

/** Either translation reaching the other's value is agreement: many-to-one pairs are not undone on the way back. */
function agree(field: MergeField): boolean {
  const { flows } = field
  if (flows.toRight) {
    const there = field.translate('left', field.left)
    if (there.ok && !isGap(there.warning) && sameValue(there.value, field.right)) return true
  }
  if (flows.toLeft) {
    const back = field.translate('right', field.right)
    if (back.ok && !isGap(back.warning) && sameValue(back.value, field.left)) return true
  }
  return false
}

/** Was it a person without twin that had to be left out or stood in for? */
export function isGap(warning: Problem | undefined): boolean {
  return warning?.code === 'user-gap'
}

/** No base, or one agreed under another meaning: equal adopts, else the dominant side; a value beats no value. */
function settleWithoutHistory(field: MergeField, rule: MergeRule): MergeResult {
  const { flows, mapping } = field
  if (agree(field)) return { kind: 'agreed', base: agreedBase(field) }
  if (!(flows.toLeft && flows.toRight)) return flow(field, flows.toRight ? 'left' : 'right', rule)
  if (field.left === null) return flow(field, 'right', rule)
  if (field.right === null) return flow(field, 'left', rule)
  const policy = sidePolicy(mapping)
  return policy === 'ask' ? held(field, 'both-changed') : flow(field, policy, rule)
}

/**
 * Values that were there before the pair was. Nothing is overwritten unless somebody chose that: a value goes where there is
 * none; a field that flows one way stays as it is on both sides, as after any edit of its target; all else is asked. What
 * waits to be asked is marked in the base, so that no later look takes it for a field that is merely new.
 */
function adopt(field: MergeField, differences: AdoptedDifferences): MergeResult {
  const { flows } = field
  if (differences === 'policy') return settleWithoutHistory(field, 'new')
  if (agree(field)) return { kind: 'agreed', base: agreedBase(field) }
  const filling = field.left === null && flows.toLeft ? 'right' : field.right === null && flows.toRight ? 'left' : null
  if (filling !== null) {
    const filled = flow(field, filling, 'new')
    return filled.kind === 'held' ? { ...filled, base: markedBase(field) } : filled
  }
  if (differences !== 'ask')
    return flowsFrom(flows, differences) ? flow(field, differences, 'new') : { kind: 'agreed', base: agreedBase(field) }
  const waiting = sides.flatMap((side) => {
    const translation = flowsFrom(flows, side) ? field.translate(side, field[side]) : null
    return translation?.ok === false && translation.problem.class === 'waiting' ? [translation.problem] : []
  })[0]
  if (waiting !== undefined) return { kind: 'held', problem: waiting, base: markedBase(field) }
  return flows.toLeft && flows.toRight ? askedOf(field) : { kind: 'agreed', base: agreedBase(field) }
}

/** Is the field one of a pair that was adopted without saying whose values are right? */
function isAsking({ base, adopting }: MergeField): boolean {
  return base === undefined ? adopting === 'ask' : base.differs === true
}

function markedBase(field: MergeField): BaseField {
  return { ...agreedBase(field), differs: true }
}

function askedOf(field: MergeField): MergeResult {
  return {
    kind: 'held',
    problem: conflictProblem(field.mapping, 'adopted'),
    conflict: { ...conflictOf(field, 'adopted'), base: null },
    base: markedBase(field),
  }
}

function flow(field: MergeField, from: Side, rule: MergeRule): MergeResult {
  const side = otherSide(from)
  const translation = field.translate(from, field[from])
  if (!translation.ok) return { kind: 'held', problem: translation.problem }
  const warning = translation.warning === undefined ? {} : { warning: translation.warning }
  if (sameValue(translation.value, field[side])) {
    const base = agreedBase(field)
    return { kind: 'agreed', base: isGap(translation.warning) ? { ...base, gap: from } : base, ...warning }
  }
  return { kind: 'write', side, value: translation.value, before: field[side], source: field[from], rule, ...warning }
}
