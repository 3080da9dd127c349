import { randomUUID } from 'node:crypto'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import type { LinkConfigurationInput } from '../core/link-config.ts'
import type { RunSummary } from '../core/run.ts'
import type { Lab, Shell } from './lab.ts'

const quiet = new DefaultLogger('ERROR')

export async function activity<T>(body: () => Promise<T>): Promise<T> {
  return (await new MockActivityEnvironment(undefined, { logger: quiet }).run(body)) as T
}

/** One full run as the run workflow makes it, by a worker of its own with so many batches at a time; a failing step ends it as failed. */
export async function fullRun(
  lab: Lab,
  shell?: Shell,
  extent: 'all' | 'changes' = 'all',
  parallel = 1,
): Promise<RunSummary> {
  const { linkId } = lab
  const { activities } = lab.createWorker(shell)
  const runId = randomUUID()
  const { version } = await lab.store.link(linkId)
  await lab.store.beginRun({
    runId,
    linkId,
    kind: 'full',
    trigger: 'person',
    actor: 'test',
    version,
    temporal: { workflowId: 'w', runId: 'r' },
  })
  try {
    for (const side of ['left', 'right'] as const)
      await activity(() => activities.scan({ linkId, runId, version, side, extent }))
    for (let round = 0; round < 40; round++) {
      await Promise.all(
        Array.from({ length: parallel }, () => activity(() => activities.reconcile({ linkId, runId, version }))),
      )
      if ((await lab.store.queueState(linkId)).due === 0) break
    }
    return await lab.store.finishRun({ runId, status: 'passed', message: null })
  } catch (error) {
    return lab.store.finishRun({
      runId,
      status: 'failed',
      message: error instanceof Error ? error.message : String(error),
    })
  }
}

/** What is waiting is due now, as it would be after hours. */
export async function waitOver(lab: Lab): Promise<void> {
  await lab.database.sql`update pending set next_attempt_at = now()`
}

/** Records that Tandem has deleted, by both truth logs. */
export function deletedByUs(lab: Lab): string[] {
  return [...lab.alm.truth.entries(), ...lab.octane.truth.entries()]
    .filter((entry) => entry.action === 'delete' && entry.via === 'rest')
    .map((entry) => `${entry.system} ${entry.id}`)
}

export function restWrites(lab: Lab): number {
  return [...lab.alm.truth.entries(), ...lab.octane.truth.entries()].filter((entry) => entry.via === 'rest').length
}

export async function openIssues(lab: Lab): Promise<{ code: string; class: string; message: string; key: string }[]> {
  return lab.database
    .sql`select code, class, message, key from issues where resolved_at is null and class <> 'mapping' order by code`
}

/** Rules of a link that carries deletions over at once: two complete listings suffice, without time in between. */
export function deleting(
  same: LinkConfigurationInput,
  rule: 'nothing' | 'delete' | 're-create' = 'delete',
): LinkConfigurationInput {
  return {
    ...same,
    rules: {
      toRight: { ...same.rules.toRight, delete: rule },
      toLeft: { ...same.rules.toLeft, delete: rule },
    },
    tuning: { ...same.tuning, goneAfterSeconds: 0 },
  }
}

/** The Octane record that is paired with an ALM one. */
export function twinOf(lab: Lab, almId: string) {
  return lab.octane.records('defect').find((record) => record.alm_id_udf === `DEFAULT/Sync/defect/${almId}`)
}
