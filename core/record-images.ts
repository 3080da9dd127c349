import { type AttachmentEntry, type AttachmentPair, attachmentEntries } from './attachments.ts'
import type { Base } from './base.ts'
import type { FieldMapping, LinkConfiguration } from './link-config.ts'
import type { ImageRoute } from './rich-text/images.ts'
import { otherSide, type RecordSnapshot, type Side } from './values.ts'

/** The address by which texts of a side show a file that is attached to a record there. */
export type FileAddresses = Readonly<Record<Side, (recordId: string, entry: AttachmentEntry) => string>>

export interface ImageRouteInput {
  /** The side that the text comes from. */
  from: Side
  /** Mappings of attached files, with the directions in which files are carried. */
  ofFiles: readonly { mapping: FieldMapping; flows: { toLeft: boolean; toRight: boolean } }[]
  base: Base
  /** The other side's record is missing as long as it is only about to be created. */
  records: Partial<Record<Side, RecordSnapshot>>
  attachments: LinkConfiguration['attachments']
  addresses: FileAddresses
}

/**
 * Finds where the attached images of a record's text are on the other side: a file that has been carried has a twin there; one
 * that will be is awaited, so that no text shows a hole in the meantime. Octane names files by id, ALM by name, which is
 * unique within a record whatever its case. Files of other records have no way there, whatever they are called.
 */
export function imageRoute({ from, ofFiles, base, records, attachments, addresses }: ImageRouteInput): ImageRoute {
  const to = otherSide(from)
  const own = records[from]
  if (own === undefined) return () => null
  return ({ id, source }) => {
    const isMeant = (entry: AttachmentEntry | null) => {
      if (entry === null || (id !== null && entry.id !== id)) return false
      const [theirs, ours] = [placeOf(source), placeOf(addresses[from](own.id, entry))]
      return id === null ? theirs === ours : folderOf(ours).startsWith(folderOf(theirs))
    }
    for (const { mapping, flows } of ofFiles) {
      const known: readonly AttachmentPair[] = base[mapping.id]?.files ?? []
      const pair = known.find((one) => isMeant(one[from]))
      const twin = pair?.[to]
      const record = records[to]
      if (twin !== undefined && twin !== null && record !== undefined)
        return { address: addresses[to](record.id, twin) }
      const there = attachmentEntries(own.fields[mapping[from] ?? ''] ?? null).find(isMeant)
      if (there === undefined) continue
      const leftAlone = pair !== undefined && pair[from]?.stamp === there.stamp
      const fits = attachments.maxBytes === null || there.size === null || there.size <= attachments.maxBytes
      const goes = to === 'left' ? flows.toLeft : flows.toRight
      if (goes && fits && !leftAlone && there.kind === 'file') return 'awaited'
    }
    return null
  }
}

/** The path of an address as people read it, in any case: servers have several host names, and may be named by none. */
function placeOf(address: string): string {
  const path = address.replace(/[?#].*$/, '').replace(/^(?:https?:)?\/\/[^/]*/i, '')
  try {
    return decodeURIComponent(path).toLowerCase()
  } catch {
    return path.toLowerCase()
  }
}

/** What holds the attachments: a record, or the project or workspace as a whole. */
function folderOf(place: string): string {
  return place.slice(0, place.lastIndexOf('/attachments/'))
}
