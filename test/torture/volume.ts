import { setTimeout as pause } from 'node:timers/promises'
import type { FaultKind } from '../../sandbox/common/faults.ts'
import type { TestDatabase } from '../database.ts'
import { createLab, type Lab, type LabOptions, type Shell } from '../lab.ts'
import { timePasses, untilQuiet, work } from './cycle.ts'
import { createEditors } from './editors.ts'
import { followHistory, type History, systems } from './history.ts'
import { judgeLedger } from './judge-ledger.ts'
import { judgeTwins } from './judge-twins.ts'
import { altered } from './plants.ts'
import { createChance } from './random.ts'
import { createVerdict, type Violation } from './verdict.ts'

export interface VolumeOptions {
  seed: number
  /** Creates or edits of this world. */
  count: number
  createDatabase?: () => Promise<TestDatabase>
}

export interface CreatesReport {
  creates: number
  /** Records beyond the one twin that each source should have. */
  duplicates: number
  missing: number
  deaths: number
  /** Requests whose answer never came, and what became of them. */
  unanswered: number
  carriedOutLate: number
  violations: Violation[]
}

const wide = { changes: { count: 1_000_000, share: 1 }, deletions: { count: 10, share: 0.01 } }

/** Requests that take effect without an answer, or long after their client has given up. */
const withoutAnswer: readonly FaultKind[] = ['drop-after', 'error-after', 'commit-late', 'drop', 'error-before']

/**
 * So many new records, half on each side, by workers that die and with creates whose answers are lost or which are carried
 * out after their deadline, within the in-doubt time.
 */
export async function createMany({ seed, count, createDatabase }: VolumeOptions): Promise<CreatesReport> {
  const chance = createChance(seed)
  const half = Math.ceil(count / 2)
  const lab = await createLab({
    ...(createDatabase === undefined ? {} : { createDatabase }),
    alm: { defects: half, seed },
    octane: { defects: count - half, seed },
    link: (same) => ({ ...same, brake: wide, tuning: { ...same.tuning, batchSize: 25 } }),
  })
  try {
    const history = followHistory(lab)
    const report: CreatesReport = {
      creates: 0,
      duplicates: 0,
      missing: 0,
      deaths: 0,
      unanswered: 0,
      carriedOutLate: 0,
      violations: [],
    }
    // As many lives of workers as leave most of the records to a worker that may die: the last ones live on.
    for (let cycle = 0; cycle < Math.max(6, count / 60) && created(history) < count; cycle++) {
      for (const system of systems)
        if (chance.yes(0.5)) {
          report.unanswered++
          lab[system].faults.add({
            match: { method: 'POST', path: '/defects$' },
            kind: chance.pick(withoutAnswer),
            skip: chance.below(3),
          })
        }
      const call = chance.below(60) + 4
      const worker = await work(lab, history, {
        death: { call, when: chance.yes(0.5) ? 'before' : 'after' },
        parallel: chance.yes(0.3) ? 2 : 1,
      })
      if (worker.isDead()) report.deaths++
      const length = history.length()
      await timePasses(lab, history)
      report.carriedOutLate += history.length() - length
    }
    for (const system of systems) lab[system].faults.clear()
    await untilQuiet(lab, history)
    report.creates = created(history)
    const named = new Map<string, number>()
    for (const record of lab.octane.records('defect')) count1(named, String(record.alm_id_udf ?? ''))
    const namedByAlm = new Map<string, number>()
    for (const record of lab.alm.records('defect')) count1(namedByAlm, String(record['user-01'] ?? ''))
    for (const counts of [named, namedByAlm])
      for (const [name, times] of counts) {
        if (name === '') report.missing += times
        else report.duplicates += times - 1
      }
    // Whatever was created beyond one a source is a duplicate, whether or not its reference stayed.
    report.duplicates = Math.max(report.duplicates, report.creates - count)
    const verdict = createVerdict()
    await judgeLedger(lab, history, verdict, new Map())
    report.violations = verdict.violations
    return report
  } finally {
    await lab.close()
  }
}

function created(history: History): number {
  return history.entries().filter((entry) => entry.via === 'rest' && entry.action === 'create').length
}

