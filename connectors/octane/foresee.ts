import type { Problem } from '../../core/problems.ts'
import { ConnectorError, type ForeseenWrite, type Foresees } from '../contract.ts'
import type { OctaneCalls } from './connector.ts'
import type { OctaneReference } from './schema.ts'
import { shortestWay } from './writer.ts'

/** How long the workflow that was read is taken for the one that holds, in milliseconds. */
const keepMs = 60_000

interface Workflow {
  steps: { from: string; to: string }[]
  until: number
}

/**
 * What the workflow of a type refuses: a phase to which no way leads through its transitions. Business rules and roles are
 * told by no resource of the API, so nothing is foreseen from them here.
 */
export function createForesight(calls: OctaneCalls): Foresees {
  const known = new Map<string, Promise<Workflow>>()

  async function load(entityType: string): Promise<Workflow> {
    const rows = await calls
      .all('/transitions', { query: `"entity EQ ^${entityType}^"`, fields: 'source_phase,target_phase' })
      .catch((error: unknown) => {
        // Who may not read the workflow is told nothing about it; that is no reason to end a simulation.
        if (
          error instanceof ConnectorError &&
          (error.problem.class === 'forbidden' || error.problem.class === 'missing')
        )
          return []
        throw error
      })
    const steps = rows.flatMap((row) => {
      const [from, to] = [row.source_phase, row.target_phase] as (OctaneReference | null | undefined)[]
      return from?.id === undefined || to?.id === undefined ? [] : [{ from: from.id, to: to.id }]
    })
    return { steps, until: performance.now() + keepMs }
  }

  async function workflowOf(entityType: string): Promise<Workflow> {
    const before = await known.get(entityType)?.catch(() => undefined)
    if (before !== undefined && before.until > performance.now()) return before
    // Shared by everybody who asks meanwhile, so no caller's abort may end it.
    const fresh = load(entityType)
    known.set(entityType, fresh)
    return fresh
  }

  async function labelsOf(entityType: string): Promise<(id: string) => string> {
    const options = (await calls.schema(entityType)).get('phase')?.metadata.options ?? []
    return (id) => options.find((one) => one.value === id)?.label ?? id
  }

  return async (entityType, rows) => {
    const moves = rows.map(moveOf)
    if (moves.every((move) => move === null)) return rows.map(() => [])
    const [{ steps }, label] = await Promise.all([workflowOf(entityType), labelsOf(entityType)])
    // A type without a workflow refuses nothing.
    if (steps.length === 0) return rows.map(() => [])
    return moves.map((move) => {
      if (move === null || shortestWay(steps, move.from, move.to) !== null) return []
      return [refused(label(move.from), label(move.to))]
    })
  }
}

function moveOf({ action, fields, before }: ForeseenWrite): { from: string; to: string } | null {
  const [from, to] = [before.phase, fields.phase]
  return action === 'update' && typeof from === 'string' && typeof to === 'string' && from !== to ? { from, to } : null
}

function refused(from: string, to: string): Problem {
  return {
    class: 'refused',
    code: 'transition-refused',
    message: `The workflow has no way from phase "${from}" to "${to}".`,
    remedy: 'Move the record by hand, or allow the transition to this user.',
    field: 'phase',
  }
}
