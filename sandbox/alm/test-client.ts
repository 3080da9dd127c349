import { type AlmOptions, createAlmSandbox } from './server.ts'
import type { AlmSwitchValues } from './switches.ts'

/** A sandbox that listens, and a small client that knows HTTP and nothing of ALM but its cookies. */
export async function startAlm(options: Partial<AlmOptions> = {}) {
  const alm = createAlmSandbox({ version: '26.1', seed: 1, defects: 0, ...options })
  const { url } = await alm.listen()
  const root = `${url}/rest/domains/${encodeURIComponent(alm.domain)}/projects/${encodeURIComponent(alm.project)}`
  /** Changes behaviours while the server runs. */
  const turn = (set: Partial<AlmSwitchValues>) => void Object.assign(alm.store.switches, set)
  return { alm, url, root, turn, client: (encoding?: 'json' | 'xml') => new AlmClient(url, root, encoding) }
}

export interface Answer {
  status: number
  headers: Headers
  text: string
  bytes: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json: any
}

/** Sends what it is told, keeps cookies by name, and echoes the XSRF token unless told not to. */
export class AlmClient {
  readonly cookies = new Map<string, string>()
  readonly #url: string
  readonly #root: string
  readonly #accept: string

  constructor(url: string, root: string, encoding: 'json' | 'xml' = 'json') {
    this.#url = url
    this.#root = root
    this.#accept = `application/${encoding}`
  }

  /** A request to a path below `/qcbin`, or below the project where the path does not begin with a slash. */
  async send(
    method: string,
    path: string,
    body?: string | object | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const xsrf = this.cookies.get('XSRF-TOKEN')
    const all: Record<string, string> = {
      accept: this.#accept,
      ...(body === undefined ? {} : { 'content-type': this.#accept }),
      ...(this.cookies.size === 0 ? {} : { cookie: [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; ') }),
      ...(xsrf === undefined || method === 'GET' ? {} : { 'x-xsrf-token': xsrf }),
      ...headers,
    }
    for (const [name, value] of Object.entries(all)) if (value === '') delete all[name]
    const answer = await fetch(path.startsWith('/') ? `${this.#url}${path}` : `${this.#root}/${path}`, {
      method,
      headers: all,
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }),
    })
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (/max-age=0/i.test(cookie)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    const bytes = Buffer.from(await answer.arrayBuffer())
    const text = bytes.toString('utf8')
    const isJson = /json/.test(answer.headers.get('content-type') ?? '')
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      bytes,
      json: isJson && text !== '' ? JSON.parse(text) : null,
    }
  }

  get(path: string, headers?: Record<string, string>): Promise<Answer> {
    return this.send('GET', path, undefined, headers)
  }

  /** Signs in as a user by Basic authentication: token, session and all. */
  async signIn(user = 'sync', password = 's3cret & <safe>'): Promise<this> {
    await this.send('POST', '/api/authentication/sign-in', undefined, { authorization: basic(user, password) })
    return this
  }

  create(collection: string, fields: Record<string, string | string[]>): Promise<Answer> {
    return this.send('POST', collection, entity(fields))
  }

  update(path: string, fields: Record<string, string | string[]>): Promise<Answer> {
    return this.send('PUT', path, entity(fields))
  }

  /** Ids that a filter finds, in the order given. */
  async find(collection: string, query: string, more = ''): Promise<string[] | number> {
    const answer = await this.get(`${collection}?fields=id&query=${encodeURIComponent(query)}${more}`)
    return answer.status === 200 ? answer.json.entities.map((one: object) => value(one, 'id')) : answer.status
  }
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

export function entity(fields: Record<string, string | string[]>): object {
  return {
    Fields: Object.entries(fields).map(([Name, values]) => ({
      Name,
      values: (Array.isArray(values) ? values : [values]).map((one) => ({ value: one })),
    })),
  }
}

/** A field's values in a JSON record; undefined: the field is not there. */
export function values(record: unknown, name: string): { value?: string }[] | undefined {
  const { Fields } = record as { Fields: { Name: string; values: { value?: string }[] }[] }
  return Fields.find((field) => field.Name === name)?.values
}

export function value(record: unknown, name: string): string | undefined {
  return values(record, name)?.[0]?.value
}

/** The least a defect needs. */
export const newDefect = {
  name: 'Login fails',
  'detected-by': 'sync',
  'creation-time': '2026-05-04',
  severity: '3-High',
}
