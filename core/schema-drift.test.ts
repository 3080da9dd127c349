import { describe, expect, it } from 'vitest'
import { linkConfiguration } from './link-config.ts'
import { type FieldMetadata, plainField } from './metadata.ts'
import { schemaChanges, schemaProblems, schemaSnapshot } from './schema-drift.ts'

function field(name: string, changes: Partial<FieldMetadata> = {}): FieldMetadata {
  return plainField(name, {
    label: name.toUpperCase(),
    maxLength: 255,
    verified: true,
    userDefined: true,
    ...changes,
  })
}

const list = (...labels: string[]) => ({
  type: 'list' as const,
  options: labels.map((label) => ({ value: label.toLowerCase(), label, active: true })),
})

const configuration = linkConfiguration.parse({
  entityType: 'defect',
  left: { endpointId: '00000000-0000-4000-8000-000000000001', entityType: 'defect', crossReference: null },
  right: { endpointId: '00000000-0000-4000-8000-000000000002', entityType: 'defect', crossReference: null },
  rules: { toRight: { create: false, update: true }, toLeft: { create: false, update: true } },
  fields: [
    { id: 'title', left: 'title', right: 'title', direction: 'both' },
    { id: 'colour', left: 'colour', right: 'colour', direction: 'both' },
  ],
})

function described(...left: FieldMetadata[]) {
  const side = (fields: readonly FieldMetadata[]) => ({
    entity: { entityType: 'defect', label: 'Defect', fields },
    users: [],
  })
  return { left: side(left), right: side([field('title'), field('colour', list('Red', 'Blue'))]) }
}

const first = described(field('title'), field('colour', list('Red', 'Blue')), field('other'))

function told(...left: FieldMetadata[]): string[] {
  const [before, after] = [first, described(...left)].map((metadata) => schemaSnapshot(configuration, metadata))
  if (before === undefined || after === undefined) throw new Error('two snapshots')
  return schemaChanges(before, after, configuration).map(({ message }) => message)
}

describe('what an endpoint changed', () => {
  const colour = field('colour', list('Red', 'Blue'))

  it('is told only where a mapping depends on it', () => {
    expect(told(field('title'), colour)).toEqual([])
    expect(told(field('title'), colour, field('other', { label: 'Renamed', type: 'memo' }))).toEqual([])
  })

  it.each([
    ['a new label', field('title', { label: 'Headline' }), 'was called "TITLE" before'],
    ['another type', field('title', { type: 'memo', maxLength: null }), 'is a memo now; it was a string'],
    ['less room', field('title', { maxLength: 80 }), 'takes 80 characters only; before 255'],
    ['a requirement', field('title', { required: true }), 'is required from now on'],
    ['a lock', field('title', { editable: false, creatable: false }), 'cannot be written from now on'],
    ['several values', field('title', { multiple: true }), 'holds several values now'],
  ])('is named: %s', (_what, title, words) => {
    const [message = '', ...others] = told(title, colour).filter((one) => !one.includes('more characters'))
    expect(message).toContain(words)
    expect(others).toEqual([])
  })

  it('is named value by value in lists', () => {
    const options = [
      { value: 'red', label: 'Crimson', active: true },
      { value: 'green', label: 'Green', active: true },
    ]
    expect(told(field('title'), field('colour', { type: 'list', options }))).toEqual([
      '"COLOUR" (colour) has a new value "Green".',
      'The value "Red" of "COLOUR" (colour) is called "Crimson" now.',
      'The value "Blue" of "COLOUR" (colour) is gone.',
    ])
  })

  it('is a field that is gone, back, or new and required although nothing maps it', () => {
    expect(told(colour)).toEqual(['"TITLE" (title) is gone.'])
    const [without, again] = [described(colour), first].map((metadata) => schemaSnapshot(configuration, metadata))
    if (without === undefined || again === undefined) throw new Error('two snapshots')
    expect(schemaChanges(without, again, configuration)).toEqual([
      { side: 'left', message: '"TITLE" (title) is there again.', mappings: ['title'] },
    ])
    expect(told(field('title'), colour, field('team', { required: true }))).toEqual([
      '"TEAM" (team) is required from now on.',
    ])
  })

  it('is a type of records that is new, gone or renamed', () => {
    const typed = (labels: Record<string, string>) => {
      const types = Object.entries(labels).map(([value, label]) => ({ value, label, fields: [] }))
      const { left, right } = first
      return schemaSnapshot(configuration, {
        right,
        left: { ...left, entity: { ...left.entity, recordTypes: { field: 'type', types } } },
      })
    }
    const changes = schemaChanges(typed({ 1: 'Epic', 2: 'Story' }), typed({ 1: 'Theme', 3: 'Bug' }), configuration)
    expect(changes.map(({ message }) => message)).toEqual([
      'The type "Epic" is called "Theme" now.',
      'There is a new type "Bug" (3).',
      'The type "Story" (2) is gone.',
    ])
  })

  it('is a problem of the one mapping that cannot go on', () => {
    expect(schemaProblems(configuration, first, [])).toEqual([])
    expect(schemaProblems(configuration, described(colour), [])).toMatchObject([
      { code: 'schema-field-existence', mappingId: 'title', side: 'left', class: 'schema' },
    ])
    const locked = described(field('title', { editable: false, creatable: false }), colour)
    expect(schemaProblems(configuration, locked, [])).toMatchObject([{ code: 'schema-writable', mappingId: 'title' }])
  })
})
