import type { BaseField } from './base.ts'
import type { FieldMapping } from './link-config.ts'
import type { Problem } from './problems.ts'
import { type CanonicalValue, canonicalSet, otherSide, type Side, sides } from './values.ts'

/** A file attached to a record, as its endpoint lists it. */
export interface AttachmentEntry {
  id: string
  name: string
  /** In bytes; null: the endpoint does not tell. */
  size: number | null
  /** Moves whenever the file is replaced or renamed, as far as the endpoint tells. */
  stamp: string
  /** `link`: not a file but an address that somebody attached. */
  kind: 'file' | 'link'
}

/** Canonical value of a record's attachments: one text per file. */
export function attachmentsValue(entries: readonly AttachmentEntry[]): CanonicalValue {
  return canonicalSet(entries.map(encodeEntry))
}

/** A file as it stands in intents and the ledger: `[id, name, size, stamp, kind]`. */
export function encodeEntry({ id, name, size, stamp, kind }: AttachmentEntry): string {
  return JSON.stringify([id, name, size, stamp, kind])
}

/** The files that a canonical value lists. Throws on what is no such value: only connectors make them. */
export function attachmentEntries(value: CanonicalValue): AttachmentEntry[] {
  if (value === null) return []
  return (value as readonly string[]).map(decodeEntry)
}

export function decodeEntry(text: string): AttachmentEntry {
  const [id, name, size, stamp, kind] = JSON.parse(text) as [string, string, number | null, string, 'file' | 'link']
  return { id, name, size, stamp, kind }
}

/** A file that is on both sides, or on one side and left alone on the other. */
export interface AttachmentPair {
  left: AttachmentEntry | null
  right: AttachmentEntry | null
}

export type AttachmentOperation = 'add' | 'replace' | 'rename' | 'delete'

/** One file about to be written. */
export interface PlannedAttachment {
  mappingId: string
  operation: AttachmentOperation
  /** The side written. */
  side: Side
  /** The file it comes from, on the other side; null: of a deletion. */
  source: AttachmentEntry | null
  /** The file as it is on the written side; null: of a new one. */
  target: AttachmentEntry | null
  /** Its name there afterwards. */
  name: string
}

/** Two files of the same name and size that nobody knows to be the same: their contents decide. */
export interface AttachmentComparison {
  mappingId: string
  left: AttachmentEntry
  right: AttachmentEntry
  /** What is done where they differ: each is carried under a name of its own. */
  apart: readonly PlannedAttachment[]
}

export interface AttachmentPlan {
  operations: readonly PlannedAttachment[]
  comparisons: readonly AttachmentComparison[]
  /** What is in step without writing anything, from now on. */
  pairs: readonly AttachmentPair[]
  /** True: `pairs` says something that the base does not. */
  changed: boolean
  problems: readonly Problem[]
}

export interface AttachmentInput {
  mapping: FieldMapping
  base: BaseField | undefined
  left: CanonicalValue
  right: CanonicalValue
  flows: { toLeft: boolean; toRight: boolean }
  /** What a file taken away on one side means for the other. */
  deletion: 'nothing' | 'delete'
  /** Largest file that is carried, in bytes; null: any. */
  maxBytes: number | null
  /** Sides where a file may get another name; elsewhere it is written anew and the old one taken away. */
  renames: Readonly<Record<Side, boolean>>
  /** True: not the files are carried but small ones that say where they are. */
  addresses: boolean
}

const nothingAttached: AttachmentPlan = { operations: [], comparisons: [], pairs: [], changed: false, problems: [] }

/**
 * Plans what is to be done about the files of a pair. A file is known by its id on each side, so that a new name or content is
 * no deletion. Nothing is lost: of two edits of one file the side that wins replaces the other's only where a side is set to
 * win; two files of one name become two files with two names, unless their contents are the same.
 */
