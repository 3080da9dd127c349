import { canonicalMemo, memoImages, memoText, textToMemo, wrapMemo } from '../memo.ts'
import { parseCanonical } from './canonical.ts'
import { type Construct, constructs, inventoryOf, missing } from './constructs.ts'
import { corpus, type Sample, type Topic } from './corpus.ts'

/** A field as far as texts are concerned. */
export interface TextField {
  type: 'memo' | 'string'
  /** Characters of a string; null: no limit known. */
  maxLength?: number | null
  /** What the endpoint makes of a document that is written to it; absent: it keeps it. */
  stores?: (html: string) => string
}

export interface FidelityOptions {
  /** Attached images are carried and re-pointed. */
  images?: boolean
  samples?: readonly Sample[]
}

/** How much of the texts that people keep survives the way to a field and back. */
export interface Fidelity {
  /** Share of the constructs in the corpus that are found again, 0 to 1. */
  score: number
  byTopic: ReadonlyMap<Topic, { survived: number; of: number }>
  /** Constructs of which something is lost, in the order of importance. */
  lost: readonly Construct[]
}

/** Measures a mapping on the corpus: each text is read, written to the other field, read there, written back and read again. */
export function fidelity(from: TextField, to: TextField, options: FidelityOptions = {}): Fidelity {
  const byTopic = new Map<Topic, { survived: number; of: number }>()
  const lost = new Set<Construct>()
  let [survived, of] = [0, 0]
  for (const sample of options.samples ?? corpus) {
    const gone = lostOf(sample, from, to, options.images === true)
    const made = from.type === 'memo' ? sample.constructs : (['text', 'line break'] as const)
    const known = byTopic.get(sample.topic) ?? { survived: 0, of: 0 }
    for (const construct of made) {
      const found = !gone.has(construct)
      if (!found) lost.add(construct)
      known.of++
      of++
      if (!found) continue
      known.survived++
      survived++
    }
    byTopic.set(sample.topic, known)
  }
  const names = (Object.keys(constructs) as Construct[]).filter((construct) => lost.has(construct))
  return { score: of === 0 ? 1 : survived / of, byTopic, lost: names }
}

/** What of a text does not come back, judged by what its author says it is made of. */
function lostOf(sample: Sample, from: TextField, to: TextField, images: boolean): Set<Construct> {
  const memo = canonicalMemo(sample.html)
  const start = from.type === 'memo' ? memo : textToMemo(memoText(memo))
  const there = carried(start, to)
  const back = there === null ? null : carried(there, from)
  const before = inventoryOf(parseCanonical(start))
  const gone = new Set(missing(before, inventoryOf(parseCanonical(back))))
  // What reading has lost already is found in no inventory.
  if (from.type === 'memo') for (const construct of sample.constructs) if (!before.has(construct)) gone.add(construct)
  if (!images && memoImages(start).some((image) => image.kind === 'attachment')) gone.add('image')
  return gone
}

/** The memo that a field shows once a memo's content was written to it. Nothing is cut: what is too long is not there. */
function carried(memo: string | null, field: TextField): string | null {
  if (field.type === 'memo')
    return field.stores === undefined || memo === null ? memo : canonicalMemo(field.stores(wrapMemo(memo)))
  const text = memoText(memo)
  const tooLong = field.maxLength !== undefined && field.maxLength !== null && text.length > field.maxLength
  return tooLong ? null : textToMemo(text)
}
