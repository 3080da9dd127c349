import { type Command, Option } from 'commander'
import type { Context } from './context.ts'
import { findEndpoint } from './endpoint.ts'
import { type AskedType, askedType } from './link.ts'

const titles: Readonly<Record<string, string>> = {
  'id-fields': 'Fields that name the twin',
  permissions: 'Permissions',
  types: 'Types and their hierarchy',
  required: 'Required fields',
  lists: 'Lists',
  people: 'People',
  names: 'Names',
  fields: 'Fields',
  records: 'Records as they are',
  clocks: 'Clocks',
  reactions: 'What writing sets off',
}

const marks: Readonly<Record<string, string>> = { must: '✗', should: '!', may: 'i' }

/** What to adapt on both sides before a link is created. */
export function reviewCommands(program: Command, context: () => Context): void {
  const endpoint = program.commands.find((one) => one.name() === 'endpoint')
  if (endpoint === undefined) throw new Error('the endpoint commands come first')
  endpoint
    .command('review <left> <right>')
    .description('read both sides before any link exists, and list what to adapt on each; writes nothing')
    .addOption(
      new Option('--kind <kind>', 'what is to be kept in step')
        .choices(['defect', 'backlog', 'release'])
        .default('defect'),
    )
    .option(
      '--type <types>',
      'backlog: requirement types of ALM for one of Octane: "story=User Story,Functional"; repeatable',
      (given: string, before: AskedType[]) => [...before, askedType(given)],
      [] as AskedType[],
    )
    .action(
      async (
        leftName: string,
        rightName: string,
        options: { kind: 'defect' | 'backlog' | 'release'; type: AskedType[] },
      ) => {
        const { api, output } = context()
        const left = await findEndpoint(context(), leftName)
        const right = await findEndpoint(context(), rightName)
        const types = options.type
        const report = await api.call('reviewEndpoints', {
          body: {
            left: left.id,
            right: right.id,
            entityType: options.kind,
            ...(types.length === 0 ? {} : { types }),
          },
        })
        output.show(report, ({ records, items }) => {
          const looked = (one: typeof left, { total, looked: some }: { total: number; looked: number }) =>
            `${one.name}: ${total} records${some < total ? `, ${some} of them looked at` : ''}`
          const names = { left: left.name, right: right.name }
          const areas = [...new Set(items.map((one) => one.area))]
          return [
            `${looked(left, records.left)}. ${looked(right, records.right)}.`,
            ...areas.flatMap((area) => [
              '',
              titles[area] ?? area,
              ...items
                .filter((one) => one.area === area)
                .map(
                  (one) =>
                    `  ${marks[one.need] ?? '?'}  ${one.side === null ? '' : `${names[one.side]}: `}${one.message}\n     → ${one.change}`,
                ),
            ]),
            '',
            summary(items.map((one) => one.need)),
          ].join('\n')
        })
      },
    )
}

function summary(needs: readonly string[]): string {
  const count = (need: string) => needs.filter((one) => one === need).length
  if (needs.length === 0) return 'Both sides fit as they are.'
  return `${count('must')} to be done before a link can work (✗), ${count('should')} without which some records are held (!), ${count('may')} to know (i).`
}
