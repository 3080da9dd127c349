import type { Command } from 'commander'
import type { z } from 'zod'
import type { ConflictView, decisionOutcomes } from '../api/contract/conflicts.ts'
import type { Context } from './context.ts'
import { findLink } from './link.ts'
import { localTime, short, table } from './output.ts'

const choices = ['left', 'right', 'value', 'retry'] as const

export function conflictCommands(program: Command, context: () => Context): void {
  const conflict = program.command('conflict').description('fields that wait for a decision')

  conflict
    .command('list <link>')
    .description('fields that wait, with the values of both sides')
    .option('--all', 'closed ones too')
    .action(async (which: string, options: { all?: boolean }) => {
      const { api, output } = context()
      const link = await findLink(context(), which)
      const { items } = await api.call('listConflicts', {
        params: { id: link.id },
        query: { limit: '200', open: options.all === true ? undefined : 'true' },
      })
      output.show(items, (rows) =>
        table(
          [link.left.name, link.right.name, 'Field', 'Kind', 'Left', 'Right', 'Since', 'Id'],
          rows.map((one) => [
            one.leftId,
            one.rightId,
            one.mappingId,
            one.kind,
            short(one.left, 30),
            short(one.right, 30),
            localTime(one.firstSeen),
            one.id,
          ]),
          'No field waits for a decision.',
        ),
      )
    })

  conflict
    .command('show <link> <id>')
    .description('one conflict with what the sides last agreed on')
    .action(async (which: string, conflictId: string) => {
      const { api, output } = context()
      const link = await findLink(context(), which)
      output.show(await api.call('getConflict', { params: { id: link.id, conflictId } }), describe)
    })

  conflict
    .command('resolve <link> <ids...>')
    .description('decide: the value of a side, another value for both, or another try with a frozen field')
    .requiredOption('--choose <choice>', `one of ${choices.join(', ')}`)
    .requiredOption('--reason <text>', 'why: it stays in the ledger')
    .option('--value <json>', 'with --choose value: text, or JSON for numbers and lists')
    .option('--side <side>', 'whose words the value is in: left or right', 'left')
    .action(
      async (
        which: string,
        ids: string[],
        options: { choose: string; reason: string; value?: string; side: string },
      ) => {
        const { api, output, exit } = context()
        const choose = choices.find((one) => one === options.choose)
        if (choose === undefined) throw new Error(`--choose takes one of ${choices.join(', ')}.`)
        if (options.side !== 'left' && options.side !== 'right') throw new Error('--side takes left or right.')
        const { side, reason } = options
        const link = await findLink(context(), which)
        const revisions = await openRevisions(context(), link.id)
        const known = [...new Set(ids)].filter((id) => uuid.test(id))
        const items: Outcome[] = ids.flatMap((id) =>
          uuid.test(id) ? [] : [{ id, state: 'unknown' as const, message: null, conflict: null }],
        )
        for (let at = 0; at < known.length; at += atATime) {
          const answer = await api.call('resolveConflicts', {
            params: { id: link.id },
            body: {
              choose,
              side,
              reason,
              ...(options.value === undefined ? {} : { value: parsed(options.value) }),
              // One that is not open is refused by the server, whatever revision is named.
              conflicts: known.slice(at, at + atATime).map((id) => ({ id, revision: revisions.get(id) ?? 1 })),
            },
          })
          items.push(...answer.items)
        }
        output.show(items, (rows) =>
          rows.map((one) => [one.id, one.state, ...(one.message === null ? [] : [one.message])].join(' ')).join('\n'),
        )
        if (items.some((one) => one.state !== 'decided')) exit(1)
      },
    )
}

type Outcome = z.infer<typeof decisionOutcomes>['items'][number]

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** So many are decided by one request. */
const atATime = 500

/** Open conflicts of a link with the revision that is shown now. */
async function openRevisions({ api }: Context, linkId: string): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  let cursor: string | undefined
  do {
    const page = await api.call('listConflicts', {
      params: { id: linkId },
      query: { limit: '200', open: 'true', ...(cursor === undefined ? {} : { cursor }) },
    })
    for (const one of page.items) found.set(one.id, one.revision)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return found
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
  if (one.decision !== null)
    lines.push(`  decided    ${one.decision.choose} by ${one.decision.actor}: ${one.decision.reason}`)
  if (one.resolvedAt !== null) lines.push(`  closed     ${localTime(one.resolvedAt)} (${one.resolution})`)
  return lines.join('\n')
}
