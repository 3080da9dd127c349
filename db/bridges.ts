import type postgres from 'postgres'
import { type Database, named } from './connection.ts'

export interface BridgeRow {
  id: string
  name: string
  publicKey: Record<string, unknown>
  build: string | null
  seenAt: string | null
}

/** Makes a bridge known with its public key, or brings its key up to date. */
export async function saveBridge(
  { sql }: Database,
  bridge: { id: string; name: string; publicKey: Record<string, unknown> },
): Promise<void> {
  await named(
    'save bridge',
    () => sql`
      insert into bridges (id, name, public_key) values (${bridge.id}, ${bridge.name}, ${sql.json(bridge.publicKey as postgres.JSONValue)})
      on conflict (id) do update set name = excluded.name, public_key = excluded.public_key`,
  )
}

export async function bridgeSeen({ sql }: Database, id: string, build: string): Promise<void> {
  await named('bridge seen', () => sql`update bridges set seen_at = now(), build = ${build} where id = ${id}`)
}

export async function listBridges({ sql }: Database): Promise<BridgeRow[]> {
  return named(
    'list bridges',
    () => sql<BridgeRow[]>`
      select id, name, public_key as "publicKey", build,
        to_char(seen_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "seenAt"
      from bridges order by id`,
  )
}
