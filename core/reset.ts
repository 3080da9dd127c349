import type { LinkConfiguration } from './link-config.ts'
import { sidePolicy } from './merge.ts'
import type { Side } from './values.ts'

/** Zones are at most so far behind UTC. */
const furthestBehindSeconds = 12 * 3_600

/**
 * A moment in the words in which a server has told its times. Where these carry no zone, nobody outside knows the server's:
 * it is then the earliest time that a clock on the wall can have shown at that moment.
 */
export function inServerWords(moment: string, sample: string): string {
  // biome-ignore lint/style/noRestrictedGlobals: parses a time it is given, asks no clock
  const milliseconds = Date.parse(moment)
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/.test(sample)
  // biome-ignore lint/style/noRestrictedGlobals: writes a time it is given, asks no clock
  const told = new Date(milliseconds - (hasZone ? 0 : furthestBehindSeconds * 1_000)).toISOString().slice(0, 19)
  return hasZone ? `${told}Z` : told.replace('T', sample.includes('T') ? 'T' : ' ')
}

/** How many fields that flow both ways each side wins where nothing is agreed on, and of how many people are asked. */
export function winnersOf(configuration: Pick<LinkConfiguration, 'fields'>): Record<Side | 'ask', number> {
  const winners = { left: 0, right: 0, ask: 0 }
  for (const mapping of configuration.fields)
    if (mapping.direction === 'both' && (mapping.constant ?? null) === null && !mapping.createOnly)
      winners[sidePolicy(mapping)]++
  return winners
}

/** What reading a side again from a time would mean. */
export interface SideAgain {
  side: Side
  endpoint: string
  /** Where the next scan would start by itself; null: at the beginning. */
  readFrom: string | null
  /** Where it is to start, in the endpoint's own words; null: it has not been read yet. */
  from: string | null
  /** Known records that were modified since then. */
  records: number
}

export function timeResetWords(sides: readonly SideAgain[], concerned: { pairs: number; unpaired: number }): string[] {
  return [
    ...sides.map(({ endpoint, readFrom, from, records }) =>
      from === null
        ? `${endpoint} has not been read yet, or was empty; the next scan lists all of it.`
        : `${endpoint} is listed again from ${from}${readFrom === null ? '' : ` (by itself: from ${readFrom})`}; ${count(records, 'known record')} modified since then.`,
    ),
    `${count(concerned.pairs, 'pair')} would be compared again, and ${count(concerned.unpaired, 'record')} without twin judged again, besides what the listing finds. What is in step costs no write.`,
  ]
}

/** What forgetting the history of a link would mean. */
export interface HistoryFacts {
  pairs: number
  /** Values that pairs have agreed on. */
  values: number
  frozen: number
  /** Records without twin that were looked at. */
  unpaired: number
  /** Pairs that are due or held: something of them may not have been carried over yet. */
  waiting: number
  openConflicts: number
  winners: Record<Side | 'ask', number>
}

export function historyResetWords(facts: HistoryFacts, endpoints: Readonly<Record<Side, string>>): string[] {
  const { pairs, values, frozen, unpaired, waiting, openConflicts, winners } = facts
  return [
    `The ${count(pairs, 'pair')} stay, which file of one side is which of the other stays, and so do the ledger, issues and records that people have stopped.`,
    `Removed: ${count(values, 'value')} that the pairs have agreed on${frozen === 0 ? '' : `, ${count(frozen, 'frozen field')} among them, which flow again`}.`,
    `All pairs are compared as if they were new, and ${count(unpaired, 'record')} without twin judged again. Where both sides hold the same, nothing is written. Where they differ, a value beats no value; else ${endpoints.left} wins ${count(winners.left, 'field')}, ${endpoints.right} ${count(winners.right, 'field')}, and people are asked about ${count(winners.ask, 'field')}; fields of one direction are written in it. The brake holds.`,
    ...(waiting + openConflicts === 0
      ? []
      : [
          `${count(waiting, 'pair')} waiting and ${count(openConflicts, 'open conflict')}: edits that were not carried over yet are lost where the other side wins.`,
        ]),
  ]
}

export interface DeletionFacts {
  pairs: number
  /** Writes whose answer never came. */
  unanswered: number
  waiting: number
  openIssues: number
  openConflicts: number
  stopped: number
}

export function deletionWords(
  facts: DeletionFacts,
  endpoints: Readonly<Record<Side, string>>,
  kind: LinkConfiguration['entityType'],
): string[] {
  const { pairs, unanswered, waiting, openIssues, openConflicts, stopped } = facts
  return [
    `Its ${count(pairs, 'pair')} are kept: a later ${kind} link of ${endpoints.left} and ${endpoints.right} finds them again and creates none of their records twice. For other endpoints, export it with its pairs before.`,
    'Nothing is deleted or changed in either system; versions of the configuration, runs and the ledger stay.',
    ...(unanswered === 0 ? [] : [`${count(unanswered, 'write')} without answer: a later link settles them.`]),
    ...(stopped === 0 ? [] : [`${count(stopped, 'record')} that people have stopped stay so.`]),
    ...(waiting + openConflicts + openIssues === 0
      ? []
      : [
          `Not done any more: ${count(waiting, 'waiting record')}, ${count(openConflicts, 'open conflict')}, ${count(openIssues, 'open issue')}. A later link compares each pair with what was agreed on, so that no edit is lost.`,
        ]),
  ]
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
