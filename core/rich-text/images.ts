import { attributeOf, isRichText, type RichElement, type RichNode } from './tree.ts'

/** An image in a text, by where its bytes are. */
export type ImageReference =
  /** A file attached to a record of the same endpoint, by id (Octane; ALM on demand) or by name (ALM). */
  | { kind: 'attachment'; id: string | null; name: string | null; source: string }
  /** An address that means the same for everybody. */
  | { kind: 'external'; source: string }
  /** The bytes are in the text. */
  | { kind: 'inline'; source: string }
  /** An address that means something only where the text lies, or none at all: the server has taken it away. */
  | { kind: 'unknown'; source: string | null }

/** Where an image that one side keeps as an attachment is on the other side; null: it is not carried there. */
export type ImageRoute = (reference: Extract<ImageReference, { kind: 'attachment' }>) => ImageTwin | null

/** The address of an image on the other side, or that it is still to be carried there. */
export type ImageTwin = { address: string } | 'awaited'

const octaneAttachment = /\/api\/shared_spaces\/\d+\/workspaces\/\d+\/attachments\/(\d+)(?:\/([^/]+))?$/
const almAttachment = /\/rest\/domains\/[^/]+\/projects\/[^/]+\/(?:[\w-]+\/\d+\/)?attachments\/([^/]+)$/

/** Tells what an image's `src` refers to. */
export function readImageSource(source: string | undefined): ImageReference {
  if (source === undefined) return { kind: 'unknown', source: null }
  if (source.startsWith('data:')) return { kind: 'inline', source }
  const [path = '', query = ''] = source.split('#')[0]?.split('?') ?? []
  const octane = octaneAttachment.exec(path)
  if (octane !== null)
    return {
      kind: 'attachment',
      id: octane[1] ?? null,
      name: octane[2] === undefined ? null : decoded(octane[2]),
      source,
    }
  const alm = almAttachment.exec(path)?.[1]
  if (alm !== undefined)
    return query.split('&').includes('by-id=true')
      ? { kind: 'attachment', id: alm, name: null, source }
      : { kind: 'attachment', id: null, name: decoded(alm), source }
  return /^(?:https?:)?\/\//i.test(source) ? { kind: 'external', source } : { kind: 'unknown', source }
}

/** All images of a tree, in their order. */
export function imagesIn(nodes: readonly RichNode[]): ImageReference[] {
  return nodes.flatMap((node): ImageReference[] =>
    isRichText(node) ? [] : node.tag === 'img' ? [readImageSource(attributeOf(node, 'src'))] : imagesIn(node.children),
  )
}

export type Repointed<T> = T & { stranded: readonly ImageReference[]; awaited: readonly ImageReference[] }

/**
 * The tree with its attached images pointing to their twins. `stranded` are the images that would show nothing on the other
 * side: attachments without a twin whose address is no complete one, and addresses that only the first side understands.
 * `awaited` are those whose twins are still to come.
 */
export function repointTree(nodes: readonly RichNode[], route: ImageRoute): Repointed<{ nodes: RichNode[] }> {
  const stranded: ImageReference[] = []
  const awaited: ImageReference[] = []
  const repoint = (node: RichNode): RichNode => {
    if (isRichText(node)) return node
    if (node.tag !== 'img') return { ...node, children: node.children.map(repoint) }
    const reference = readImageSource(attributeOf(node, 'src'))
    const twin = reference.kind === 'attachment' ? route(reference) : null
    if (twin === 'awaited') {
      awaited.push(reference)
      return node
    }
    if (twin !== null)
      return {
        ...node,
        attributes: node.attributes.map(([name, value]) => [name, name === 'src' ? twin.address : value] as const),
      }
    const complete = reference.source !== null && /^(?:https?:|data:)/i.test(reference.source)
    // An image whose address is gone already has nothing left to strand.
    if (!complete && reference.source !== null) stranded.push(reference)
    return node
  }
  return { nodes: nodes.map(repoint), stranded, awaited }
}

/** What an image is known by on either side: an attachment by its file's name, another one by its address. */
export function imageKey(image: RichElement): string {
  const reference = readImageSource(attributeOf(image, 'src'))
  if (reference.kind === 'attachment') return reference.name ?? `#${reference.id}`
  return reference.source ?? `(${attributeOf(image, 'alt') ?? ''})`
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
