import { Readable } from 'node:stream'
import { Agent, request } from 'undici'

/**
 * The plainest possible clients of both systems, for the lines that Tandem is measured against: they sign in once, send
 * what they are told and parse the answer. No retries, no checks, no bookkeeping.
 */
export interface RawAlm {
  /** Ids of all defects, ascending. */
  ids(): Promise<string[]>
  /** Ids and stamps of all defects, in the largest pages. */
  stamps(): Promise<number>
  read(ids: readonly string[], fields: readonly string[]): Promise<Record<string, string>[]>
  /** Writes one field of many records in one bulk request. */
  bulkUpdate(rows: readonly { id: string; field: string; value: string }[]): Promise<void>
  update(id: string, field: string, value: string): Promise<void>
  close(): Promise<void>
}

export interface RawOctane {
  create(rows: readonly Record<string, unknown>[]): Promise<{ id: string }[]>
  /** All defects with these fields, in the largest pages, ascending. */
  list(fields: readonly string[]): Promise<OctaneRow[]>
  /** Ids and stamps of all defects. */
  stamps(): Promise<number>
  read(ids: readonly string[], fields: readonly string[]): Promise<OctaneRow[]>
  /** Answered with these fields; as a rule what tells that it happened. */
  update(rows: readonly Record<string, unknown>[], answered?: readonly string[]): Promise<void>
  close(): Promise<void>
}

export type OctaneRow = { id: string } & Record<string, unknown>

interface Answer {
  status: number
  text: string
}

/** Keeps cookies and sends the token that one of them holds. */
export class CookieClient {
  readonly #agent: Agent
  readonly #cookies = new Map<string, string>()

  constructor(connections: number) {
    this.#agent = new Agent({ connections, pipelining: 1 })
  }

