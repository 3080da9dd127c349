import { describe, expect, it } from 'vitest'
import { checkHierarchy, checkOverwriting, checkReactions, checkStanding, type TypeStanding } from './check-standing.ts'
import { linkConfiguration } from './link-config.ts'
import type { FieldMetadata } from './metadata.ts'

const end = (entityType: string) => ({
  endpointId: '00000000-0000-4000-8000-000000000001',
  entityType,
  crossReference: 'ref',
})
const both = { create: true, update: true }
const none = { create: false, update: false }
const configuration = linkConfiguration.parse({
  entityType: 'defect',
  left: end('defect'),
  right: end('defect'),
  fields: [
    { id: 'name', left: 'name', right: 'name', direction: 'both' },
    { id: 'severity', left: 'severity', right: 'severity', direction: 'to-right' },
  ],
  rules: { toRight: both, toLeft: none },
})
const standing = (change: Partial<TypeStanding> = {}): TypeStanding => ({
  entityType: 'defect',
  label: 'Defect',
  may: { read: 'yes', create: 'yes', update: 'yes', delete: 'no', lock: 'no' },
  frozen: [],
  roles: [],
  visible: 3,
  standsUnder: null,
  reacts: { mails: true, rules: null, workflow: false },
  ...change,
})
const may = (change: Partial<TypeStanding['may']>) => standing({ may: { ...standing().may, ...change } })
const field = (name: string) => ({ name, label: name.toUpperCase(), editable: true }) as FieldMetadata
const input = (side: 'left' | 'right', row: TypeStanding, over = configuration) => ({
  configuration: over,
  side,
  standings: [row],
  compareAndSet: side === 'left' ? ('lock' as const) : ('native' as const),
  field,
})

describe('permissions', () => {
  it('are measured by what the rules need: what nobody asks for may be denied', () => {
    expect(checkStanding(input('right', standing()))).toMatchObject([
      { severity: 'ok', message: expect.stringContaining('read, create and update') },
    ])
    const lacking = checkStanding(input('right', may({ create: 'no' })))
    expect(lacking).toMatchObject([{ severity: 'error', pointer: '/right/endpointId' }])
    expect(lacking[0]?.message).toContain('may not create records of type "Defect"')
    // Nothing is created on the left, yet the reference to the twin is written back there, under a lock.
    expect(checkStanding(input('left', may({ create: 'no', lock: 'yes' })))).toMatchObject([{ severity: 'ok' }])
    expect(checkStanding(input('left', may({ create: 'no' })))[0]?.message).toContain('may not lock')
  })

  it('of deleting count only where deletions are carried over', () => {
    const deleting = {
      ...configuration,
      rules: { ...configuration.rules, toRight: { ...both, delete: 'delete' as const } },
    }
    expect(checkStanding(input('right', standing(), deleting))[0]).toMatchObject({
      severity: 'error',
      message: expect.stringContaining('may not delete'),
    })
  })

  it('that hold for own records or leave a mapped field out are errors, with the mapping named', () => {
    expect(checkStanding(input('right', may({ update: 'own' })))[0]).toMatchObject({
      severity: 'error',
      message: expect.stringContaining('only its own records'),
    })
    expect(checkStanding(input('right', standing({ frozen: ['severity', 'other'] })))).toMatchObject([
      { severity: 'error', pointer: '/fields/1/direction', message: expect.stringContaining('"SEVERITY"') },
    ])
    // On the left the severity is only read.
    expect(checkStanding(input('left', may({ lock: 'yes' })))).toHaveLength(1)
  })

  it('that an endpoint does not tell are told as unknown, and block nothing', () => {
    expect(checkStanding(input('right', may({ update: 'unknown' })))).toMatchObject([
      { severity: 'ok', message: expect.stringContaining('read and create') },
      { severity: 'info', message: expect.stringContaining('does not tell whether the integration user may update') },
    ])
  })
})

describe('what writing sets off', () => {
  it('is told with the number of records of the first run', () => {
    expect(checkReactions(input('right', standing()), 40)).toMatchObject([
      { check: 'mails', severity: 'info', records: 40, message: expect.stringContaining('up to 40 records') },
    ])
    const silent = standing({ reacts: { mails: null, rules: false, workflow: false } })
    expect(checkReactions(input('right', silent), 40)).toMatchObject([
      { check: 'mails', severity: 'info', message: expect.stringContaining('does not tell whether it sends mails') },
    ])
    // Nothing is set off where nothing is written.
    const reading = linkConfiguration.parse({ ...configuration, rules: { toRight: none, toLeft: none } })
    expect(checkReactions(input('right', standing(), reading), 0)).toEqual([])
  })
})

describe('the hierarchy', () => {
  const type = (id: string, parents: string[], underRoot: boolean) => ({
    id,
    left: { values: [id], default: id },
    right: { values: [id], default: id },
    parents,
    underRoot,
  })
  const under = (entityType: string, standsUnder: string[]) => standing({ entityType, label: entityType, standsUnder })
  const standings = [under('epic', ['work_item_root']), under('feature', ['epic']), under('story', ['feature'])]
  const found = (types: ReturnType<typeof type>[]) =>
    checkHierarchy({
      ...input('right', standing()),
      configuration: linkConfiguration.parse({ ...configuration, entityType: 'backlog', types }),
      standings,
    }).map(({ pointer }) => pointer)

  it('fits to what the endpoint allows above each type', () => {
    expect(
      found([type('epic', [], true), type('feature', ['epic'], false), type('story', ['feature'], false)]),
    ).toEqual([])
    expect(found([type('epic', [], true), type('story', ['epic'], false)])).toEqual(['/types/1/parents/0'])
    expect(found([type('epic', [], true), type('feature', [], true)])).toEqual(['/types/1/underRoot'])
    expect(found([type('epic', [], true), type('feature', [], false)])).toEqual(['/types/1/parents'])
  })
})

it('a window in which people may be overwritten is a warning with its setting', () => {
  expect(checkOverwriting(configuration, { left: 're-read', right: 'native' })).toMatchObject([
    { side: 'left', severity: 'warning', pointer: '/tuning/writes' },
    { side: 'right', severity: 'ok', pointer: null },
  ])
})
