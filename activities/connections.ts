import type { CarriesAttachments, Connector } from '../connectors/contract.ts'
import { type CredentialSecret, commentOrigin, type EndpointAddress } from '../core/endpoint.ts'
import { createLinkPlanner, type LinkPlanner } from '../core/link-planner.ts'
import { fieldByName, type SideMetadata } from '../core/metadata.ts'
import type { FileAddresses } from '../core/record-images.ts'
import type { EndpointContext, LinkContext } from '../core/store.ts'
import { type FieldType, type Side, sides } from '../core/values.ts'

export type Connect = (
  address: EndpointAddress,
  secret: CredentialSecret,
  options: { writes: 'lock' | 'bulk' },
) => Connector

export interface ConnectionsOptions {
  connect: Connect
  /** Opens a sealed secret with this bridge's own key. */
  openSecret(sealed: string): Promise<CredentialSecret>
  /** How long descriptions of an endpoint are reused, in milliseconds. */
  metadataMs?: number
}

/** A link ready for work: a connector and a description per side, and the planner of its version. */
export interface Workbench {
  link: LinkContext
  connectors: Record<Side, Connector>
  metadata: Record<Side, SideMetadata>
  planner: LinkPlanner
}

export interface Connections {
  /** The one connector of an endpoint in this process; it is replaced when address or secret have changed. */
  connector(endpoint: EndpointContext, writes?: 'lock' | 'bulk'): Promise<Connector>
  /** Works with a connector of its own that is closed afterwards: what is being tried out must leave no session behind. */
  withFreshConnector<T>(endpoint: EndpointContext, body: (connector: Connector) => Promise<T>): Promise<T>
  /** Description of an entity type; `fresh` asks the endpoint again, unless that was done for the same run already. */
  describe(endpoint: EndpointContext, entityType: string, fresh?: boolean, runId?: string | null): Promise<SideMetadata>
  workbench(link: LinkContext, fresh?: boolean, runId?: string | null): Promise<Workbench>
  close(): Promise<void>
}

/** Does the link map a field of the type on this side? */
export function mapsType({ link, metadata }: Workbench, side: Side, type: FieldType): boolean {
  return link.configuration.fields.some(
    (mapping) => fieldByName(metadata[side].entity, mapping[side] ?? '')?.type === type,
  )
}

const defaultMetadataMs = 300_000

/**
 * Shares one signed-in connector per endpoint among all activities of a process, and keeps descriptions for a while:
 * asking an endpoint for its fields, lists and people costs more requests than reconciling a batch.
 */
export function createConnections(options: ConnectionsOptions): Connections {
  const connectors = new Map<string, { revision: number; connector: Promise<Connector> }>()
  const descriptions = new Map<
    string,
    { revision: number; until: number; runId: string | null; metadata: Promise<SideMetadata> }
  >()
  const keepMs = options.metadataMs ?? defaultMetadataMs

  async function connector(endpoint: EndpointContext, writes: 'lock' | 'bulk' = 'lock'): Promise<Connector> {
    const key = `${endpoint.id}:${writes}`
    const known = connectors.get(key)
    if (known !== undefined && known.revision === endpoint.revision) return known.connector
    const opened = options
      .openSecret(endpoint.sealedSecret)
      .then((secret) => options.connect(endpoint.address, secret, { writes }))
    connectors.set(key, { revision: endpoint.revision, connector: opened })
    opened.catch(() => connectors.delete(key))
    // Calls still under way on the old connector finish with it; only then is it signed out.
    if (known !== undefined) void known.connector.then((old) => old.close()).catch(() => undefined)
    return opened
  }

  async function withFreshConnector<T>(
    endpoint: EndpointContext,
    body: (connector: Connector) => Promise<T>,
  ): Promise<T> {
    const secret = await options.openSecret(endpoint.sealedSecret)
    const fresh = options.connect(endpoint.address, secret, { writes: 'lock' })
    try {
      return await body(fresh)
    } finally {
      await fresh.close()
    }
  }

  async function describe(
    endpoint: EndpointContext,
    entityType: string,
    fresh = false,
    runId: string | null = null,
  ): Promise<SideMetadata> {
    const key = `${endpoint.id}:${entityType}`
    const known = descriptions.get(key)
    const now = performance.now()
    const isKept = known !== undefined && known.revision === endpoint.revision && known.until > now
    if (isKept && (!fresh || (runId !== null && known.runId === runId))) return known.metadata
    const metadata = connector(endpoint).then(async (opened) => {
      const [entity, users] = await Promise.all([opened.describe(entityType), opened.users()])
      return { entity, users }
    })
    descriptions.set(key, { revision: endpoint.revision, until: now + keepMs, runId, metadata })
    metadata.catch(() => descriptions.delete(key))
    return metadata
  }

  async function workbench(link: LinkContext, fresh = false, runId: string | null = null): Promise<Workbench> {
    const { configuration } = link
    const [left, right] = await Promise.all(
      sides.map((side) => describe(link[side], configuration[side].entityType, fresh, runId)),
    )
    const [leftConnector, rightConnector] = await Promise.all(
      sides.map((side) => connector(link[side], configuration.tuning.writes)),
    )
    if (left === undefined || right === undefined || leftConnector === undefined || rightConnector === undefined)
      throw new Error('a link has two sides')
    const files = { left: leftConnector.attachments, right: rightConnector.attachments }
    const addressOf =
      (side: Side, { address }: CarriesAttachments): FileAddresses[Side] =>
      (recordId, entry) =>
        address(configuration[side].entityType, recordId, entry)
    return {
      link,
      connectors: { left: leftConnector, right: rightConnector },
      metadata: { left, right },
      planner: createLinkPlanner({
        configuration,
        left,
        right,
        users: link.users,
        names: { left: link.left.name, right: link.right.name },
        origins: { left: commentOrigin(link.left.address), right: commentOrigin(link.right.address) },
        renames: {
          left: files.left?.renames ?? false,
          right: files.right?.renames ?? false,
        },
        ...(files.left === undefined || files.right === undefined
          ? {}
          : { fileAddresses: { left: addressOf('left', files.left), right: addressOf('right', files.right) } }),
      }),
    }
  }

  async function close(): Promise<void> {
    await Promise.all(
      [...connectors.values()].map(({ connector: opened }) => opened.then((one) => one.close()).catch(() => undefined)),
    )
    connectors.clear()
    descriptions.clear()
  }

  return { connector, withFreshConnector, describe, workbench, close }
}