  async send(
    method: 'GET' | 'POST' | 'PUT',
    url: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<Answer> {
    const xsrf = this.#cookies.get('XSRF-TOKEN')
    const answer = await request(url, {
      method,
      dispatcher: this.#agent,
      headers: {
        ...headers,
        ...(this.#cookies.size === 0 ? {} : { cookie: this.#cookie() }),
        ...(xsrf === undefined ? {} : { 'x-xsrf-token': xsrf }),
      },
      ...(body === undefined ? {} : { body }),
    })
    const set = answer.headers['set-cookie'] ?? []
    for (const cookie of Array.isArray(set) ? set : [set]) {
      const [pair = ''] = cookie.split(';')
      const equals = pair.indexOf('=')
      if (equals > 0) this.#cookies.set(pair.slice(0, equals), pair.slice(equals + 1))
    }
    const text = await answer.body.text()
    if (answer.statusCode >= 400)
      throw new Error(`${method} ${new URL(url).pathname}: ${answer.statusCode} ${text.slice(0, 300)}`)
    return { status: answer.statusCode, text }
  }

  /** The bytes of a file from one server to another, as they come. `form`: what stands before and after them there. */
  async carry(
    from: { client: CookieClient; url: string },
    to: { url: string; headers: Record<string, string>; form: { head: Buffer; tail: Buffer }; size: number },
  ): Promise<void> {
    const file = await request(from.url, {
      dispatcher: from.client.#agent,
      headers: { accept: 'application/octet-stream', cookie: from.client.#cookie() },
    })
    const { form, size } = to
    async function* body() {
      yield form.head
      yield* file.body
      yield form.tail
    }
    const xsrf = this.#cookies.get('XSRF-TOKEN')
    const answer = await request(to.url, {
      method: 'POST',
      dispatcher: this.#agent,
      headers: {
        ...to.headers,
        cookie: this.#cookie(),
        ...(xsrf === undefined ? {} : { 'x-xsrf-token': xsrf }),
        'content-length': String(form.head.length + size + form.tail.length),
      },
      body: Readable.from(body()),
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 400) throw new Error(`${to.url}: ${answer.statusCode} ${text.slice(0, 300)}`)
  }

  #cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  close(): Promise<void> {
    return this.#agent.close()
  }
}

export interface RawAlmPlace {
  url: string
  domain: string
  project: string
  user: string
  password: string
}

export async function rawAlm(place: RawAlmPlace, connections: number): Promise<RawAlm> {
  const client = new CookieClient(connections)
  const json = { accept: 'application/json' }
  const basic = Buffer.from(`${place.user}:${place.password}`).toString('base64')
  await client.send('POST', `${place.url}/api/authentication/sign-in`, { ...json, authorization: `Basic ${basic}` })
  const defects = `${place.url}/rest/domains/${place.domain}/projects/${place.project}/defects`

  function rows(text: string): Record<string, string>[] {
    const body = JSON.parse(text) as { entities: { Fields: { Name: string; values: { value?: string }[] }[] }[] }
    return body.entities.map((entity) =>
      Object.fromEntries(entity.Fields.map((field) => [field.Name, field.values[0]?.value ?? ''])),
    )
  }

  async function page(query: string, fields: readonly string[], size: number): Promise<Record<string, string>[]> {
    const parameters = new URLSearchParams({
      query,
      fields: fields.join(','),
      'page-size': String(size),
      'order-by': '{id[ASC]}',
    })
    return rows((await client.send('GET', `${defects}?${parameters}`, json)).text)
  }

  async function all(fields: readonly string[]): Promise<Record<string, string>[]> {
    const found: Record<string, string>[] = []
    for (;;) {
      const last = found[found.length - 1]?.id ?? '0'
      const some = await page(`{id[> ${last}]}`, fields, 2_000)
      found.push(...some)
      if (some.length < 2_000) return found
    }
  }

  return {
    ids: async () => (await all(['id'])).map((row) => row.id ?? ''),
    stamps: async () => (await all(['id', 'ver-stamp', 'last-modified'])).length,
    read: (ids, fields) => page(`{id[${ids.join(' OR ')}]}`, fields, ids.length),
    async bulkUpdate(updates) {
      const entities = updates.map(({ id, field, value }) => ({
        Type: 'defect',
        Fields: [
          { Name: 'id', values: [{ value: id }] },
          { Name: field, values: [{ value }] },
        ],
      }))
      await client.send(
        'PUT',
        defects,
        { ...json, 'content-type': 'application/json;type=collection' },
        JSON.stringify({ entities }),
      )
    },
    async update(id, field, value) {
      const entity = { Type: 'defect', Fields: [{ Name: field, values: [{ value }] }] }
      await client.send(
        'PUT',
        `${defects}/${id}`,
        { ...json, 'content-type': 'application/json' },
        JSON.stringify(entity),
      )
    },
    close: () => client.close(),
  }
}

export interface RawOctanePlace {
  url: string
  sharedSpace: string
  workspace: string
  clientId: string
  clientSecret: string
}

export async function rawOctane(place: RawOctanePlace, connections: number): Promise<RawOctane> {
  const client = new CookieClient(connections)
  const json = { accept: 'application/json', 'content-type': 'application/json' }
  await client.send(
    'POST',
    `${place.url}/authentication/sign_in`,
    json,
    JSON.stringify({ client_id: place.clientId, client_secret: place.clientSecret }),
  )
  const defects = `${place.url}/api/shared_spaces/${place.sharedSpace}/workspaces/${place.workspace}/defects`
  async function list(query: string, fields: readonly string[]): Promise<OctaneRow[]> {
    const parameters = new URLSearchParams({
      query: `"${query}"`,
      fields: fields.join(','),
      order_by: 'id',
      limit: '1000',
    })
    const answer = await client.send('GET', `${defects}?${parameters}`, json)
    return (JSON.parse(answer.text) as { data: OctaneRow[] }).data
  }

  async function all(fields: readonly string[]): Promise<OctaneRow[]> {
    const found: OctaneRow[] = []
    for (;;) {
      const some = await list(`id GT ${found[found.length - 1]?.id ?? '0'}`, fields)
      found.push(...some)
      if (some.length < 1_000) return found
    }
  }

  return {
    list: all,
    stamps: async () => (await all(['id', 'version_stamp', 'last_modified'])).length,
    read: (ids, fields) => list(`id IN ${ids.join(',')}`, fields),
    async update(rows, answered = ['id', 'version_stamp']) {
      await client.send('PUT', `${defects}?fields=${answered.join(',')}`, json, JSON.stringify({ data: rows }))
    },
    async create(rows) {
      const answer = await client.send('POST', `${defects}?fields=id`, json, JSON.stringify({ data: rows }))
      return (JSON.parse(answer.text) as { data: { id: string }[] }).data
    },
    close: () => client.close(),
  }
}
