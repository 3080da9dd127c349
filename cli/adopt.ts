import { createWriteStream, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { AdoptionView } from '../api/contract/adoptions.ts'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { table } from './output.ts'
import { describeRun, exitCodeOf, followRun } from './run.ts'

interface AdoptOptions {
  byField?: { side: 'left' | 'right'; field: string }
  byKeys?: string
  csv?: string
  yes?: boolean
  differences?: 'ask' | 'policy' | 'left' | 'right'
  show?: string
  export?: string
  discard?: boolean
  proof: boolean
}

const states = ['matched', 'doubtful', 'paired', 'adopted', 'missed', 'unmatched-left', 'unmatched-right']

/** `left:user-12` */
function fieldOfSide(given: string): { side: 'left' | 'right'; field: string } {
  const [side, ...rest] = given.split(':')
  const field = rest.join(':')
  if ((side !== 'left' && side !== 'right') || field === '')
    throw new InvalidArgumentError(`"${given}" is not like "left:user-12": the side comes first.`)
  return { side, field }
}

/** Pairs what exists on both sides already: looked for, looked at, applied. */
export function adoptCommand(program: Command, context: () => Context): void {
  const link = program.commands.find((one) => one.name() === 'link')
  if (link === undefined) throw new Error('the link commands come first')

  link
    .command('adopt <link>')
    .description('pair records that exist on both sides already; nothing is paired without --yes')
    .option(
      '--by-field <side:field>',
      'look for twins: this field holds the id of the record on the other side',
      fieldOfSide,
    )
    .option('--by-keys <mappings>', 'look for twins: these mapped fields hold the same, such as "name,detected-by"')
    .option('--csv <file>', 'look for twins: pairs of ids, "<left id>,<right id>" a line')
    .option('--yes', 'do it: pair what was found last, or go on with what was cut off')
    .addOption(
      new Option(
        '--differences <how>',
        'with --yes: a field that differs is asked about, goes by its policy, or a side wins',
      )
        .choices(['ask', 'policy', 'left', 'right'])
        .default('ask'),
    )
    .option('--no-proof', 'with --yes: do not simulate afterwards what a run would still create')
    .addOption(new Option('--show <state>', 'list records of what was found last').choices(states))
    .option('--export <file>', 'write everything that was found last to a CSV file')
    .option('--discard', 'give up what was found last; pairs that were made stay')
    .action(async (which: string, options: AdoptOptions) => {
      const here = context()
      const { api, output, exit } = here
      const { id } = await findLink(here, which)
      const asked = questionOf(options)
      if (asked !== null) {
        const { adoption, runId } = await api.call('askAdoption', { params: { id }, body: asked })
        const run = await followRun(here, runId)
        const found = await api.call('getAdoption', { params: { id: adoption.id } })
        // A listing that failed says so with its run; there is nothing to show of it.
        output.show(found, () =>
          found.status === 'asked' ? describeRun(run) : `${describeRun(run)}\n${describeAdoption(found)}`,
        )
        exit(found.status === 'ready' ? 0 : exitCodeOf(run) || 1)
        return
      }
      const { items } = await api.call('listAdoptions', { params: { id } })
      const [newest] = items
      const going = items.find((one) => one.status === 'accepted')
      const last = options.yes === true || options.discard === true ? (going ?? newest) : newest
      if (last === undefined)
        throw new Error('Nothing was looked for yet: say how twins are told, with --by-field, --by-keys or --csv.')
      const params = { id: last.id }
      if (options.discard === true) {
        output.show(await api.call('discardAdoption', { params }), () => 'Discarded. Pairs that were made stay.')
        return
      }
      if (options.export !== undefined) {
        const body = await api.download('exportAdoption', { params })
        const target = createWriteStream(options.export, { flags: 'wx' })
        await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), target)
        output.line(`Written to ${options.export}.`)
        return
      }
      if (options.show !== undefined) {
        const page = await api.call('adoptionItems', { params, query: { state: options.show, limit: '200' } })
        output.show(page, ({ items: rows, next }) =>
          [
            table(
              ['Left', '', 'Right', '', 'Line', 'Why, or fields that are not equal'],
              rows.map((one) => [
                one.leftId,
                one.leftTitle,
                one.rightId,
                one.rightTitle,
                one.line,
                one.words ??
                  Object.entries(one.fields)
                    .map(([field, what]) => `${field} ${what}`)
                    .join(', '),
              ]),
              `There is nothing that is ${options.show}.`,
            ),
            ...(next === null ? [] : ['There are more: take all with --export <file>.']),
          ].join('\n'),
        )
        return
      }
      if (options.yes !== true) {
        output.show(last, describeAdoption)
        return
      }
      const body = { matched: last.summary?.matched ?? 0, differences: options.differences ?? 'ask' }
      const { runId } = await api.call('applyAdoption', { params, body })
      const run = await followRun(here, runId)
      const applied = await api.call('getAdoption', { params })
      const proof = options.proof && applied.status === 'applied' ? await prove(here, id) : null
      output.show({ ...applied, ...(proof === null ? {} : { wouldCreate: proof }) }, () =>
        [describeRun(run), describeAdoption(applied), ...(proof === null ? [] : [describeProof(proof)])].join('\n'),
      )
      exit(applied.status === 'applied' ? exitCodeOf(run) : exitCodeOf(run) || 1)
    })
}