function count1(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

export interface EditsReport {
  edits: number
  /** Updates that Tandem sent to a system. */
  writes: Record<'alm' | 'octane', number>
  /** Of those, the ones that were refused because somebody had saved meanwhile, or had the record locked, and came again. */
  heldBack: number
  /** Edits that a write of Tandem covered without having seen them, by system. */
  overwritten: Record<'alm' | 'octane', number>
  /** Of those, the ones that the ledger lists as possible overwrites. */
  listed: number
  violations: Violation[]
}

const pairs = 60

/** So many edits on both sides of sixty pairs while workers run, at `lock` or `bulk` writes to ALM. */
export async function editMany(options: VolumeOptions & { writes: 'lock' | 'bulk' }): Promise<EditsReport> {
  const { seed, count, createDatabase, writes } = options
  const chance = createChance(seed)
  const link: NonNullable<LabOptions['link']> = (same) => ({
    ...same,
    brake: wide,
    tuning: { ...same.tuning, writes },
  })
  const lab = await createLab({
    ...(createDatabase === undefined ? {} : { createDatabase }),
    alm: { defects: pairs, seed },
    octane: { defects: 0, seed },
    link,
  })
  try {
    const history = followHistory(lab)
    await untilQuiet(lab, history)
    const editors = createEditors(lab, chance)
    let heldBack = 0
    const counting: Shell = {
      store: (store) => store,
      connector: (connector) =>
        altered(connector, {
          update: async (...parameters) => {
            const results = await connector.update(...parameters)
            for (const one of results)
              if (one.outcome === 'refused' && /^(moved|locked)$/.test(one.problem.class)) heldBack++
            return results
          },
        }),
    }
    let edits = 0
    while (edits < count) {
      for (let index = 0; index < 10; index++) editors.edit()
      edits += 10
      let working = true
      const done = work(lab, history, { death: null, parallel: 2, plant: counting }).finally(() => {
        working = false
      })
      while (working && edits < count) {
        // People save at any moment between two steps of a worker.
        await pause(chance.below(6))
        editors.edit()
        edits++
      }
      await done
      // What was held back because somebody had saved meanwhile is due again.
      await lab.database.sql`update pending set next_attempt_at = now()`
    }
    await untilQuiet(lab, history)
    const verdict = createVerdict()
    await judgeTwins(lab, history, verdict)
    await judgeLedger(lab, history, verdict, new Map())
    return { edits: savedEdits(history), heldBack, ...(await overwrites(lab, history)), violations: verdict.violations }
  } finally {
    await lab.close()
  }
}

function savedEdits(history: History): number {
  return history.entries().filter((entry) => entry.via === 'control' && entry.action === 'update').length
}

/**
 * Compares each update in the ledger with the truth log: versions that lie between the one it was planned from and the one it
 * made are edits of people that it had not seen; where they changed a field that it wrote, they were overwritten.
 */
async function overwrites(lab: Lab, history: History): Promise<Omit<EditsReport, 'edits' | 'heldBack' | 'violations'>> {
  const rows = await lab.database.sql<
    {
      system: 'alm' | 'octane'
      id: string
      before: number | null
      after: number | null
      listed: boolean
      fields: string[]
    }[]
  >`
    select case side when 'left' then 'alm' else 'octane' end as system,
      case side when 'left' then left_id else right_id end as id,
      (content #>> '{stampBefore,version}')::float as before, (content #>> '{stampAfter,version}')::float as after,
      possible_overwrite as listed,
      (select array_agg(f ->> 'field') from jsonb_array_elements(content -> 'fields') as f) as fields
    from ledger where kind = 'write' and action = 'update'`
  const byPeople = new Map<string, string[]>()
  for (const entry of history.entries())
    if (entry.via === 'control' && entry.version !== null)
      byPeople.set(`${entry.system} ${entry.id} ${entry.version}`, entry.changed)
  const report = {
    writes: { alm: 0, octane: 0 },
    overwritten: { alm: 0, octane: 0 },
    listed: 0,
  }
  for (const { system, id, before, after, listed, fields } of rows) {
    report.writes[system]++
    if (before === null || after === null) continue
    let lost = false
    for (let version = before + 1; version < after; version++)
      if (byPeople.get(`${system} ${id} ${version}`)?.some((name) => fields.includes(name)) === true) lost = true
    if (!lost) continue
    report.overwritten[system]++
    if (listed) report.listed++
  }
  return report
}
