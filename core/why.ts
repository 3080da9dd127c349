import type { BaseField, BaseValue } from './base.ts'
import { valueHash } from './hash.ts'
import type { IntentField } from './intents.ts'
import type { FieldMapping } from './link-config.ts'
import { type CanonicalValue, otherSide, type Side, sameValue } from './values.ts'

/** A write of the ledger that concerned the field, on either side. */
export interface WhyWrite {
  ledgerId: string
  at: string
  kind: 'write' | 'decision'
  action: string
  side: Side
  leftId: string | null
  rightId: string | null
  field: IntentField & { after?: CanonicalValue }
  actor: string
  bridge: string | null
  build: string | null
  version: { number: number; author: string | null; comment: string | null; savedAt: string | null } | null
  run: { id: string; kind: string | null; trigger: string | null } | null
  workflowId: string | null
  temporalRunId: string | null
  foundByLooking: boolean
  possibleOverwrite: boolean
  chain: string
  seq: number | null
}

export interface WhyDecision {
  at: string
  actor: string
  choose: string
  value: CanonicalValue
  reason: string
}

/** What keeps the field, or its whole record, from being carried over. */
export interface WhyHeld {
  since: string
  message: string
  remedy: string
}

export interface WhyFacts {
  side: Side
  recordId: string
  field: string
  mappingId: string
  /** Of the newest configuration; null: it is not mapped there. */
  mapping: FieldMapping | null
  version: number
  endpoints: Readonly<Record<Side, string>>
  pair: { leftId: string; rightId: string; since: string } | null
  base: BaseField | null
  /** Newest first, of both sides. */
  writes: readonly WhyWrite[]
  decisions: readonly WhyDecision[]
  held: readonly WhyHeld[]
}

export interface WhyAnswer {
  field: string
  mappingId: string
  /** As last agreed on by both sides; null where it is empty or not known. */
  value: CanonicalValue
  valueKnown: boolean
  /** Who the value is from: us, people or programs at the endpoint, or it cannot be told. */
  origin: 'written' | 'endpoint' | 'unknown'
  words: string[]
  writes: readonly WhyWrite[]
  decisions: readonly WhyDecision[]
  held: readonly WhyHeld[]
}

const rules: Record<string, string> = {
  changed: 'only the other side had changed it since both last agreed',
  new: 'the record was created here from the other one',
  conflict: 'both sides had changed it, and the policy of the field names the side that wins',
  latest: 'both sides had changed it, and the other side did so later by its own history',
  merge: 'both sides had changed it, and both changes were merged',
  decision: 'a person decided so',
  're-map': 'its mapping had changed, so that the value was made anew',
  default: 'the other side had no value that could be carried over, so the default of the mapping was taken',
  constant: 'the mapping names this constant for new records',
  reference: 'it names the twin of the record',
  type: 'it is the type that the link gives new records',
  attachment: 'it is a file of the other side',
  add: 'it was written on the other side and was not here yet',
  edit: 'it was edited on the other side',
  delete: 'it was taken away on the other side',
}

/** Of a pair that was there already: its field was mapped later, its history was reset, or it was found rather than created. */
const notAgreed = 'both sides had agreed on nothing yet, and the value of the other side is taken then'

/** Why a field of a record has its value, as facts and in words; pure. */
export function explainField(facts: WhyFacts): WhyAnswer {
  const { side, recordId, field, endpoints, base, pair, mapping } = facts
  const here = `${field} of ${recordId} in ${endpoints[side]}`
  const agreed = base?.[side]
  const valueKnown = agreed !== undefined && 'v' in agreed
  const own = facts.writes.find((write) => write.side === side && write.kind === 'write')
  const words: string[] = []
  let origin: WhyAnswer['origin'] = 'unknown'
  if (agreed !== undefined) words.push(`${here} is ${said(agreed)}, as both sides last agreed.`)

  if (own !== undefined && (agreed === undefined || holds(agreed, keptBy(own)))) {
    origin = 'written'
    words.push(...wordsOfWrite(own, facts))
  } else if (pair !== null && agreed !== undefined) {
    origin = 'endpoint'
    words.push(`The value came from ${endpoints[side]}: somebody set it there, not Tandem.`)
    const carried = firstCarried(facts, agreed)
    if (carried !== undefined)
      words.push(`Tandem first saw it on ${carried.at}, ${runWords(carried)}, and carried it to the other side then.`)
    else if (own !== undefined)
      words.push(`It was changed there after the last write of Tandem; both sides have agreed on it since.`)
    else words.push(`It has been there since the records became a pair on ${pair.since}, or both sides changed to it.`)
    if (own !== undefined)
      words.push('The last write of Tandem to this field before that:', ...wordsOfWrite(own, facts))
  } else if (pair === null)
    words.push(
      `${recordId} in ${endpoints[side]} is not in step with any record of the other side, so nothing of it was written by Tandem; what it holds came from ${endpoints[side]}.`,
    )
  else words.push(`Tandem has never agreed on a value of ${here} with the other side, and knows of no write to it.`)

  if (mapping === null && !ownMappings.has(facts.mappingId))
    words.push(`Version ${facts.version} of the configuration does not map ${field}: Tandem leaves it alone.`)
  else if (mapping !== null && origin !== 'written') {
    const toHere = side === 'left' ? 'to-left' : 'to-right'
    if (mapping.direction !== 'both' && mapping.direction !== toHere)
      words.push(`The mapping "${mapping.id}" never writes to this side.`)
  }
  for (const decision of facts.decisions)
    words.push(
      `${decision.actor} decided on ${decision.at}: ${choiceWords(decision)}${decision.reason === '' ? '' : `, because: ${decision.reason}`}.`,
    )
  if (base?.frozen !== undefined)
    words.push(
      base.frozen === 'altered'
        ? `The field is frozen: ${endpoints[base.frozenSide ?? side]} alters what is written to it.`
        : 'The field is frozen: its values went back and forth.',
    )
  for (const one of facts.held) words.push(`Not carried over since ${one.since}: ${one.message} ${one.remedy}`)
  const { writes, decisions, held } = facts
  const value = agreed !== undefined && 'v' in agreed ? agreed.v : null
  return { field, mappingId: facts.mappingId, value, valueKnown, origin, words, writes, decisions, held }
}

