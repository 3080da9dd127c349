import type { TruthEntry } from '../../sandbox/common/truth-log.ts'
import { type History, otherSystem, type System, systems, type World } from './history.ts'
import { lineageOf, namedTwin, numberOf, referenceField } from './lineage.ts'
import type { Verdict } from './verdict.ts'

/**
 * I4 from the truth logs. What Tandem deleted had a twin that somebody else had deleted before, the rule of that direction
 * says so, and nobody had edited it since. What Tandem created stands for a record that was there, and not for one whose
 * twin somebody had deleted, unless the rule is to create it anew.
 */
export async function judgeDeletions(lab: World, history: History, verdict: Verdict): Promise<void> {
  const { rules } = lab.configuration
  /** The rule for what is gone on this side. */
  const rule = (gone: System) => (gone === 'alm' ? rules.toRight.delete : rules.toLeft.delete)
  const lineage = lineageOf(lab, history)
  const known = await knownCreations(lab, history)
  const madeByUs = new Set<string>()
  /** Where each record was deleted by somebody else, or vanished as its server went back in time. */
  const gone = new Map<string, number>()
  const edited = new Map<string, number[]>()
  const afterRestore: { system: System; at: number; had: Set<string> }[] = []

  history.replay((entry, at, before) => {
    const { system } = entry
    if (entry.action === 'restore') {
      // Which records that undoes is seen in what is there afterwards.
      afterRestore.push({ system, at, had: new Set(before[system].keys()) })
      return
    }
    for (const one of afterRestore.splice(0))
      for (const id of one.had)
        if (!before[one.system].has(id)) gone.set(lineage.nameOf(one.system, id, one.at), one.at)
    if (entry.type !== 'defect') return
    const name = lineage.nameOf(system, entry.id, at)
    if (entry.via !== 'rest') {
      if (entry.action === 'delete') {
        verdict.tried('I4')
        gone.set(name, at)
      }
      if (entry.action === 'update') edited.set(name, [...(edited.get(name) ?? []), at])
      return
    }
    if (entry.action === 'delete') judgeDelete(entry, at, before)
    if (entry.action === 'create') {
      judgeCreate(entry, at, before)
      madeByUs.add(name)
    }
  })

  function judgeDelete(entry: TruthEntry, at: number, before: Record<System, Map<string, unknown>>): void {
    verdict.tried('I4')
    const other = otherSystem(entry.system)
    const name = lineage.nameOf(entry.system, entry.id, at)
    const family = [...lineage.family(name)[other]]
    const isThere = (one: string) =>
      before[other].has(numberOf(one)) && lineage.nameOf(other, numberOf(one), at) === one
    const alive = family.filter(isThere)
    const deleted = family.flatMap((one) => gone.get(one) ?? [])
    if (alive.length > 0) verdict.broken('I4', `${name} was deleted while its twin ${alive[0]} is there`)
    else if (deleted.length === 0) verdict.broken('I4', `${name} was deleted although nobody had deleted its twin`)
    else if (rule(other) !== 'delete')
      verdict.broken('I4', `${name} was deleted although the rule for what is gone is "${rule(other)}"`)
    else {
      // What a person saved after the request was on its way nobody could know who sent it. Octane compares nothing on
      // DELETE: an edit in the moment between look and deletion cannot be seen either.
      const sent = history.sentAt(at)
      const until = entry.system === 'octane' ? history.cycleStart(sent) : sent
      const since = Math.max(...deleted)
      const lost = (edited.get(name) ?? []).find((one) => one > since && one < until)
      if (lost !== undefined) verdict.broken('I4', `${name} was deleted with an edit of a person that nobody has seen`)
    }
  }

  function judgeCreate(entry: TruthEntry, at: number, before: Record<System, Map<string, unknown>>): void {
    verdict.tried('I4')
    const { system } = entry
    const other = otherSystem(system)
    const name = lineage.nameOf(system, entry.id, at)
    const source = namedTwin(lab, system, entry.after?.[referenceField[system]])
    if (source === null) {
      verdict.broken('I4', `${name} was created without naming what it stands for`)
      return
    }
    const deleted = gone.get(lineage.nameOf(other, source, at))
    if (!before[other].has(source) && !history.isLate(at) && deleted !== undefined && deleted < history.cycleStart(at))
      verdict.broken('I4', `${name} was created for ${other} ${source}, which had been deleted before`)
    for (const earlier of lineage.family(name)[system]) {
      const died = gone.get(earlier)
      if (earlier === name || died === undefined || died > at) continue
      // One whose creation was never known to have happened cannot be told from one that did not happen.
      if (madeByUs.has(earlier) && !known.has(earlier)) continue
      if (rule(system) !== 're-create' && !wasCarriedOver(other, source, at))
        verdict.broken('I4', `${name} raises ${earlier} from the dead`)
    }
  }

  /** The source itself had been deleted by us for its twin's sake, and is there again: then its twin may come back. */
  function wasCarriedOver(system: System, id: string, at: number): boolean {
    return history
      .entries()
      .slice(0, at)
      .some((entry) => entry.via === 'rest' && entry.action === 'delete' && entry.system === system && entry.id === id)
  }
}

/**
 * Names of records that we created and whose creation is in the ledger. The same number given to the same source's twin once
 * more, by a restored server, is told by how many rows there are: those that a restore undid before anybody looked have none.
 */
async function knownCreations(lab: World, history: History): Promise<Set<string>> {
  const lineage = lineageOf(lab, history)
  const rows = await lab.database.sql<{ key: string; count: number }[]>`
    select case side when 'left' then 'alm ' || left_id || ' for ' || right_id else 'octane ' || right_id || ' for ' || left_id end as key,
      count(*)::int from ledger where kind = 'write' and action = 'create' group by 1`
  const made = new Map<string, string[]>()
  history.entries().forEach((entry, at) => {
    const { system, id, after } = entry
    if (entry.via !== 'rest' || entry.action !== 'create' || entry.type !== 'defect') return
    const key = `${system} ${id} for ${namedTwin(lab, system, after?.[referenceField[system]])}`
    made.set(key, [...(made.get(key) ?? []), lineage.nameOf(system, id, at)])
  })
  return new Set(rows.flatMap(({ key, count }) => (made.get(key) ?? []).slice(-count)))
}

/** Records of a side that somebody deleted and that are not there any more. */
export function deletedByPeople(history: History): Record<System, Set<string>> {
  const gone = { alm: new Set<string>(), octane: new Set<string>() }
  const end = history.replay((entry) => {
    if (entry.action === 'delete' && entry.type === 'defect' && entry.via !== 'rest') gone[entry.system].add(entry.id)
  })
  for (const system of systems) for (const id of gone[system]) if (end[system].has(id)) gone[system].delete(id)
  return gone
}
