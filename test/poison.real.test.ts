import { afterEach, describe, expect, it } from 'vitest'
import { createLinkControl } from '../activities/link-control.ts'
import { activity, fullRun, openIssues, twinOf, waitOver } from './deletions.ts'
import { createLab, type Lab, type Shell } from './lab.ts'

let lab: Lab | null = null

afterEach(async () => {
  await lab?.close()
  lab = null
})

const records = 300
/** One record in a hundred, by its ALM id: two that ALM refuses to change, and one with a value that ALM does not have. */
const refused = ['50', '150']
const withoutCounterpart = '250'
const poison = [...refused, withoutCounterpart]

interface Waiting {
  id: string
  attempts: number
  class: string | null
  next: number
  /** From the failed attempt to the next one, by the database's clock, in seconds. */
  wait: number
  later: boolean
}

/** What waits in the queue with the issue it waits for, by ALM id. */
async function waiting(here: Lab): Promise<Waiting[]> {
  return here.database.sql<Waiting[]>`
    select r.left_id as id, p.attempts, p.class, extract(epoch from p.next_attempt_at)::float as next,
      extract(epoch from p.next_attempt_at - i.last_seen)::float as wait, p.next_attempt_at > now() as later
    from pending p join pairs r on case p.side when 'left' then r.left_id else r.right_id end = p.external_id
    left join issues i on i.left_id = r.left_id and i.resolved_at is null and i.severity = 'error'
    order by r.left_id::int`
}

/** ALM ids of the pairs that have an open issue. */
async function withIssues(here: Lab): Promise<string[]> {
  const rows = await here.database.sql<{ id: string }[]>`
    select left_id as id from issues where resolved_at is null and severity = 'error' order by left_id::int`
  return rows.map((row) => row.id)
}

async function noticesOf(here: Lab, runId: string): Promise<number> {
  const [row] = await here.database.sql<
    { count: number }[]
  >`select count(*)::int as count from outbox where run_id = ${runId}`
  return row?.count ?? 0
}

/** One run by a worker of its own that tells which records it read in whole, by ALM id, and is closed twice. */
async function run(here: Lab, extent: 'all' | 'changes' = 'changes') {
  const read = new Set<string>()
  const shell: Shell = {
    store: (store) => store,
    connector: (connector) => ({
      ...connector,
      read: (entityType, ids, ...rest) => {
        if (connector.kind === 'alm') for (const id of ids) read.add(id)
        return connector.read(entityType, ids, ...rest)
      },
    }),
  }
  const summary = await fullRun(here, shell, extent)
  const { finishRun } = createLinkControl(here)
  // A step that closes a run may be repeated: that must not send a second notice.
  for (let time = 0; time < 2; time++)
    await activity(() => finishRun({ runId: summary.runId, status: summary.status, message: null, notify: true }))
  return { ...summary, read: [...read].sort((a, b) => Number(a) - Number(b)) }
}

/** Renames records in Octane as a person does. */
function rename(here: Lab, almIds: readonly string[], name: string): void {
  for (const id of almIds) here.octane.edit('defect', String(twinOf(here, id)?.id), { name: `${name} ${id}` })
}

/** Of these ALM records, those that show the new name. */
function renamed(here: Lab, almIds: readonly string[], name: string): string[] {
  return almIds.filter((id) => here.alm.store.get('defect', id).name === `${name} ${id}`)
}

describe('records that always fail', () => {
  // covers 115
  it('T13: hold nobody up, are named exactly, and are tried again with growing waits by themselves', async () => {
    const here = await createLab({ alm: { defects: records } })
    lab = here
    await fullRun(here)
    await fullRun(here)
    expect(here.octane.records('defect')).toHaveLength(records)
    expect(await waiting(here)).toEqual([])
    const ids = here.alm.records('defect').map((record) => String(record.id))
    const healthy = ids.filter((id) => !poison.includes(id))

    // Of a body with several records, something before the server refuses the whole for the sake of one.
    for (const path of ['/defects$', `/defects/(${refused.join('|')})$`])
      here.alm.faults.add({ match: { method: 'PUT', path }, kind: 'error-before', status: 400, times: 1_000_000 })
    const release = here.octane.records('release').find((record) => String(record.name).startsWith('Octane only'))
    const oddOne = String(twinOf(here, withoutCounterpart)?.id)
    const itsRelease = twinOf(here, withoutCounterpart)?.release
    here.octane.edit('defect', oddOne, { release: { type: 'release', id: release?.id } })
    rename(here, [...healthy, ...refused], 'first')
    const first = await run(here)
    const arrived = renamed(here, healthy, 'first')
    expect(arrived).toEqual(healthy)
    expect(renamed(here, refused, 'first')).toEqual([])
    expect(first.status).toBe('with-errors')
    expect(await withIssues(here)).toEqual(poison)
    const firstWaits = await waiting(here)
    expect(firstWaits).toMatchObject([
      { id: '50', attempts: 1, class: 'refused', later: true },
      { id: '150', attempts: 1, class: 'refused', later: true },
      { id: '250', attempts: 1, class: 'mapping', later: true },
    ])
    expect(await noticesOf(here, first.runId)).toBe(1)

    // While they wait, neither the overlap of a scan nor a full scan brings them back.
    const some = healthy.slice(0, 10)
    const others = healthy.slice(10, 20)
    for (const [extent, those] of [
      ['changes', some],
      ['all', others],
    ] as const) {
      rename(here, those, 'second')
      const between = await run(here, extent)
      expect(between.read).toEqual(those)
      expect(renamed(here, those, 'second')).toEqual(those)
      expect(await waiting(here)).toEqual(firstWaits)
      expect(await withIssues(here)).toEqual(poison)
      expect(await noticesOf(here, between.runId)).toBe(0)
    }

    // Tried again when it is time, with others in the same batch: one more attempt each, and a longer wait.
    let before = firstWaits
    for (let attempt = 2; attempt <= 4; attempt++) {
      await waitOver(here)
      rename(here, some, `attempt ${attempt}`)
      const retry = await run(here)
      expect(retry.read).toEqual([...some, ...poison].sort((a, b) => Number(a) - Number(b)))
      expect(renamed(here, some, `attempt ${attempt}`)).toEqual(some)
      const now = await waiting(here)
      expect(now.map((one) => one.attempts)).toEqual(poison.map(() => attempt))
      for (const [index, one] of now.entries()) {
        expect(one.later).toBe(true)
        // Twice as long as before, but for the rounding to whole seconds.
        expect(one.wait).toBeGreaterThan(1.9 * (before[index]?.wait ?? Number.POSITIVE_INFINITY))
      }
      expect(await withIssues(here)).toEqual(poison)
      expect(await noticesOf(here, retry.runId)).toBe(1)
      before = now
    }
    process.stdout.write(
      `T13: ${before.length} of ${records} records failed ${before[0]?.attempts} times, waits up to ${Math.max(...before.map((one) => one.wait))} s; ${arrived.length} of ${healthy.length} others arrived in the first run\n`,
    )

    here.alm.faults.clear()
    here.octane.edit('defect', oddOne, { release: itsRelease })
    await waitOver(here)
    expect((await run(here)).status).toBe('passed')
    expect(renamed(here, refused, 'first')).toEqual(refused)
    expect(await waiting(here)).toEqual([])
    expect(await openIssues(here)).toEqual([])
  })
})
