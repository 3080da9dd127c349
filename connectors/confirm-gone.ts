import { type CallOptions, ConnectorError, type GoneEvidence } from './contract.ts'

/** What one look-up by id said, before it is known whether anything reads at all. */
export type LookUp = Pick<GoneEvidence, 'outcome' | 'reason'>

/** Siblings tried before it is believed that none reads. */
const siblingsTried = 3

/**
 * The common part of evidence by id: a known sibling must read before and after the look-ups, through the same door, so
 * that a lost permission or a vanished project never looks like a deletion.
 */
export async function confirmGoneBy<T extends { id: string }>(
  lookUp: (one: T) => Promise<LookUp>,
  wanted: readonly T[],
  siblings: readonly T[],
  options: CallOptions,
): Promise<GoneEvidence[]> {
  const looked = async (one: T): Promise<LookUp> => {
    try {
      return await lookUp(one)
    } catch (error) {
      options.signal?.throwIfAborted()
      const reason =
        error instanceof ConnectorError || error instanceof Error ? error.message : 'the endpoint gave no usable answer'
      return { outcome: 'unknown', reason }
    }
  }
  const oneReads = async (): Promise<boolean> => {
    for (const one of siblings.slice(0, siblingsTried)) if ((await looked(one)).outcome === 'there') return true
    return false
  }
  const before = await oneReads()
  const found = await Promise.all(wanted.map(looked))
  const after = before && (await oneReads())
  return wanted.map((one, index) => {
    const { id } = one
    const { outcome, reason } = found[index] ?? { outcome: 'unknown', reason: null }
    return outcome === 'gone' && !after
      ? { id, outcome: 'unknown', reason: 'no other one can be read either' }
      : { id, outcome, reason }
  })
}

/** `confirmGoneBy` for records, which their id alone tells. */
export function confirmRecordsGone(
  lookUp: (id: string) => Promise<LookUp>,
  ids: readonly string[],
  siblings: readonly string[],
  options: CallOptions,
): Promise<GoneEvidence[]> {
  const each = (all: readonly string[]) => all.map((id) => ({ id }))
  return confirmGoneBy(({ id }) => lookUp(id), each(ids), each(siblings), options)
}
