import { isDeepStrictEqual } from 'node:util'
import type postgres from 'postgres'
import { configurationChange } from '../core/config-change.ts'
import { type LinkConfiguration, linkConfiguration } from '../core/link-config.ts'
import type { DefinedPair } from '../core/link-definition.ts'
import { type CheckState, type LinkActivity, type LinkHealth, type LinkStatus, linkStatus } from '../core/link-state.ts'
import type { RunStatus } from '../core/run.ts'
import { type ScheduleNow, scheduleNow } from '../core/schedule.ts'
import { StoreError } from '../core/store.ts'
import { sides } from '../core/values.ts'
import { forgetAdoptions } from './adoptions.ts'
import { type Database, named } from './connection.ts'
import { insertPairs } from './import-pairs.ts'
import { notIgnored } from './issues.ts'
import { appendLedger, chainOf } from './ledger.ts'
import { tellHealth, tellStopped } from './outbox.ts'
import { queueKnownPairs, requeueClasses, requeueForChange } from './requeue.ts'
import {
  type AgendaFacts,
  agendaColumns,
  agendaOf,
  type ScheduleView,
  shownSchedule,
  timesChanged,
} from './schedule.ts'

export interface LinkRow {
  id: string
  name: string
  description: string
  workspaceId: string
  workspaceName: string
  bridgeId: string
  entityType: string
  left: { id: string; name: string; kind: string }
  right: { id: string; name: string; kind: string }
  mode: 'manual' | 'automatic'
  paused: boolean
  version: number
  status: LinkStatus
  activity: LinkActivity
  health: LinkHealth
  healthMessage: string | null
  check: CheckState
  currentRun: string | null
  lastRun: { id: string; status: RunStatus; endedAt: string | null } | null
  schedule: ScheduleView
  openIssues: number
  openWarnings: number
  pairs: number
  pending: number
  createdAt: string
}

/** The same two ends are joined for the same type already. */
export class TwinLinkError extends Error {
  readonly twin: string

  constructor(twin: string) {
    super(`The link "${twin}" joins the same endpoints for the same type already.`)
    this.twin = twin
  }
}

/**
 * Creates a link with version 1 of its configuration; throws TwinLinkError where one lives that would fight with it over the
 * same records. The endpoint pair is shared by all links of the same two ends; its row's lock lets one creation through at a
 * time.
 */
export async function createLink(
  { sql }: Database,
  input: {
    name: string
    description: string
    workspaceId: string
    bridgeId: string
    configuration: LinkConfiguration
    author: string
    comment: string
    /** Pairs that the link starts with, from elsewhere; throws PairsClashError. */
    pairs?: readonly DefinedPair[]
  },
): Promise<string> {
  const { configuration, pairs = [] } = input
  return named('create link', () =>
    sql.begin(async (tx) => {
      const [pair] = await tx<{ id: string }[]>`
        insert into endpoint_pairs (left_id, right_id) values (${configuration.left.endpointId}, ${configuration.right.endpointId})
        on conflict (left_id, right_id) do update set left_id = excluded.left_id returning id`
      const [twin] = await tx<{ name: string }[]>`
        select l.name from links l join link_versions v on v.link_id = l.id and v.version = l.version
        where l.deleted_at is null and l.endpoint_pair_id = ${pair?.id ?? null}
          and v.configuration ->> 'entityType' = ${configuration.entityType}`
      if (twin !== undefined) throw new TwinLinkError(twin.name)
      const [row] = await tx<{ id: string }[]>`
        insert into links (workspace_id, endpoint_pair_id, bridge_id, name, description)
        values (${input.workspaceId}, ${pair?.id ?? null}, ${input.bridgeId}, ${input.name}, ${input.description}) returning id`
      if (row === undefined) throw new Error('insert answered nothing')
      await inheritIntents(tx, row.id, pair?.id ?? null, configuration.entityType)
      if (pairs.length > 0) await insertPairs(tx, pair?.id ?? '', configuration, pairs)
      await queueKnownPairs(tx, row.id, pair?.id ?? null, configuration.entityType)
      await tx`
        insert into link_versions (link_id, version, configuration, author, comment)
        values (${row.id}, 1, ${tx.json(configuration as unknown as postgres.JSONValue)}, ${input.author}, ${input.comment})`
      await appendLedger(tx, chainOf(row.id), [
        {
          kind: 'command',
          action: 'link created',
          linkId: row.id,
          content: { name: input.name, version: 1, ...(pairs.length === 0 ? {} : { importedPairs: pairs.length }) },
          actor: input.author,
          version: 1,
        },
      ])
      return row.id
    }),
  )
}

