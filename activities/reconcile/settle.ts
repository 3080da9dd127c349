import type { Base, BaseField } from '../../core/base.ts'
import { canonicalVersion, toBaseValue } from '../../core/base.ts'
import { mappingFingerprint } from '../../core/hash.ts'
import type { LinkConfiguration } from '../../core/link-config.ts'
import { fieldByName, type SideMetadata } from '../../core/metadata.ts'
import { equivalent, learntBase, type Planner } from '../../core/plan.ts'
import type { OpenIntent, SettledIntent } from '../../core/store.ts'
import { isDirectSuccessor, otherSide, type RecordSnapshot, type Side, sameStamp } from '../../core/values.ts'

type FieldState = 'as-sent' | 'as-before' | 'otherwise'

/**
 * Settles writes whose answer never came, by looking at the record now. A stamp that has not moved, or a field that still
 * holds what it held before, says that the write did not happen: a write is one act. A field as sent says that it did; what
 * else differs was changed by others since and counts as their edit. Where every field was changed to something third, a
 * single step of the stamp was theirs alone; after several steps nobody can tell, and a person decides.
 */
export function settleUpdates(input: {
  intents: readonly OpenIntent[]
  base: Base
  configuration: LinkConfiguration
  planner: Pick<Planner, 'ancestor'>
  metadata: Record<Side, SideMetadata>
  snapshots: Record<Side, RecordSnapshot>
  /** What the cross-reference of each side should say: a link-back is written ahead before its twin has an id. */
  references: Record<Side, string>
}): { base: Base; settled: SettledIntent[]; changed: boolean } {
  const base: Record<string, BaseField> = { ...input.base }
  const settled: SettledIntent[] = []
  let changed = false
  for (const intent of input.intents) {
    if (intent.action === 'create') continue
    if (intent.action === 'delete') {
      settled.push(notApplied(intent.id))
      continue
    }
    const snapshot = input.snapshots[intent.side]
    const found = intent.fields.map((field) => {
      const kept = snapshot.fields[field.field] ?? null
      const target = fieldByName(input.metadata[intent.side].entity, field.field)
      const sent = intent.action === 'link-back' ? input.references[intent.side] : field.sent
      const state: FieldState = equivalent(target, field.before, kept)
        ? 'as-before'
        : equivalent(target, sent, kept)
          ? 'as-sent'
          : 'otherwise'
      return { field, kept, state }
    })
    const outcome = outcomeOf(
      intent,
      snapshot,
      found.map((one) => one.state),
    )
    const applied = outcome === 'applied'
    settled.push({
      intentId: intent.id,
      outcome,
      targetId: snapshot.id,
      stampAfter: applied ? snapshot.stamp : null,
      after: applied ? Object.fromEntries(found.map(({ field, kept }) => [field.field, kept])) : {},
      possibleOverwrite: applied && !directlyAfter(intent, snapshot),
      foundByLooking: true,
    })
    if (outcome === 'not-applied' || intent.action === 'link-back') continue
    for (const { field, kept, state } of found) {
      const mapping = input.configuration.fields.find((candidate) => candidate.id === field.mappingId)
      if (mapping === undefined) continue
      const known = base[mapping.id]
      if (outcome === 'unknown') {
        if (known !== undefined) base[mapping.id] = { ...known, disputed: true }
      } else {
        const value = state === 'as-sent' ? kept : field.sent
        const learnt = learntBase({
          mapping,
          fingerprint: mappingFingerprint(mapping),
          side: intent.side,
          field,
          before: known,
          value,
          ancestor: field.halfway === 'merge' ? input.planner.ancestor(mapping, intent.side, field.source) : undefined,
        })
        base[mapping.id] = learnt
      }
      changed = true
    }
  }
  return { base, settled, changed }
}

function directlyAfter(intent: OpenIntent, snapshot: RecordSnapshot): boolean {
  return intent.stampBefore !== null && isDirectSuccessor(intent.stampBefore, snapshot.stamp)
}

function outcomeOf(
  intent: OpenIntent,
  snapshot: RecordSnapshot,
  states: readonly FieldState[],
): 'applied' | 'not-applied' | 'unknown' {
  if (intent.stampBefore !== null && sameStamp(intent.stampBefore, snapshot.stamp)) return 'not-applied'
  if (states.includes('as-before')) return 'not-applied'
  if (states.includes('as-sent')) return 'applied'
  return directlyAfter(intent, snapshot) ? 'not-applied' : 'unknown'
}

/** Base of a pair whose creation is found out later: each field as it was sent, whatever has become of it since. */
export function baseOfCreation(intent: OpenIntent, configuration: LinkConfiguration): Base {
  const base: Record<string, BaseField> = {}
  for (const field of intent.fields) {
    const mapping = configuration.fields.find((candidate) => candidate.id === field.mappingId)
    if (mapping === undefined || (mapping.constant !== undefined && mapping.constant !== null)) continue
    const learnt: BaseField = {
      left: toBaseValue(null),
      right: toBaseValue(null),
      fingerprint: mappingFingerprint(mapping),
      canonical: canonicalVersion,
    }
    learnt[intent.side] = toBaseValue(field.sent, mapping)
    learnt[otherSide(intent.side)] = toBaseValue(field.source, mapping)
    base[mapping.id] = learnt
  }
  return base
}

/** The settlement of a creation that turned out to have happened. */
export function settledCreation(intent: OpenIntent, found: RecordSnapshot): SettledIntent {
  return {
    intentId: intent.id,
    outcome: 'applied',
    targetId: found.id,
    stampAfter: found.stamp,
    after: Object.fromEntries(intent.fields.map((field) => [field.field, found.fields[field.field] ?? null])),
    possibleOverwrite: false,
    foundByLooking: true,
  }
}

/** The settlement of a link-back that is found in the record. */
export function settledLinkBack(intent: OpenIntent, source: RecordSnapshot): SettledIntent {
  return { ...settledCreation(intent, source), targetId: source.id }
}

/** The settlement of a write that surely did not happen. */
export function notApplied(intentId: string): SettledIntent {
  return {
    intentId,
    outcome: 'not-applied',
    targetId: null,
    stampAfter: null,
    after: {},
    possibleOverwrite: false,
    foundByLooking: true,
  }
}
