import type { Lab } from '../lab.ts'
import type { Chance } from './random.ts'

/** Fields whose values never repeat, so that each of them tells which edit it came from. */
export const tracedFields = [
  { name: 'title', alm: 'name', octane: 'name' },
  { name: 'text', alm: 'description', octane: 'description' },
  { name: 'effort', alm: 'estimated-fix-time', octane: 'story_points' },
] as const
export type TracedField = (typeof tracedFields)[number]

/** People at both systems: what they do is drawn from the chance given; an edit that a lock refuses did not happen. */
export function createEditors(lab: Lab, chance: Chance) {
  let counter = 1_000

  function value(field: TracedField, system: 'alm' | 'octane'): string | number {
    counter++
    switch (field.name) {
      case 'title':
        return `${system} says ${counter}`
      case 'text':
        return `<html><body><p>${system} wrote <b>${counter}</b></p></body></html>`
      case 'effort':
        return system === 'alm' ? String(counter) : counter
    }
  }

  function editAlm(): void {
    const records = lab.alm.records('defect')
    if (records.length === 0) return
    const record = chance.pick(records)
    const field = chance.pick(tracedFields)
    const fields: Record<string, string> = { [field.alm]: String(value(field, 'alm')) }
    if (chance.yes(0.2)) fields.severity = chance.pick(['1-Low', '2-Medium', '3-High', '4-Very High', '5-Urgent'])
    try {
      lab.alm.edit('defect', String(record.id), fields)
    } catch {
      // The record is locked by somebody: the person is told so and nothing was saved.
    }
  }

  function editOctane(): void {
    const records = lab.octane.records('defect')
    if (records.length === 0) return
    const record = chance.pick(records)
    const field = chance.pick(tracedFields)
    lab.octane.edit('defect', record.id, { [field.octane]: value(field, 'octane') })
  }

  function createAlm(): void {
    counter++
    lab.alm.create('defect', {
      name: `new in ALM ${counter}`,
      severity: '2-Medium',
      'detected-by': 'ann',
      'creation-time': '2026-03-01',
      status: 'New',
    })
  }

  function createOctane(): void {
    counter++
    lab.octane.create('defect', { name: `new in Octane ${counter}` })
  }

  /** One act of one person. */
  function act(): void {
    const dice = chance.next()
    if (dice < 0.42) editAlm()
    else if (dice < 0.84) editOctane()
    else if (dice < 0.92) createAlm()
    else createOctane()
  }

  return { act }
}