interface Proof {
  left: number
  right: number
}

/** Has the link simulate what it would do now: of what was paired nothing may be created. */
async function prove(here: Context, linkId: string): Promise<Proof | null> {
  const { api } = here
  const body = { command: 'simulate' }
  const { runId } = await api.call('commandLink', { params: { id: linkId }, body })
  if (runId === null) return null
  const run = await followRun(here, runId)
  if (exitCodeOf(run) === 1) return null
  const { counts } = await api.call('runSimulation', { params: { id: runId }, query: { limit: '1' } })
  return { left: counts['create-left'] ?? 0, right: counts['create-right'] ?? 0 }
}

function describeProof({ left, right }: Proof): string {
  return left + right === 0
    ? '  Simulated: a run would create 0 records on either side now.'
    : `  Simulated: a run would create ${left} records on the left and ${right} on the right, which have no twin. Look at them with --show unmatched-left, unmatched-right.`
}

function questionOf({ byField, byKeys, csv }: AdoptOptions): object | null {
  const ways = [byField, byKeys, csv].filter((one) => one !== undefined)
  if (ways.length > 1) throw new Error('--by-field, --by-keys and --csv do not go together: give one of them.')
  if (byField !== undefined) return { method: 'field', ...byField }
  if (byKeys !== undefined) return { method: 'keys', mappings: byKeys.split(',').map((one) => one.trim()) }
  if (csv === undefined) return null
  try {
    return { method: 'csv', csv: readFileSync(csv, 'utf8') }
  } catch {
    throw new Error(`The file ${csv} cannot be read.`)
  }
}

function describeAdoption({ status, summary, differences }: AdoptionView): string {
  if (summary === null) return `The adoption is ${status}: its listing has not come to an end. Look for twins again.`
  const fields = Object.entries(summary.fields).map(([field, counts]) =>
    [
      `    ${field}:`,
      Object.entries(counts)
        .map(([what, count]) => `${count} ${fieldWords[what] ?? what}`)
        .join(', '),
    ].join(' '),
  )
  const doubts = Object.entries(summary.doubts).map(([reason, count]) => `${count} ${reason}`)
  return [
    `  ${summary.left} records on the left, ${summary.right} on the right; ${summary.paired} pairs exist already.`,
    `  ${summary.matched} pairs match; in ${summary.differing} of them a field holds different values.`,
    ...fields,
    `  ${summary.doubtful} doubtful${doubts.length === 0 ? '' : ` (${doubts.join(', ')})`}; without twin: ${summary.unmatchedLeft} on the left, ${summary.unmatchedRight} on the right.`,
    ...(status === 'applied'
      ? [`  Applied (${differences}): ${summary.adopted} pairs were made, ${summary.missed} were not.`]
      : status === 'accepted'
        ? ['  It is being applied; go on with: --yes']
        : status === 'ready'
          ? [
              '  Look at them with --show matched, doubtful, unmatched-left, unmatched-right, or take all with --export <file>.',
              '  Pair what matches with --yes. Fields that differ are then asked about; --differences says otherwise.',
            ]
          : [`  It was ${status}.`]),
  ].join('\n')
}

const fieldWords: Record<string, string> = {
  differs: 'differ',
  filled: 'take the value of the other side',
  kept: 'differ and flow one way',
  waits: 'wait for another record',
}
