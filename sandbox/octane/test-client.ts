import { createOctaneSandbox, type OctaneOptions } from './server.ts'

export interface OctaneAnswer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json: any
}

/** An Octane sandbox that listens, with a client that is signed in and knows HTTP and nothing else. */
export async function startOctane(options: Partial<OctaneOptions> = {}) {
  const octane = createOctaneSandbox({ seed: 1, defects: 0, ...options })
  const { url } = await octane.listen()
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    cookie = '',
    more: Record<string, string> = {},
  ): Promise<OctaneAnswer> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        cookie,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...more,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, json: text === '' ? null : JSON.parse(text) }
  }
  const signedIn = await send('POST', '/authentication/sign_in', octane.credentials.user)
  const cookie =
    signedIn.headers
      .getSetCookie()
      .find((one) => one.startsWith('LWSSO'))
      ?.split(';')[0] ?? ''
  const home = `/api/shared_spaces/${octane.sharedSpace}/workspaces/${octane.workspace}`
  /** A request to a path below the workspace. */
  const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    send(method, `${home}/${path}`, body, cookie, headers)
  /** Creates one record and gives its id; fails where it is refused. */
  const create = async (collection: string, row: object): Promise<string> => {
    const answer = await call('POST', collection, { data: [row] })
    if (answer.status !== 201) throw new Error(`${collection}: ${JSON.stringify(answer.json)}`)
    return String(answer.json.data[0].id)
  }
  const atSite = (method: string, path: string, headers?: Record<string, string>) =>
    send(method, path, undefined, cookie, headers)
  const set = (switches: Record<string, string>) => {
    Object.assign(octane.store.switches, switches)
  }
  return { octane, url, home, cookie, call, create, atSite, set }
}

/** The parameter `query=`, with the double quotes around it. */
export function asked(query: string): string {
  return `query=${encodeURIComponent(`"${query}"`)}`
}

/** A request to the control port. */
export async function control(port: { url: string }, method: string, path: string, body?: object) {
  const answer = await fetch(`${port.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  return { status: answer.status, json: (await answer.json()) as any }
}