/**
 * Writes of a deleted link whose answer never came are settled by the link that follows it: it would not look for a create
 * that it did not send, and would send it again. As of version 0 they say nothing about what the new mappings mean.
 */
async function inheritIntents(
  tx: postgres.TransactionSql,
  linkId: string,
  endpointPairId: string | null,
  entityType: string,
): Promise<void> {
  await tx`
    update intents i set link_id = ${linkId}, version = 0
    from links l join link_versions v on v.link_id = l.id and v.version = l.version
    where i.link_id = l.id and l.id <> ${linkId} and l.deleted_at is not null and l.endpoint_pair_id = ${endpointPairId}
      and v.configuration ->> 'entityType' = ${entityType}`
}

/**
 * Adds a version where `expectedVersion` is still the newest; answers null when somebody was faster. Records that the change
 * concerns are due at once.
 */
export async function addLinkVersion(
  { sql }: Database,
  input: { linkId: string; expectedVersion: number; configuration: LinkConfiguration; author: string; comment: string },
): Promise<number | null> {
  return named('add link version', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ version: number }[]>`
        update links set version = version + 1, updated_at = now()
        where id = ${input.linkId} and version = ${input.expectedVersion} and deleted_at is null returning version`
      if (row === undefined) return null
      const [before] = await tx<{ configuration: unknown }[]>`
        select configuration from link_versions where link_id = ${input.linkId} and version = ${input.expectedVersion}`
      await tx`
        insert into link_versions (link_id, version, configuration, author, comment)
        values (${input.linkId}, ${row.version}, ${tx.json(input.configuration as unknown as postgres.JSONValue)}, ${input.author}, ${input.comment})`
      const [old, next] = [linkConfiguration.parse(before?.configuration), input.configuration]
      const change = configurationChange(old, next)
      const times = timesChanged(old.schedule, next.schedule)
      const sameButSchedule = isDeepStrictEqual({ ...old, schedule: null }, { ...next, schedule: null })
      // Nothing that an integrity check looks at has changed with a schedule.
      await tx`
        update links set check_state = case when ${sameButSchedule} then check_state else 'needed' end,
          checked_version = case when ${sameButSchedule} and checked_version = ${input.expectedVersion} then version else checked_version end,
          runs_since = case when ${times.runs} then now() else runs_since end,
          full_scans_since = case when ${times.fullScans} then now() else full_scans_since end
        where id = ${input.linkId}`
      const due = await requeueForChange(tx, input.linkId, change)
      // Records of a type that comes in are as old as they like: the next scan lists everything, whatever its extent.
      if (hasNewTypes(old, next)) await tx`update scan_positions set since = null where link_id = ${input.linkId}`
      await appendLedger(tx, chainOf(input.linkId), [
        {
          kind: 'command',
          action: `configuration version ${row.version}`,
          linkId: input.linkId,
          content: { version: row.version, comment: input.comment, due },
          actor: input.author,
          version: row.version,
        },
      ])
      return row.version
    }),
  )
}

export interface LinkVersionRow {
  version: number
  author: string
  comment: string
  createdAt: string
  configuration: LinkConfiguration
}

export async function listLinkVersions({ sql }: Database, linkId: string, version?: number): Promise<LinkVersionRow[]> {
  return named(
    'list link versions',
    () => sql<LinkVersionRow[]>`
      select version, author, comment, configuration, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "createdAt"
      from link_versions where link_id = ${linkId} and ${version === undefined ? sql`true` : sql`version = ${version}`}
      order by version desc`,
  )
}

type LinkFactsRow = Omit<LinkRow, 'status' | 'schedule'> & {
  deleted: boolean
  stopped: boolean
  braked: boolean
  agenda: AgendaFacts
}

/**
 * Links by name, with the facts from which their status is derived. A run that has ended is over at once, although the
 * workflow shows so a moment later.
 */
