import { createWriteStream, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import type { Context } from './context.ts'
import { findLink } from './link.ts'

interface ExportOptions {
  format: 'csv' | 'jsonl'
  link?: string
  from?: string
  to?: string
  left?: string
  right?: string
  person?: string
  action?: string
  output?: string
}

/** Commands for auditors: what was done, that nobody changed the account of it, and taking it away. */
export function ledgerCommands(program: Command, context: () => Context): void {
  const ledger = program.command('ledger').description('the account of every write, decision and command')

  ledger
    .command('verify')
    .description('recompute the ledger, hold it against its seals, and name the first changed or missing row')
    .option('--link <link>', 'only the chain of this link')
    .option('--seals <file>', 'a copy of the file of seals, kept where nobody at the database can write')
    .action(async (options: { link?: string; seals?: string }) => {
      const { api, output, exit } = context()
      const link = options.link === undefined ? undefined : (await findLink(context(), options.link)).id
      const seals = options.seals === undefined ? [] : newestSeals(options.seals)
      const report = await api.call('verifyLedger', { body: { ...(link === undefined ? {} : { link }), seals } })
      output.show(report, ({ chains, intact, unreadableSeals, signatures }) =>
        [
          ...chains.map((one) => {
            const name = one.chain === 'site' ? 'site' : (one.link ?? one.chain)
            const count = `${one.entries} entries with ${one.rows} rows, sealed up to entry ${one.sealedUpTo}`
            return one.firstBreak === null
              ? `${name}: intact; ${count}`
              : `${name}: BROKEN at entry ${one.firstBreak.seq}${one.firstBreak.rowId === null ? '' : `, row ${one.firstBreak.rowId}`}: ${one.firstBreak.reason}`
          }),
          ...(unreadableSeals === 0 ? [] : [`${unreadableSeals} seals cannot be read.`]),
          ...(signatures === 'checked'
            ? []
            : ['The public keys of the installation are not known to the API, so signatures were not checked.']),
          intact ? 'The ledger is intact.' : 'The ledger is NOT intact.',
        ].join('\n'),
      )
      if (!report.intact) exit(1)
    })

  ledger
    .command('seals')
    .description('show the public keys of the installation and its seals, one a line')
    .action(async () => {
      const { api, output } = context()
      output.show(await api.call('ledgerSeals'), ({ keys, seals }) =>
        [...keys.map((key) => `Public key: ${JSON.stringify(key)}`), ...seals].join('\n'),
      )
    })

  ledger
    .command('export')
    .description('take rows of the ledger away, oldest first')
    .addOption(new Option('--format <format>', 'csv or JSON lines').choices(['csv', 'jsonl']).default('csv'))
    .option('--link <link>', 'only of this link')
    .option('--from <time>', 'not before this time, such as 2026-11-01T00:00:00Z')
    .option('--to <time>', 'before this time')
    .option('--left <id>', 'only about this record of the left side; needs --link')
    .option('--right <id>', 'only about this record of the right side; needs --link')
    .option('--person <name>', 'only what this person did or started')
    .option('--action <action>', 'only this action, such as create')
    .option('-o, --output <file>', 'into a file; else to the standard output')
    .action(async ({ output: file, link, ...filter }: ExportOptions) => {
      const { api, output } = context()
      const id = link === undefined ? undefined : (await findLink(context(), link)).id
      const body = await api.download('exportLedger', { query: { ...filter, link: id } })
      const target = file === undefined ? process.stdout : createWriteStream(file, { flags: 'wx' })
      await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), target, {
        end: file !== undefined,
      })
      if (file !== undefined) output.line(`Written to ${file}.`)
    })
}

/** The newest seal of each chain in a file of seals: it fixes everything before it. */
function newestSeals(file: string): string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new Error(`The file ${file} cannot be read.`)
  }
  const newest = new Map<string, { seq: number; seal: string }>()
  for (const [index, line] of text.split('\n').entries()) {
    const seal = line.trim()
    if (seal === '') continue
    try {
      const said = JSON.parse(Buffer.from(seal.split('.')[1] ?? '', 'base64url').toString('utf8')) as {
        chain: string
        seq: number
      }
      const known = newest.get(said.chain)
      if (known === undefined || known.seq <= said.seq) newest.set(said.chain, { seq: said.seq, seal })
    } catch {
      throw new Error(`Line ${index + 1} of ${file} is no seal.`)
    }
  }
  return [...newest.values()].map((one) => one.seal)
}
