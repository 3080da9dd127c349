import type { GoneEvidence, PartOfRecord } from '../../connectors/contract.ts'
import { type AttachmentEntry, attachmentEntries, attachmentsValue } from '../../core/attachments.ts'
import type { PlannedComment } from '../../core/comment-intents.ts'
import { commentOfAction, commentsOf } from '../../core/comments.ts'
import { fieldByName } from '../../core/metadata.ts'
import type { Problem } from '../../core/problems.ts'
import type { Store } from '../../core/store.ts'
import { otherSide, type Side, sides } from '../../core/values.ts'
import type { WorkItem } from '../../core/work-items.ts'
import type { Workbench } from '../connections.ts'
import type { Decision, PairDecision } from './decision.ts'
import type { Snapshots } from './judge.ts'

interface UnprovenInput {
  bench: Workbench
  store: Pick<Store, 'partsKnown'>
  snapshots: Snapshots
  call: { signal?: AbortSignal }
}

/** So many parts that are known to be there are looked up beside those that seem gone. */
const mostWitnesses = 3

/**
 * A list of files that lacks one proves nothing: a right may have been lost, or the answer may have been cut. A file that a pair
 * knows on both sides and that one side lacks now is looked up by its id, while another file reads. Where the server does not
 * say that it is gone, it stands in the snapshot as it was last seen, so that nothing is taken away or carried anew. Answers
 * what nobody can tell, by key.
 */
export async function holdUnprovenFiles(
  input: UnprovenInput & { items: readonly WorkItem[] },
): Promise<ReadonlyMap<string, Problem[]>> {
  const { bench, items, snapshots, call } = input
  const told = new Map<string, Problem[]>()
  for (const mapping of bench.link.configuration.fields)
    for (const side of sides) {
      const { [side]: field, id: mappingId } = mapping
      const files = bench.connectors[side].attachments
      if (field === null || files === undefined) continue
      if (fieldByName(bench.metadata[side].entity, field)?.type !== 'attachments') continue
      const missing = items.flatMap((item) => missingFiles(item, mapping, side, snapshots))
      if (missing.length === 0) continue
      const shown = [...snapshots[side]].flatMap(([recordId, { fields }]) =>
        attachmentEntries(fields[field] ?? null).map(({ id }) => ({ recordId, id })),
      )
      const witnesses = await witnessesOf(input, { side, mappingId, part: 'files', missing, shown })
      const evidence = await files.confirmGone(bench.link.configuration[side].entityType, missing, witnesses, call)
      missing.forEach(({ key, recordId, entry }, index) => {
        const said = evidence[index]
        const snapshot = snapshots[side].get(recordId)
        if (said?.outcome === 'gone' || snapshot === undefined) return
        const entries = [...attachmentEntries(snapshot.fields[field] ?? null), entry]
        snapshots[side].set(recordId, {
          ...snapshot,
          fields: { ...snapshot.fields, [field]: attachmentsValue(entries) },
        })
        if (said?.outcome === 'there') return
        const what = `The file "${entry.name}" of record ${recordId}`
        told.set(key, [...(told.get(key) ?? []), unproven(bench, side, mappingId, what, 'file-unreadable', said)])
      })
    }
  return told
}

/** Files that the pair knows on both sides, and that only this one lacks now. */
function missingFiles(
  item: WorkItem,
  mapping: Workbench['link']['configuration']['fields'][number],
  side: Side,
  snapshots: Snapshots,
): (PartOfRecord & { key: string; entry: AttachmentEntry })[] {
  const { pair, key } = item
  if (pair === null) return []
  const idsOn = (which: Side): ReadonlySet<string> | null => {
    const field = mapping[which]
    const value = field === null ? undefined : snapshots[which].get(pair[which].id)?.fields[field]
    return value === undefined ? null : new Set(attachmentEntries(value).map(({ id }) => id))
  }
  const [own, other] = [idsOn(side), idsOn(otherSide(side))]
  if (own === null || other === null) return []
  return (pair.base[mapping.id]?.files ?? []).flatMap((file) => {
    const [entry, twin] = [file[side], file[otherSide(side)]]
    const isMissing = entry !== null && twin !== null && !own.has(entry.id) && other.has(twin.id)
    return isMissing ? [{ key, recordId: pair[side].id, id: entry.id, entry }] : []
  })
}