export async function listLinks({ sql }: Database, id?: string): Promise<LinkRow[]> {
  const rows = await named(
    'list links',
    () => sql<LinkFactsRow[]>`
      select l.id, l.name, l.description, l.workspace_id as "workspaceId", w.name as "workspaceName", l.bridge_id as "bridgeId",
        v.configuration ->> 'entityType' as "entityType",
        jsonb_build_object('id', a.id, 'name', a.name, 'kind', a.kind) as left,
        jsonb_build_object('id', b.id, 'name', b.name, 'kind', b.kind) as right,
        l.mode, l.paused, l.version, case when ended.id is null then l.activity else 'idle' end as activity, l.health, l.health_message as "healthMessage", l.check_state as check,
        case when ended.id is null then l.current_run end as "currentRun", l.deleted_at is not null as deleted,
        (select jsonb_build_object('id', r.id, 'status', r.status,
            'endedAt', to_char(r.ended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
          from runs r where r.link_id = l.id and r.kind in ('incremental', 'full') and r.status <> 'running'
          order by r.started_at desc limit 1) as "lastRun",
        (select count(*)::int from issues i where i.link_id = l.id and i.resolved_at is null
          and i.severity = 'error' and ${notIgnored(sql)}) as "openIssues",
        (select count(*)::int from issues i where i.link_id = l.id and i.resolved_at is null
          and i.severity = 'warning' and ${notIgnored(sql)}) as "openWarnings",
        (select count(*)::int from pairs q where q.endpoint_pair_id = l.endpoint_pair_id and q.entity_type = v.configuration ->> 'entityType') as pairs,
        (select count(*)::int from pending q where q.link_id = l.id) as pending,
        exists (select 1 from scan_positions s where s.link_id = l.id and s.restored_at is not null) as stopped,
        exists (select 1 from brakes b where b.link_id = l.id and b.approved_at is null) as braked,
        ${agendaColumns(sql)} as agenda,
        to_char(l.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "createdAt"
      from links l join workspaces w on w.id = l.workspace_id
      join link_versions v on v.link_id = l.id and v.version = l.version
      join endpoint_pairs p on p.id = l.endpoint_pair_id
      join endpoints a on a.id = p.left_id join endpoints b on b.id = p.right_id
      left join runs ended on ended.id = l.current_run and ended.status <> 'running'
      where l.deleted_at is null and ${id === undefined ? sql`true` : sql`l.id = ${id}`} order by l.name`,
  )
  return rows.map(({ deleted, stopped, braked, agenda: facts, ...row }) => {
    const schedule = shownSchedule(facts, row.mode === 'automatic' && !row.paused)
    const closed = schedule.closedUntil !== null
    const status = linkStatus({ ...row, deleted, stopped, braked, closed, lastRun: row.lastRun?.status ?? null })
    return { ...row, status, schedule }
  })
}

export async function getLink(database: Database, id: string): Promise<LinkRow | null> {
  const [row] = await listLinks(database, id)
  return row ?? null
}

export async function renameLink(
  { sql }: Database,
  id: string,
  change: { name?: string; description?: string },
  actor: string,
): Promise<void> {
  await named('rename link', () =>
    sql.begin(async (tx) => {
      await tx`update links set name = coalesce(${change.name ?? null}, name), description = coalesce(${change.description ?? null}, description),
        updated_at = now() where id = ${id}`
      await appendLedger(tx, chainOf(id), [
        { kind: 'command', action: 'link renamed', linkId: id, content: { ...change }, actor },
      ])
    }),
  )
}

/** Names of all links by id, deleted ones too. */
export async function linkNames({ sql }: Database): Promise<Map<string, string>> {
  const rows = await named('link names', () => sql<{ id: string; name: string }[]>`select id, name from links`)
  return new Map(rows.map((row) => [row.id, row.name]))
}

/** Links whose workflow must be alive. */
export async function listLiveLinks({ sql }: Database): Promise<string[]> {
  const rows = await named(
    'list live links',
    () => sql<{ id: string }[]>`select id from links where deleted_at is null`,
  )
  return rows.map((row) => row.id)
}

export interface LinkControlRow {
  name: string
  workspaceId: string
  bridgeId: string
  mode: 'manual' | 'automatic'
  paused: boolean
  deleted: boolean
  version: number
  check: CheckState
  schedule: ScheduleNow
}

