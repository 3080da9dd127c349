import { afterEach, describe, expect, it } from 'vitest'
import { addUnmapped, proposeMapping } from '../core/auto-map.ts'
import { checkLink } from '../core/check-link.ts'
import type { FieldMapping, LinkConfiguration, LinkConfigurationInput } from '../core/link-config.ts'
import { fieldByName } from '../core/metadata.ts'
import type { Finding } from '../core/run.ts'
import { fullRun, restWrites, twinOf, waitOver } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

async function open(options: LabOptions = {}): Promise<Lab> {
  lab = await createLab({ alm: { defects: 0 }, ...options })
  return lab
}

type Fields = NonNullable<LinkConfigurationInput['fields']>

/** The proposed mapping without what uses the same fields, and with these mappings besides. */
function withFields(...added: Fields) {
  return (same: LinkConfigurationInput): LinkConfigurationInput => {
    const used = (side: 'left' | 'right') => new Set(added.flatMap((mapping) => mapping[side] ?? []))
    const [left, right] = [used('left'), used('right')]
    return {
      ...same,
      fields: [
        ...same.fields.filter(({ left: one, right: two }) => !left.has(one ?? '') && !right.has(two ?? '')),
        ...added,
      ],
    }
  }
}

const shown = (here: Lab, mapping: FieldMapping | undefined): string => {
  if (mapping === undefined) return ''
  const label = (side: 'left' | 'right') =>
    fieldByName(here.metadata[side].entity, mapping[side] ?? '')?.label ?? String(mapping[side])
  return `${label('right')} ${{ both: '<->', 'to-left': '->', 'to-right': '<-' }[mapping.direction]} ${label('left')}`
}

function almDefect(here: Lab, fields: Record<string, string> = {}): string {
  return String(
    here.alm.create('defect', {
      ...{ name: 'd', severity: '2-Medium', 'detected-by': 'ann', 'creation-time': '2026-03-01', status: 'New' },
      ...fields,
    }).id,
  )
}

function findings(here: Lab, change: (configuration: LinkConfiguration) => LinkConfiguration): Finding[] {
  return checkLink({ configuration: change(here.configuration), ...here.metadata, users: [] })
}

function errorsOf(here: Lab): Finding[] {
  return findings(here, (same) => same).filter((finding) => finding.severity === 'error')
}

function add(...mappings: FieldMapping[]): (configuration: LinkConfiguration) => LinkConfiguration {
  return (same) => withFields(...mappings)(same) as LinkConfiguration
}

function mapping(left: string | null, right: string | null, changes: Partial<FieldMapping> = {}): FieldMapping {
  return {
    ...{ id: `${left}-${right}`, left, right, direction: 'both', conflict: 'left', conflictFallback: 'ask' },
    ...{ values: [], defaults: {}, createOnly: false },
    ...changes,
  }
}

