import { createHash } from 'node:crypto'
import type { AttachmentResult, NewAttachment } from '../../connectors/contract.ts'
import { inOrder } from '../../connectors/limiter.ts'
import {
  type AttachmentEntry,
  type AttachmentPair,
  afterCarrying,
  encodeEntry,
  type PlannedAttachment,
} from '../../core/attachments.ts'
import { type BaseField, canonicalVersion, toBaseValue } from '../../core/base.ts'
import { mappingFingerprint } from '../../core/hash.ts'
import type { Problem } from '../../core/problems.ts'
import { type IntentInput, StoreError } from '../../core/store.ts'
import { otherSide, type Side } from '../../core/values.ts'
import type { Workbench } from '../connections.ts'
import type { PairDecision } from './decision.ts'
import type { Effects, ExecuteInput } from './execute.ts'

/** Files under way at a time in one batch. */
const atATime = 4

/** How often the lease of a batch is extended while files are under way, in milliseconds. */
const extendEveryMs = 5_000

type CarryInput = Pick<ExecuteInput, 'bench' | 'store' | 'token' | 'runId' | 'newCallId' | 'keepLease'>

interface Carried {
  decision: PairDecision
  effects: Effects
  planned: PlannedAttachment
  intentId: string
}

/**
 * Carries the files of a batch after its records: files that only look alike are compared first, then intents for all, then
 * one file after the other as a stream. Each file succeeds or fails by itself; none holds its record up.
 */
export async function carryFiles(
  input: CarryInput,
  decisions: readonly { decision: PairDecision; effects: Effects }[],
): Promise<void> {
  const due = decisions.filter(
    ({ decision, effects }) =>
      !effects.braked && decision.plan.files.operations.length + decision.plan.files.comparisons.length > 0,
  )
  if (due.length === 0) return
  const lease = keepingLease(input)
  try {
    const carried: Carried[] = due.flatMap(({ decision, effects }) =>
      decision.plan.files.operations.map((planned) => ({ decision, effects, planned, intentId: '' })),
    )
    const compared = due.flatMap(({ decision, effects }) =>
      decision.plan.files.comparisons.map((comparison) => ({ decision, effects, comparison })),
    )
    await inOrder(compared, atATime, async ({ decision, effects, comparison }) => {
      const { left, right, mappingId } = comparison
      try {
        if (await sameContent(input.bench, decision, left, right, lease.signal))
          learn(input.bench, effects, mappingId, (files) => [...files, { left, right }])
        else for (const planned of comparison.apart) carried.push({ decision, effects, planned, intentId: '' })
      } catch (error) {
        effects.problems.push(unreadable(mappingId, left.name, error))
      }
    })
    await writeAhead(input, carried)
    const free = carried.filter((one) => one.intentId !== '')
    await inOrder(free, atATime, async (one) =>
      absorb(input.bench, one, await carryOne(input.bench, one, lease.signal)),
    )
  } finally {
    lease.end()
  }
}

/** Extends the lease for as long as files take; once it is lost everything under way is given up. */
function keepingLease({ keepLease }: CarryInput): { signal: AbortSignal; end(): void } {
  const lost = new AbortController()
  const timer = setInterval(() => {
    keepLease().catch((error: unknown) => {
      // A store that does not answer for a moment is asked again; a lease that somebody else has is gone.
      if (error instanceof StoreError && error.code === 'lease-lost') lost.abort(error)
    })
  }, extendEveryMs)
  return { signal: lost.signal, end: () => clearInterval(timer) }
}

async function writeAhead(input: CarryInput, carried: readonly Carried[]): Promise<void> {
  if (carried.length === 0) return
  await input.keepLease()
  const intents = carried.map(({ decision, planned }): IntentInput => {
    const { side, source, target, mappingId, operation } = planned
    const own = side === 'left' ? decision.left : decision.right
    const twin = side === 'left' ? decision.right : decision.left
    return {
      key: decision.item.key,
      action: 'attachment',
      side,
      targetId: own.id,
      sourceId: twin.id,
      stampBefore: own.stamp,
      fields: [
        {
          mappingId,
          field: 'attachments',
          source: source === null ? null : encodeEntry(source),
          before: target === null ? null : encodeEntry(target),
          sent: operation === 'delete' ? null : JSON.stringify([planned.name, sizeOf(input.bench, decision, planned)]),
          rule: operation,
        },
      ],
    }
  })
  const ids = await input.store.recordIntents({
    token: input.token,
    linkId: input.bench.link.id,
    runId: input.runId,
    version: input.bench.link.version,
    callId: input.newCallId(),
    intents,
  })
  carried.forEach((one, index) => {
    const id = ids[index]
    if (id === null || id === undefined) one.effects.braked = true
    else one.intentId = id
  })
}

