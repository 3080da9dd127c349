import { type Base, type BaseField, canonicalVersion, toBaseValue } from './base.ts'
import { type FieldConflict, knownBase } from './conflicts.ts'
import { valueHash } from './hash.ts'
import type { IntentField, PlannedField } from './intents.ts'
import type { FieldMapping } from './link-config.ts'
import { sameMemoContent } from './memo.ts'
import { alteredRemedy } from './merge-problems.ts'
import type { FieldMetadata } from './metadata.ts'
import { trailAfter } from './ping-pong.ts'
import type { Problem } from './problems.ts'
import type { Translator } from './translate.ts'
import { type CanonicalValue, canonicalSet, otherSide, type Side, type Stamp, sameValue } from './values.ts'

interface LearnInput {
  base: Base
  side: Side
  sent: readonly PlannedField[]
  /** Fields as the answer to the write told them; a field it did not tell is taken as sent. */
  kept: Readonly<Record<string, CanonicalValue>>
  /** The record's stamp after the write. */
  stamp?: Stamp
}

interface Learnt {
  base: Base
  /** Mapping ids whose value is not what the source holds; the record is looked at again. */
  altered: readonly string[]
  problems: readonly Problem[]
  /** Fields that are frozen from now on. */
  conflicts: readonly FieldConflict[]
}

/** Rules of writes that people's values are carried by: what is answered to them may be a ping-pong. */
const carryingRules = new Set(['changed', 'conflict', 'latest', 'merge', 'decision', 're-map'])

/** How often in a row a server may alter the same value in the same way before the field is left alone. */
const alterationsBeforeFreeze = 2

export interface Learner {
  /**
   * The base after a write was answered: a written field takes, on the written side, what the server kept if that is
   * equivalent to what we sent, else what we *sent*, so that the server's value counts as an edit of that side. The other
   * side takes the value read for the plan. Every other field keeps its base. Answers also which fields the server altered.
   */
  learn(input: LearnInput): Learnt
  /**
   * The other side's value, in the form of `side`, with which a merged value written to `side` began: what the sides have in
   * common until the second half is written. Undefined: it has no such form.
   */
  ancestor(mapping: FieldMapping, side: Side, source: CanonicalValue): CanonicalValue | undefined
}

/** What a planner knows that learning from a write needs. */
interface LearnerContext {
  /** By mapping id. */
  prepared: ReadonlyMap<string, { mapping: FieldMapping; fingerprint: string }>
  fieldOf(side: Side, name: string | null): FieldMetadata | undefined
  translator: Translator
}

