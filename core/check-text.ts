import type { FieldMetadata } from './metadata.ts'
import { fidelity, type TextField } from './rich-text/fidelity.ts'

/** What a mapping does to formatted text, in words; null: everything survives, or there is none. */
export interface TextLoss {
  /** Share of what a corpus of texts is made of that survives the way there and back, 0 to 1. */
  score: number
  message: string
  remedy: string
}

const scores = new Map<string, ReturnType<typeof fidelity>>()

/**
 * Judges the way of texts from one field to another. `images`: attached images are carried. The corpus is walked once for each
 * kind of way.
 */
export function textLoss(source: FieldMetadata, target: FieldMetadata, images: boolean): TextLoss | null {
  const [from, to] = [textField(source), textField(target)]
  if (from === null || to === null || (from.type === 'string' && to.type === 'string')) return null
  const key = JSON.stringify([from, to, images])
  const found = scores.get(key) ?? fidelity(from, to, { images })
  scores.set(key, found)
  if (found.score >= 1) return null
  const plain = to.type === 'string'
  return {
    score: found.score,
    message:
      `Formatted text of "${source.label}" survives in "${target.label}" with a fidelity of ${found.score.toFixed(2)}. ` +
      `Lost: ${found.lost.map((construct) => (construct === 'text' ? 'long text' : construct)).join(', ')}. ` +
      'A text that would lose content is not written; its field is held.',
    remedy: plain
      ? 'Map it to a field with formatted text.'
      : 'Have attachments synchronized, so that images are carried along, or expect such texts to be held.',
  }
}

function textField(field: FieldMetadata): TextField | null {
  if (field.multiple || (field.type !== 'memo' && field.type !== 'string')) return null
  const limit = field.maxLength !== null && field.maxLength >= 0 ? field.maxLength : null
  return field.type === 'memo' ? { type: 'memo' } : { type: 'string', maxLength: limit }
}