async function carryOne(
  bench: Workbench,
  { decision, planned }: Carried,
  signal: AbortSignal,
): Promise<AttachmentResult> {
  const { side, operation, target, name } = planned
  const connector = bench.connectors[side]
  const files = connector.attachments
  if (files === undefined) throw new Error(`${connector.kind} carries no files`)
  const { entityType } = bench.link.configuration[side]
  const recordId = (side === 'left' ? decision.left : decision.right).id
  const call = { signal }
  if (operation === 'delete' && target !== null) return files.remove(entityType, recordId, target, call)
  if (operation === 'rename' && target !== null) return files.rename(entityType, recordId, target, name, call)
  const file = { ...contentOf(bench, decision, planned, signal), name }
  return operation === 'replace' && target !== null
    ? files.replace(entityType, recordId, target, file, call)
    : files.add(entityType, recordId, file, call)
}

/** A file's bytes from the other side as they are asked for, or a small file that says where it is. */
function contentOf(
  bench: Workbench,
  decision: PairDecision,
  { side, source }: PlannedAttachment,
  signal: AbortSignal,
): Omit<NewAttachment, 'name'> {
  if (source === null) throw new Error('a file comes from somewhere')
  const from = otherSide(side)
  const recordId = (from === 'left' ? decision.left : decision.right).id
  const { entityType } = bench.link.configuration[from]
  if (bench.link.configuration.attachments.method === 'address') {
    const address = Buffer.from(addressFile(bench, from, recordId), 'utf8')
    return {
      size: address.length,
      async *content() {
        yield address
      },
    }
  }
  return {
    size: source.size ?? 0,
    async *content() {
      const files = bench.connectors[from].attachments
      if (files !== undefined) yield* await files.open(entityType, recordId, source, { signal })
    },
  }
}

function sizeOf(bench: Workbench, decision: PairDecision, planned: PlannedAttachment): number | null {
  if (planned.source === null) return null
  if (bench.link.configuration.attachments.method !== 'address') return planned.source.size
  const from = otherSide(planned.side)
  const recordId = (from === 'left' ? decision.left : decision.right).id
  return Buffer.byteLength(addressFile(bench, from, recordId), 'utf8')
}

function addressFile(bench: Workbench, from: Side, recordId: string): string {
  const { entityType } = bench.link.configuration[from]
  return `[InternetShortcut]\r\nURL=${bench.connectors[from].recordUrl(entityType, recordId)}\r\n`
}

async function sameContent(
  bench: Workbench,
  decision: PairDecision,
  left: AttachmentEntry,
  right: AttachmentEntry,
  signal: AbortSignal,
): Promise<boolean> {
  const hash = async (side: Side, entry: AttachmentEntry) => {
    const files = bench.connectors[side].attachments
    if (files === undefined) throw new Error('both sides carry files')
    const digest = createHash('sha256')
    const { entityType } = bench.link.configuration[side]
    for await (const chunk of await files.open(entityType, decision[side].id, entry, { signal })) digest.update(chunk)
    return digest.digest('hex')
  }
  const [one, two] = await Promise.all([hash('left', left), hash('right', right)])
  return one === two
}

function absorb(bench: Workbench, { effects, planned, intentId, decision }: Carried, result: AttachmentResult): void {
  const { side, source, target, mappingId } = planned
  const settled = {
    intentId,
    targetId: (side === 'left' ? decision.left : decision.right).id,
    stampAfter: null,
    after: {},
    possibleOverwrite: false,
    foundByLooking: false,
  }
  if (result.outcome !== 'done') {
    effects.settled.push(
      result.outcome === 'refused'
        ? { ...settled, outcome: 'not-applied' }
        : { ...settled, outcome: 'in-doubt', answered: result.answered },
    )
    effects.problems.push(ofFile(result.problem, planned))
    return
  }
  effects.settled.push({ ...settled, outcome: 'applied' })
  effects.written.push(side)
  learn(bench, effects, mappingId, (files) => afterCarrying(files, { side, source, target, entry: result.entry }))
}

function learn(
  bench: Workbench,
  effects: Effects,
  mappingId: string,
  change: (files: readonly AttachmentPair[]) => AttachmentPair[],
): void {
  const mapping = bench.link.configuration.fields.find((one) => one.id === mappingId)
  if (mapping === undefined) return
  const known: BaseField = effects.base[mappingId] ?? {
    left: toBaseValue(null),
    right: toBaseValue(null),
    fingerprint: mappingFingerprint(mapping),
    canonical: canonicalVersion,
  }
  effects.base = { ...effects.base, [mappingId]: { ...known, files: change(known.files ?? []) } }
  effects.baseChanged = true
}

function ofFile(problem: Problem, { source, target, side, mappingId }: PlannedAttachment): Problem {
  const name = source?.name ?? target?.name ?? ''
  const remedy =
    problem.class === 'refused'
      ? 'Have such files allowed there, or take the file away here; everything else of the record is in step.'
      : problem.remedy
  return {
    ...problem,
    remedy,
    message: `The file "${name}": ${problem.message}`,
    side,
    // Several files of one record have an issue each.
    field: `attachments/${name}`,
    mappingId,
  }
}

function unreadable(mappingId: string, name: string, error: unknown): Problem {
  return {
    class: 'unavailable',
    code: 'file-unreadable',
    message: `The file "${name}" is on both sides and could not be compared: ${error instanceof Error ? error.message : String(error)}`,
    remedy: 'Nothing to do: it is tried again.',
    field: `attachments/${name}`,
    mappingId,
  }
}