/**
 * Of comments about to be taken away, or written anew, because a side lacks them, those stay that its server does not say are
 * gone while another comment reads. Answers the decisions without them, with what nobody can tell as problems.
 */
export async function holdUnprovenComments(
  input: UnprovenInput & { decisions: readonly Decision[] },
): Promise<Decision[]> {
  const { bench, decisions, snapshots, call } = input
  const held = new Map<PlannedComment, Problem | null>()
  for (const side of sides) {
    const comments = bench.connectors[side].comments
    if (comments?.confirmGone === undefined) continue
    const missing = decisions.flatMap((decision) =>
      decision.kind === 'pair'
        ? decision.plan.comments.flatMap((planned) => missingComment(decision, planned, side) ?? [])
        : [],
    )
    for (const mapping of bench.link.configuration.fields) {
      const { [side]: field, id: mappingId } = mapping
      const mine = missing.filter(({ planned }) => planned.mappingId === mappingId)
      if (field === null || mine.length === 0) continue
      const shown = [...snapshots[side]].flatMap(([recordId, { fields }]) =>
        commentsOf(fields[field] ?? null).flatMap(({ id }) => (id === null ? [] : [{ recordId, id }])),
      )
      const witnesses = await witnessesOf(input, { side, mappingId, part: 'comments', missing: mine, shown })
      const { entityType } = bench.link.configuration[side]
      const evidence = await comments.confirmGone(entityType, mine, witnesses, call)
      mine.forEach(({ planned, recordId }, index) => {
        const said = evidence[index]
        if (said?.outcome === 'gone') return
        const what = `A comment of record ${recordId}`
        const problem = unproven(bench, side, mappingId, what, 'comment-unseen', said)
        held.set(planned, said?.outcome === 'there' ? null : problem)
      })
    }
  }
  if (held.size === 0) return [...decisions]
  return decisions.map((decision) => {
    if (decision.kind !== 'pair') return decision
    const mine = decision.plan.comments.filter((planned) => held.has(planned))
    if (mine.length === 0) return decision
    const [problem] = mine.flatMap((planned) => held.get(planned) ?? [])
    const comments = decision.plan.comments.filter((planned) => !held.has(planned))
    const problems = problem === undefined ? decision.plan.problems : [...decision.plan.problems, problem]
    return { ...decision, plan: { ...decision.plan, comments, problems } }
  })
}

/** What a planned write takes for gone on a side; null: nothing there, or the endpoint numbers no comments. */
function missingComment(
  { base, item }: PairDecision,
  planned: PlannedComment,
  side: Side,
): (PartOfRecord & { planned: PlannedComment }) | null {
  const { action, mappingId } = planned
  // One that is edited while its copy is gone is written there anew.
  const lacking = action.kind === 'delete' ? otherSide(action.side) : action.kind === 'add' ? action.side : null
  if (lacking !== side) return null
  const { home, ref } = commentOfAction(action)
  const entry = base[mappingId]?.comments?.find((one) => one.home === home && one.ref === ref)
  const id = entry?.[side]?.id ?? null
  const recordId = item.pair?.[side].id
  return id === null || recordId === undefined ? null : { planned, recordId, id }
}

/** Parts that the batch has just read or, where there are none, that pairs of the link know. */
async function witnessesOf(
  { bench, store }: UnprovenInput,
  about: {
    side: Side
    mappingId: string
    part: 'files' | 'comments'
    missing: readonly PartOfRecord[]
    shown: readonly PartOfRecord[]
  },
): Promise<PartOfRecord[]> {
  const { side, mappingId, part, shown } = about
  const gone = new Set(about.missing.map(({ id }) => id))
  const limit = mostWitnesses + gone.size
  const known =
    shown.length > 0 ? shown : await store.partsKnown({ linkId: bench.link.id, side, mappingId, part, limit })
  return known.filter(({ id }) => !gone.has(id)).slice(0, mostWitnesses)
}

function unproven(
  bench: Workbench,
  side: Side,
  mappingId: string,
  what: string,
  code: string,
  said: GoneEvidence | undefined,
): Problem {
  return {
    class: 'missing',
    code,
    message: `${what} of ${bench.link[side].name} is missing in its list, but that it was taken away is not proven: ${said?.reason ?? 'nobody can tell why'}. The other side keeps it.`,
    remedy: 'Give the integration user the right to read it again; nothing is taken away or carried anew until then.',
    side,
    mappingId,
  }
}
