import { expect, it } from 'vitest'
import { type WhyWrite, wordsOfWrite } from './why.ts'

const write: WhyWrite = {
  ledgerId: '1',
  at: '2026-11-25T12:00:00Z',
  kind: 'write',
  action: 'create',
  side: 'right',
  leftId: '1',
  rightId: '2',
  field: { mappingId: 'name', field: 'name', source: 'a', before: null, sent: 'a', rule: 'new' },
  actor: 'ann',
  bridge: null,
  build: null,
  version: null,
  run: null,
  workflowId: null,
  temporalRunId: null,
  foundByLooking: false,
  possibleOverwrite: false,
  chain: 'link:1',
  seq: 1,
}

it('tells a record that was created from a pair that had agreed on nothing yet', () => {
  const said = (action: string) =>
    wordsOfWrite({ ...write, action }, { endpoints: { left: 'alm', right: 'octane' }, mapping: null }).join(' ')
  expect(said('create')).toContain('the record was created here from the other one')
  expect(said('update')).toContain('both sides had agreed on nothing yet')
})

it('says of the reference to a twin what it was set to, not that nothing was sent', () => {
  const field = {
    ...write.field,
    field: 'user-01',
    source: null,
    sent: null,
    after: '1001/1002/defect/2',
    rule: 'reference',
  }
  const said = wordsOfWrite(
    { ...write, action: 'link-back', side: 'left', field },
    { endpoints: { left: 'alm', right: 'octane' }, mapping: null },
  ).join(' ')
  expect(said).toContain('before empty, set to "1001/1002/defect/2". Why: it names the twin of the record.')
})
