import type { ProblemDocument } from './contract/schemas.ts'

/** No request of ours needs more; what walks a value by recursion must never meet a deeper one. */
const deepest = 40
/** NUL, and halves of surrogate pairs: PostgreSQL keeps neither in text nor in JSON. */
const unkeepable = (text: string) => text.includes('\0') || /\p{Surrogate}/u.test(text)

/** What in a parsed body or query could not be stored, each with its pointer; checked before anything else looks at it. */
export function unstorable(value: unknown, prefix = ''): ProblemDocument['errors'] {
  const errors: ProblemDocument['errors'] = []
  const left: { at: unknown; pointer: string; depth: number }[] = [{ at: value, pointer: prefix, depth: 0 }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { at, pointer, depth } = next
    if (typeof at === 'string' && unkeepable(at))
      errors.push({ pointer, message: 'holds a character that cannot be stored (NUL, or half of a surrogate pair)' })
    if (at === null || typeof at !== 'object') continue
    if (depth === deepest) return [{ pointer: prefix, message: `is nested deeper than ${deepest} levels` }]
    for (const [key, one] of Object.entries(at)) {
      const below = `${pointer}/${key.replace(/~/g, '~0').replace(/\//g, '~1')}`
      if (unkeepable(key)) errors.push({ pointer: below, message: 'has a name that cannot be stored' })
      left.push({ at: one, pointer: below, depth: depth + 1 })
    }
  }
  return errors.reverse()
}
