import { ConnectorError } from './contract.ts'
import type { Http, HttpAnswer, HttpRequest, OpenAnswer } from './http.ts'

/** Cookies of one session; the newest by arrival wins, whoever's answer brought it. */
export class CookieJar {
  readonly #cookies = new Map<string, string>()

  take(setCookies: readonly string[]): void {
    for (const line of setCookies) {
      const [pair = '', ...attributes] = line.split(';')
      const equals = pair.indexOf('=')
      if (equals <= 0) continue
      const name = pair.slice(0, equals).trim()
      const value = pair.slice(equals + 1).trim()
      const expired = attributes.some((attribute) => /^\s*max-age\s*=\s*0\s*$/i.test(attribute))
      if (value === '' || expired) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
  }

  get(name: string): string | undefined {
    return this.#cookies.get(name)
  }

  header(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  clear(): void {
    this.#cookies.clear()
  }
}

export interface SessionOptions {
  http: Http
  name: string
  /** Signs in with requests of its own (`plain`), which fill the jar; throws a ConnectorError when refused. */
  signIn(plain: (request: HttpRequest) => Promise<HttpAnswer>, jar: CookieJar): Promise<void>
  signOut(plain: (request: HttpRequest) => Promise<HttpAnswer>, jar: CookieJar): Promise<void>
  /** Does this answer mean that the session is over? */
  isExpired(answer: HttpAnswer, request: HttpRequest): boolean
  /** Headers of every signed-in request, such as the XSRF token. */
  headers(jar: CookieJar, request: HttpRequest): Record<string, string>
}

export interface Session {
  send(request: HttpRequest): Promise<HttpAnswer>
  /** Like send, with the bytes of a good answer still to come. */
  open(request: HttpRequest): Promise<OpenAnswer | HttpAnswer>
  /** Number of the sign-in in use; locks die with it. */
  generation(): number
  close(): Promise<void>
}

/** How often one call may be overtaken by the replacement of a cookie. */
const mostOutdated = 5

/** After a refusal of the credentials no further sign-in is tried for so long: retries must not lock the account out. */
const refusedForMs = 15_000

/**
 * One signed-in session shared by all calls to an endpoint. However many calls find it expired at the same time, one signs
 * in and the others wait for it; each call is repeated once with the new session. An expired answer means that nothing
 * was done, so that holds for writes too.
 */
export function createSession(options: SessionOptions): Session {
  const { http, name } = options
  const jar = new CookieJar()
  let generation = 0
  let signingIn: Promise<void> | null = null
  let refused: { error: ConnectorError; at: number } | null = null

  async function plain(request: HttpRequest): Promise<HttpAnswer> {
    return carried(http.send, request)
  }

  async function carried<T extends HttpAnswer>(
    how: (request: HttpRequest) => Promise<T>,
    request: HttpRequest,
  ): Promise<T> {
    const cookie = jar.header()
    const answer = await how({
      ...request,
      headers: { ...request.headers, ...(cookie === '' ? {} : { cookie }) },
    })
    jar.take(answer.setCookies)
    return answer
  }

  function renew(seen: number): Promise<void> {
    if (generation !== seen) return Promise.resolve()
    if (refused !== null && performance.now() - refused.at < refusedForMs) return Promise.reject(refused.error)
    signingIn ??= (async () => {
      try {
        jar.clear()
        await options.signIn(plain, jar)
        refused = null
        generation++
      } catch (error) {
        if (error instanceof ConnectorError && error.problem.class === 'auth')
          refused = { error, at: performance.now() }
        throw error
      } finally {
        signingIn = null
      }
    })()
    return signingIn
  }

  const send = (request: HttpRequest): Promise<HttpAnswer> => signedIn(http.send, request)
  const open = (request: HttpRequest): Promise<OpenAnswer | HttpAnswer> => signedIn(http.open, request)

  async function signedIn<T extends HttpAnswer>(
    how: (request: HttpRequest) => Promise<T>,
    request: HttpRequest,
  ): Promise<T> {
    let outdated = 0
    for (let attempt = 1; ; attempt++) {
      if (generation === 0 || signingIn !== null) await renew(generation)
      const used = generation
      const cookies = jar.header()
      const answer = await carried(how, {
        ...request,
        headers: { ...options.headers(jar, request), ...request.headers },
      })
      if (!options.isExpired(answer, request)) return answer
      // Servers that replace cookies end the replaced ones: this request was merely overtaken by another's answer.
      if (generation === used && signingIn === null && jar.header() !== cookies && outdated++ < mostOutdated) {
        attempt--
        continue
      }
      if (attempt >= 3)
        throw new ConnectorError({
          class: 'auth',
          code: 'session-expired',
          message: `${name} ends every session right after it was opened.`,
          remedy: 'Check the credentials and whether the account may use the REST interface.',
        })
      await renew(used)
    }
  }

  async function close(): Promise<void> {
    if (generation === 0) return
    try {
      await options.signOut(plain, jar)
    } catch {
      // Whether or not the server heard it, the session is of no further use.
    }
    jar.clear()
    generation = 0
  }

  return { send, open, generation: () => generation, close }
}