/** Builds what learns from the answers to writes: what the base says from then on, and what a server does not keep. */
export function createLearner({ prepared, fieldOf, translator }: LearnerContext): Learner {
  function learn({ base, side, sent, kept, stamp }: LearnInput): Learnt {
    const next: Record<string, BaseField> = { ...base }
    const altered: string[] = []
    const problems: Problem[] = []
    const conflicts: FieldConflict[] = []
    const other = otherSide(side)
    for (const field of sent) {
      const known = prepared.get(field.mappingId)
      if (known === undefined) continue
      const { mapping, fingerprint } = known
      const target = fieldOf(side, field.field)
      const found = field.field in kept ? (kept[field.field] ?? null) : field.sent
      const faithful = equivalent(target, field.sent, found)
      const before = base[field.mappingId]
      // What a server puts in by itself where a value had no counterpart, such as a person without twin, is nobody's edit.
      const standsIn = field.rule === 'new' && field.sent === null && field.before === null && field.source !== null
      const learnt = learntBase({
        mapping,
        fingerprint,
        side,
        field,
        before,
        value: faithful || standsIn ? found : field.sent,
        ancestor: field.halfway === 'merge' ? ancestor(mapping, side, field.source) : undefined,
      })
      if (field.rule === 'default' && field.source === null) {
        // A start value that stood in for nothing counts as this side's own, and flows back to where nothing was.
        learnt[side] = toBaseValue(null)
        altered.push(field.mappingId)
      }
      // The other side is written at the next look, which comes at once.
      if (field.halfway !== undefined) altered.push(field.mappingId)
      const elsewhere = before?.altered?.[other]
      if (elsewhere !== undefined) learnt.altered = { [other]: elsewhere }
      if (faithful && field.halfway === undefined && carryingRules.has(field.rule))
        learnt.trail = trailAfter(before, side, { before: field.before, kept: found, at: stamp?.modified ?? null })
      if (!faithful) {
        delete learnt.halfway
        const now = { sent: valueHash(field.sent), kept: valueHash(found) }
        const earlier = before?.altered?.[side]
        const again = earlier?.sent === now.sent && earlier.kept === now.kept
        const times = again ? earlier.times + 1 : 1
        learnt.altered = { ...learnt.altered, [side]: { ...now, times } }
        altered.push(field.mappingId)
        if (times >= alterationsBeforeFreeze) {
          learnt.frozen = 'altered'
          learnt.frozenSide = side
          problems.push({
            class: 'altered',
            code: 'endpoint-alters-value',
            message: `"${target?.label ?? field.field}" does not keep the value that is written to it.`,
            remedy: alteredRemedy,
            side,
            field: field.field,
            mappingId: field.mappingId,
          })
          const values = { [side]: found, [other]: field.source } as Record<Side, CanonicalValue>
          conflicts.push({
            mappingId: field.mappingId,
            kind: 'frozen',
            base: knownBase(before),
            ...values,
            leftHash: valueHash(values.left),
            rightHash: valueHash(values.right),
          })
        }
      }
      next[field.mappingId] = learnt
    }
    return { base: next, altered, problems, conflicts }
  }

  function ancestor(mapping: FieldMapping, side: Side, source: CanonicalValue): CanonicalValue | undefined {
    const other = otherSide(side)
    const whole = translator.translate(mapping, other, source)
    if (whole.ok) return whole.value
    if (!Array.isArray(source)) return undefined
    const items = (source as readonly string[]).flatMap((item) => {
      const one = translator.translate(mapping, other, [item])
      return one.ok && Array.isArray(one.value) ? (one.value as readonly string[]) : []
    })
    return canonicalSet(items)
  }

  return { learn, ancestor }
}

/**
 * Base of a field after a write to `side` that holds `value` now. Half of a merge or decision is remembered, so that the next
 * look knows what is still to be done. A merged value grew from the other side's value of that time: that is what both sides
 * have in common then, so that whoever edits on is merged with it and not with what lies before. Half of a decision moves
 * nothing.
 */
export function learntBase(input: {
  mapping: FieldMapping
  fingerprint: string
  side: Side
  field: Pick<IntentField, 'source' | 'before' | 'halfway' | 'gap'>
  before: BaseField | undefined
  value: CanonicalValue
  /** Of half a merge: the other side's value in the form of `side`; undefined: not known. */
  ancestor?: CanonicalValue | undefined
}): BaseField {
  const { mapping, fingerprint, side, field, before, value, ancestor } = input
  const values = (own: CanonicalValue): Pick<BaseField, Side> => {
    const [one, two] = [toBaseValue(own, mapping), toBaseValue(field.source, mapping)]
    return side === 'left' ? { left: one, right: two } : { left: two, right: one }
  }
  const fresh = { fingerprint, canonical: canonicalVersion }
  const gap = field.gap === true ? { gap: otherSide(side) } : {}
  if (field.halfway === undefined) return { ...values(value), ...fresh, ...gap }
  const [own, twin] = [valueHash(value), valueHash(field.source)]
  const hashes = side === 'left' ? { left: own, right: twin } : { left: twin, right: own }
  const { frozen: _frozen, altered: _altered, ...kept } = before ?? { ...values(field.before), ...fresh }
  const common = ancestor === undefined ? {} : { ...values(ancestor), ...fresh }
  return { ...kept, ...common, halfway: { side, rule: field.halfway, ...hashes } }
}

/** Did the server keep what was sent? Memos: the same content in whatever form; everything else: equal. */
export function equivalent(field: FieldMetadata | undefined, sent: CanonicalValue, kept: CanonicalValue): boolean {
  if (sameValue(sent, kept)) return true
  if (field?.type === 'memo')
    return sameMemoContent(sent === null ? null : String(sent), kept === null ? null : String(kept))
  return false
}
