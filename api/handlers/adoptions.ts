import { z } from 'zod'
import { adoptionDoubts, parseIdPairs } from '../../core/adoption.ts'
import { adoptionStates, getAdoption, listAdoptionItems, listAdoptions } from '../../db/adoption-items.ts'
import { acceptAdoption, createAdoption, discardAdoption } from '../../db/adoptions.ts'
import { getLink } from '../../db/links.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { badLines } from './bad-lines.ts'
import { page, readCursor } from './cursor.ts'
import type { CommandContext, Dependencies, Handlers } from './types.ts'

type AdoptionHandlerName =
  | 'askAdoption'
  | 'listAdoptions'
  | 'getAdoption'
  | 'adoptionItems'
  | 'exportAdoption'
  | 'applyAdoption'
  | 'discardAdoption'

const pairKey = z.strictObject({ left: z.string(), right: z.string() })
const exportedAtOnce = 1_000
const shownAdoptions = 20

/** Why an adoption is not applied, as a refusal. */
const refusals = {
  changed: ['adoption-changed', 'It found another number of pairs than was shown.', 'Look at it again.'],
  'other-version': [
    'adoption-changed',
    "The link's configuration has changed since: what was shown of their fields does not hold any more.",
    'Look for twins again.',
  ],
  other: ['adoption-running', 'Another adoption of the link is being paired.', 'Wait for it, or discard it.'],
  'bad-lines': [
    'bad-lines',
    'Lines of the file name records that cannot be paired; nothing of the file is taken.',
    'Look at its doubtful pairs, correct these lines, and send the file again.',
  ],
  'not-ready': [
    'not-ready',
    'It cannot be applied as it is.',
    'See its status: it must be ready, or accepted to go on.',
  ],
  nothing: ['nothing-to-adopt', 'It found no twins that are not paired yet.', 'Try another way to tell them.'],
} as const

/** Pairing what exists on both sides: asked, looked at, applied. */
export function adoptionHandlers({ database, temporal }: Dependencies): Pick<Handlers, AdoptionHandlerName> {
  async function existing(id: string) {
    const found = await getAdoption(database, id)
    if (found === null) throw notFound('adoption', id)
    return shown(found)
  }

  async function start(adoptionId: string, linkId: string, command: CommandContext) {
    const { runId, state } = await temporal.runAdoption(linkId, command)
    return { adoption: await existing(adoptionId), runId, state }
  }

  return {
    askAdoption: async ({ params, body }, command) => {
      if ((await getLink(database, params.id)) === null) throw notFound('link', params.id)
      const parsed = body.method === 'csv' ? parseIdPairs(body.csv) : { ok: true as const, pairs: [] }
      if (!parsed.ok || (body.method === 'csv' && parsed.pairs.length === 0)) {
        const errors = parsed.ok ? [{ line: 1, message: 'The file names no pair.' }] : parsed.errors
        throw badLines(errors)
      }
      const settings = body.method === 'csv' ? { method: 'csv' as const } : body
      const adoptionId = await createAdoption(database, {
        linkId: params.id,
        settings,
        pairs: parsed.pairs,
        actor: command.actor,
      })
      return start(adoptionId, params.id, command)
    },

    listAdoptions: async ({ params }) => {
      if ((await getLink(database, params.id)) === null) throw notFound('link', params.id)
      return { items: (await listAdoptions(database, { linkId: params.id, limit: shownAdoptions })).map(shown) }
    },

    getAdoption: ({ params }) => existing(params.id),

    adoptionItems: async ({ params, query }) => {
      await existing(params.id)
      const after = readCursor(query.cursor, pairKey)
      const rows = await listAdoptionItems(database, {
        adoptionId: params.id,
        state: query.state,
        limit: query.limit + 1,
        ...(after === undefined ? {} : { after }),
      })
      const items = rows.map((row) => ({ ...row, words: row.reason === null ? null : adoptionDoubts[row.reason] }))
      return page(items, query.limit, ({ leftId, rightId }) => ({ left: leftId ?? '', right: rightId ?? '' }))
    },

    exportAdoption: async ({ params }) => {
      await existing(params.id)
      return { type: 'text/csv; charset=utf-8', fileName: 'adoption.csv', chunks: lines(params.id) }
    },

    applyAdoption: async ({ params, body }, command) => {
      const { linkId } = await existing(params.id)
      const outcome = await acceptAdoption(database, { adoptionId: params.id, ...body, actor: command.actor })
      if (outcome !== 'accepted') {
        const [code, message, remedy] = refusals[outcome]
        throw new ApiProblem(409, code, message, { remedy })
      }
      return start(params.id, linkId, command)
    },

    discardAdoption: async ({ params }, command) => {
      await existing(params.id)
      if (!(await discardAdoption(database, params.id, command.actor)))
        throw new ApiProblem(409, 'not-ready', 'It has ended already.', { remedy: 'Pairs that were made stay.' })
      return existing(params.id)
    },
  }

  async function* lines(adoptionId: string): AsyncGenerator<string> {
    yield 'state,reason,left id,left title,right id,right title,line,fields\r\n'
    for (const state of adoptionStates) {
      let after: { left: string; right: string } | undefined
      for (;;) {
        const rows = await listAdoptionItems(database, {
          adoptionId,
          state,
          limit: exportedAtOnce,
          ...(after === undefined ? {} : { after }),
        })
        if (rows.length > 0)
          yield rows
            .map(({ reason, leftId, leftTitle, rightId, rightTitle, line, fields }) => {
              const told = Object.entries(fields).map(([field, what]) => `${field} ${what}`)
              const cells = [state, reason, leftId, leftTitle, rightId, rightTitle, line, told.join('; ')]
              return `${cells.map(cell).join(',')}\r\n`
            })
            .join('')
        const last = rows[rows.length - 1]
        if (rows.length < exportedAtOnce || last === undefined) break
        after = { left: last.leftId ?? '', right: last.rightId ?? '' }
      }
    }
  }
}

function shown(row: Awaited<ReturnType<typeof listAdoptions>>[number]) {
  const { settings } = row
  return {
    ...row,
    settings: settings.method === 'keys' ? { method: settings.method, mappings: [...settings.mappings] } : settings,
  }
}

/** A spreadsheet must not take what people wrote for a formula. */
function cell(value: string | number | null): string {
  const text = String(value ?? '')
  const safe = /^[=+\-@\t\r]/.test(text) && typeof value === 'string' ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe
}
