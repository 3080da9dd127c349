import { hash } from 'node:crypto'

/** JSON with keys in order, so that the same content has the same text wherever it was stored in between. */
export function stableJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  let text = ''
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '' : ','}${stableJson(item ?? null)}`
    return `[${text}]`
  }
  for (const key of Object.keys(value).sort()) {
    const item = (value as Record<string, unknown>)[key]
    if (item !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${stableJson(item)}`
  }
  return `{${text}}`
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex')
}

/** Marks hashes that cover every column of a row, and the rows' time; those before cover what is in `content` and who it concerns. */
export const wholeRowMark = '2:'

/** Hash of a row over its salted content: the content may be erased later and the chain still verifies. */
export function ledgerRowHash(salt: string, content: unknown, mark: '' | typeof wholeRowMark = wholeRowMark): string {
  return `${mark}${sha256(`${salt}|${stableJson(content)}`)}`
}

/** Root over the rows of one commit, in their order. */
export function ledgerRoot(rowHashes: readonly string[]): string {
  return sha256(rowHashes.join('|'))
}

/** Hash of a chain entry; the database computes the same (db/ledger.ts). `rowsAt`: null in entries of the older kind. */
export function ledgerEntryHash(entry: {
  seq: number
  previousHash: string
  root: string
  rows: number
  at: string
  rowsAt: string | null
}): string {
  const text = `${entry.seq}|${entry.previousHash}|${entry.root}|${entry.rows}|${entry.at}`
  return entry.rowsAt === null ? sha256(text) : `${wholeRowMark}${sha256(`${text}|${entry.rowsAt}`)}`
}

/** What stands before the first entry of a chain. */
export const ledgerOrigin = 'origin'