describe('the mapping of a new link', () => {
  // covers 64, 80
  it('has the fields and statuses that mean the same in both products as delivered', async () => {
    const here = await open()
    const lines = here.configuration.fields.map((field) => shown(here, field))
    for (const line of [
      'Attachments <-> Attachments',
      'Closed on <-> Closing Date',
      'Description <-> Description',
      'Detected by <-> Detected By',
      'Detected in release <-> Detected in Release',
      'Name <-> Summary',
      'Owner <-> Assigned To',
      'Phase <-> Status',
      'Priority <-> Priority',
      'Release <-> Target Release',
      'Severity <-> Severity',
      'Sprint <-> Target Cycle',
      'Story points <-> Estimated Fix Time',
    ])
      expect(lines).toContain(line)
    const phase = here.configuration.fields.find((field) => field.right === 'phase')
    const octane = fieldByName(here.metadata.right.entity, 'phase')
    const label = (value: string) => octane?.options?.find((option) => option.value === value)?.label
    const pairs = phase?.values.map((pair) => `${pair.left} ${pair.direction} ${label(pair.right)}`)
    expect(pairs).toEqual([
      'New both New',
      'Open to-right Opened',
      'Reopen both Opened',
      'Fixed both Fixed',
      'Closed both Closed',
      'Rejected both Rejected',
      'Rejected to-left Proposed Closed',
      'New to-left Deferred',
      'Rejected to-left Duplicate',
    ])
  })

  // covers 66
  it('leaves a list alone that somebody changed, and says so', async () => {
    const here = await open()
    const customized = {
      ...here.metadata.left.entity,
      fields: here.metadata.left.entity.fields.map((field) =>
        field.name === 'severity'
          ? { ...field, customized: true, options: [{ value: 'Bad', label: 'Bad', active: true }] }
          : field,
      ),
    }
    const proposed = proposeMapping({
      ...{ kind: 'defect', left: customized, leftKind: 'alm', rightKind: 'octane' },
      right: here.metadata.right.entity,
    })
    expect(proposed.fields.map(({ right }) => right)).not.toContain('severity')
    expect(proposed.notes).toContainEqual(expect.stringContaining('"Severity" was not mapped'))
  })

  // covers 65
  it('is completed on demand by what is not mapped on either side, and what is mapped stays', async () => {
    const here = await open()
    const { fields } = here.configuration
    const changed = fields.flatMap((field) =>
      field.right === 'priority' ? [] : [field.right === 'severity' ? { ...field, conflict: 'ask' as const } : field],
    )
    const before = { ...here.configuration, fields: changed }
    const { configuration, added } = addUnmapped(before, here.proposal.fields)
    expect(added.map(({ right }) => right)).toEqual(['priority'])
    expect(configuration.fields.slice(0, changed.length)).toEqual(changed)
    expect(addUnmapped(configuration, here.proposal.fields).added).toEqual([])
    // A field that is mapped otherwise is not taken away from there.
    const taken = { ...before, fields: [...changed, mapping('priority', 'a_udf')] }
    expect(addUnmapped(taken, here.proposal.fields).added).toEqual([])
  })
})

describe('the check of a mapping', () => {
  const errors = (all: readonly Finding[]) => all.filter((finding) => finding.severity === 'error')

  // covers 70
  it('refuses a destination that the system sets', async () => {
    const here = await open()
    const found = errors(findings(here, add(mapping('last-modified', 'last_modified'))))
    expect(found.map(({ check, side }) => `${check} ${side}`).sort()).toEqual(['writable left', 'writable right'])
    expect(found[0]?.remedy).toContain('other direction')
  })

  // covers 71
  it('marks required fields that nothing fills', async () => {
    const here = await open()
    const found = errors(
      findings(here, (same) => ({ ...same, fields: same.fields.filter(({ left }) => left !== 'severity') })),
    )
    expect(found).toMatchObject(
      ['left', 'right'].map((side) => ({ check: 'required', side, message: expect.stringContaining('"Severity"') })),
    )
  })

  // covers 72
  it('refuses types that do not fit, in the direction in which they do not', async () => {
    const here = await open()
    const found = errors(findings(here, add(mapping('closing-date', 'story_points'))))
    expect(found.filter(({ check }) => check === 'types').map(({ side, message }) => `${side}: ${message}`)).toEqual([
      'left: "Story points" cannot be written to "Closing Date": an integer cannot become a date.',
      'right: "Closing Date" cannot be written to "Story points": a date cannot become an integer.',
    ])
  })

  // covers 77
  it('refuses a cycle or sprint that is mapped without its release', async () => {
    const here = await open()
    const without = (right: string) =>
      errors(findings(here, (same) => ({ ...same, fields: same.fields.filter((field) => field.right !== right) })))
    expect(without('release').map(({ check, side, pointer }) => [check, side, pointer?.split('/').at(-1)])).toEqual([
      ['companions', 'left', 'left'],
      ['companions', 'right', 'right'],
    ])
    expect(without('sprint')).toEqual([])
    const oneWay = errors(
      findings(here, (same) => ({
        ...same,
        fields: same.fields.map((field) => (field.right === 'release' ? { ...field, direction: 'to-right' } : field)),
      })),
    )
    expect(oneWay).toMatchObject([{ check: 'companions', side: 'left' }])
  })
})

