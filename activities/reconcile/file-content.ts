import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { NewAttachment } from '../../connectors/contract.ts'
import type { AttachmentEntry, PlannedAttachment } from '../../core/attachments.ts'
import { otherSide, type Side, sides } from '../../core/values.ts'
import type { Workbench } from '../connections.ts'
import type { PairDecision } from './decision.ts'

/** Takes a place for a stream on both sides, everybody in the same order. */
export function withPlaces<T>(
  { link, connectors }: Workbench,
  signal: AbortSignal,
  body: () => Promise<T>,
): Promise<T> {
  const [first, second] = [...sides]
    .sort((a, b) => (link[a].id < link[b].id ? -1 : 1))
    .map((side) => connectors[side].attachments?.transfers)
  if (first === undefined || second === undefined) throw new Error('both sides carry files')
  return first.run(() => second.run(body, signal), signal)
}

interface Content extends Omit<NewAttachment, 'name'> {
  /** Gives back what was opened, read or not. */
  close(): void
}

/**
 * A file's bytes from the other side as they are asked for, or a small file that says where it is. The source answers before
 * anything is sent, so that a file that is gone by now costs no write whose outcome is in doubt. Throws ConnectorError.
 */
export async function contentOf(
  bench: Workbench,
  decision: PairDecision,
  { side, source }: PlannedAttachment,
  signal: AbortSignal,
): Promise<Content> {
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
      close: () => undefined,
    }
  }
  const files = bench.connectors[from].attachments
  if (files === undefined) throw new Error('both sides carry files')
  const open = () => files.open(entityType, recordId, source, { signal })
  let opened: AsyncIterable<Uint8Array> | null = await open()
  return {
    size: source.size ?? 0,
    // A second time, after the session was renewed, the file is asked for anew.
    async *content() {
      const bytes = opened ?? (await open())
      opened = null
      yield* bytes
    },
    close: () => {
      if (opened instanceof Readable) opened.destroy()
    },
  }
}

/** Bytes that will be written; null: the endpoint does not tell. */
export function sizeOf(bench: Workbench, decision: PairDecision, planned: PlannedAttachment): number | null {
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

/** Whether two files have the same bytes. Throws ConnectorError. */
export async function sameContent(
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
  return withPlaces(bench, signal, async () => {
    const [one, two] = await Promise.all([hash('left', left), hash('right', right)])
    return one === two
  })
}
