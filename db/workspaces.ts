import type { OctaneAddress } from '../core/endpoint.ts'
import { type Database, named } from './connection.ts'

export interface WorkspaceRow {
  id: string
  name: string
  createdAt: string
}

/** The Tandem workspace that stands for an Octane workspace; made when it is first needed. */
export async function workspaceFor({ sql }: Database, address: OctaneAddress): Promise<string> {
  const place = `${address.url.replace(/\/+$/, '')}/${address.sharedSpace}/${address.workspace}`
  const name = `Workspace ${address.workspace} at ${new URL(address.url).host}`
  const [row] = await named(
    'workspace for',
    () => sql<{ id: string }[]>`
      insert into workspaces (name, place) values (${name}, ${place})
      on conflict (place) do update set name = workspaces.name returning id`,
  )
  if (row === undefined) throw new Error('insert answered nothing')
  return row.id
}

export async function listWorkspaces({ sql }: Database): Promise<WorkspaceRow[]> {
  return named(
    'list workspaces',
    () => sql<WorkspaceRow[]>`
      select id, name, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "createdAt"
      from workspaces order by name`,
  )
}

/** Who gets the notices of a workspace; empty: nobody was chosen. */
export async function issueRecipients({ sql }: Database, workspaceId: string): Promise<string[]> {
  const [row] = await named(
    'issue recipients',
    () => sql<{ recipients: string[] }[]>`
      select issue_recipients as recipients from notification_settings where workspace_id = ${workspaceId}`,
  )
  return row?.recipients ?? []
}