/** What the link's workflow reads at each turn of its loop. A check of an older version does not count. */
export async function loadLinkControl({ sql }: Database, linkId: string): Promise<LinkControlRow> {
  const [row] = await named(
    'load link control',
    () => sql<(Omit<LinkControlRow, 'schedule'> & { agenda: AgendaFacts })[]>`
      select l.name, l.workspace_id as "workspaceId", l.bridge_id as "bridgeId", l.mode, l.paused,
        l.deleted_at is not null as deleted, l.version,
        case when l.checked_version = l.version then l.check_state else 'needed' end as check, ${agendaColumns(sql)} as agenda
      from links l join link_versions v on v.link_id = l.id and v.version = l.version where l.id = ${linkId}`,
  )
  if (row === undefined) throw new StoreError('link-not-found', `There is no link ${linkId}.`)
  const { agenda: facts, ...control } = row
  const { schedule, agenda } = agendaOf(facts)
  return { ...control, schedule: scheduleNow(schedule, agenda, facts.now) }
}

/** Writes mode, pause, deletion or the wish for a full scan and the command's ledger row in one transaction. */
export async function setLinkMode(
  { sql }: Database,
  input: {
    linkId: string
    change: { mode?: 'manual' | 'automatic'; paused?: boolean; deleted?: boolean; fullNext?: true }
    actor: string
    command: string
    reason?: string
    callId: string
  },
): Promise<void> {
  const { linkId, change, actor, command, reason, callId } = input
  await named('set link mode', () =>
    sql.begin(async (tx) => {
      const first = await tx`insert into store_calls (id) values (${callId}) on conflict do nothing returning 1`
      if (first.length === 0) return
      await tx`
        update links set mode = coalesce(${change.mode ?? null}, mode), paused = coalesce(${change.paused ?? null}, paused),
          full_asked_at = case when ${change.fullNext ?? false} then now() else full_asked_at end,
          deleted_at = case when ${change.deleted ?? false} then coalesce(deleted_at, now()) else deleted_at end, updated_at = now()
        where id = ${linkId}`
      if (change.deleted === true) await forgetAdoptions(tx, linkId)
      const content = { ...change, ...(reason === undefined ? {} : { reason }) }
      await appendLedger(tx, chainOf(linkId), [{ kind: 'command', action: command, linkId, content, actor }])
    }),
  )
}

/**
 * Shows what the link is doing and how it is. The change to trouble puts one notice into the outbox, the change back
 * another one; a repeat of the same state puts none.
 */
export async function saveLinkState(
  { sql }: Database,
  linkId: string,
  state: { activity: LinkActivity; health: LinkHealth; healthMessage: string | null; currentRun: string | null },
): Promise<void> {
  await named('save link state', () =>
    sql.begin(async (tx) => {
      const [before] = await tx<{ health: LinkHealth; message: string | null; since: string | null; now: string }[]>`
        select health, health_message as message, trouble_since::text as since, now()::text as now
        from links where id = ${linkId} for update`
      if (before === undefined) return
      const began = before.health === 'ok' && state.health !== 'ok'
      const ended = before.health !== 'ok' && state.health === 'ok'
      await tx`
        update links set activity = ${state.activity}, health = ${state.health}, health_message = ${state.healthMessage},
          current_run = ${state.currentRun},
          trouble_since = case when ${began} then now() when ${ended} then null else trouble_since end
        where id = ${linkId}`
      if (!began && !ended) return
      await tellHealth(tx, {
        linkId,
        began,
        since: began ? before.now : (before.since ?? before.now),
        until: before.now,
        health: began ? state.health : before.health,
        message: began ? state.healthMessage : before.message,
      })
    }),
  )
}

/** A passed check has looked at accounts, permissions, fields and lists: what waited for one of these is tried again. */
const checkedClasses = ['auth', 'forbidden', 'schema', 'mapping'] as const

export async function markChecked({ sql }: Database, linkId: string, version: number, passed: boolean): Promise<void> {
  await named('mark checked', () =>
    sql.begin(async (tx) => {
      const [row] = await tx<{ mode: string }[]>`
        update links set check_state = ${passed ? 'passed' : 'failed'}, checked_version = ${version}
        where id = ${linkId} and version = ${version} returning mode`
      // In manual mode whoever had it checked looks at the answer.
      if (!passed && row?.mode === 'automatic')
        await tellStopped(tx, { linkId, reason: 'check-failed', key: String(version) })
      if (passed) await requeueClasses(tx, linkId, checkedClasses)
    }),
  )
}

function hasNewTypes(before: LinkConfiguration, after: LinkConfiguration): boolean {
  return sides.some((side) => {
    const known = new Set(before.types.flatMap((type) => type[side].values))
    return after.types.some((type) => type[side].values.some((value) => !known.has(value)))
  })
}
