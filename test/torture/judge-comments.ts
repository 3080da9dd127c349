import { bannerWord, readCommentMemo } from '../../core/comment-memo.ts'
import { type Comment, readComment } from '../../core/comments.ts'
import { memoText } from '../../core/memo.ts'
import type { TruthEntry } from '../../sandbox/common/truth-log.ts'
import type { Lab } from '../lab.ts'
import { type History, otherSystem, systems } from './history.ts'
import type { RecordPair } from './judge-backlog.ts'
import type { Verdict } from './verdict.ts'

/** In every comment that people write, through all of its edits; `q`: it begins like a copy of Tandem's, so that nobody carries it. */
const token = /\b[cq]\d+w\b/
const unowned = 'q'

/** What people did to comments of one record on one side, by token. */
interface Deeds {
  written: Map<string, number>
  removed: Map<string, number>
}

export function tokenOf(text: string): string | null {
  return token.exec(memoText(text) ?? '')?.[0] ?? null
}

/**
 * I1, I2, I3 and I4 of comments: each comment of a person is on both sides, once each, with the same text, the copy under its
 * author and time; what Tandem wrote over or took away had been edited or taken away by a person on the other side. Where a
 * person took a comment away the other side may have it all the same, where the link carries no deletions.
 */
export function judgeComments(lab: Lab, history: History, pairs: readonly RecordPair[], verdict: Verdict): void {
  const { deletes } = lab.configuration.comments
  const deeds = deedsOf(history)
  judgeRemovals(history, verdict)
  for (const { about, alm, octane } of pairs) {
    const found = { alm: almComments(lab, alm), octane: octaneComments(lab, octane.id) }
    const done = { alm: deeds.get(`alm ${alm}`) ?? noDeeds(), octane: deeds.get(`octane ${octane.id}`) ?? noDeeds() }
    const tokens = new Set([
      ...systems.flatMap((system) => [...done[system].written.keys()]),
      ...systems.flatMap((system) => found[system].flatMap(({ text }) => tokenOf(text) ?? [])),
    ])
    for (const one of tokens) {
      const written = countOf(done.alm.written, one) + countOf(done.octane.written, one)
      const removed = countOf(done.alm.removed, one) + countOf(done.octane.removed, one)
      const own = { alm: mine(found.alm, one), octane: mine(found.octane, one) }
      for (const system of systems) {
        const count = own[system].length
        verdict.tried('I2')
        verdict.tried('I3')
        const where = `comment ${one} of ${about} is ${count} times in ${system}, ${own[otherSystem(system)].length} times on the other side; people wrote it ${written} and took it away ${removed} times`
        if (count > written) verdict.broken('I3', where)
        const here = one.startsWith(unowned) ? countOf(done[system].written, one) : written
        if (count < here - removed) verdict.broken('I2', where)
      }
      if (one.startsWith(unowned) || (removed > 0 && deletes === 'nothing')) continue
      verdict.tried('I1')
      const [left, right] = systems.map((system) => own[system].map(({ text }) => memoText(text)).sort())
      if (JSON.stringify(left) !== JSON.stringify(right))
        verdict.broken('I1', `comment ${one} of ${about}: ALM ${JSON.stringify(left)}, Octane ${JSON.stringify(right)}`)
      for (const system of systems) judgeBanner(own[system], own[otherSystem(system)], `${one} of ${about}`, verdict)
    }
  }
}

/** The copy of a comment tells who wrote it and when. */
function judgeBanner(here: readonly Comment[], there: readonly Comment[], about: string, verdict: Verdict): void {
  const [original] = here
  const [copy] = there
  if (here.length !== 1 || there.length !== 1 || original === undefined || copy === undefined) return
  if (original.origin !== null) return
  verdict.tried('I1')
  const told = (comment: Comment) => [comment.author, comment.time].map((word) => bannerWord(word ?? ''))
  if (copy.origin === null || told(copy).join() !== told(original).join())
    verdict.broken('I1', `the copy of ${about} tells ${told(copy).join(', ')} instead of ${told(original).join(', ')}`)
}

