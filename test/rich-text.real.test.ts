import { randomUUID } from 'node:crypto'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { canonicalMemo, losesContent } from '../core/memo.ts'
import { corpus } from '../core/rich-text/corpus.ts'
import { createLab, type Lab } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function activity<T>(body: () => Promise<T>): Promise<T> {
  return (await new MockActivityEnvironment().run(body)) as T
}

/** One cycle: both sides are scanned, and what is due is reconciled. */
async function look(here: Lab) {
  const runId = randomUUID()
  const { linkId } = here
  await here.store.beginRun({
    runId,
    linkId,
    kind: 'incremental',
    trigger: 'person',
    actor: 'test',
    version: 1,
    temporal: { workflowId: 'w', runId: 'r' },
  })
  for (const side of ['left', 'right'] as const)
    await activity(() => here.activities.scan({ linkId, runId, version: 1, side, extent: 'changes' }))
  await activity(() => here.activities.reconcile({ linkId, runId, version: 1 }))
  return here.store.finishRun({ runId, status: 'passed', message: null })
}

/** Of texts: people without twin are told of for as long as they have none. */
async function issueCodes(here: Lab): Promise<string[]> {
  const rows = await here.database.sql<{ code: string }[]>`
    select code from issues where resolved_at is null and code <> 'user-gap' order by code`
  return rows.map((row) => row.code)
}

const writes = (here: Lab) =>
  [...here.alm.truth.entries(), ...here.octane.truth.entries()].filter((entry) => entry.via === 'rest').length
const text = (value: unknown) => (typeof value === 'string' ? value : null)

describe('formatted texts on their way through both systems', () => {
  it('arrive with all their content, come back as they went, and move nothing once they are there', async () => {
    const here = await createLab({ alm: { defects: corpus.length } })
    lab = here
    await look(here)
    await look(here)
    const title = (index: number) => `Text ${index + 1}`
    const twinOf = (index: number) => here.octane.records('defect').find((record) => record.name === title(index))
    const sides = () =>
      corpus.map((sample, index) => ({
        sample,
        alm: text(here.alm.store.get('defect', String(index + 1))?.description),
        octane: text(twinOf(index)?.description),
      }))

    for (const [index, sample] of corpus.entries())
      here.alm.edit('defect', String(index + 1), { name: title(index), description: sample.html })
    await look(here)
    for (const { sample, alm, octane } of sides()) {
      const name = `${sample.topic}: ${sample.name}`
      expect([name, losesContent(alm, octane)]).toEqual([name, []])
    }
    const settled = writes(here)
    await look(here)
    await look(here)
    expect(writes(here)).toBe(settled)

    for (const [index, sample] of corpus.entries())
      here.octane.edit('defect', twinOf(index)?.id ?? '', {
        description: `${canonicalMemo(sample.html) ?? ''}<p>and more</p>`,
      })
    await look(here)
    const attached = (html: string | null) => html?.includes('src="/api/') === true
    for (const { sample, alm, octane } of sides()) {
      const name = `${sample.topic}: ${sample.name}`
      // The image that only Octane can show waits for its attachment.
      if (attached(octane)) expect(alm).not.toContain('and more')
      else expect([name, losesContent(octane, alm), losesContent(alm, octane)]).toEqual([name, [], []])
    }
    expect(await issueCodes(here)).toEqual(['image-not-carried'])
    const after = writes(here)
    await look(here)
    expect(writes(here)).toBe(after)
  })

  it('are not written over content that Tandem cannot carry', async () => {
    const here = await createLab({ alm: { defects: 1 } })
    lab = here
    await look(here)
    await look(here)
    const twin = here.octane.records('defect')[0] ?? { id: '' }
    const video = '<html><body>\n<p>see</p><video src="https://example.org/v"></video>\n</body></html>'
    here.octane.edit('defect', twin.id, { description: video })
    await look(here)
    expect(here.alm.store.get('defect', '1')?.description).toContain('see')
    here.alm.edit('defect', '1', { description: '<p>changed in ALM</p>', name: 'Renamed in ALM' })
    await look(here)
    const now = here.octane.records('defect')[0]
    expect(now).toMatchObject({ description: video, name: 'Renamed in ALM' })
    expect(await issueCodes(here)).toContain('content-would-be-lost')
  })
})
