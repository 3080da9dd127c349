import { describe, expect, it } from 'vitest'
import { type LinkConfigurationInput, linkConfiguration } from './link-config.ts'
import type { ScopeGroup } from './scope.ts'
import { overlap } from './scope-overlap.ts'

const endpointId = '3f1c1f0e-6a43-4f0e-9a86-0a1f0e6a43f0'
const creates = { create: true, update: true }
const updates = { create: false, update: true }

function link(left: Partial<LinkConfigurationInput['left']> = {}, change: Partial<LinkConfigurationInput> = {}) {
  return linkConfiguration.parse({
    entityType: 'defect',
    left: { endpointId, entityType: 'defect', crossReference: 'user-01', ...left },
    right: { endpointId, entityType: 'defect', crossReference: 'alm_id_udf' },
    fields: [{ id: 'title', left: 'name', right: 'name', direction: 'both' }],
    rules: { toRight: creates, toLeft: creates },
    ...change,
  })
}

const asks = (field: string, ...values: string[]) => ({ field, operator: 'in' as const, values })
const scope = (match: 'all' | 'any', ...conditions: ScopeGroup['conditions']) => ({
  scope: { filter: { match, conditions } },
})

describe('two links on one project', () => {
  it('overlap unless something surely keeps them apart', () => {
    expect(overlap(link(), link(), 'left')).toBe('yes')
    expect(overlap(link({ root: '4' }), link(), 'left')).toBe('yes')
    expect(overlap(link({ root: '4' }), link({ root: '4' }), 'left')).toBe('yes')
    expect(overlap(link({ root: '4' }), link({ root: '9' }), 'left')).toBe('folders')
  })

  it('do not where one field is asked for different values by both', () => {
    const one = link(scope('all', asks('team', 'A', 'B'), asks('status', 'Open')))
    expect(overlap(one, link(scope('all', asks('team', 'C'))), 'left')).toBe('none')
    expect(overlap(one, link(scope('any', asks('team', 'c'))), 'left')).toBe('none')
    expect(overlap(one, link(scope('all', asks('team', 'b'))), 'left')).toBe('yes')
    expect(overlap(one, link(scope('any', asks('team', 'C'), asks('status', 'New'))), 'left')).toBe('yes')
    expect(overlap(one, link(scope('all', { field: 'team', operator: 'not-in', values: ['A', 'B'] })), 'left')).toBe(
      'yes',
    )
    const mine = { field: 'owner', operator: 'in' as const, values: [{ relative: 'me' as const }] }
    expect(overlap(link(scope('all', mine)), link(scope('all', asks('owner', 'ann'))), 'left')).toBe('yes')
  })

  it('do not where one of them creates nothing from there, or the kinds differ', () => {
    const takesNothing = link({}, { rules: { toRight: updates, toLeft: creates } })
    expect(overlap(takesNothing, link(), 'left')).toBe('none')
    expect(overlap(takesNothing, link(), 'right')).toBe('yes')
  })
})
