import { MockActivityEnvironment } from '@temporalio/testing'
import { afterEach, expect, it } from 'vitest'
import { createLab, type Lab } from '../test/lab.ts'
import { createLinkControl } from './link-control.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

it('a command whose worker died before it could answer stands in the ledger once, however often it is tried', async () => {
  const here = await createLab()
  lab = here
  const { commandLink } = createLinkControl({ database: here.database, store: here.store })
  const attempt = (activityId: string, command: string, change: { paused?: boolean }) =>
    new MockActivityEnvironment({ activityId }).run(() =>
      commandLink({ linkId: here.linkId, actor: 'ann', command, change }),
    )
  await attempt('1', 'pause', { paused: true })
  await attempt('2', 'resume', { paused: false })
  // The second attempt of what was carried out must not undo what came after it either.
  await attempt('1', 'pause', { paused: true })
  const rows = await here.database.sql`
    select l.action from ledger l join ledger_entries e on e.id = l.entry_id
    where l.kind = 'command' and l.link_id = ${here.linkId} order by e.seq`
  expect(rows.map((row) => row.action)).toEqual(['link created', 'pause', 'resume'])
  const [link] = await here.database.sql`select paused from links where id = ${here.linkId}`
  expect(link).toEqual({ paused: false })
})
