import { createReadStream, existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { JSONWebKeySet } from 'jose'
import type { z } from 'zod'
import { type CheckedSeal, checkSeal } from '../../core/ledger-seal.ts'
import { chainOf } from '../../db/ledger.ts'
import { exportLedger } from '../../db/ledger-export.ts'
import { listSeals } from '../../db/ledger-seals.ts'
import { listChains, verifyChain } from '../../db/ledger-verify.ts'
import { linkNames } from '../../db/links.ts'
import { recordStory } from '../../db/why.ts'
import type { recordStory as recordStoryAnswer } from '../contract/why.ts'
import { csvLines, jsonLines } from '../ledger-lines.ts'
import { ApiProblem, notFound } from '../problem.ts'
import type { Dependencies, Handlers } from './types.ts'

type LedgerHandlerName = 'why' | 'verifyLedger' | 'ledgerSeals' | 'exportLedger'

/** `sealFolder`: where the central worker keeps seals and public keys outside of the database; null: it is not known here. */
export function ledgerHandlers(
  { database }: Dependencies,
  sealFolder: string | null,
): Pick<Handlers, LedgerHandlerName> {
  function publicKeys(): JSONWebKeySet | null {
    const file = sealFolder === null ? null : path.join(sealFolder, 'seal-public-keys.json')
    return file === null || !existsSync(file) ? null : (JSON.parse(readFileSync(file, 'utf8')) as JSONWebKeySet)
  }

  async function keptSeals(): Promise<string[]> {
    const file = sealFolder === null ? null : path.join(sealFolder, 'ledger-seals.txt')
    if (file === null || !existsSync(file)) return []
    const seals: string[] = []
    for await (const line of createInterface({ input: createReadStream(file, 'utf8') }))
      if (line.trim() !== '') seals.push(line.trim())
    return seals
  }

  return {
    why: async ({ params, query }) => {
      const { id: linkId, side, recordId } = params
      const { field } = query
      const story = await recordStory(database, { linkId, side, recordId, ...(field === undefined ? {} : { field }) })
      if (story === null) throw notFound('link', linkId)
      return story as unknown as z.input<typeof recordStoryAnswer>
    },

    verifyLedger: async ({ body }) => {
      const names = await linkNames(database)
      if (body.link !== undefined && !names.has(body.link)) throw notFound('link', body.link)
      const only = body.link === undefined ? undefined : chainOf(body.link)
      const keys = publicKeys()
      const texts = new Set([...(await listSeals(database)), ...(await keptSeals()), ...body.seals])
      const checked: CheckedSeal[] = []
      let unreadableSeals = 0
      for (const text of texts) {
        const seal = await checkSeal(text, keys)
        if (seal === null) unreadableSeals++
        else if (only === undefined || seal.chain === only) checked.push(seal)
      }
      const chains = only === undefined ? await listChains(database, checked) : [only]
      const reports = []
      for (const chain of chains) {
        const seals = checked.filter((seal) => seal.chain === chain)
        const report = await verifyChain(database, chain, seals)
        reports.push({ ...report, link: names.get(chain.replace(/^link:/, '')) ?? null })
      }
      return {
        intact: unreadableSeals === 0 && reports.every((report) => report.firstBreak === null),
        seals: checked.length,
        unreadableSeals,
        signatures: keys === null ? 'no-keys' : 'checked',
        chains: reports,
      }
    },

    ledgerSeals: async () => ({ keys: publicKeys()?.keys ?? [], seals: await listSeals(database) }),

    exportLedger: async ({ query }) => {
      const { format, ...filter } = query
      if (filter.link === undefined && (filter.left !== undefined || filter.right !== undefined))
        throw new ApiProblem(400, 'invalid-request', 'A record is known by its link.', {
          remedy: 'Name the link as well.',
          errors: [{ pointer: '/query/link', message: 'is needed where a record is named' }],
        })
      if (filter.link !== undefined && !(await linkNames(database)).has(filter.link))
        throw notFound('link', filter.link)
      const pages = exportLedger(database, filter)
      return format === 'csv'
        ? { type: 'text/csv; charset=utf-8', fileName: 'ledger.csv', chunks: csvLines(pages) }
        : { type: 'application/x-ndjson', fileName: 'ledger.jsonl', chunks: jsonLines(pages) }
    },
  }
}