/** What one write was, in words that stand for themselves. */
export function wordsOfWrite(
  write: WhyWrite,
  { endpoints, mapping }: Pick<WhyFacts, 'endpoints' | 'mapping'>,
): string[] {
  const { field, side, version } = write
  const from = otherSide(side)
  const sourceId = from === 'left' ? write.leftId : write.rightId
  const target = side === 'left' ? write.leftId : write.rightId
  const sourceField = mapping?.[from] ?? null
  const known = field.rule === 'new' && write.action !== 'create' ? notAgreed : rules[field.rule]
  const rule = known ?? `rule ${field.rule}`
  // The reference to a twin is written ahead before the twin has a number: what it came to be is in the answer alone.
  const sent =
    field.rule === 'reference' && field.sent === null
      ? `set to ${quoted(field.after ?? null)}`
      : `sent ${quoted(field.sent)}${'after' in field ? `, and the endpoint kept ${quoted(field.after ?? null)}` : ''}`
  const lines = [
    `Tandem wrote it on ${write.at} (${write.action} of ${target ?? 'a record'} in ${endpoints[side]}): before ${quoted(field.before)}, ${sent}.`,
    field.rule === 'reference' || field.rule === 'constant' || field.rule === 'type'
      ? `Why: ${rule}.`
      : `It was made from ${quoted(field.source)}${sourceField === null ? '' : ` in ${sourceField}`} of ${sourceId ?? 'the twin'} in ${endpoints[from]}. Why: ${rule}.`,
  ]
  if (field.times !== undefined)
    lines.push(`Times of both edits by the endpoints' histories: ${JSON.stringify(field.times)}.`)
  if (version !== null)
    lines.push(
      `By mapping "${field.mappingId}" of configuration version ${version.number}${
        version.author === null
          ? ''
          : `, saved by ${version.author} on ${version.savedAt}${version.comment === null || version.comment === '' ? '' : ` ("${version.comment}")`}`
      }.`,
    )
  lines.push(
    `${capital(runWords(write))}, started by ${write.actor}; Temporal workflow ${write.workflowId ?? 'unknown'}, run ${write.temporalRunId ?? 'unknown'}; bridge ${write.bridge ?? 'unknown'}, build ${write.build ?? 'unknown'}.`,
    `Ledger row ${write.ledgerId}, entry ${write.seq ?? 'unknown'} of chain ${write.chain}.`,
  )
  if (write.foundByLooking) lines.push('The answer to the write was lost; that it happened was found by looking.')
  if (write.possibleOverwrite)
    lines.push('Possible overwrite: an edit of somebody else may lie between the last look and this write.')
  return lines
}

/** Mappings of ours, that no configuration names. */
const ownMappings = new Set(['cross-reference', 'record-type'])

function keptBy({ field }: WhyWrite): CanonicalValue {
  return 'after' in field ? (field.after ?? null) : field.sent
}

function holds(agreed: BaseValue, value: CanonicalValue): boolean {
  return 'v' in agreed ? sameValue(agreed.v, value) : agreed.h === valueHash(value)
}

/** The write to the other side by which the value, as it still is, was carried over first. */
function firstCarried({ side, writes }: WhyFacts, agreed: BaseValue): WhyWrite | undefined {
  let first: WhyWrite | undefined
  for (const write of writes) {
    if (write.kind !== 'write') continue
    if (write.side === side || !holds(agreed, write.field.source)) break
    first = write
  }
  return first
}

function runWords({ run }: Pick<WhyWrite, 'run'>): string {
  if (run === null) return 'outside of a run'
  return `in the ${run.kind ?? ''} run ${run.id}${run.trigger === null ? '' : ` (trigger: ${run.trigger})`}`
}

function choiceWords({ choose, value }: WhyDecision): string {
  if (choose === 'value') return `the value ${quoted(value)} for both sides`
  return choose === 'retry' ? 'to try the field again' : `the value of the ${choose} side`
}

function said(value: BaseValue): string {
  return 'v' in value ? quoted(value.v) : 'a long text, of which only the fingerprint is kept'
}

function quoted(value: CanonicalValue): string {
  return value === null ? 'empty' : JSON.stringify(value)
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
