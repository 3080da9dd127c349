import { type AttachmentEntry, afterCarrying, attachmentEntries, decodeEntry } from '../../core/attachments.ts'
import { type Base, type BaseField, emptyBase, toBaseValue } from '../../core/base.ts'
import { settleComment } from '../../core/comment-intents.ts'
import { mappingFingerprint } from '../../core/hash.ts'
import type { OpenIntent, SettledIntent } from '../../core/intents.ts'
import { equivalent, learntBase } from '../../core/learn.ts'
import type { LinkConfiguration } from '../../core/link-config.ts'
import { fieldByName, type SideMetadata } from '../../core/metadata.ts'
import type { Planner } from '../../core/plan.ts'
import { isDirectSuccessor, otherSide, type RecordSnapshot, type Side, sameStamp } from '../../core/values.ts'

type FieldState = 'as-sent' | 'as-before' | 'otherwise'

/**
 * Settles writes whose answer never came, by looking at the record now. A write is one act: a stamp that has not moved says
 * that it did not happen, and so does a field that still holds what it held before; a field as sent says that it did, and
 * what else differs was changed by others since and counts as their edit. Where fields say both, one step of the stamp was
 * somebody else's; after several steps either somebody took back a part of our write or made a part of it by hand, and
 * nobody can tell. So it is where every field was changed to something third. What nobody can tell a person decides. Fields
 * that are not read any more say nothing.
 */
