import type { Command } from 'commander'
import type { z } from 'zod'
import type { ConflictView, decisionOutcomes } from '../api/contract/conflicts.ts'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { localTime, savedWords, short, table } from './output.ts'

const choices = ['left', 'right', 'value', 'retry'] as const

interface Filter {
  field?: string
  kind?: string
  left?: string
  right?: string
  days?: string
}

interface ResolveOptions extends Omit<Filter, 'left' | 'right'> {
  choose: string
  reason: string
  value?: string
  side: string
  every?: boolean
  yes?: boolean
}

const filters = (command: Command) =>
  command
    .option('--field <mapping>', 'only of this mapped field')
    .option('--kind <kind>', 'only both-changed, disputed or frozen')
    .option('--days <number>', 'only those whose values are what they are for so many days')

export function conflictCommands(program: Command, context: () => Context): void {
  const conflict = program.command('conflict').description('fields that wait for a decision')

  filters(conflict.command('list [link]'))
    .description('fields that wait, of a link or of all, with the values of both sides')
    .option('--left <id>', 'only of this record of the left side')
    .option('--right <id>', 'only of this record of the right side')
    .option('--all', 'closed ones too')
    .option('--diff', 'with what both sides last agreed on, and how long texts differ')
    .action(async (which: string | undefined, options: Filter & { all?: boolean; diff?: boolean }) => {
      const { output } = context()
      const link = which === undefined ? null : await findLink(context(), which)
      const items = await matching(context(), link?.id ?? null, {
        ...queryOf(options),
        ...(options.all === true ? {} : { open: 'true' }),
        ...(options.diff === true ? { differences: 'true' } : {}),
      })
      output.show(items, (rows) =>
        options.diff === true && rows.length > 0 ? rows.map(describe).join('\n\n') : listOf(rows),
      )
    })

  conflict
    .command('show <link> <id>')
    .description('one conflict with what the sides last agreed on, and how long texts differ')
    .action(async (which: string, conflictId: string) => {
      const { api, output } = context()
      const link = await findLink(context(), which)
      output.show(await api.call('getConflict', { params: { id: link.id, conflictId } }), describe)
    })

  filters(conflict.command('resolve <link> [ids...]'))
    .description('decide: the value of a side, another value for both, or another try with a frozen field')
    .requiredOption('--choose <choice>', `one of ${choices.join(', ')}`)
    .requiredOption('--reason <text>', 'why: it stays in the ledger')
    .option('--value <json>', 'with --choose value: text, or JSON for numbers and lists')
    .option('--side <side>', 'whose words the value is in: left or right', 'left')
    .option('--every', 'instead of ids: all that wait and match --field, --kind and --days; without --yes: show them')
    .option('--yes', 'with --every: do it')
    .action(async (which: string, ids: string[], options: ResolveOptions) => {
      const { output, exit } = context()
      const choose = choices.find((one) => one === options.choose)
      if (choose === undefined) throw new Error(`--choose takes one of ${choices.join(', ')}.`)
      const { side, reason } = options
      if (side !== 'left' && side !== 'right') throw new Error('--side takes left or right.')
      const { field, kind, days } = options
      if (
        (options.every === true) === ids.length > 0 ||
        (options.every !== true && (field ?? kind ?? days) !== undefined)
      )
        throw new Error(
          'Name the ids of conflicts, or give --every, with --field, --kind and --days to choose among them.',
        )
      const link = await findLink(context(), which)
      const open = await matching(context(), link.id, {
        open: 'true',
        ...(options.every === true ? { ...queryOf(options), decided: 'false' } : {}),
      })
      if (options.every === true && options.yes !== true)
        return output.show(open, (rows) =>
          rows.length === 0 ? listOf(rows) : `${listOf(rows)}\nNothing was decided yet: repeat it with --yes.`,
        )
      const wanted = options.every === true ? open.map((one) => one.id) : ids
      const value = options.value === undefined ? {} : { value: parsed(options.value) }
      const items = await decide(context(), link.id, wanted, open, { choose, side, reason, ...value })
      output.show(items, (rows) =>
        rows.map((one) => [one.id, one.state, ...(one.message === null ? [] : [one.message])].join(' ')).join('\n'),
      )
      if (items.some((one) => one.state !== 'decided')) exit(1)
    })

  conflict
    .command('policy <link>')
    .description('show what becomes of fields that nobody decides about; with options, change it')
    .option('--after-days <number>', 'take a side once the values have been what they are for so many days')
    .option('--take <side>', 'with --after-days: left or right')
    .option('--keep-asking', 'wait until somebody decides')
    .option('--comment <text>', 'why', '')
    .action(async (which: string, options: PolicyOptions) => {
      const { api, output } = context()
      const link = await findLink(context(), which)
      const params = { id: link.id }
      const { items } = await api.call('listVersions', { params })
      const configuration = items[0]?.configuration ?? {}
      const change = wantedPolicy(options)
      if (change !== undefined) {
        const body = {
          expectedVersion: link.version,
          comment: options.comment,
          configuration: { ...configuration, unanswered: change },
        }
        const { version } = await api.call('addVersion', { params, body })
        output.line(savedWords(link, version, '; it holds from now on.'))
      }
      const unanswered = change === undefined ? ((configuration.unanswered ?? null) as Policy) : change
      output.show({ unanswered }, () =>
        unanswered === null
          ? 'Fields wait until somebody decides.'
          : `Fields about which nobody decides take the ${unanswered.take} side ${unanswered.afterDays} days after their values last changed; frozen ones wait.`,
      )
    })
}

