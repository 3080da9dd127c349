import type { TruthEntry } from '../../sandbox/common/truth-log.ts'
import { filesOf } from '../files.ts'
import type { Lab } from '../lab.ts'
import { type History, otherSystem, systems } from './history.ts'
import type { RecordPair } from './judge-backlog.ts'
import type { Verdict } from './verdict.ts'

/**
 * I1, I3 and I4 of files: both records have the same contents, none of them twice. Where a link is to keep what somebody takes away on one
 * side, the other may have it all the same: whatever is missing must have been taken away there by a person, under one of its
 * names.
 */
export async function judgeFiles(
  lab: Lab,
  history: History,
  pairs: readonly RecordPair[],
  verdict: Verdict,
): Promise<void> {
  const taken = takenAway(history)
  const unsure = new Set(
    overtaken(history).flatMap((one) => (one.type === 'attachment' ? [`${one.system} ${ownerOf(one)}`] : [])),
  )
  judgeRemovals(history, verdict)
  const keeps = lab.configuration.attachments.delete === 'nothing'
  for (const { about, alm, octane } of pairs) {
    const files = {
      alm: parsed(await filesOf(lab.alm, 'requirement', alm)),
      octane: parsed(await filesOf(lab.octane, octane.type, octane.id)),
    }
    const owners = { alm, octane: octane.id }
    for (const system of systems) {
      verdict.tried('I1')
      verdict.tried('I3')
      const other = otherSystem(system)
      const rest = [...files[other]]
      const isThere = (fits: (one: { name: string; content: string }) => boolean) => {
        const at = rest.findIndex(fits)
        if (at >= 0) rest.splice(at, 1)
        return at >= 0
      }
      // Those with their own names first: of several empty files each is its own twin.
      const unlike = files[system].filter(
        ({ name, content }) => !isThere((one) => one.name === name && one.content === content),
      )
      const gone = [...(keeps ? (taken.get(`${other} ${owners[other]}`) ?? []) : [])]
      for (const { name, content } of unlike) {
        if (isThere((one) => one.content === content)) continue
        const why = gone.findIndex((names) => names.has(name.toLowerCase()))
        if (why >= 0) gone.splice(why, 1)
        else verdict.broken('I1', `file "${name}" (${content}) of ${about} is in ${system} alone`)
      }
      // Renamed before anybody had seen it, a file that a dead worker carried is one of somebody else's.
      if (systems.some((one) => unsure.has(`${one} ${owners[one]}`))) continue
      const contents = files[system].map((one) => one.content).filter((content) => content !== emptyContent)
      for (const content of new Set(contents.filter((one, at) => contents.indexOf(one) !== at)))
        verdict.broken('I3', `${system} has a content twice at ${about}: ${content}`)
    }
  }
}

/** People attach any number of empty files; each other content is attached once. */
const emptyContent = 'e3b0c44298fc'

function parsed(files: readonly string[]): { name: string; content: string }[] {
  return files.map((file) => {
    const at = file.lastIndexOf(' ')
    return { name: file.slice(0, at), content: file.slice(at + 1) }
  })
}

/** I4 of files: what Tandem took away had been taken away, or given another name, by a person on the other side. */
function judgeRemovals(history: History, verdict: Verdict): void {
  const names = new Map<string, Set<string>>()
  const touched = { alm: new Set<string>(), octane: new Set<string>() }
  for (const entry of history.entries()) {
    if (entry.type !== 'attachment') continue
    const own = namesOf(names, entry)
    if (entry.via !== 'rest' && (entry.action === 'delete' || entry.changed.includes('name')))
      for (const name of own) touched[entry.system].add(name)
    if (entry.via !== 'rest' || entry.action !== 'delete') continue
    verdict.tried('I4')
    if (![...own].some((name) => touched[otherSystem(entry.system)].has(plainly(name))))
      verdict.broken('I4', `${entry.system} lost the file ${[...own].join(', ')} although nobody had touched its twin`)
  }
}

/** All names that the file of an entry had so far, in small letters. */
function namesOf(names: Map<string, Set<string>>, entry: TruthEntry): Set<string> {
  const key = `${entry.system} ${entry.id}`
  const own = names.get(key) ?? new Set<string>()
  names.set(key, own)
  for (const state of [entry.before, entry.after])
    if (typeof state?.name === 'string') own.add(state.name.toLowerCase())
  return own
}

/** Without the number that a taken name got. */
function plainly(name: string): string {
  return name.replace(/ \(\d+\)(?=\.)/, '')
}

/** For each record of a system that lost files by people: all names that each of those had in its time, in small letters. */
function takenAway(history: History): Map<string, Set<string>[]> {
  const names = new Map<string, Set<string>>()
  const taken = new Map<string, Set<string>[]>()
  for (const entry of history.entries()) {
    if (entry.type !== 'attachment') continue
    const own = namesOf(names, entry)
    if (entry.action !== 'delete' || entry.via === 'rest') continue
    const owner = `${entry.system} ${ownerOf(entry)}`
    taken.set(owner, [...(taken.get(owner) ?? []), own])
  }
  return taken
}

/** The id of the record that a file belongs to. */
function ownerOf({ system, before, after }: TruthEntry): string {
  const state = { ...before, ...after } as Record<string, unknown>
  if (system === 'alm') return String(state['parent-id'])
  return String((state.owner_work_item as { id: string } | null | undefined)?.id)
}

/**
 * Writes of ours that a person undid or changed before anything else of ours came: had the worker died over one, nobody
 * could tell any more that it happened.
 */
export function overtaken(history: History): TruthEntry[] {
  const open = new Map<string, TruthEntry>()
  const found = new Set<TruthEntry>()
  for (const entry of history.entries()) {
    const key = `${entry.system} ${entry.type} ${entry.id}`
    const ours = open.get(key)
    if (entry.via === 'rest') open.set(key, entry)
    else if (ours !== undefined && (ours.type === 'attachment' || ours.type === 'comment' || undoes(ours, entry)))
      found.add(ours)
  }
  return [...found]
}

function undoes(ours: TruthEntry, later: TruthEntry): boolean {
  return (
    ours.action === 'update' &&
    later.action === 'update' &&
    later.changed.some((name) => JSON.stringify(ours.before?.[name]) === JSON.stringify(later.after?.[name]))
  )
}
