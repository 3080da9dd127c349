import { type BaseField, emptyBase } from '../../core/base.ts'
import { mappingFingerprint } from '../../core/hash.ts'
import type { IntentField, IntentInput, SettledIntent } from '../../core/intents.ts'
import type { Side } from '../../core/values.ts'
import type { Workbench } from '../connections.ts'
import type { PairDecision } from './decision.ts'
import type { Effects } from './execute.ts'
import type { CarryInput } from './keep-lease.ts'
import { recordIntents } from './write-ahead.ts'

/** A write of parts of a record, its files or comments, which are written after the record itself. */
export interface PartWrite {
  decision: PairDecision
  effects: Effects
  /** Empty until it is written ahead, and of what the brake holds. */
  intentId: string
}

/** Writes ahead, one intent a write; where the brake holds a record, none of its writes gets an id. */
export async function writePartsAhead<W extends PartWrite>(
  input: CarryInput,
  writes: readonly W[],
  intended: (write: W) => { action: IntentInput['action']; side: Side; fields: readonly IntentField[] },
  again = false,
): Promise<void> {
  if (writes.length === 0) return
  await input.keepLease()
  const intents = writes.map((write): IntentInput => {
    const { action, side, fields } = intended(write)
    const { left, right, item } = write.decision
    const [own, twin] = side === 'left' ? [left, right] : [right, left]
    return {
      key: item.key,
      action,
      side,
      targetId: own.id,
      sourceId: twin.id,
      stampBefore: own.stamp,
      fields,
    }
  })
  const ids = await recordIntents(input, intents, again)
  writes.forEach((write, index) => {
    const id = ids[index]
    if (id === null || id === undefined) write.effects.braked = true
    else write.intentId = id
  })
}

/** What became of a write of parts, as its answer told. */
export function settledPart(
  { decision, intentId }: PartWrite,
  side: Side,
  outcome: 'applied' | 'not-applied' | 'in-doubt',
): SettledIntent {
  return {
    intentId,
    outcome,
    targetId: decision[side].id,
    stampAfter: null,
    after: {},
    possibleOverwrite: false,
    foundByLooking: false,
  }
}

/** Takes what is known of a mapping's parts now into the base of the pair. */
export function learnParts(
  bench: Workbench,
  effects: Effects,
  mappingId: string,
  change: (known: BaseField) => Pick<BaseField, 'files' | 'comments' | 'listed'>,
): void {
  const mapping = bench.link.configuration.fields.find((one) => one.id === mappingId)
  if (mapping === undefined) return
  const known = effects.base[mappingId] ?? emptyBase(mappingFingerprint(mapping))
  effects.base = { ...effects.base, [mappingId]: { ...known, ...change(known) } }
  effects.baseChanged = true
}
