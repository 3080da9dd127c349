import { hash } from 'node:crypto'
import type { FieldMapping } from './link-config.ts'
import type { CanonicalValue } from './values.ts'

function sha256(text: string): string {
  return hash('sha256', text, 'base64url')
}

/** Hash of a canonical value; equal exactly for equal values. */
export function valueHash(value: CanonicalValue): string {
  return sha256(JSON.stringify(value))
}

/** Identifies what a mapping means: base values agreed under another meaning are not comparable. */
export function mappingFingerprint(mapping: FieldMapping): string {
  const { left, right, direction, constant, values } = mapping
  return sha256(JSON.stringify([left, right, direction, constant ?? null, values])).slice(0, 16)
}
