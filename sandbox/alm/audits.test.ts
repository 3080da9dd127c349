import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AlmClient, newDefect, startAlm, value } from './test-client.ts'

const clock = { now: Date.UTC(2026, 4, 4, 13, 15) }
let started: Awaited<ReturnType<typeof startAlm>>
let one: AlmClient
let asXml: AlmClient
beforeAll(async () => {
  started = await startAlm({ now: () => clock.now, switches: { idleSeconds: '999999', ssoSeconds: '999999' } })
  one = await started.client().signIn()
  asXml = await started.client('xml').signIn()
})
afterAll(() => started.alm.close())

const created = async (): Promise<string> => value((await one.create('defects', newDefect)).json, 'id') ?? ''
const query = (path: string, text: string) => one.get(`${path}${encodeURIComponent(text)}`)

test('a record tells who changed which audited field from what to what, and when, in both encodings', async () => {
  const id = await created()
  clock.now += 60_000
  await one.update(`defects/${id}`, { status: 'Open', owner: 'SYNC', priority: '1-Low', description: 'x' })
  expect((await one.get(`defects/${id}/audits`)).json).toEqual({
    Audits: {
      TotalResults: 1,
      Audit: {
        Id: expect.any(Number),
        ParentId: Number(id),
        ParentType: 'BUG',
        Action: 'UPDATE',
        Time: '2026-05-04 09:16:00',
        User: 'sync',
        Properties: {
          Property: [
            { Name: 'status', Label: 'Status', OldValue: '', NewValue: 'Open' },
            { Name: 'owner', Label: 'Assigned To', OldValue: '', NewValue: 'sync' },
          ],
        },
      },
    },
  })
  expect((await asXml.get(`defects/${id}/audits`)).text).toMatch(
    new RegExp(
      `<Audits TotalResults="1"><Audit><Id>\\d+</Id><Action>UPDATE</Action><ParentId>${id}</ParentId><ParentType>BUG</ParentType><Time>2026-05-04 09:16:00</Time><User>sync</User><Properties><Property Name="status" Label="Status"><OldValue></OldValue><NewValue>Open</NewValue></Property><Property Name="owner"`,
    ),
  )
})

test('audits of the project are filtered, sorted and paged as other lists', async () => {
  const [first, second] = [await created(), await created()]
  for (const [id, status] of [
    [first, 'Open'],
    [second, 'Open'],
    [first, 'Fixed'],
  ] as const) {
    clock.now += 60_000
    await one.update(`defects/${id}`, { status })
  }
  const of = await query('audits?query=', `{parent-type['BUG'];parent-id[${first}]}`)
  expect(of.json.Audits.TotalResults).toBe(2)
  const newest = await one.get('audits?order-by={time[DESC]}&page-size=2')
  const { Audit, TotalResults } = newest.json.Audits
  expect([Audit[0].ParentId, Audit[1].ParentId, TotalResults > 2]).toEqual([Number(first), Number(second), true])
  const since = await query('audits?query=', `{time[>= '${Audit[0].Time}']}`)
  expect(since.json.Audits.Audit.ParentId).toBe(Number(first))
  const paged = await one.get(`defects/${first}/audits?page-size=1&start-index=2`)
  expect([paged.json.Audits.TotalResults, paged.json.Audits.Audit.Properties.Property.NewValue]).toEqual([2, 'Fixed'])
  expect((await query('audits?query=', '{nonsense[1]}')).status).toBe(404)
  expect((await one.send('POST', 'audits', {})).status).toBe(405)
})

test('what a user is not shown is not in the history either', async () => {
  const [open, hidden] = [await created(), await created()]
  for (const id of [open, hidden]) await one.update(`defects/${id}`, { status: 'Open', owner: 'ann' })
  const { permissions } = started.alm
  permissions.hideRecords({ type: 'defect', ids: [hidden] })
  permissions.hideField({ type: 'defect', field: 'owner' })
  const { json } = await query('audits?query=', `{parent-id[${open} OR ${hidden}]}`)
  expect(json.Audits.TotalResults).toBe(1)
  expect(json.Audits.Audit.Properties.Property.Name).toBe('status')
  expect((await one.get(`defects/${hidden}/audits`)).status).toBe(404)
  permissions.deny({ type: 'defect', action: 'read' })
  expect((await one.get('audits')).json).toEqual({ Audits: { TotalResults: 0 } })
  permissions.clear()
})

test('auditActions: records that came and went have rows without properties, or none', async () => {
  started.turn({ auditActions: 'all' })
  const id = await created()
  const audits = (await one.get(`defects/${id}/audits`)).json.Audits
  expect([audits.TotalResults, audits.Audit.Action, audits.Audit.Properties]).toEqual([1, 'INSERT', undefined])
  await one.send('DELETE', `defects/${id}`)
  const gone = await query('audits?query=', `{action[DELETE];parent-id[${id}]}`)
  expect(gone.json.Audits.Audit).toMatchObject({ ParentId: Number(id), User: 'sync' })
  started.turn({ auditActions: 'update' })
})
