import type { CallOptions, Connector } from '../connectors/contract.ts'
import type { LinkConfiguration } from '../core/link-config.ts'
import { movesByItself, type RecordScope, restricts } from '../core/scope.ts'
import type { Store } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import type { Workbench } from './connections.ts'

/** Types of a side that a link keeps in step; null: the entity type holds one. */
function typesOf(configuration: LinkConfiguration, side: Side): readonly string[] | null {
  const types = configuration.types.flatMap((type) => type[side].values)
  return types.length === 0 ? null : types
}

/** A side's scope at a moment. */
export function recordScope(configuration: LinkConfiguration, side: Side, now: string): RecordScope {
  const { scope, root } = configuration[side]
  return {
    ...scope,
    root,
    pastReleases: configuration.pastReleases,
    types: typesOf(configuration, side),
    zone: configuration.schedule.timeZone,
    now,
  }
}

/** The same by the clock of the side's server, or this machine's while that is not known; null: nothing is left out. */
export function scopeOf({ link, connectors }: Pick<Workbench, 'link' | 'connectors'>, side: Side): RecordScope | null {
  const { configuration } = link
  const { scope, root } = configuration[side]
  const kind = { releases: configuration.entityType === 'release', pastReleases: configuration.pastReleases }
  if (!restricts({ ...scope, root }, kind)) return null
  return recordScope(configuration, side, nowOf(connectors[side]))
}

/** The moment by the clock of a server, or by this machine's while the server's is not known. */
export function nowOf(connector: Pick<Connector, 'serverDate'>): string {
  const told = connector.serverDate()
  return new Date(told === null ? Date.now() : Date.parse(told.date) + told.ageMs).toISOString()
}

/** So many records are counted at most: a filter that ALM cannot say in one request is evaluated row by row. */
const mostCounted = 20_000
const shownRecords = 10

export interface ScopePreview {
  /** Records in scope; at least so many where it is not exact. */
  count: number
  exact: boolean
  /** All records of the type. */
  total: number
  first: { id: string; name: string; url: string }[]
}

/** How many records are in a scope now, and the first of them. */
export async function previewScope(
  connector: Connector,
  entityType: string,
  scope: Omit<RecordScope, 'now'>,
  call: CallOptions,
): Promise<ScopePreview> {
  const total = await connector.count(entityType, call)
  let count = 0
  let exact = true
  const ids: string[] = []
  for await (const page of connector.inScope(entityType, { ...scope, now: nowOf(connector) }, call)) {
    count += page.length
    ids.push(...page.slice(0, shownRecords - ids.length))
    if (count < mostCounted) continue
    exact = false
    break
  }
  const records = ids.length === 0 ? [] : await connector.read(entityType, ids, ['name'], call)
  const first = records.map(({ id, fields }) => ({
    id,
    name: String(fields.name ?? ''),
    url: connector.recordUrl(entityType, id),
  }))
  return { count, exact, total, first: first.sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id)) }
}

/** Of the records those that are out of their side's scope: one query for a batch, none where there is no scope. */
export async function outOfScope(
  bench: Pick<Workbench, 'link' | 'connectors'>,
  side: Side,
  ids: readonly string[],
  call: CallOptions,
): Promise<Set<string>> {
  const scope = ids.length === 0 ? null : scopeOf(bench, side)
  if (scope === null) return new Set()
  const { entityType } = bench.link.configuration[side]
  const inside = new Set(await bench.connectors[side].matching(entityType, ids, scope, call))
  return new Set(ids.filter((id) => !inside.has(id)))
}

/**
 * Time, a favorite or a moved folder takes records into scope without a change of theirs: a full scan lists what is in scope
 * and queues what was left out before. Nothing is asked while nothing is left out.
 */
export async function queueArrivals(
  store: Pick<Store, 'leftOut' | 'queueArrivals'>,
  bench: Pick<Workbench, 'link' | 'connectors'>,
  side: Side,
  call: CallOptions,
): Promise<void> {
  const { id: linkId, configuration } = bench.link
  const { scope, root, entityType } = configuration[side]
  const now = scopeOf(bench, side)
  if (now === null || !movesByItself({ ...scope, root }, { releases: configuration.entityType === 'release' })) return
  if ((await store.leftOut({ linkId, side })) === 0) return
  for await (const ids of bench.connectors[side].inScope(entityType, now, call))
    await store.queueArrivals({ linkId, side, ids })
}