export function planAttachments(input: AttachmentInput): AttachmentPlan {
  const { mapping, flows, deletion } = input
  // As it is with most records.
  if (input.left === null && input.right === null && (input.base?.files ?? []).length === 0) return nothingAttached
  const now = { left: byId(input.left), right: byId(input.right) }
  const known = input.base?.files ?? []
  const operations: PlannedAttachment[] = []
  const comparisons: AttachmentComparison[] = []
  const pairs: AttachmentPair[] = []
  const problems: Problem[] = []
  const seen = { left: new Set<string>(), right: new Set<string>() }
  const names = {
    left: new Set([...now.left.values()].map((entry) => plainName(entry.name))),
    right: new Set([...now.right.values()].map((entry) => plainName(entry.name))),
  }
  const flowsTo = (side: Side) => (side === 'left' ? flows.toLeft : flows.toRight)
  const at = { mappingId: mapping.id }

  for (const pair of known) {
    for (const side of sides) if (pair[side] !== null) seen[side].add(pair[side].id)
    planKnown(pair)
  }
  const fresh = { left: [...now.left.values()], right: [...now.right.values()] }
  const unknown = (side: Side) => fresh[side].filter((entry) => !seen[side].has(entry.id))
  const twins = new Map(unknown('right').map((entry) => [plainName(entry.name), entry]))
  for (const entry of unknown('left')) {
    const twin = twins.get(plainName(entry.name))
    if (twin === undefined || entry.size === null || twin.size !== entry.size) continue
    comparisons.push({
      ...at,
      left: entry,
      right: twin,
      apart: [added('left', entry), added('right', twin)].flatMap((one) => one ?? []),
    })
    seen.left.add(entry.id)
    seen.right.add(twin.id)
  }
  for (const side of sides) for (const entry of unknown(side)) add(side, entry)
  return { operations, comparisons, pairs, problems, changed: !samePairs(pairs, known) }

  function planKnown(pair: AttachmentPair): void {
    const current = {
      left: pair.left === null ? undefined : now.left.get(pair.left.id),
      right: pair.right === null ? undefined : now.right.get(pair.right.id),
    }
    const there = sides.filter((side) => current[side] !== undefined)
    const [only] = there
    if (only === undefined) return
    if (there.length === 1) planHalf(pair, only, current[only] as AttachmentEntry)
    else planBoth(pair, current.left as AttachmentEntry, current.right as AttachmentEntry)
  }

  /** One side lacks the file: it was taken away there, or had never been carried. */
  function planHalf(pair: AttachmentPair, side: Side, entry: AttachmentEntry): void {
    const other = otherSide(side)
    const before = pair[side]
    if (pair[other] === null) {
      // Left alone until somebody changes it.
      if (before !== null && same(before, entry)) pairs.push({ ...none, [side]: entry })
      else add(side, entry)
      return
    }
    // An edit here is younger than what was agreed, and goes on living.
    if (before === null || !same(before, entry)) add(side, entry)
    else if (deletion === 'delete' && flowsTo(side)) {
      pairs.push(pair)
      operations.push({ ...at, operation: 'delete', side, source: null, target: entry, name: entry.name })
    } else pairs.push({ ...none, [side]: entry })
  }

  function planBoth(pair: AttachmentPair, left: AttachmentEntry, right: AttachmentEntry): void {
    const changed = {
      left: pair.left === null || !same(pair.left, left),
      right: pair.right === null || !same(pair.right, right),
    }
    if (!changed.left && !changed.right) {
      pairs.push(pair)
      return
    }
    const entries = { left, right }
    const winner = changed.left && changed.right ? decide(pair, left, right) : changed.left ? 'left' : 'right'
    if (winner === null) {
      pairs.push(pair)
      return
    }
    const to = otherSide(winner)
    const [source, target, before] = [entries[winner], entries[to], pair[winner]]
    if (!flowsTo(to)) {
      pairs.push({ left, right })
      return
    }
    const renamed = before !== null && before.name !== source.name
    const replaced = before === null || before.size !== source.size || (before.stamp !== source.stamp && !renamed)
    const name = renamed ? freeName(source.name, names[to], target.name) : target.name
    // The base keeps what it knows until the write is done.
    pairs.push(pair)
    if (tooLarge(source, to)) return
    if (!renamed || (input.renames[to] && !replaced))
      operations.push({ ...at, operation: renamed ? 'rename' : 'replace', side: to, source, target, name })
    else {
      operations.push({ ...at, operation: 'add', side: to, source, target: null, name })
      operations.push({ ...at, operation: 'delete', side: to, source: null, target, name: target.name })
    }
  }

  /** Both sides changed the same file: only where a side is set to win does it replace the other's. */
  function decide(pair: AttachmentPair, left: AttachmentEntry, right: AttachmentEntry): Side | null {
    const policy =
      mapping.conflict === 'left' || mapping.conflict === 'right' ? mapping.conflict : mapping.conflictFallback
    if (policy !== 'ask') return policy
    problems.push({
      class: 'conflict',
      code: 'attachment-changed-twice',
      message: `Both sides changed the attached file "${pair.left?.name ?? left.name}" ("${right.name}").`,
      remedy: 'Take one of the two files away or give it another name, or let a side win for attachments.',
      mappingId: mapping.id,
    })
    return null
  }

  function add(from: Side, source: AttachmentEntry): void {
    if (flowsTo(otherSide(from))) operations.push(...[added(from, source)].flatMap((one) => one ?? []))
    else pairs.push({ ...none, [from]: source })
  }

  function added(from: Side, source: AttachmentEntry): PlannedAttachment | null {
    const side = otherSide(from)
    if (!flowsTo(side) || tooLarge(source, side)) return null
    const shortcut = input.addresses || source.kind === 'link'
    // A text: addresses of other kinds are on the black lists of many sites.
    const name = freeName(shortcut ? `${source.name}.txt` : source.name, names[side], null)
    names[side].add(plainName(name))
    return { ...at, operation: 'add', side, source, target: null, name }
  }

  function tooLarge(entry: AttachmentEntry, side: Side): boolean {
    if (input.addresses || input.maxBytes === null || entry.size === null || entry.size <= input.maxBytes) return false
    problems.push({
      class: 'mapping',
      code: 'attachment-too-large',
      message: `The file "${entry.name}" has ${entry.size} bytes, more than the ${input.maxBytes} that this link carries.`,
      remedy: 'Raise the limit of the link (attachments/maxBytes), or have files carried as addresses.',
      side,
      mappingId: mapping.id,
    })
    return true
  }
}