/** I4 of comments: whatever text Tandem replaced or took away, a person had touched on the other side before. */
function judgeRemovals(history: History, verdict: Verdict): void {
  const touched = { alm: new Set<string>(), octane: new Set<string>() }
  for (const entry of history.entries()) {
    const [gone] = changeOf(entry)
    for (const one of gone.keys()) {
      if (entry.via !== 'rest') {
        touched[entry.system].add(one)
        continue
      }
      verdict.tried('I4')
      if (!touched[otherSystem(entry.system)].has(one))
        verdict.broken('I4', `${entry.system} lost the text of comment ${one} although nobody had touched its twin`)
    }
  }
}

function deedsOf(history: History): Map<string, Deeds> {
  const deeds = new Map<string, Deeds>()
  for (const entry of history.entries()) {
    if (entry.via === 'rest' || (entry.type !== 'comment' && entry.type !== 'requirement')) continue
    const key = `${entry.system} ${entry.type === 'comment' ? ownerOf(entry) : entry.id}`
    const own = deeds.get(key) ?? noDeeds()
    deeds.set(key, own)
    const [gone, come] = changeOf(entry)
    for (const one of new Set([...gone.keys(), ...come.keys()])) {
      const difference = countOf(come, one) - countOf(gone, one)
      if (difference > 0) add(own.written, one, difference)
      if (difference < 0) add(own.removed, one, -difference)
    }
  }
  return deeds
}

/** Texts that an entry took away and that it brought, by their tokens. */
function changeOf(entry: TruthEntry): [gone: Map<string, number>, come: Map<string, number>] {
  const [before, after] = [entry.before, entry.after].map((state) => textsOf(entry, state))
  const rest = [...(after ?? [])]
  const gone = (before ?? []).filter((text) => {
    const at = rest.indexOf(text)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
  return [counted(gone), counted(rest)]
}

function textsOf(entry: TruthEntry, state: Record<string, unknown> | null): string[] {
  if (state === null) return []
  if (entry.type === 'comment') return [asComment('', state.text).text]
  if (entry.type !== 'requirement') return []
  const memo = state.comments ?? null
  return readCommentMemo(memo === null ? null : String(memo)).map(({ text }) => text)
}

export function almComments(lab: Pick<Lab, 'alm'>, id: string): Comment[] {
  const memo = lab.alm.store.get('requirement', id).comments ?? null
  return readCommentMemo(memo === null ? null : String(memo))
}

export function octaneComments(lab: Pick<Lab, 'octane'>, id: string): Comment[] {
  const nameOf = (author: unknown) =>
    String(lab.octane.records('workspace_user').find((one) => one.id === (author as { id: string })?.id)?.full_name)
  return lab.octane
    .records('comment')
    .filter((one) => (one.owner_work_item as { id: string } | null)?.id === id)
    .map((one) => asComment(one.id, one.text, nameOf(one.author), String(one.creation_time)))
}

function asComment(id: string, text: unknown, author: string | null = null, time: string | null = null): Comment {
  return readComment({ id, author, time, text: typeof text === 'string' ? text : null })
}

function ownerOf({ before, after }: TruthEntry): string {
  const state = { ...before, ...after } as Record<string, unknown>
  return String((state.owner_work_item as { id: string } | null | undefined)?.id)
}

const noDeeds = (): Deeds => ({ written: new Map(), removed: new Map() })
const mine = (comments: readonly Comment[], one: string) => comments.filter(({ text }) => tokenOf(text) === one)
const countOf = (counts: ReadonlyMap<string, number>, key: string) => counts.get(key) ?? 0
const add = (counts: Map<string, number>, key: string, by: number) => void counts.set(key, countOf(counts, key) + by)

function counted(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) {
    const one = tokenOf(text)
    if (one !== null) add(counts, one, 1)
  }
  return counts
}
