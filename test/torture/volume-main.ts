import process from 'node:process'
import type { TestDatabase } from '../database.ts'
import { createMany, editMany } from './volume.ts'

export interface VolumeOrder {
  seed: number
  creates: number
  edits: number
  createDatabase: () => Promise<TestDatabase>
  /** No world begins later than this; the numbers reached are what counts. */
  minutes: number
}

/** Records or edits of one world; many worlds make the number. */
const perWorld = { creates: 2_000, edits: 2_000 }

/** The numbers: creates and edits in worlds of two thousand each. Answers whether all of it held. */
export async function runVolume({ seed, creates, edits, createDatabase, minutes }: VolumeOrder): Promise<boolean> {
  const started = performance.now()
  /** Each of the three parts has its share of the time. */
  const parts = [creates, edits, edits].filter((count) => count > 0).length
  let part = 0
  const isOver = () => performance.now() - started > (minutes * 60_000 * part) / parts
  const made = { creates: 0, duplicates: 0, missing: 0, deaths: 0, unanswered: 0, carriedOutLate: 0, violations: 0 }
  if (creates > 0) part++
  for (let world = 0; world * perWorld.creates < creates && !isOver(); world++) {
    const count = Math.min(perWorld.creates, creates - world * perWorld.creates)
    const report = await createMany({ seed: seed + world, count, createDatabase })
    for (const key of ['creates', 'duplicates', 'missing', 'deaths', 'unanswered', 'carriedOutLate'] as const)
      made[key] += report[key]
    made.violations += report.violations.length
    say(`creates, seed ${seed + world}`, report)
  }
  const modes: Record<string, object> = {}
  let held = made.duplicates === 0 && made.missing === 0 && made.violations === 0
  for (const writes of ['lock', 'bulk'] as const) {
    const sum = {
      edits: 0,
      almWrites: 0,
      octaneWrites: 0,
      heldBack: 0,
      overwrittenAlm: 0,
      overwrittenOctane: 0,
      listed: 0,
    }
    let violations = 0
    if (edits > 0) part++
    for (let world = 0; sum.edits < edits && !isOver(); world++) {
      const count = Math.min(perWorld.edits, edits - sum.edits)
      const report = await editMany({ seed: seed + world, count, createDatabase, writes })
      sum.edits += report.edits
      sum.almWrites += report.writes.alm
      sum.octaneWrites += report.writes.octane
      sum.heldBack += report.heldBack
      sum.overwrittenAlm += report.overwritten.alm
      sum.overwrittenOctane += report.overwritten.octane
      sum.listed += report.listed
      // Where writes are not compared under a lock, an overwrite is a lost edit: it must be listed, not absent.
      const counted = writes === 'lock' ? report.violations : report.violations.filter((one) => one.invariant !== 'I2')
      violations += counted.length
      say(`edits, ${writes}, seed ${seed + world}`, { ...report, violations: report.violations.slice(0, 3) })
    }
    modes[writes] = { ...sum, violations }
    const { overwrittenAlm, overwrittenOctane, listed } = sum
    held &&= violations === 0 && overwrittenOctane === 0 && listed === overwrittenAlm
    if (writes === 'lock') held &&= overwrittenAlm === 0
  }
  process.stdout.write(
    `${JSON.stringify({ seed, minutes: Math.round((performance.now() - started) / 6_000) / 10, creates: made, edits: modes, held })}\n`,
  )
  return held
}

function say(what: string, report: object): void {
  process.stdout.write(`${what}: ${JSON.stringify(report).slice(0, 600)}\n`)
}