type Policy = { afterDays: number; take: string } | null

interface PolicyOptions {
  afterDays?: string
  take?: string
  keepAsking?: boolean
  comment: string
}

/** Undefined: nothing is to change. */
function wantedPolicy({ afterDays, take, keepAsking }: PolicyOptions): Policy | undefined {
  if (keepAsking === true && afterDays === undefined && take === undefined) return null
  if (keepAsking === undefined && afterDays === undefined && take === undefined) return undefined
  if (keepAsking === true || afterDays === undefined || take === undefined || !/^\d+$/.test(afterDays))
    throw new Error('Give --after-days with a number together with --take left or right, or --keep-asking.')
  return { afterDays: Number(afterDays), take }
}

type Outcome = z.infer<typeof decisionOutcomes>['items'][number]

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** So many are decided by one request. */
const atATime = 500

function queryOf({ field, kind, left, right, days }: Filter): Record<string, string> {
  return {
    ...(field === undefined ? {} : { mappingId: field }),
    ...(kind === undefined ? {} : { kind }),
    ...(left === undefined ? {} : { leftId: left }),
    ...(right === undefined ? {} : { rightId: right }),
    ...(days === undefined ? {} : { waitingDays: days }),
  }
}

/** All conflicts of a link, or of all links, that match. */
async function matching(
  { api }: Context,
  linkId: string | null,
  query: Record<string, string>,
): Promise<ConflictView[]> {
  const found: ConflictView[] = []
  let cursor: string | undefined
  do {
    const paged = { limit: '200', ...query, ...(cursor === undefined ? {} : { cursor }) }
    const page: { items: ConflictView[]; next: string | null } = await (linkId === null
      ? api.call('conflictInbox', { query: paged })
      : api.call('listConflicts', { params: { id: linkId }, query: paged }))
    found.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return found
}

/** Decides about conflicts as `open` shows them. */
async function decide(
  { api }: Context,
  linkId: string,
  ids: readonly string[],
  open: readonly ConflictView[],
  choice: object,
): Promise<Outcome[]> {
  const revisions = new Map(open.map((one) => [one.id, one.revision]))
  const known = [...new Set(ids)].filter((id) => uuid.test(id))
  const items: Outcome[] = ids.flatMap((id) =>
    uuid.test(id)
      ? []
      : [
          {
            id,
            state: 'unknown' as const,
            message: 'It is no id of a conflict; "conflict list" shows them.',
            conflict: null,
          },
        ],
  )
  for (let at = 0; at < known.length; at += atATime) {
    // One that is not open is refused by the server, whatever revision is named.
    const conflicts = known.slice(at, at + atATime).map((id) => ({ id, revision: revisions.get(id) ?? 1 }))
    const answer = await api.call('resolveConflicts', { params: { id: linkId }, body: { ...choice, conflicts } })
    items.push(...answer.items)
  }
  return items
}

function listOf(rows: readonly ConflictView[]): string {
  return table(
    ['Left record', 'Right record', 'Field', 'Kind', 'Left', 'Right', 'Unchanged since', 'Id'],
    rows.map((one) => [
      one.leftId,
      one.rightId,
      one.mappingId,
      one.decision === null ? one.kind : `${one.kind}, decided`,
      short(one.left, 30),
      short(one.right, 30),
      localTime(one.valuesSince),
      one.id,
    ]),
    'No field waits for a decision.',
  )
}

/** JSON where it is some, else the text itself. */
function parsed(text: string): string | number | boolean | string[] | null {
  try {
    const value: unknown = JSON.parse(text)
    if (value === null || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string')
      return value
    if (Array.isArray(value)) return value.map(String)
  } catch {
    return text
  }
  return text
}

function describe(one: ConflictView): string {
  const lines = [
    `${one.mappingId} of ${one.leftId} / ${one.rightId}: ${one.kind}, revision ${one.revision}`,
    `  agreed on  ${one.base === null ? '(not kept)' : `${short(one.base.left, 200)} / ${short(one.base.right, 200)}`}`,
    `  left       ${short(one.left, 400)}`,
    `  right      ${short(one.right, 400)}`,
  ]
  if (one.differences !== null) {
    const { form, left, right, between } = one.differences
    const shown = (label: string, parts: Parts | null) =>
      parts === null
        ? []
        : [
            `  ${label}:`,
            ...marked(parts)
              .replace(/\n$/, '')
              .split('\n')
              .map((line) => `    ${line}`),
          ]
    lines.push(
      ...(form === 'source' ? ['  (only the markup differs)'] : []),
      ...shown('what the left side changed', left),
      ...shown('what the right side changed', right),
      ...(left === null || right === null ? shown('from left to right', between) : []),
    )
  }
  if (one.decidesItself !== null)
    lines.push(`  the ${one.decidesItself.take} side is taken on ${localTime(one.decidesItself.at)} if nobody decides`)
  if (one.decision !== null)
    lines.push(`  decided    ${one.decision.choose} by ${one.decision.actor}: ${one.decision.reason}`)
  if (one.resolvedAt !== null) lines.push(`  closed     ${localTime(one.resolvedAt)} (${one.resolution})`)
  return lines.join('\n')
}

type Parts = NonNullable<ConflictView['differences']>['between']

/** In the manner of wdiff: `[-gone-]` and `{+new+}`. */
function marked(parts: Parts): string {
  return parts
    .map(({ kind, text, lines }) => {
      if (kind === 'removed') return `[-${text}-]`
      if (kind === 'added') return `{+${text}+}`
      return kind === 'same' ? text : `... ${lines} lines ...\n`
    })
    .join('')
}
