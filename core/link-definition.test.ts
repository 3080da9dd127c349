import { expect, it } from 'vitest'
import { linkConfiguration } from './link-config.ts'
import { configurationFromFile, configurationToFile, keptByPlace } from './link-definition.ts'
import { type FieldMetadata, plainField, type SideMetadata } from './metadata.ts'

function field(name: string, type: FieldMetadata['type'], options: [string, string][] | null = null): FieldMetadata {
  return plainField(name, {
    type,
    verified: true,
    options: options?.map(([value, label]) => ({ value, label, active: true })) ?? null,
  })
}

/** A side whose list items and people have keys of their own. */
function side(mark: string): SideMetadata {
  const fields = [
    field('name', 'string'),
    field('state', 'list', [
      [`${mark}.open`, 'Open'],
      [`${mark}.done`, 'Done'],
    ]),
    field('owner', 'user'),
    field('story', 'reference'),
  ]
  const user = (login: string) => ({ key: `${mark}.${login}`, login, name: login, emails: [], active: true })
  return { entity: { entityType: 'defect', label: 'Defect', fields }, users: [{ ...user('ann'), machine: false }] }
}

const metadata = (mark: string) => ({ left: side(`${mark}L`), right: side(`${mark}R`) })

const here = linkConfiguration.parse({
  entityType: 'defect',
  left: {
    endpointId: '00000000-0000-4000-8000-000000000001',
    entityType: 'defect',
    crossReference: 'name',
    scope: {
      filter: {
        match: 'any',
        conditions: [
          { field: 'state', operator: 'in', values: ['aL.open'] },
          {
            match: 'all',
            conditions: [
              { field: 'owner', operator: 'not-in', values: ['aL.ann', { relative: 'me' }] },
              { field: 'name', operator: 'contains', values: ['aL.open'] },
            ],
          },
        ],
      },
    },
  },
  right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'defect', crossReference: null },
  fields: [{ id: 'name', left: 'name', right: 'name', direction: 'both' }],
  rules: { toRight: { create: true, update: true }, toLeft: { create: false, update: true } },
})

it('names what a scope asks for, and finds it again elsewhere', () => {
  const file = configurationToFile(here, metadata('a'))
  expect(file).toMatchObject({
    left: {
      scope: {
        filter: {
          conditions: [
            { values: ['Open'] },
            { conditions: [{ values: ['ann', { relative: 'me' }] }, { values: ['aL.open'] }] },
          ],
        },
      },
    },
  })
  const back = linkConfiguration.parse({
    ...file,
    left: { ...(file.left as object), endpointId: here.left.endpointId },
    right: { ...(file.right as object), endpointId: here.right.endpointId },
  })
  expect(configurationFromFile(back, metadata('a'))).toEqual({ configuration: here, problems: [] })
  const { configuration } = configurationFromFile(back, metadata('b'))
  expect(configuration.left.scope.filter).toMatchObject({
    conditions: [
      { values: ['bL.open'] },
      { conditions: [{ values: ['bL.ann', { relative: 'me' }] }, { values: ['aL.open'] }] },
    ],
  })
})

it('tells which fields and items a scope asks for in vain', () => {
  const conditions = [
    { field: 'gone', operator: 'in' as const, values: ['x'] },
    { field: 'state', operator: 'in' as const, values: ['Waiting'] },
  ]
  const wrong = {
    ...here,
    left: { ...here.left, scope: { favorite: null, filter: { match: 'all' as const, conditions } } },
  }
  expect(configurationFromFile(wrong, metadata('a')).problems).toEqual([
    { pointer: '/left/scope/filter', message: 'there is no field gone' },
    { pointer: '/left/scope/filter/conditions/1/values/0', message: 'there is no value of state "Waiting"' },
  ])
})

it('tells what of a scope only the project has that it was made for', () => {
  const conditions = [
    { field: 'story', operator: 'in' as const, values: ['1007', '1008'] },
    { field: 'name', operator: 'empty' as const, values: [] },
  ]
  const filter = { match: 'all' as const, conditions }
  const bound = { ...here, right: { ...here.right, scope: { favorite: { id: '12' }, filter } } }
  expect(keptByPlace(bound, metadata('a'), 'right').map(({ message }) => message)).toEqual([
    'favorite 12',
    'story 1007, 1008',
  ])
  expect(keptByPlace(here, metadata('a'), 'left')).toEqual([])
})
