import { acceptRestored } from '../../db/restored.ts'
import type { FaultKind } from '../../sandbox/common/faults.ts'
import type { Lab, Shell } from '../lab.ts'
import { type Work, work } from './cycle.ts'
import type { createEditors } from './editors.ts'
import { type History, type System, systems } from './history.ts'
import type { Chance } from './random.ts'
import type { Verdict } from './verdict.ts'

/**
 * What happens to whole systems, beside single requests: people delete records; listings are wrong; rights are lost and
 * given back; requests that their client has given up are carried out later; clocks jump and edits appear late; a server
 * is restored from a backup.
 */
export const disturbances = ['deletions', 'paging', 'rights', 'late-requests', 'times', 'restore'] as const
export type Disturbance = (typeof disturbances)[number]

const pagingFaults: readonly FaultKind[] = ['page-skip', 'page-duplicate', 'page-reorder', 'page-cut']

/** More deletions than this at once wait for somebody who agrees. */
export const deletionBrake = 3

interface Situation {
  lab: Lab
  history: History
  chance: Chance
  editors: ReturnType<typeof createEditors>
  verdict: Verdict
  plant: Shell | undefined
  counted(kind: Disturbance): void
}

/** Disturbs a world cycle by cycle, by chance. */
export function createDisturber(situation: Situation, kinds: readonly Disturbance[]) {
  const { lab, history, chance, counted } = situation
  let healIn = 0
  let keptIn: { system: System; state: () => void; cycle: number } | null = null
  /** Writes that were open when their server went back in time, by key. */
  const undone = new Map<string, number>()
  let restores = 0

  function loseRights(): void {
    const system = lab[chance.pick(systems)]
    counted('rights')
    healIn = chance.below(2) + 1
    switch (chance.below(4)) {
      case 0:
        system.permissions.deny({ type: 'defect', action: 'read' })
        break
      case 1:
        system.permissions.vanished = true
        break
      case 2:
        system.permissions.deny({
          type: 'defect',
          action: chance.pick(['update', 'create', 'delete', 'lock'] as const),
        })
        break
      default:
        system.permissions.shutOut(lab.alm.credentials.user.user)
    }
  }

  /** Most records at once are hidden from the user: single ones could not be told from deleted ones. */
  async function hideRecords(): Promise<void> {
    const paired = await lab.database.sql<{ left: string; right: string }[]>`
      select left_id as left, right_id as right from pairs where gone_side is null`
    if (paired.length < deletionBrake + 4) return
    counted('rights')
    healIn = chance.below(2) + 1
    const system = chance.pick(systems)
    const ids = paired.slice(1).map((pair) => (system === 'alm' ? pair.left : pair.right))
    lab[system].permissions.hideRecords({ type: 'defect', ids })
  }

  function jump(): void {
    counted('times')
    const { clock } = lab[chance.pick(systems)]
    clock.set({ offsetMs: clock.setting().offsetMs + (chance.below(41) - 20) * 30_000 })
  }

  /** Before the workers of a cycle start. */
  async function before(cycle: number): Promise<void> {
    if (healIn > 0 && --healIn === 0) for (const system of systems) lab[system].permissions.clear()
    for (const kind of kinds) {
      if (!chance.yes(0.5)) continue
      switch (kind) {
        case 'deletions':
          if (situation.editors.remove()) counted(kind)
          break
        case 'paging':
          counted(kind)
          lab[chance.pick(systems)].faults.add({
            match: { method: 'GET', path: '/defects' },
            kind: chance.pick(pagingFaults),
            skip: chance.below(2),
            times: chance.below(4) + 1,
          })
          break
        case 'rights':
          if (healIn > 0) break
          if (chance.yes(0.3)) await hideRecords()
          else loseRights()
          break
        case 'late-requests':
          counted(kind)
          lab[chance.pick(systems)].faults.add({
            // Not of locks: the session that would take one has ended by then.
            match: { method: chance.pick(['POST', 'PUT', 'DELETE']), path: '/defects(/\\d+)?$' },
            kind: 'commit-late',
            skip: chance.below(4),
          })
          break
        case 'times':
          if (chance.yes(0.5)) jump()
          else {
            counted(kind)
            situation.editors.begin()
          }
          break
        case 'restore':
          await keepOrRestore(cycle)
      }
    }
  }

  async function keepOrRestore(cycle: number): Promise<void> {
    if (restores > 0) return
    if (keptIn === null) {
      const system = chance.pick(systems)
      keptIn = { system, state: keeper(system), cycle }
    } else if (cycle > keptIn.cycle + 1) {
      restores++
      counted('restore')
      await restore(keptIn.system, keptIn.state)
    }
  }

  function keeper(system: System): () => void {
    // A person's edit in an open window is not in the backup.
    history.keep(system)
    if (system === 'alm') {
      const state = lab.alm.snapshot()
      return () => lab.alm.restore(state)
    }
    const state = lab.octane.snapshot()
    return () => lab.octane.restore(state)
  }

  /** A server goes back in time: the link must see it, write nothing, and go on when somebody has looked at it. */
  async function restore(system: System, goBack: () => void): Promise<void> {
    const { sql } = lab.database
    const side = system === 'alm' ? 'left' : 'right'
    history.carryingOut(() => {
      for (const one of systems) lab[one].faults.releaseHeld()
    })
    for (const one of systems) {
      lab[one].faults.clear()
      lab[one].permissions.clear()
    }
    healIn = 0
    situation.editors.forget()
    for (const row of await sql<{ action: string; id: string | null }[]>`
      select case action when 'link-back' then 'update' else action end as action, target_id as id from intents where side = ${side}`) {
      // Of a create the number is not known: any that nobody has settled.
      const key = row.id === null ? null : `${system} ${row.action} ${row.id}`
      if (key !== null) undone.set(key, (undone.get(key) ?? 0) + 1)
    }
    for (const key of await unsettledCreates(system)) undone.set(key, 1)
    goBack()
    situation.editors.afterRestore()
    const older = await regressed(side, system)
    for (let index = chance.below(3); index > 0; index--) situation.editors.act()
    const how: Work = { death: null, parallel: 1, plant: situation.plant, extent: 'all' }
    await work(lab, history, how)
    situation.verdict.tried('I4')
    const stopped = await isStopped(side)
    if (!stopped) {
      if (older.length > 0)
        situation.verdict.broken('I4', `${system} went back in time (${older.join(', ')}) and the link went on`)
      return
    }
    const length = history.length()
    for (let index = chance.below(3) + 1; index > 0; index--) situation.editors.act()
    await work(lab, history, how)
    await work(lab, history, { ...how, extent: 'changes' })
    const written = history.entries(length).find((entry) => entry.via === 'rest')
    if (written !== undefined)
      situation.verdict.broken('I4', `${written.system} ${written.id} was written although the link had been stopped`)
    await acceptRestored(lab.database, { linkId: lab.linkId, side, actor: 'ann', reason: 'restored from last night' })
  }

  /** Creates that the server has carried out and nobody has settled. */
  async function unsettledCreates(system: System): Promise<string[]> {
    const rows = await lab.database.sql<{ id: string }[]>`
      select case side when 'left' then left_id else right_id end as id from ledger
      where kind = 'write' and action = 'create' and side = ${system === 'alm' ? 'left' : 'right'}`
    const known = new Set(rows.map((row) => row.id))
    return history
      .entries()
      .filter((one) => one.via === 'rest' && one.action === 'create' && one.system === system && !known.has(one.id))
      .map((one) => `${system} create ${one.id}`)
  }

  async function isStopped(side: 'left' | 'right'): Promise<boolean> {
    const rows = await lab.database.sql`
      select 1 from scan_positions where link_id = ${lab.linkId} and side = ${side} and restored_at is not null`
    return rows.length > 0
  }

  /** Records that show an older version than Tandem has seen. */
  async function regressed(side: 'left' | 'right', system: System): Promise<string[]> {
    const rows = await lab.database.sql<{ id: string; version: number }[]>`
      select external_id as id, seen_version::float as version from records
      where endpoint_id = ${lab.configuration[side].endpointId} and seen_version is not null`
    const now = new Map(
      (lab[system].records('defect') as Record<string, unknown>[]).map((one) => [
        String(one.id),
        Number(one['ver-stamp'] ?? one.version_stamp),
      ]),
    )
    return rows.filter((row) => (now.get(row.id) ?? row.version) < row.version).map((row) => row.id)
  }

  return { before, undone, wasRestored: () => restores > 0 }
}
