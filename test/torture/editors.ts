import type { Lab } from '../lab.ts'
import type { Chance } from './random.ts'

/** Fields whose values never repeat, so that each of them tells which edit it came from. */
export const tracedFields = [
  { name: 'title', alm: 'name', octane: 'name' },
  { name: 'text', alm: 'description', octane: 'description' },
  { name: 'effort', alm: 'estimated-fix-time', octane: 'story_points' },
] as const
export type TracedField = (typeof tracedFields)[number]

/** People delete so many records of a world at most, and leave so many. */
const mostRemovals = 5
const fewestRecords = 5

/** People at both systems: what they do is drawn from the chance given; an edit that a lock refuses did not happen. */
export function createEditors(lab: Pick<Lab, 'alm' | 'octane'>, chance: Chance) {
  let counter = 1_000
  let removals = 0
  /** ALM lets people set the day of creation: another day tells a record from one that had its number before a restore. */
  let day = '2026-03-01'
  const open: { commit(): unknown }[] = []

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

  /** What was edited lately: people meet at the same field of the same record more often than chance would have it. */
  const hot: { almId: string; field: TracedField }[] = []

  function place(): { almId: string; octaneId: string; field: TracedField } | null {
    const known = hot.length > 0 && chance.yes(0.6) ? chance.pick(hot) : null
    const almId = known?.almId ?? pickAlm()
    if (almId === null) return null
    const field = known?.field ?? chance.pick(tracedFields)
    hot.unshift({ almId, field })
    hot.length = Math.min(hot.length, 3)
    const name = `${lab.alm.domain}/${lab.alm.project}/defect/${almId}`
    const twin = lab.octane.records('defect').find((record) => record.alm_id_udf === name)
    return { almId, octaneId: twin?.id ?? '', field }
  }

  function pickAlm(): string | null {
    const records = lab.alm.records('defect')
    return records.length === 0 ? null : String(chance.pick(records).id)
  }

  function editAlm(): void {
    const where = place()
    if (where === null) return
    const fields: Record<string, string> = { [where.field.alm]: String(value(where.field, 'alm')) }
    if (chance.yes(0.2)) fields.severity = chance.pick(['1-Low', '2-Medium', '3-High', '4-Very High', '5-Urgent'])
    saved(() => lab.alm.edit('defect', where.almId, fields))
  }

  /** Locked by somebody, or not there any more: the person is told so and nothing was saved. */
  function saved(act: () => unknown): boolean {
    try {
      act()
      return true
    } catch {
      return false
    }
  }

  function editOctane(): void {
    const where = place()
    const records = lab.octane.records('defect')
    if (where === null || records.length === 0) return
    const id = where.octaneId === '' ? chance.pick(records).id : where.octaneId
    lab.octane.edit('defect', id, { [where.field.octane]: value(where.field, 'octane') })
  }

  function createAlm(): void {
    counter++
    lab.alm.create('defect', {
      name: `new in ALM ${counter}`,
      severity: '2-Medium',
      'detected-by': 'ann',
      'creation-time': day,
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

  /** Somebody deletes a record. */
  function remove(): boolean {
    const system = chance.yes(0.5) ? lab.alm : lab.octane
    const ids = system.records('defect').map((record) => String(record.id))
    if (removals >= mostRemovals || ids.length < fewestRecords) return false
    const done = saved(() => system.remove('defect', chance.pick(ids)))
    if (done) removals++
    return done
  }

  /** Somebody's edit is stamped now and appears later, as with a long transaction. */
  function begin(): void {
    const where = place()
    if (where === null) return
    const { alm, octane } = where.field
    if (where.octaneId !== '' && chance.yes(0.5))
      open.push(lab.octane.begin('defect', where.octaneId, { [octane]: value(where.field, 'octane') }))
    else open.push(lab.alm.begin('defect', where.almId, { [alm]: String(value(where.field, 'alm')) }))
  }

  /** An edit of one person on either side. */
  function edit(): void {
    if (chance.yes(0.5)) editAlm()
    else editOctane()
  }

  return {
    act,
    edit,
    remove,
    begin,
    /** What was begun appears, by chance or all of it. */
    commit: (all = false) => {
      for (let index = open.length - 1; index >= 0; index--)
        if (all || chance.yes(0.4)) for (const one of open.splice(index, 1)) saved(one.commit)
    },
    /** What was begun is never saved. */
    forget: () => void open.splice(0),
    afterRestore: () => {
      day = '2026-03-02'
    },
  }
}
