import type { SandboxPlace } from '../standalone/demo-systems.ts'
import { CookieClient } from './raw-clients.ts'

export interface RawItem {
  id: string
  name: string
  description: string
  /** Id in Octane of what it lies under; null: nothing. */
  parent: string | null
  comments: string[]
}

export interface RawFile {
  id: string
  name: string
  size: number
  owner: string
}

export type Level = 'epics' | 'features' | 'stories'

/** The plainest possible way of a backlog with its files from Octane to ALM: bulk requests and nothing else. */
export interface RawBacklog {
  ids(level: Level): Promise<string[]>
  read(level: Level, ids: readonly string[], comments: boolean): Promise<RawItem[]>
  /** Requirements in one bulk request; answers their ids. */
  create(rows: readonly (RawItem & { typeId: string; parentId: string })[]): Promise<string[]>
  linkBack(level: Level, rows: readonly { id: string; reference: string }[]): Promise<void>
  files(owners: readonly string[]): Promise<RawFile[]>
  carry(file: RawFile, requirement: string): Promise<void>
  close(): Promise<void>
}

type Row = { id: string } & Record<string, unknown>

export async function rawBacklog({ alm, octane }: SandboxPlace, connections: number): Promise<RawBacklog> {
  const [left, right] = [new CookieClient(connections), new CookieClient(connections)]
  const json = { accept: 'application/json', 'content-type': 'application/json' }
  const { user, password } = alm.credentials.user
  await left.send('POST', `${alm.url}/api/authentication/sign-in`, {
    accept: 'application/json',
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  })
  const { clientId, clientSecret } = octane.credentials.apiKey
  const signIn = JSON.stringify({ client_id: clientId, client_secret: clientSecret })
  await right.send('POST', `${octane.url}/authentication/sign_in`, json, signIn)
  const requirements = `${alm.url}/rest/domains/${alm.domain}/projects/${alm.project}/requirements`
  const place = `${octane.url}/api/shared_spaces/${octane.sharedSpace}/workspaces/${octane.workspace}`

  async function all(collection: string, query: string, fields: string): Promise<Row[]> {
    const found: Row[] = []
    for (;;) {
      const parameters = new URLSearchParams({
        query: `"${query === '' ? '' : `${query};`}id GT ${found[found.length - 1]?.id ?? '0'}"`,
        fields,
        order_by: 'id',
        limit: '1000',
      })
      const answer = await right.send('GET', `${place}/${collection}?${parameters}`, json)
      const { data, total_count: total } = JSON.parse(answer.text) as { data: Row[]; total_count: number }
      found.push(...data)
      if (data.length === 0 || total <= data.length) return found
    }
  }

  const idOf = (value: unknown) => String((value as { id?: string } | null)?.id ?? '')

  return {
    ids: async (level) => (await all(level, '', 'id')).map((row) => String(row.id)),
    async read(level, ids, comments) {
      const rows = await all(
        level,
        `id IN ${ids.join(',')}`,
        'id,version_stamp,last_modified,creation_time,name,description,owner,release,phase,alm_id_udf,parent',
      )
      const said = new Map<string, string[]>()
      if (comments)
        for (const row of await all(
          'comments',
          `owner_work_item EQ {id IN ${ids.join(',')}}`,
          'id,text,owner_work_item',
        ))
          said.set(idOf(row.owner_work_item), [...(said.get(idOf(row.owner_work_item)) ?? []), String(row.text)])
      return rows.map((row) => ({
        id: String(row.id),
        name: String(row.name),
        description: String(row.description ?? ''),
        parent: row.parent === null ? null : idOf(row.parent),
        comments: said.get(String(row.id)) ?? [],
      }))
    },
    async create(rows) {
      const entities = rows.map((row) => {
        const fields: Record<string, string> = {
          name: row.name,
          description: row.description,
          'type-id': row.typeId,
          'parent-id': row.parentId,
          'user-01': `${octane.sharedSpace}/${octane.workspace}/work_item/${row.id}`,
          ...(row.comments.length === 0 ? {} : { comments: `<html><body>${row.comments.join('<br/>')}</body></html>` }),
        }
        return {
          Type: 'requirement',
          Fields: Object.entries(fields).map(([Name, value]) => ({ Name, values: [{ value }] })),
        }
      })
      const headers = { accept: 'application/json', 'content-type': 'application/json;type=collection' }
      const answer = await left.send('POST', requirements, headers, JSON.stringify({ entities }))
      const body = JSON.parse(answer.text) as {
        entities: { Fields: { Name: string; values: { value?: string }[] }[] }[]
      }
      return body.entities.map((entity) => entity.Fields.find((field) => field.Name === 'id')?.values[0]?.value ?? '')
    },
    async linkBack(level, rows) {
      const data = rows.map(({ id, reference }) => ({ id, alm_id_udf: reference }))
      await right.send('PUT', `${place}/${level}?fields=id,version_stamp`, json, JSON.stringify({ data }))
    },
    async files(owners) {
      const rows = await all(
        'attachments',
        `owner_work_item EQ {id IN ${owners.join(',')}}`,
        'id,name,size,version_stamp,owner_work_item',
      )
      return rows.map((row) => ({
        id: String(row.id),
        name: String(row.name),
        size: Number(row.size),
        owner: idOf(row.owner_work_item),
      }))
    },
    async carry(file, requirement) {
      const boundary = `raw-${file.id}`
      const part = (name: string, value: string) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
      const head = `${part('filename', file.name)}${part('description', '')}${part('override-existing-attachment', 'n')}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\nContent-Type: application/octet-stream\r\n\r\n`
      await left.carry(
        { client: right, url: `${place}/attachments/${file.id}` },
        {
          url: `${requirements}/${requirement}/attachments`,
          headers: { accept: 'application/json', 'content-type': `multipart/form-data; boundary=${boundary}` },
          form: { head: Buffer.from(head), tail: Buffer.from(`\r\n--${boundary}--\r\n`) },
          size: file.size,
        },
      )
    },
    close: async () => void (await Promise.all([left.close(), right.close()])),
  }
}
