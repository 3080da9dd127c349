import { randomUUID } from 'node:crypto'
import { listComparisons } from '../db/simulations.ts'
import { activity } from './deletions.ts'
import type { Lab } from './lab.ts'

/** A simulation as the run workflow makes it: both sides are scanned, then everything that is due is planned. */
export async function simulationRun(lab: Lab, extent: 'foreseen' | 'changes' = 'foreseen') {
  const { linkId, activities } = lab
  const runId = randomUUID()
  const { version } = await lab.store.link(linkId)
  await lab.store.beginRun({
    runId,
    linkId,
    kind: 'simulation',
    trigger: 'person',
    actor: 'test',
    version,
    temporal: { workflowId: 'w', runId: 'r' },
  })
  for (const side of ['left', 'right'] as const)
    await activity(() => activities.scan({ linkId, runId, version, side, extent }))
  const result = await activity(() => activities.simulate({ linkId, runId, version }))
  await lab.store.finishRun({ runId, status: 'passed', message: null })
  return { runId, ...result }
}

/** How the simulation compares with the run that followed. */
export async function comparisonOf(lab: Lab, runId: string) {
  const [found] = await listComparisons(lab.database, { runId, limit: 1 })
  if (found?.score === null || found === undefined) throw new Error('the simulation has not been compared')
  return found.score
}

export const octaneItem = (list: string, name: string) => ({ type: 'list_node', id: `list_node.${list}.${name}` })
export const octanePerson = (id: string) => ({ type: 'workspace_user', id })

/** A defect as the other side takes it without a fault; `start`: fields of ALM beside that. Answers its id. */
export function newDefect(
  { alm, octane }: Lab,
  side: 'left' | 'right',
  name: string,
  start: Record<string, string> = {},
): string {
  if (side === 'right')
    return octane.create('defect', {
      name,
      severity: octaneItem('severity', 'medium'),
      detected_by: octanePerson('1002'),
    }).id
  const plain = {
    severity: '2-Medium',
    'detected-by': 'ann',
    'creation-time': '2026-03-01',
    status: 'New',
    priority: '1-Low',
  }
  return String(alm.create('defect', { ...plain, ...start, name }).id)
}