describe('values', () => {
  // covers 69
  it('that are constants are written when a record is created, and never again', async () => {
    const constant = mapping(null, 'story_points', { id: 'fixed', direction: 'to-right', constant: 5 })
    const here = await open({ link: withFields(constant) })
    const id = almDefect(here)
    await fullRun(here)
    await fullRun(here)
    expect(twinOf(here, id)?.story_points).toBe(5)
    here.octane.edit('defect', twinOf(here, id)?.id ?? '', { story_points: 3 })
    here.alm.edit('defect', id, { name: 'changed' })
    await fullRun(here)
    expect(twinOf(here, id)).toMatchObject({ name: 'changed', story_points: 3 })
  })

  // covers 78
  it('of references to the twin are on both sides after the run that created it', async () => {
    const here = await open()
    const id = almDefect(here)
    await fullRun(here)
    const twin = twinOf(here, id)
    const reference = here.configuration.left.crossReference ?? ''
    expect(here.alm.store.get('defect', id)[reference]).toMatch(new RegExp(`/defect/${twin?.id}$`))
  })

  // covers 79
  it('go by the direction of their pairs; many become one, and come back as the one they were', async () => {
    const here = await open()
    const ids = ['Open', 'Reopen'].map((status) => almDefect(here, { status }))
    await fullRun(here)
    await fullRun(here)
    const phases = fieldByName(here.metadata.right.entity, 'phase')?.options ?? []
    const label = (id: string) =>
      phases.find(({ value }) => value === (twinOf(here, id)?.phase as { id: string } | undefined)?.id)?.label
    expect(ids.map(label)).toEqual(['Opened', 'Opened'])
    for (const id of ids) here.octane.edit('defect', twinOf(here, id)?.id ?? '', { name: 'edited' })
    await fullRun(here)
    expect(ids.map((id) => here.alm.store.get('defect', id).status)).toEqual(['Open', 'Reopen'])
    expect(here.alm.store.get('defect', ids[0] ?? '').name).toBe('edited')
  })

  // covers 76
  it('of a list may be mapped to a text, one way', async () => {
    const here = await open({
      link: (same) => {
        const text = same.fields.find((field) => field.left === 'user-05')?.right ?? null
        return withFields(mapping('priority', text, { direction: 'to-right' }))(same)
      },
    })
    const text = here.configuration.fields.find((field) => field.left === 'priority')?.right ?? ''
    expect(errorsOf(here)).toEqual([])
    const id = almDefect(here, { priority: '3-High' })
    await fullRun(here)
    await fullRun(here)
    expect(String(twinOf(here, id)?.[text])).toContain('3-High')
    here.octane.edit('defect', twinOf(here, id)?.id ?? '', { [text]: 'something else' })
    await fullRun(here)
    expect(here.alm.store.get('defect', id).priority).toBe('3-High')
  })

  // covers 111
  it('of fields that are not mapped move nothing', async () => {
    const here = await open()
    const id = almDefect(here)
    await fullRun(here)
    await fullRun(here)
    const before = restWrites(here)
    here.alm.edit('defect', id, { 'actual-fix-time': '9' })
    await fullRun(here)
    expect(restWrites(here)).toBe(before)
    await waitOver(here)
  })
})

describe('rules', () => {
  // covers 55, 56
  it('create and update in the directions only in which they are on', async () => {
    const here = await open({
      octane: { defects: 2 },
      link: (same) => ({
        ...same,
        rules: { toRight: { create: true, update: true }, toLeft: { create: false, update: false } },
      }),
    })
    const id = almDefect(here)
    await fullRun(here)
    await fullRun(here)
    expect(here.alm.records('defect')).toHaveLength(1)
    expect(here.octane.records('defect')).toHaveLength(3)
    here.octane.edit('defect', twinOf(here, id)?.id ?? '', { name: 'stays in Octane' })
    await fullRun(here)
    expect(here.alm.store.get('defect', id).name).toBe('d')
    here.alm.edit('defect', id, { severity: '4-Very High' })
    await fullRun(here)
    expect(JSON.stringify(twinOf(here, id)?.severity)).not.toContain('medium')
  })
})
