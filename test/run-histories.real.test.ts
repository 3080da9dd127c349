import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import { NativeConnection, Worker } from '@temporalio/worker'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { LinkView } from '../api/contract/schemas.ts'
import { endCutOffRuns, keepHistories } from '../worker/keep-histories.ts'
import type { chainedWorkflow } from './chained-workflow.ts'
import { tandem } from './cli.ts'
import { type Service, startService, workflowBundle } from './service.ts'

const namespace = 'default'

let service: Service
let link: LinkView
const folder = mkdtempSync(path.join(tmpdir(), 'tandem-histories-'))
let connection: NativeConnection
let keeper: Parameters<typeof keepHistories>[0]

beforeAll(async () => {
  service = await startService({ alm: { defects: 2 } })
  link = await service.addLink()
  connection = await NativeConnection.connect({ address: inject('temporalAddress') })
  keeper = { database: service.database, workflowService: connection.workflowService, namespace }
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await connection.close()
  await service.close()
})

/** Keeps what can be kept until this run is among it: its workflow ends a moment after its row. */
async function kept(runId: string): Promise<void> {
  const due = () => service.database.sql`select 1 from runs where id = ${runId} and history_due_at is not null`
  await expect
    .poll(
      async () => {
        await service.database.sql`update runs set history_due_at = now() where history_due_at is not null`
        await keepHistories(keeper)
        return due()
      },
      { timeout: 20_000 },
    )
    .toHaveLength(0)
}

const history = (id: string) => service.call('runHistory', { params: { id } })
const refused = (id: string) => service.refused('runHistory', { params: { id } })

describe("the history of a run's workflow", () => {
  it('opens from the run whatever Temporal knows, and replays', async () => {
    const run = await service.runToEnd(link.id, 'run')
    expect(await refused(run.id)).toMatchObject({ code: 'no-history', detail: expect.stringContaining('not kept yet') })
    await kept(run.id)
    // Whatever Temporal knows by now: it is not asked.
    await service.temporalProxy.cut()
    const { workflowId, executions } = await history(run.id)
    expect([workflowId, executions.length]).toEqual([run.workflowId, 1])
    const events = executions[0]?.events ?? []
    expect(events[0]?.eventType).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_STARTED')
    expect(events.at(-1)?.eventType).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED')
    const one = await service.call('runExecution', { params: { id: run.id, execution: '1' } })
    expect(one.events).toEqual(events)
    await service.temporalProxy.mend()
    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, historyFromJSON(one), workflowId)
    const told = await tandem(service.url, 'run', 'history', run.id)
    expect(told).toMatch(/ 1 +\S+ \S+ +workflow execution started/)
    expect(told).toMatch(/activity task scheduled +scan: Scan the left side/)
    const file = path.join(folder, 'history.json')
    await tandem(service.url, 'run', 'history', run.id, '-o', file, '--execution', '1')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(one)
    const beyond = await service.refused('runExecution', { params: { id: run.id, execution: '2' } })
    expect(beyond).toMatchObject({ code: 'no-history' })
  })

  it('is small, and taken away when it was kept as long as it was to be', async () => {
    const { sql } = service.database
    const [row] = await sql<{ runId: string; size: number; stored: number }[]>`
      select run_id as "runId", size, length(content) as stored from run_histories limit 1`
    expect(row?.stored).toBeLessThan((row?.size ?? 0) / 3)
    await sql`update run_histories set stored_at = now() - interval '5000 days' where run_id = ${row?.runId ?? null}`
    expect((await service.call('cleanUp')).removed).toEqual({ histories: 1 })
    expect(await refused(row?.runId ?? '')).toMatchObject({ detail: 'The history is not kept any more.' })
  })

  it('is told to be lost where Temporal had forgotten it before; a namespace that is not there is no loss', async () => {
    const run = await service.runToEnd(link.id, 'run')
    // An execution that Temporal does not know any more.
    await service.database.sql`update runs set temporal_run_id = ${randomUUID()} where id = ${run.id}`
    await kept(run.id)
    expect(await refused(run.id)).toMatchObject({ code: 'no-history', detail: expect.stringContaining('forgotten') })
    const { items } = await service.call('runLog', { params: { id: run.id }, query: { level: 'warning' } })
    expect(items.map(({ message }) => message)).toEqual([expect.stringContaining('forgotten')])
    // Where the namespace is not there, nothing counts as forgotten.
    await service.database.sql`update runs set history_due_at = now() where id = ${run.id}`
    await expect(keepHistories({ ...keeper, namespace: 'elsewhere' })).rejects.toThrow()
  })

  it('has all executions of a run that continued as new', async () => {
    const taskQueue = `chained-${randomUUID()}`
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue,
      workflowsPath: new URL('./chained-workflow.ts', import.meta.url).pathname,
    })
    const runId = randomUUID()
    const workflowId = `run-${runId}`
    await worker.runUntil(async () => {
      const handle = await service.workflows.start<typeof chainedWorkflow>('chainedWorkflow', {
        taskQueue,
        workflowId,
        args: [3],
      })
      await service.database.sql`
        insert into runs (id, link_id, kind, trigger, actor, version, status, workflow_id, temporal_run_id, ended_at)
        values (${runId}, ${link.id}, 'records', 'person', 'ann', 1, 'passed', ${workflowId}, ${handle.firstExecutionRunId}, now())`
      await handle.result()
    })
    await kept(runId)
    const { executions } = await history(runId)
    expect(
      executions.map(({ events }) => events.at(-1)?.eventType.replace('EVENT_TYPE_WORKFLOW_EXECUTION_', '')),
    ).toEqual(['CONTINUED_AS_NEW', 'CONTINUED_AS_NEW', 'COMPLETED'])
  })
})

// covers 118
describe('a run whose workflow is over or gone', () => {
  it('is interrupted; one that goes on is left alone', async () => {
    const [lost, going] = [randomUUID(), randomUUID()]
    const begun = (id: string, workflowId: string) => service.database.sql`
      insert into runs (id, link_id, kind, trigger, actor, version, workflow_id, temporal_run_id, started_at)
      values (${id}, ${link.id}, 'records', 'person', 'ann', 1, ${workflowId}, ${randomUUID()}, now() - interval '2 minutes')`
    await begun(lost, `run-${lost}`)
    // The workflow of the link goes on, for as long as the link lives.
    await begun(going, `link-${link.id}`)
    expect(await endCutOffRuns(keeper)).toBe(1)
    const status = async (id: string) => (await service.call('getRun', { params: { id } })).status
    expect([await status(lost), await status(going)]).toEqual(['interrupted', 'running'])
    const { items } = await service.call('runLog', { params: { id: lost } })
    expect(items.map(({ level, message }) => [level, message])).toEqual([
      ['warning', 'The run was interrupted. The run was cut off.'],
    ])
    await service.database.sql`update runs set status = 'cancelled', ended_at = now() where id = ${going}`
  })
})
