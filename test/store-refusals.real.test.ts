import { randomUUID } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { StoreError } from '../core/store.ts'
import { addLinkVersion } from '../db/links.ts'
import { activity } from './deletions.ts'
import { createLab, type Lab, type Shell } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function begin(here: Lab): Promise<string> {
  const runId = randomUUID()
  await here.store.beginRun({
    runId,
    linkId: here.linkId,
    kind: 'incremental',
    trigger: 'person',
    actor: 'test',
    version: 1,
    temporal: { workflowId: 'w', runId: 'r' },
  })
  return runId
}

/** A worker to which something happens between its reading and its writing. */
const meanwhile = (event: () => Promise<unknown>): Shell => ({
  store: (store) => ({
    ...store,
    recordIntents: async (input) => {
      await event()
      return store.recordIntents(input)
    },
  }),
  connector: (connector) => connector,
})

async function reconcile(here: Lab, event: () => Promise<unknown>) {
  const runId = await begin(here)
  const { linkId } = here
  const { activities } = here.createWorker(meanwhile(event))
  await activity(() => activities.scan({ linkId, runId, version: 1, side: 'left', extent: 'changes' }))
  return activity(() => activities.reconcile({ linkId, runId, version: 1 }))
}

it('a configuration saved between plan and write ends the call as that, with nothing written', async () => {
  const here = await createLab({ alm: { defects: 2 } })
  lab = here
  const save = () =>
    addLinkVersion(here.database, {
      linkId: here.linkId,
      expectedVersion: 1,
      configuration: here.configuration,
      author: 'test',
      comment: '',
    })
  expect(await reconcile(here, save)).toMatchObject({ ended: 'link-changed' })
  expect(here.octane.records('defect')).toEqual([])
  // Given back at once: the next run need not wait for the lease.
  expect(await here.store.queueState(here.linkId)).toMatchObject({ leased: 0, due: 2 })
})

it('a lease lost between plan and write is everyday: the records are claimed again and written once', async () => {
  const here = await createLab({ alm: { defects: 2 } })
  lab = here
  let times = 0
  const lose = async () => {
    if (times++ === 0)
      await here.database
        .sql`update claims set lease_until = now() - interval '1 minute', grace_until = now() - interval '1 second'`
  }
  expect(await reconcile(here, lose)).toMatchObject({ ended: 'empty' })
  expect(here.octane.records('defect')).toHaveLength(2)
})

it('an endpoint known to be restored stops the call in its own words', async () => {
  const here = await createLab({ alm: { defects: 2 } })
  lab = here
  const stop = () =>
    here.store.markRestored({ linkId: here.linkId, side: 'right', runId: null, message: 'octane went back in time' })
  await expect(reconcile(here, stop)).rejects.toMatchObject({ type: 'Restored', message: 'octane went back in time' })
  const refused = here.store.claim.bind(here.store)
  await expect(
    refused({ linkId: randomUUID(), runId: randomUUID(), limit: 1, leaseSeconds: 1, graceSeconds: 1 }),
  ).rejects.toBeInstanceOf(StoreError)
})

it('a side too slow for a whole batch is worked off in smaller ones', async () => {
  // Of a lease of six seconds two and a half are left for reading; ten records take five.
  const here = await createLab({
    alm: { defects: 10 },
    leaseSeconds: 6,
    link: (proposed) => ({ ...proposed, tuning: { batchSize: 10 } }),
  })
  lab = here
  const runId = await begin(here)
  const { linkId } = here
  const { activities } = here.createWorker({
    store: (store) => store,
    connector: (connector) => ({
      ...connector,
      read: async (type, ids, ...rest) => {
        await new Promise((resolve) => setTimeout(resolve, ids.length * 500))
        return connector.read(type, ids, ...rest)
      },
    }),
  })
  await activity(() => activities.scan({ linkId, runId, version: 1, side: 'left', extent: 'changes' }))
  const { batches } = await activity(() => activities.reconcile({ linkId, runId, version: 1 }))
  expect(batches).toBeGreaterThan(0)
  expect(here.octane.records('defect').length).toBeGreaterThan(0)
})
