import { describe, expect, it } from 'vitest'
import { checkPhases, checkRecords } from './check-records.ts'
import { linkConfiguration } from './link-config.ts'
import { createLinkPlanner } from './link-planner.ts'
import { type FieldMetadata, plainField, type SideMetadata } from './metadata.ts'
import type { CanonicalValue, RecordSnapshot } from './values.ts'

const field = (name: string, change: Partial<FieldMetadata> = {}) =>
  plainField(name, { label: name.toUpperCase(), maxLength: 255, ...change })
const list = (name: string, ...values: string[]) =>
  field(name, {
    ...{ type: 'list', verified: true, maxLength: null },
    options: values.map((value) => ({ value, label: value, active: true })),
  })
const side = (fields: FieldMetadata[]): SideMetadata => ({
  entity: { entityType: 'defect', label: 'Defect', fields },
  users: [],
})
const left = side([field('name'), list('status', 'New', 'Open', 'Odd'), field('owner', { type: 'user' })])
const right = side([
  field('name', { maxLength: 10, required: true }),
  list('status', 'New', 'Open'),
  field('owner', { type: 'user' }),
  field('closed_on', { type: 'date' }),
])
const end = { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: null }
const mapping = (name: string) => ({ id: name, left: name, right: name, direction: 'both' })
const configuration = linkConfiguration.parse({
  entityType: 'defect',
  left: end,
  right: end,
  fields: [mapping('name'), mapping('status'), mapping('owner')],
  rules: { toRight: { create: true, update: true }, toLeft: { create: false, update: false } },
})
const record = (id: number, fields: Record<string, CanonicalValue>): RecordSnapshot => ({
  id: String(id),
  stamp: { version: 1, modified: '' },
  fields: { name: 'short', status: 'New', owner: null, closed_on: null, ...fields },
})
const planner = createLinkPlanner({ configuration, left, right, users: [] })
const found = (records: RecordSnapshot[], from: 'left' | 'right' = 'left', exact = true) =>
  checkRecords({ configuration, planner, metadata: { left, right }, kinds: ['defect'], from, records, exact })

describe('real records', () => {
  it('are counted by mapping and problem, with examples and the setting that puts it right', () => {
    const findings = found([
      record(1, {}),
      record(2, { name: 'much longer than ten' }),
      record(3, { name: 'longer than ten, too', status: 'Odd' }),
      record(4, { owner: 'nobody' }),
      record(5, { owner: 'somebody' }),
      record(6, { name: null }),
    ])
    const of = (check: string) => findings.filter((one) => one.check === check)
    expect(of('records-lengths')).toMatchObject([
      {
        severity: 'warning',
        side: 'right',
        records: 2,
        pointer: '/fields/0',
        message: expect.stringContaining('2, 3'),
      },
    ])
    expect(of('records-values')).toMatchObject([{ records: 1, pointer: '/fields/1/values' }])
    expect(of('records-values')[0]?.message).toContain('"Odd"')
    expect(of('records-users')).toMatchObject([{ records: 2, pointer: '/fields/2' }])
    expect(of('records-users')[0]?.message).toMatch(/nobody.*\(1\).*somebody.*\(1\)/)
    expect(of('records-required')).toMatchObject([{ records: 1, pointer: '/fields/0/defaults/right' }])
    for (const one of findings) expect(one.remedy).not.toBeNull()
  })

  it('that all have a place there are told as such, and nothing is told where nothing flows', () => {
    expect(found([record(1, {}), record(2, {})])).toMatchObject([{ check: 'records', severity: 'ok', records: 2 }])
    expect(found([record(1, {})], 'left', false)[0]?.message).toContain('a part of all')
    expect(found([record(1, { name: 'much longer than ten' })], 'right')).toEqual([])
  })

  it('without any value in a mapped field are told of, since a hidden field looks the same', () => {
    const many = Array.from({ length: 20 }, (_, index) => record(index, {}))
    expect(found(many).at(-1)).toMatchObject({ check: 'records-empty', pointer: '/fields/2/left' })
    expect(found([...many, record(21, { owner: 'x' })]).filter((one) => one.check === 'records-empty')).toEqual([])
  })
})

describe('a field that all records of one phase have', () => {
  const records = [
    ...Array.from({ length: 25 }, (_, index) => record(index, { status: 'Open', closed_on: '2026-05-04' })),
    ...Array.from({ length: 30 }, (_, index) => record(100 + index, {})),
  ]
  const input = { configuration, side: 'right' as const, metadata: right, records }

  it('is likely required there, and told where nothing writes it', () => {
    expect(checkPhases(input)).toMatchObject([{ check: 'records-phase', severity: 'warning', records: 25 }])
    expect(checkPhases(input)[0]?.message).toMatch(/"Open" have "CLOSED_ON", and only 0 of 30/)
  })

  it('is nothing to tell of where some lack it, most others have it, or it is mapped', () => {
    const lacking = [...records, record(200, { status: 'Open' })]
    expect(checkPhases({ ...input, records: lacking })).toEqual([])
    const everywhere = records.map((one) => ({ ...one, fields: { ...one.fields, closed_on: '2026-05-04' } }))
    expect(checkPhases({ ...input, records: everywhere })).toEqual([])
    const mapped = linkConfiguration.parse({
      ...configuration,
      fields: [...configuration.fields, { id: 'c', left: 'name2', right: 'closed_on', direction: 'to-right' }],
    })
    expect(checkPhases({ ...input, configuration: mapped })).toEqual([])
    expect(checkPhases({ ...input, records: records.slice(10) })).toEqual([])
  })
})
