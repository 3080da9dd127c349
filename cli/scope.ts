import { type Command, Option } from 'commander'
import type { Context } from './context.ts'
import { findLink, readJson } from './link.ts'
import { localTime, savedWords, table } from './output.ts'

type Side = 'left' | 'right'

interface ScopeOptions {
  side: Side
  favorites?: boolean
  favorite?: string
  filter?: string
  root?: string
  pastReleases?: 'yes' | 'no'
  whenLeaving?: 'keep-syncing' | 'stop'
  everything?: boolean
  yes?: boolean
  comment: string
}

interface SideScope {
  filter: unknown
  favorite: { id: string } | null
}

type Configuration = Record<Side, { scope: SideScope; root: string | null }> & {
  pastReleases: boolean
  whenLeaving: string
}

/** Commands about which records a link takes up, and about records that people take out of it. */
export function scopeCommands(program: Command, context: () => Context): void {
  const link = program.commands.find((one) => one.name() === 'link')
  if (link === undefined) throw new Error('the link commands come first')

  link
    .command('scope <link>')
    .description('which records of a side are taken up: shows how many match now and the first of them; --yes keeps it')
    .addOption(new Option('--side <side>', 'whose records').choices(['left', 'right']).default('left'))
    .option('--favorites', 'list the favorites that can serve as a scope')
    .option('--favorite <id>', 'records of a favorite of ALM, read anew by each run; "none" for no favorite')
    .option('--filter <file>', 'records that match a filter in a JSON file; "none" for no filter')
    .option('--root <id>', 'records below a folder; "none" for the whole tree')
    .addOption(new Option('--past-releases <choice>', 'releases that have ended, too').choices(['yes', 'no']))
    .addOption(
      new Option('--when-leaving <what>', 'what becomes of a pair that leaves the scope').choices([
        'keep-syncing',
        'stop',
      ]),
    )
    .option('--everything', 'every record of the mapped types')
    .option('--yes', 'do it: save it as a new version of the configuration')
    .option('--comment <text>', 'why', '')
    .action(async (which: string, options: ScopeOptions) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const { side } = options
      const params = { id: found.id }
      if (options.favorites === true) {
        const { items } = await api.call('listFavorites', { params, query: { side } })
        output.show(items, (favorites) =>
          table(
            ['Id', 'Name', 'Owner', 'Public', 'Conditions'],
            favorites.map((one) => [
              one.id,
              one.name,
              one.owner,
              one.public ? 'yes' : 'no',
              one.problem ?? one.conditions.join(', '),
            ]),
            'The integration user sees no favorites there.',
          ),
        )
        return
      }
      const { items } = await api.call('listVersions', { params })
      const saved = items[0]?.configuration as unknown as Configuration
      const wanted = changed(saved, options)
      const { scope, root } = wanted[side]
      const preview = await api.call('previewScope', {
        params,
        body: { side, scope: { ...scope }, root, pastReleases: wanted.pastReleases },
      })
      const body = { expectedVersion: found.version, comment: options.comment, configuration: { ...wanted } }
      const version = options.yes === true ? (await api.call('addVersion', { params, body })).version : null
      output.show(
        { ...preview, scope, root, saved: version !== null && version !== found.version },
        ({ count, exact, total, first, findings }) =>
          [
            `${exact ? '' : 'At least '}${count} of ${total} records of ${found[side].name} are in scope now.`,
            ...findings.map((one) => `  ! ${one.message}`),
            table(
              ['Record', 'Name'],
              first.map((one) => [one.id, one.name]),
              '',
            ),
            version === null
              ? 'Nothing is saved; add --yes to keep it.'
              : savedWords(
                  found,
                  version,
                  '. It is checked before the next run, which looks again at what was left out.',
                ),
          ].join('\n'),
      )
    })

  for (const [name, operation, words, done] of [
    [
      'stop-record',
      'stopRecord',
      'take a record out of the synchronization; its pair stays, nothing is deleted',
      'is left alone from now on',
    ],
    [
      'resume-record',
      'resumeRecord',
      'synchronize a stopped record again',
      'is synchronized again, with what changed meanwhile',
    ],
  ] as const)
    link
      .command(`${name} <link> <record>`)
      .description(words)
      .addOption(new Option('--side <side>', 'whose record').choices(['left', 'right']).default('left'))
      .requiredOption('--reason <text>', 'why: it stays in the ledger')
      .action(async (which: string, recordId: string, { side, reason }: { side: Side; reason: string }) => {
        const { api, output } = context()
        const { id } = await findLink(context(), which)
        const standing = await api.call(operation, { params: { id, side, recordId }, body: { reason } })
        output.show(standing, () => `Record ${recordId} ${done}.`)
      })

  link
    .command('stopped <link>')
    .description('records that people have taken out of the synchronization')
    .action(async (which: string) => {
      const { api, output } = context()
      const found = await findLink(context(), which)
      const { items } = await api.call('stoppedRecords', { params: { id: found.id } })
      output.show(items, (records) =>
        table(
          ['Side', 'Record', 'Twin', 'By', 'Since', 'Reason'],
          records.map((one) => [
            found[one.side].name,
            one.id,
            one.twinId,
            one.actor,
            localTime(one.stoppedAt),
            one.reason,
          ]),
          'No record is stopped.',
        ),
      )
    })
}

function changed(saved: Configuration, options: ScopeOptions): Configuration {
  const { side, favorite, filter, root, pastReleases, whenLeaving } = options
  const before: Configuration[Side] =
    options.everything === true ? { ...saved[side], scope: { filter: null, favorite: null }, root: null } : saved[side]
  return {
    ...saved,
    ...(pastReleases === undefined ? {} : { pastReleases: pastReleases === 'yes' }),
    ...(whenLeaving === undefined ? {} : { whenLeaving }),
    [side]: {
      ...before,
      ...(root === undefined ? {} : { root: root === 'none' ? null : root }),
      scope: {
        ...before.scope,
        ...(favorite === undefined ? {} : { favorite: favorite === 'none' ? null : { id: favorite } }),
        ...(filter === undefined ? {} : { filter: filter === 'none' ? null : readJson(filter) }),
      },
    },
  }
}
