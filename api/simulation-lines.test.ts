import { expect, it } from 'vitest'
import type { SimulatedRow } from '../db/simulations.ts'
import { simulationCsv, simulationJsonLines } from './simulation-lines.ts'

const row: SimulatedRow = {
  key: 'pair:1',
  leftId: '7',
  rightId: '1003',
  title: '=HYPERLINK("x"), twice',
  type: null,
  action: 'update-right',
  sent: ['right'],
  stamps: { left: { version: 1, modified: null } },
  fields: [{ side: 'right', field: 'name', label: 'Name', before: 'a', after: 'line one\nline two', rule: 'changed' }],
  problems: [
    { class: 'locked', code: 'locked', message: 'Somebody has it open.', remedy: 'Close it.', side: 'right' },
    { class: 'mapping', code: 'value-gap', message: 'No value.', remedy: 'Map it.', field: 'severity' },
  ],
  page: 0,
  position: 3,
  real: { outcome: 'held', written: [], problems: [{ class: 'locked', code: 'locked' }], stamps: {} },
}
const untouched: SimulatedRow = { ...row, leftId: '8', fields: [], problems: [], action: 'none', real: null }

async function* pages() {
  yield [row]
  yield [untouched]
}

async function all(chunks: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const chunk of chunks) text += chunk
  return text
}

it('a simulation as CSV has a line for each field and each predicted problem, with what came true, and no formula', async () => {
  const lines = (await all(simulationCsv(pages()))).split('\r\n')
  expect(lines[0]).toBe(
    'leftId,rightId,title,type,action,side,field,before,after,rule,problem,message,remedy,outcome,cameTrue',
  )
  const common = `7,1003,"'=HYPERLINK(""x""), twice",,update-right`
  expect(lines.slice(1)).toEqual([
    `${common},right,name,a,"line one\nline two",changed,,,,held,`,
    `${common},right,,,,,locked,Somebody has it open.,Close it.,held,yes`,
    `${common},,severity,,,,value-gap,No value.,Map it.,held,no`,
    `8,1003,"'=HYPERLINK(""x""), twice",,none,,,,,,,,,,`,
    '',
  ])
})

it('a simulation as JSON lines has a line for each record, without our own bookkeeping', async () => {
  const lines = (await all(simulationJsonLines(pages()))).trimEnd().split('\n')
  expect(lines).toHaveLength(2)
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(first).toMatchObject({ leftId: '7', action: 'update-right', real: { outcome: 'held' } })
  expect(lines[0]).not.toContain('stamps')
  expect(second).toMatchObject({ leftId: '8', fields: [], real: null })
})
