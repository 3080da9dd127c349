import type { CallOptions } from '../connectors/contract.ts'
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
  const told = connectors[side].serverDate()
  const now = told === null ? Date.now() : Date.parse(told.date) + told.ageMs
  return recordScope(configuration, side, new Date(now).toISOString())
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
