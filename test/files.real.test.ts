import { randomUUID } from 'node:crypto'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { afterEach, describe, expect, it } from 'vitest'
import type { CarriesAttachments, Connector } from '../connectors/contract.ts'
import { fullRun, restWrites, twinOf, waitOver } from './deletions.ts'
import { filesOf } from './files.ts'
import { createLab, type Lab, type LabOptions, type Shell } from './lab.ts'
import { timePasses } from './torture/cycle.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function open(options: LabOptions = {}): Promise<Lab> {
  lab = await createLab({ alm: { defects: 1 }, ...options })
  await fullRun(lab)
  return lab
}

function attach(here: Lab, id: string, name: string, seed: number, size = 5_000): void {
  here.alm.attach('defect', id, { name, content: here.alm.attachments.contents.generated(seed, size) })
}

/** A worker before whose opening of each file something happens; numbers count from 1. */
function beforeOpening(kind: 'alm' | 'octane', happens: (number: number) => unknown): Shell {
  let number = 0
  return {
    store: (store) => store,
    connector: (connector) => {
      const { attachments } = connector
      if (connector.kind !== kind || attachments === undefined) return connector
      const hooked: CarriesAttachments = {
        ...attachments,
        open: async (...parameters) => {
          await happens(++number)
          return attachments.open(...parameters)
        },
      }
      return new Proxy(connector, {
        get: (owner, property) =>
          property === 'attachments' ? hooked : Reflect.get(owner, property as keyof Connector),
      })
    },
  }
}

/** Rests with as many ledger rows as writes, and nothing open. */
async function expectWhole(here: Lab): Promise<void> {
  const before = restWrites(here)
  await fullRun(here)
  expect(restWrites(here) - before).toBe(0)
  const [row] = await here.database.sql<{ writes: number; open: number; waiting: number }[]>`
    select (select count(*)::int from ledger where kind = 'write') as writes, (select count(*)::int from intents) as open,
      (select count(*)::int from claims where grace_until > now()) as waiting`
  expect(row).toEqual({ writes: restWrites(here), open: 0, waiting: 0 })
}

async function expectSame(here: Lab, id: string, count: number): Promise<void> {
  const files = await filesOf(here.alm, 'defect', id)
  expect(files).toHaveLength(count)
  expect(await filesOf(here.octane, 'defect', twinOf(here, id)?.id ?? '')).toEqual(files)
}

