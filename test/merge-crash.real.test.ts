import { randomUUID } from 'node:crypto'
import { afterEach, expect, it, vi } from 'vitest'
import { listConflicts } from '../db/conflicts.ts'
import { verifyChain } from '../db/ledger-verify.ts'
import { activity, openIssues } from './deletions.ts'
import { createLab, type Lab } from './lab.ts'
import { timePasses, untilQuiet } from './torture/cycle.ts'
import { followHistory, type History } from './torture/history.ts'
import { type DeathPoint, mortal } from './torture/mortal.ts'

vi.setConfig({ testTimeout: 300_000 })

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

/** One cycle of a worker that dies at a call; answers whether it did, and the calls it made. */
async function cycle(here: Lab, death: DeathPoint): Promise<{ dead: boolean; trail: readonly string[] }> {
  const body = mortal(death)
  const { activities } = here.createWorker(body.shell)
  const { linkId } = here
  const runId = randomUUID()
  await here.store.beginRun({
    runId,
    linkId,
    kind: 'incremental',
    trigger: 'automatic',
    actor: 'tandem',
    version: 1,
    temporal: { workflowId: `run-${runId}`, runId },
  })
  const step = (call: () => Promise<unknown>) => activity(call).catch(() => undefined)
  for (const side of ['left', 'right'] as const)
    await step(() => activities.scan({ linkId, runId, version: 1, side, extent: 'changes' }))
  await step(() => activities.reconcile({ linkId, runId, version: 1 }))
  return { dead: body.isDead(), trail: body.trail() }
}

const memo = (lines: readonly string[]) =>
  `<html><body>\n${lines.map((line) => `<p>${line}</p>`).join('')}\n</body></html>`
const linesOf = (text: unknown) => [...String(text).matchAll(/<p>(.*?)<\/p>/g)].map((match) => match[1])
const octaneId = (here: Lab) => String(here.octane.records('defect')[0]?.id)
const node = (label: string) => ({ type: 'list_node', id: `list_node.browsers.${label.toLowerCase()}` })

interface Told {
  lines: (string | undefined)[]
  browsers: string[]
}

function almHolds(here: Lab): Told {
  const record = here.alm.store.get('defect', '1')
  const value = record?.['user-04']
  const items = Array.isArray(value) ? value.map(String) : []
  return { lines: linesOf(record?.description), browsers: items.map((one) => one.toLowerCase()).sort() }
}

function octaneHolds(here: Lab): Told {
  const record = here.octane.store.rows('defect').get(octaneId(here))
  const items = (record?.browsers_udf ?? []) as { id: string }[]
  return {
    lines: linesOf(record?.description),
    browsers: items.map((one) => one.id.replace('list_node.browsers.', '')).sort(),
  }
}

/** Ledger rows and writes of Tandem, by system: they must be as many. */
async function writesAndRows(here: Lab, history: History): Promise<{ writes: object; rows: object }> {
  const rows = await here.database.sql<{ system: string; count: number }[]>`
    select case side when 'left' then 'alm' else 'octane' end as system, count(*)::int as count
    from ledger where kind = 'write' group by 1`
  const count = (system: string) =>
    history.entries().filter((entry) => entry.system === system && entry.via === 'rest').length
  return {
    writes: { alm: count('alm'), octane: count('octane') },
    rows: Object.fromEntries(rows.map((row) => [row.system, row.count]).sort()),
  }
}

for (const again of [false, true])
  for (const when of ['before', 'after'] as const)
    it(`a worker that dies ${when} each call of a merge${again ? ', with people who go on editing' : ''}, loses nothing and writes nothing twice`, async () => {
      const here = await createLab({
        alm: { defects: 1 },
        link: (proposed) => ({
          ...proposed,
          fields: proposed.fields.map((field) =>
            field.left === 'description' || field.left === 'user-04' ? { ...field, conflict: 'merge' as const } : field,
          ),
        }),
      })
      lab = here
      const history = followHistory(here)
      const lines = ['one', 'long '.repeat(1_200).trim(), 'three']
      const chosen = { alm: true, octane: true }
      const set = () => ['Firefox', ...(chosen.alm ? ['Chrome'] : []), ...(chosen.octane ? ['Edge'] : [])]
      here.alm.edit('defect', '1', { description: memo(lines), 'user-04': set() })
      await untilQuiet(here, history)
      expect(octaneHolds(here).lines).toHaveLength(3)
      const points: string[] = []
      for (let call = 1; call < 100; call++) {
        // Both edit the same two fields, each at a place of their own.
        const [first = '', long = '', third = ''] = lines
        lines[0] = `ALM ${call}`
        lines[2] = `Octane ${call}`
        const before = set()
        chosen.alm = !chosen.alm
        here.alm.edit('defect', '1', { description: memo([lines[0], long, third]), 'user-04': set() })
        const almSet = set()
        chosen.octane = !chosen.octane
        const added = before.includes('Edge') ? before.filter((one) => one !== 'Edge') : [...before, 'Edge']
        here.octane.edit('defect', octaneId(here), {
          description: memo([first, long, lines[2]]),
          browsers_udf: added.map(node),
        })
        expect(almSet).not.toEqual(added)
        const start = history.length()
        const { dead, trail } = await cycle(here, { call, when })
        if (dead) points.push(trail.at(-1) ?? '')
        if (again) {
          // Whatever stands there now, a person changes their own line once more.
          lines[2] = `Octane ${call}, again`
          const there = octaneHolds(here).lines.map(String)
          here.octane.edit('defect', octaneId(here), { description: memo([...there.slice(0, 2), lines[2]]) })
        }
        await timePasses(here)
        await untilQuiet(here, history)
        const expected = {
          lines,
          browsers: set()
            .map((one) => one.toLowerCase())
            .sort(),
        }
        const where = `${trail.at(-1)} (call ${call})`
        expect(almHolds(here), where).toEqual(expected)
        expect(octaneHolds(here), where).toEqual(expected)
        const written = (system: string) =>
          history.entries(start).filter((entry) => entry.system === system && entry.via === 'rest').length
        if (!again) expect([written('alm'), written('octane')], where).toEqual([1, 1])
        if (!dead) break
      }
      for (const name of ['store.recordIntents', 'alm.update', 'octane.update', 'store.commit'])
        expect(points.filter((point) => point === name).length, name).toBeGreaterThanOrEqual(1)
      expect(await openIssues(here)).toEqual([])
      expect(await listConflicts(here.database, { linkId: here.linkId, open: true, limit: 10 })).toEqual([])
      const { writes, rows } = await writesAndRows(here, history)
      expect(rows).toEqual(writes)
      expect(await verifyChain(here.database, `link:${here.linkId}`)).toMatchObject({ firstBreak: null })
    })
