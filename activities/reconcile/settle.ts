import type { Base, BaseField } from '../../core/base.ts'
import { canonicalVersion, toBaseValue } from '../../core/base.ts'
import { mappingFingerprint } from '../../core/hash.ts'
import type { LinkConfiguration } from '../../core/link-config.ts'
import { fieldByName, type SideMetadata } from '../../core/metadata.ts'
import { equivalent } from '../../core/plan.ts'
import type { OpenIntent, SettledIntent } from '../../core/store.ts'
import {
  type CanonicalValue,
  isDirectSuccessor,
  otherSide,
  type RecordSnapshot,
  type Side,
  sameStamp,
} from '../../core/values.ts'

/**
 * Settles writes whose answer never came, by looking at the record now: a value found as sent, or a stamp that is the
 * direct successor of the one before the write, means that it happened, and base takes what is found. An unmoved stamp
 * means that it did not. What was written afterwards by others then differs from base and counts as their edit.
 */
export function settleUpdates(input: {
  intents: readonly OpenIntent[]
  base: Base
  configuration: LinkConfiguration
  metadata: Record<Side, SideMetadata>
  snapshots: Record<Side, RecordSnapshot>
}): { base: Base; settled: SettledIntent[]; changed: boolean } {
  const base: Record<string, BaseField> = { ...input.base }
  const settled: SettledIntent[] = []
  let changed = false
  for (const intent of input.intents) {
    if (intent.action === 'create') continue
    const snapshot = input.snapshots[intent.side]
    const found = intent.fields.map((field) => {
      const kept = snapshot.fields[field.field] ?? null
      const target = fieldByName(input.metadata[intent.side].entity, field.field)
      return { field, kept, asSent: equivalent(target, field.sent, kept) && !equivalent(target, field.before, kept) }
    })
    const unmoved = intent.stampBefore !== null && sameStamp(intent.stampBefore, snapshot.stamp)
    const successor = intent.stampBefore !== null && isDirectSuccessor(intent.stampBefore, snapshot.stamp)
    const applied = !unmoved && (successor || found.some((one) => one.asSent))
    const after: Record<string, CanonicalValue> = {}
    for (const { field, kept } of found) after[field.field] = kept
    settled.push({
      intentId: intent.id,
      outcome: applied ? 'applied' : 'not-applied',
      targetId: snapshot.id,
      stampAfter: applied ? snapshot.stamp : null,
      after: applied ? after : {},
      possibleOverwrite: applied && !successor,
      foundByLooking: true,
    })
    if (!applied || intent.action === 'link-back') continue
    for (const { field, kept, asSent } of found) {
      if (!asSent && !successor) continue
      const mapping = input.configuration.fields.find((candidate) => candidate.id === field.mappingId)
      if (mapping === undefined) continue
      const learnt: BaseField = {
        left: toBaseValue(null),
        right: toBaseValue(null),
        fingerprint: mappingFingerprint(mapping),
        canonical: canonicalVersion,
      }
      learnt[intent.side] = toBaseValue(kept)
      learnt[otherSide(intent.side)] = toBaseValue(field.source)
      base[field.mappingId] = learnt
      changed = true
    }
  }
  return { base, settled, changed }
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
    learnt[intent.side] = toBaseValue(field.sent)
    learnt[otherSide(intent.side)] = toBaseValue(field.source)
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
