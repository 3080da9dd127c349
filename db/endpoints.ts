import type postgres from 'postgres'
import type { EndpointAddress } from '../core/endpoint.ts'
import { type Database, named } from './connection.ts'
import { appendLedger, chainOf } from './ledger.ts'
import { requeueClasses } from './requeue.ts'

/** An endpoint as anyone may see it: no read ever returns its secret. */
export interface EndpointRow {
  id: string
  name: string
  kind: 'alm' | 'octane'
  address: EndpointAddress
  revision: number
  testedAt: string | null
  testReport: Record<string, unknown> | null
  createdAt: string
  links: { id: string; name: string }[]
  /** Batches at a time of all links together; null: as the installation says. */
  maxBatches: number | null
}

export async function createEndpoint(
  { sql }: Database,
  input: {
    name: string
    address: EndpointAddress
    sealed: Record<string, string>
    testReport: Record<string, unknown> | null
    actor: string
  },
): Promise<string> {
  return named('create endpoint', () =>
    sql.begin(async (tx) => {
      const [credential] = await tx<{ id: string }[]>`
        insert into credentials (name, sealed) values (${input.name}, ${tx.json(input.sealed)}) returning id`
      const [row] = await tx<{ id: string }[]>`
        insert into endpoints (name, kind, address, credential_id, tested_at, test_report)
        values (${input.name}, ${input.address.kind}, ${tx.json(input.address)}, ${credential?.id ?? null},
          ${input.testReport === null ? null : tx`now()`}, ${input.testReport === null ? null : tx.json(input.testReport as postgres.JSONValue)})
        returning id`
      if (row === undefined) throw new Error('insert answered nothing')
      await appendLedger(tx, chainOf(null), [
        {
          kind: 'command',
          action: 'endpoint created',
          linkId: null,
          content: { endpointId: row.id, name: input.name, address: input.address },
          actor: input.actor,
        },
      ])
      return row.id
    }),
  )
}

/** Changes name, address, secret or limit; a change of what is connected to raises the revision. */
export async function updateEndpoint(
  { sql }: Database,
  id: string,
  change: { name?: string; address?: EndpointAddress; sealed?: Record<string, string>; maxBatches?: number | null },
  actor: string,
): Promise<void> {
  await named('update endpoint', () =>
    sql.begin(async (tx) => {
      if (change.name !== undefined) await tx`update endpoints set name = ${change.name} where id = ${id}`
      if (change.address !== undefined)
        await tx`update endpoints set address = ${tx.json(change.address)} where id = ${id}`
      if (change.sealed !== undefined)
        await tx`update credentials set sealed = ${tx.json(change.sealed)} where id = (select credential_id from endpoints where id = ${id})`
      if (change.maxBatches !== undefined)
        await tx`update endpoints set max_batches = ${change.maxBatches} where id = ${id}`
      if (change.address !== undefined || change.sealed !== undefined) await raiseRevision(tx, id)
      const changed = [
        ...(change.name === undefined ? [] : ['name']),
        ...(change.address === undefined ? [] : ['address']),
        ...(change.sealed === undefined ? [] : ['secret']),
        ...(change.maxBatches === undefined ? [] : ['maxBatches']),
      ]
      await appendLedger(tx, chainOf(null), [
        {
          kind: 'command',
          action: 'endpoint changed',
          linkId: null,
          content: {
            endpointId: id,
            changed,
            ...(change.maxBatches === undefined ? {} : { maxBatches: change.maxBatches }),
          },
          actor,
        },
      ])
    }),
  )
}

/** Sessions and descriptions of the old account are dropped; what it was not allowed to do is tried again at once. */
async function raiseRevision(tx: postgres.TransactionSql, id: string): Promise<void> {
  await tx`update endpoints set revision = revision + 1 where id = ${id}`
  const links = await tx<{ id: string }[]>`
    select l.id from links l join endpoint_pairs p on p.id = l.endpoint_pair_id
    where l.deleted_at is null and ${id} in (p.left_id, p.right_id)`
  for (const link of links) await requeueClasses(tx, link.id, ['auth', 'forbidden'])
}

export async function listEndpoints({ sql }: Database, id?: string): Promise<EndpointRow[]> {
  return named(
    'list endpoints',
    () => sql<EndpointRow[]>`
      select e.id, e.name, e.kind, e.address, e.revision, e.max_batches as "maxBatches", e.test_report as "testReport",
        to_char(e.tested_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "testedAt",
        to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "createdAt",
        coalesce((select jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name) order by l.name)
          from links l join endpoint_pairs p on p.id = l.endpoint_pair_id
          where l.deleted_at is null and e.id in (p.left_id, p.right_id)), '[]') as links
      from endpoints e where ${id === undefined ? sql`true` : sql`e.id = ${id}`} order by e.name`,
  )
}

export async function getEndpoint(database: Database, id: string): Promise<EndpointRow | null> {
  const [row] = await listEndpoints(database, id)
  return row ?? null
}

/** True when records of the endpoint were paired: its project cannot be switched any more. */
export async function endpointHasPairs({ sql }: Database, id: string): Promise<boolean> {
  const [row] = await named(
    'endpoint has pairs',
    () => sql<{ any: boolean }[]>`
      select exists (select 1 from pairs p join endpoint_pairs e on e.id = p.endpoint_pair_id where ${id} in (e.left_id, e.right_id)) as any`,
  )
  return row?.any === true
}

export async function markEndpointTested(
  { sql }: Database,
  id: string,
  report: Record<string, unknown>,
): Promise<void> {
  await named(
    'mark endpoint tested',
    () =>
      sql`update endpoints set tested_at = now(), test_report = ${sql.json(report as postgres.JSONValue)} where id = ${id}`,
  )
}

/** Deletes an endpoint that no link ever used; answers false when one did. */
export async function deleteEndpoint({ sql }: Database, id: string, actor: string): Promise<boolean> {
  return named('delete endpoint', () =>
    sql.begin(async (tx) => {
      const [used] = await tx<
        { any: boolean }[]
      >`select exists (select 1 from endpoint_pairs where ${id} in (left_id, right_id)) as any`
      if (used?.any === true) return false
      const [row] = await tx<
        { credential_id: string }[]
      >`delete from endpoints where id = ${id} returning credential_id`
      if (row === undefined) return true
      await tx`delete from credentials where id = ${row.credential_id}`
      await appendLedger(tx, chainOf(null), [
        { kind: 'command', action: 'endpoint deleted', linkId: null, content: { endpointId: id }, actor },
      ])
      return true
    }),
  )
}