describe('a file on its way', () => {
  it('whose record is deleted on the side it comes from leaves no write in doubt', async () => {
    const here = await open()
    attach(here, '1', 'plan.txt', 1)
    await fullRun(
      here,
      beforeOpening('alm', () => here.alm.remove('defect', '1')),
    )
    const [row] = await here.database.sql`select count(*)::int as open from intents`
    expect(row).toEqual({ open: 0 })
    await waitOver(here)
    await fullRun(here)
    expect(here.octane.records('attachment')).toHaveLength(0)
    await expectWhole(here)
  })

  it('whose record is deleted on the side it goes to is refused', async () => {
    const here = await open()
    const twin = twinOf(here, '1')?.id ?? ''
    attach(here, '1', 'plan.txt', 1)
    await fullRun(
      here,
      beforeOpening('alm', () => here.octane.remove('defect', twin)),
    )
    await waitOver(here)
    await fullRun(here)
    expect(here.octane.records('attachment')).toHaveLength(0)
    await expectWhole(here)
  })

  it.each([9_000, 2_000])('that is replaced meanwhile by one of %d bytes arrives once, as it is now', async (size) => {
    const here = await open()
    attach(here, '1', 'plan.txt', 1)
    await fullRun(
      here,
      beforeOpening('alm', (number) => {
        const content = here.alm.attachments.contents.generated(2, size)
        if (number === 1) here.alm.attach('defect', '1', { name: 'plan.txt', content, override: true })
      }),
    )
    for (let round = 0; round < 3; round++) {
      await timePasses(here)
      await fullRun(here)
    }
    await expectSame(here, '1', 1)
    await expectWhole(here)
  })

  it('is given up when the lease of its batch is lost, and arrives once', async () => {
    const here = await open()
    attach(here, '1', 'plan.txt', 1)
    await fullRun(
      here,
      beforeOpening('alm', async (number) => {
        if (number > 1) return
        await here.database
          .sql`update claims set lease_until = now() - interval '1 second', grace_until = now() - interval '1 second'`
        // Longer than it takes to notice.
        await new Promise((resolve) => setTimeout(resolve, 6_000))
      }),
    )
    for (let round = 0; round < 2; round++) {
      await timePasses(here)
      await fullRun(here)
    }
    await expectSame(here, '1', 1)
    await expectWhole(here)
  })

  it('is the last one when a run is cancelled; the others follow in the next', async () => {
    const here = await open()
    for (let number = 1; number <= 40; number++) attach(here, '1', `file-${number}.txt`, number)
    const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') })
    const shell = beforeOpening('alm', (number) => {
      if (number === 6) environment.cancel('CANCELLED')
    })
    const { linkId } = here
    const { activities } = here.createWorker(shell)
    const runId = randomUUID()
    await here.store.beginRun({
      runId,
      linkId,
      kind: 'full',
      trigger: 'person',
      actor: 'test',
      version: 1,
      temporal: { workflowId: 'w', runId: 'r' },
    })
    await new MockActivityEnvironment().run(() =>
      activities.scan({ linkId, runId, version: 1, side: 'left', extent: 'all' }),
    )
    const result = await environment.run(() => activities.reconcile({ linkId, runId, version: 1 }))
    expect(result).toMatchObject({ ended: 'stopped' })
    const carried = here.octane.records('attachment').length
    expect(carried).toBeGreaterThan(0)
    expect(carried).toBeLessThan(12)
    const [row] = await here.database.sql`select count(*)::int as open from intents`
    expect(row).toEqual({ open: 0 })
    await fullRun(here)
    await expectSame(here, '1', 40)
    await expectWhole(here)
  })
})

describe('files that are out of the ordinary', () => {
  it('empty ones, and those whose names differ by case alone, arrive once each', async () => {
    const here = await open()
    const twin = twinOf(here, '1')?.id ?? ''
    attach(here, '1', 'empty.txt', 1, 0)
    for (const [index, name] of ['Plan.txt', 'plan.txt', 'PLAN.TXT'].entries())
      here.octane.attach({ type: 'defect', id: twin }, name, here.octane.contents.generated(index + 2, 3_000))
    await fullRun(here)
    const [left, right] = [await filesOf(here.alm, 'defect', '1'), await filesOf(here.octane, 'defect', twin)]
    const contents = (files: readonly string[]) => files.map((file) => file.split(' ').at(-1)).sort()
    expect(contents(left)).toEqual(contents(right))
    expect(left).toHaveLength(4)
    await expectWhole(here)
  })

  it('300 at one record are carried in batches that end in time', async () => {
    const here = await open()
    for (let number = 1; number <= 300; number++) attach(here, '1', `file-${number}.txt`, number % 7, 500)
    await fullRun(here)
    await expectSame(here, '1', 300)
    await expectWhole(here)
  })

  it('going both ways in several batches at a time never wait for one another', async () => {
    const here = await open({
      alm: { defects: 8 },
      link: (same) => ({ ...same, tuning: { ...same.tuning, batchSize: 4 } }),
    })
    for (let id = 1; id <= 8; id++) {
      const twin = twinOf(here, String(id))?.id ?? ''
      for (let number = 1; number <= 4; number++)
        if (id % 2 === 0) attach(here, String(id), `file-${number}.txt`, number, 400_000)
        else
          here.octane.attach(
            { type: 'defect', id: twin },
            `file-${number}.txt`,
            here.octane.contents.generated(number, 400_000),
          )
    }
    await fullRun(here, undefined, 'all', 2)
    for (let id = 1; id <= 8; id++) await expectSame(here, String(id), 4)
    await expectWhole(here)
  })
})