export function settleUpdates(input: {
  intents: readonly OpenIntent[]
  base: Base
  configuration: LinkConfiguration
  /** Of the link now: what was written under another one says nothing about what its mappings mean now. */
  version: number
  planner: Pick<Planner, 'ancestor'>
  metadata: Record<Side, SideMetadata>
  snapshots: Record<Side, RecordSnapshot>
  /** What the cross-reference of each side should say: a link-back is written ahead before its twin has an id. */
  references: Record<Side, string>
}): { base: Base; settled: SettledIntent[]; changed: boolean } {
  if (input.intents.length === 0) return { base: input.base, settled: [], changed: false }
  const base: Record<string, BaseField> = { ...input.base }
  const settled: SettledIntent[] = []
  let changed = false
  const look = (intent: OpenIntent) => {
    const snapshot = input.snapshots[intent.side]
    const found = intent.fields.flatMap((field) => {
      const kept = snapshot.fields[field.field]
      if (kept === undefined) return []
      const target = fieldByName(input.metadata[intent.side].entity, field.field)
      const sent = intent.action === 'link-back' ? input.references[intent.side] : field.sent
      const state: FieldState = equivalent(target, field.before, kept)
        ? 'as-before'
        : equivalent(target, sent, kept)
          ? 'as-sent'
          : 'otherwise'
      // What was sent as it stood there already looks the same either way.
      return [{ field, kept, state, tells: !equivalent(target, field.before, sent) }]
    })
    const outcome = outcomeOf(
      intent,
      snapshot,
      found.flatMap((one) => (one.tells ? [one.state] : [])),
    )
    return { snapshot, found, outcome }
  }
  for (const intent of input.intents) {
    if (intent.action === 'create') continue
    if (intent.action === 'attachment') {
      const file = settleFile(intent, input.snapshots, base)
      settled.push(file.settled)
      if (file.base !== null) Object.assign(base, file.base)
      changed ||= file.base !== null
      continue
    }
    if (intent.action === 'comment') {
      const comments = settleComments(intent, input, base)
      settled.push(comments.settled)
      if (comments.base !== null) Object.assign(base, comments.base)
      changed ||= comments.base !== null
      continue
    }
    if (intent.action === 'delete') {
      settled.push(notApplied(intent.id))
      continue
    }
    const { snapshot, found, outcome } = look(intent)
    // Of writes that were planned from one and the same state only one can have come through.
    const came = input.intents.find((other) => sameOrigin(other, intent) && look(other).outcome === 'applied')
    if (came !== undefined && came !== intent) {
      settled.push(notApplied(intent.id))
      continue
    }
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
      if (mapping === undefined || mapping[intent.side] !== field.field) continue
      const known = base[mapping.id]
      // As it was sent it agrees with the other side, whoever wrote it.
      if (outcome === 'unknown' && state !== 'as-sent') {
        if (known !== undefined) base[mapping.id] = { ...known, disputed: true }
      } else {
        const value = state === 'as-sent' ? kept : field.sent
        const learnt = learntBase({
          mapping,
          fingerprint:
            intent.version === input.version ? mappingFingerprint(mapping) : (known?.fingerprint ?? otherMeaning),
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

function sameOrigin(one: OpenIntent, other: OpenIntent): boolean {
  if (one.action !== 'update' || other.action !== 'update' || one.side !== other.side) return false
  return one.stampBefore !== null && other.stampBefore !== null && sameStamp(one.stampBefore, other.stampBefore)
}

/** Fingerprint of no mapping: the field is compared afresh, as after any change of what its mapping means. */
const otherMeaning = ''

/**
 * A file whose transfer was never answered is looked for in the record's list: a new one by name and size, beside those that
 * are known; a replaced one by its stamp; a renamed one by its name; one that was taken away by its absence.
 */
function settleFile(
  intent: OpenIntent,
  snapshots: Record<Side, RecordSnapshot>,
  base: Base,
): { settled: SettledIntent; base: Base | null } {
  const { side } = intent
  const [field] = intent.fields
  const listed = snapshots[side].fields[field?.field ?? '']
  if (field === undefined || listed === undefined) return { settled: notApplied(intent.id), base: null }
  const entries = attachmentEntries(listed)
  const [source, target] = [field.source, field.before].map((text) =>
    text === null ? null : decodeEntry(String(text)),
  )
  const known = base[field.mappingId]
  const files = known?.files ?? []
  const [name, size] = field.sent === null ? [null, null] : (JSON.parse(String(field.sent)) as [string, number | null])
  const isKnown = (entry: AttachmentEntry) => files.some((pair) => pair[side]?.id === entry.id)
  const now = target === null || target === undefined ? undefined : entries.find((entry) => entry.id === target.id)
  const found =
    field.rule === 'add'
      ? entries.find((entry) => entry.name === name && entry.size === size && !isKnown(entry))
      : field.rule === 'replace'
        ? now?.stamp !== target?.stamp && now?.size === size
          ? now
          : undefined
        : field.rule === 'rename' && now?.name === name
          ? now
          : undefined
  const applied = field.rule === 'delete' ? now === undefined : found !== undefined
  if (!applied) return { settled: notApplied(intent.id), base: null }
  const done = { side, source: source ?? null, target: target ?? null, entry: found ?? null }
  return {
    settled: {
      intentId: intent.id,
      outcome: 'applied',
      targetId: snapshots[side].id,
      stampAfter: null,
      after: {},
      possibleOverwrite: false,
      foundByLooking: true,
    },
    base: known === undefined ? null : { [field.mappingId]: { ...known, files: afterCarrying(files, done) } },
  }
}

/**
 * Comments whose write was never answered are looked for in what the record's side lists. What one request carried was done
 * together: one that is there tells that all were, and those that are not there any more have been changed since.
 */
function settleComments(
  intent: OpenIntent,
  { snapshots, configuration }: { snapshots: Record<Side, RecordSnapshot>; configuration: LinkConfiguration },
  base: Base,
): { settled: SettledIntent; base: Base | null } {
  const { side } = intent
  const learnt: Record<string, BaseField> = {}
  for (const field of intent.fields) {
    const listed = snapshots[side].fields[field.field]
    const mapping = configuration.fields.find((candidate) => candidate.id === field.mappingId)
    if (listed === undefined || mapping === undefined || mapping[side] !== field.field) continue
    // The first comments of a pair are written before its base tells of any.
    const known = learnt[mapping.id] ?? base[mapping.id] ?? emptyBase(mappingFingerprint(mapping))
    const comments = settleComment(field, { side, listed, base: known.comments ?? [] })
    if (comments !== null) learnt[field.mappingId] = { ...known, comments }
  }
  if (Object.keys(learnt).length === 0) return { settled: notApplied(intent.id), base: null }
  return {
    settled: { ...notApplied(intent.id), outcome: 'applied', targetId: snapshots[side].id },
    base: learnt,
  }
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
  if (states.includes('as-before') !== states.includes('as-sent'))
    return states.includes('as-sent') ? 'applied' : 'not-applied'
  return directlyAfter(intent, snapshot) ? 'not-applied' : 'unknown'
}

/** Base of a pair whose creation is found out later: each field as it was sent, whatever has become of it since. */
export function baseOfCreation(intent: OpenIntent, configuration: LinkConfiguration, version: number): Base {
  const base: Record<string, BaseField> = {}
  for (const field of intent.fields) {
    const mapping = configuration.fields.find((candidate) => candidate.id === field.mappingId)
    if (mapping === undefined || (mapping.constant !== undefined && mapping.constant !== null)) continue
    if (mapping[intent.side] !== field.field) continue
    const learnt: BaseField = {
      ...emptyBase(intent.version === version ? mappingFingerprint(mapping) : otherMeaning),
      ...(field.gap === true ? { gap: otherSide(intent.side) } : {}),
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