/** Which file is which after one was carried; null as `entry`: it was taken away. */
export function afterCarrying(
  files: readonly AttachmentPair[],
  done: { side: Side; source: AttachmentEntry | null; target: AttachmentEntry | null; entry: AttachmentEntry | null },
): AttachmentPair[] {
  const { side, source, target, entry } = done
  const rest = files.filter((pair) => {
    const own = pair[side]
    const other = pair[otherSide(side)]
    return !(target !== null && own?.id === target.id) && !(source !== null && other?.id === source.id)
  })
  if (entry === null || source === null) return rest
  // What stood there for the same file until now is nobody's twin any more, and no new file either.
  const displaced = files.flatMap((pair) => {
    const own = pair[side]
    return pair[otherSide(side)]?.id === source.id && own !== null && own.id !== target?.id && own.id !== entry.id
      ? [side === 'left' ? { left: own, right: null } : { left: null, right: own }]
      : []
  })
  return [...rest, ...displaced, side === 'left' ? { left: entry, right: source } : { left: source, right: entry }]
}

const none: AttachmentPair = { left: null, right: null }

function byId(value: CanonicalValue): Map<string, AttachmentEntry> {
  return new Map(attachmentEntries(value).map((entry) => [entry.id, entry]))
}

function same(a: AttachmentEntry, b: AttachmentEntry): boolean {
  return a.id === b.id && a.name === b.name && a.size === b.size && a.stamp === b.stamp
}

function samePairs(a: readonly AttachmentPair[], b: readonly AttachmentPair[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Names compare without case: both products' file systems may. */
function plainName(name: string): string {
  return settledName(name).toLowerCase()
}

/** A name that both products take: none of `/ \ : * ? " < > |`, no control characters, no dot in front, 200 characters. */
export function settledName(name: string): string {
  const plain = [...name.normalize('NFC')]
    .map((character) => ('/\\:*?"<>|'.includes(character) || character < ' ' ? '_' : character))
    .join('')
    .replace(/^\.+/, '_')
    .trim()
  const dot = plain.lastIndexOf('.')
  const [stem, extension] = dot > 0 ? [plain.slice(0, dot), plain.slice(dot)] : [plain, '']
  return `${stem.slice(0, Math.max(1, 200 - extension.length)) || '_'}${extension}`
}

/** The name, with a number where it is taken: `plan (2).txt`. `own`: the name that the file has there already. */
function freeName(name: string, taken: ReadonlySet<string>, own: string | null): string {
  const wanted = settledName(name)
  const dot = wanted.lastIndexOf('.')
  const [stem, extension] = dot > 0 ? [wanted.slice(0, dot), wanted.slice(dot)] : [wanted, '']
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? wanted : `${stem} (${number})${extension}`
    if (!taken.has(candidate.toLowerCase()) || candidate.toLowerCase() === own?.toLowerCase()) return candidate
  }
}
