import type postgres from 'postgres'
import type { EndpointAddress } from '../core/endpoint.ts'
import { type LinkConfiguration, type LinkKind, linkConfiguration } from '../core/link-config.ts'
import { closedUntil, closesAt } from '../core/schedule.ts'
import { type EndpointContext, type LinkContext, StoreError, type WatchState } from '../core/store.ts'
import type { Database } from './connection.ts'
import { named } from './connection.ts'
import { epochMs, scheduleOf } from './schedule.ts'

interface LinkRow {
  id: string
  name: string
  version: number
  configuration: LinkConfiguration
  endpoint_pair_id: string
}

interface EndpointRow {
  id: string
  name: string
  address: EndpointAddress
  sealed: string | null
  revision: number
}

/** A link with its configuration, its endpoints with what this bridge can open, and the people mapped by hand. */
export async function loadLinkContext(
  { sql }: Database,
  bridgeId: string,
  linkId: string,
  version?: number,
): Promise<LinkContext> {
  const [row] = await named(
    'load link',
    () =>
      sql<LinkRow[]>`
      select l.id, l.name, v.version, v.configuration, l.endpoint_pair_id
      from links l join link_versions v on v.link_id = l.id and v.version = ${version ?? sql`l.version`}
      where l.id = ${linkId}`,
  )
  if (row === undefined) throw new StoreError('link-not-found', `There is no link ${linkId} in that version.`)
  // Parsed again, so that a configuration written by an older release has the defaults of this one.
  const configuration = linkConfiguration.parse(row.configuration)
  const [left, right, users, kinds] = await Promise.all([
    loadEndpointContext(sql, bridgeId, configuration.left.endpointId),
    loadEndpointContext(sql, bridgeId, configuration.right.endpointId),
    named(
      'load users',
      () =>
        sql<LinkContext['users'][number][]>`
        select left_key as left, right_key as right, direction from user_mappings
        where endpoint_pair_id = ${row.endpoint_pair_id}`,
    ),
    named(
      'load kinds',
      () =>
        sql<{ kind: LinkKind }[]>`
        select distinct v.configuration ->> 'entityType' as kind
        from links l join link_versions v on v.link_id = l.id and v.version = l.version
        where l.endpoint_pair_id = ${row.endpoint_pair_id} and l.deleted_at is null`,
    ),
  ])
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    configuration,
    left,
    right,
    users,
    kinds: kinds.map(({ kind }) => kind),
  }
}

export async function loadEndpointContext(
  sql: postgres.Sql,
  bridgeId: string,
  endpointId: string,
): Promise<EndpointContext> {
  const [row] = await named(
    'load endpoint',
    () =>
      sql<EndpointRow[]>`
      select e.id, e.name, e.address, e.revision, c.sealed ->> ${bridgeId} as sealed
      from endpoints e join credentials c on c.id = e.credential_id where e.id = ${endpointId}`,
  )
  if (row === undefined) throw new StoreError('link-not-found', `There is no endpoint ${endpointId}.`)
  return { id: row.id, name: row.name, address: row.address, sealedSecret: row.sealed ?? '', revision: row.revision }
}

export async function loadWatchState({ sql }: Database, linkId: string): Promise<WatchState> {
  const [row] = await named(
    'watch state',
    () =>
      sql<{ mode: WatchState['mode']; paused: boolean; schedule: unknown; now: number; due: number }[]>`
      select l.mode, l.paused or l.deleted_at is not null as paused,
        v.configuration -> 'schedule' as schedule, ${epochMs(sql, sql`now()`)} as now,
        (select count(*)::int from pending p where p.link_id = l.id and p.next_attempt_at <= now()) as due
      from links l join link_versions v on v.link_id = l.id and v.version = l.version where l.id = ${linkId}`,
  )
  if (row === undefined) throw new StoreError('link-not-found', `There is no link ${linkId}.`)
  const schedule = scheduleOf(row.schedule)
  const closes = closesAt(schedule, row.now)
  return {
    mode: row.mode,
    paused: row.paused,
    // A link that works at given times only is looked at every minute while its endpoint or bridge is in trouble.
    intervalSeconds: schedule.intervalSeconds ?? 60,
    closed: closedUntil(schedule, row.now) !== null,
    closesInMs: closes === null ? null : closes - row.now,
    due: row.due,
  }
}
