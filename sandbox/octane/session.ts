import { randomBytes } from 'node:crypto'
import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { answer, json, parseBody, unauthorized } from './answers.ts'
import { methodNotAllowed } from './refusal.ts'
import type { OctaneStore } from './store.ts'

export interface OctaneCredentials {
  apiKey: { clientId: string; clientSecret: string }
  user: { user: string; password: string }
}

export interface Session {
  token: string
  previous: string | null
  login: string
  userId: string
  openedAt: number
  usedAt: number
  rotatedAt: number
  csrf: string | null
}

/** Client types that belong to the product's own clients: sign-in with one of them is refused. */
const privateClientTypes = /^(HPE_MQM_UI|HPE_CI_CLIENT|HPE_REST_API_TECH_PREVIEW|OCTANE_.*)$/i

/** Who is signed in: cookies that are replaced now and then and expire, bearer tokens, and basic authentication. */
export class OctaneSessions {
  readonly #sessions = new Map<string, Session>()
  readonly #credentials: OctaneCredentials
  readonly #store: OctaneStore
  readonly #now: () => number

  constructor(options: { credentials: OctaneCredentials; store: OctaneStore; now: () => number }) {
    this.#credentials = options.credentials
    this.#store = options.store
    this.#now = options.now
  }

  signIn(request: SandboxRequest): SandboxAnswer {
    if (request.method !== 'POST') throw methodNotAllowed('POST')
    const body = parseBody(request)
    if (body === undefined)
      return answer(400, { errorCode: 'BAD_REQUEST', accumulatedMessage: 'The body is not JSON.' })
    if (privateClientTypes.test(String(request.headers.hpeclienttype ?? '')))
      return answer(403, {
        errorCode: 'FORBIDDEN_CLIENT_TYPE',
        accumulatedMessage: 'This client type cannot sign in here.',
      })
    const login = String(body.client_id ?? body.user ?? '')
    const secret = String(body.client_secret ?? body.password ?? '')
    const account = this.#accountOf(login, secret)
    const named = login !== this.#credentials.apiKey.clientId
    if (account === null || (named && this.#store.switches.apiKeysOnly === 'yes'))
      return unauthorized('VALIDATION_CREDENTIALS', 'The credentials are wrong.')
    const session = this.#open(login, account)
    this.#sessions.set(session.token, session)
    const set = [cookie(session.token), `OCTANE_USER=${encodeURIComponent(login)};Version=1;Path=/;Max-Age=86400`]
    if (String(body.enable_csrf ?? '') === 'true') {
      session.csrf = randomBytes(12).toString('hex')
      set.push(`HPSSO_COOKIE_CSRF=${session.csrf};Version=1;Path=/;Max-Age=86400`)
    }
    return answer(200, {}, { 'set-cookie': set })
  }

  signOut(session: Session, { method }: SandboxRequest): SandboxAnswer {
    if (method !== 'POST') throw methodNotAllowed('POST')
    this.end(session)
    return {
      status: 200,
      headers: {
        ...json,
        'set-cookie': ['LWSSO_COOKIE_KEY', 'OCTANE_USER', ...(session.csrf === null ? [] : ['HPSSO_COOKIE_CSRF'])].map(
          (name) => `${name}=;Version=1;Path=/;Max-Age=0`,
        ),
      },
      body: '',
    }
  }

  /** The session that a request belongs to, or the refusal. */
  authenticate(request: SandboxRequest): Session | SandboxAnswer {
    const authorization = String(request.headers.authorization ?? '')
    const basic = /^Basic (.+)$/i.exec(authorization)?.[1]
    if (basic !== undefined && this.#store.switches.basicAuthentication === 'yes') {
      const [login = '', ...rest] = Buffer.from(basic, 'base64').toString('utf8').split(':')
      const account = this.#accountOf(login, rest.join(':'))
      if (account !== null) return { ...this.#open(login, account), token: '' }
    }
    const session = this.#sessions.get(bearerOf(request) ?? request.cookies.get('LWSSO_COOKIE_KEY') ?? '')
    if (session === undefined) return unauthorized('VALIDATION_TOKEN_MISSING', 'Not signed in.')
    const expired = (code: string) => {
      this.end(session)
      return unauthorized(code, 'The session has expired.')
    }
    const now = this.#now()
    if (now - session.usedAt > this.#milliseconds('idleSeconds'))
      return expired('VALIDATION_TOKEN_EXPIRED_IDLE_TIME_OUT')
    if (now - session.openedAt > this.#milliseconds('globalSeconds'))
      return expired('VALIDATION_TOKEN_EXPIRED_GLOBAL_TIME_OUT')
    session.usedAt = now
    if (session.csrf !== null && request.method !== 'GET' && request.headers['hpsso-header-csrf'] !== session.csrf)
      return unauthorized('CSRF_VALIDATION_FAILED', 'The CSRF header is missing.')
    return session
  }

  /**
   * Replaces the token now and then and gives the cookie; the old one works on for requests already under way. A client
   * with a bearer token has no cookies: its token stays until it expires.
   */
  rotate(session: Session, request: SandboxRequest): string | null {
    if (
      session.token === '' ||
      bearerOf(request) !== undefined ||
      this.#now() - session.rotatedAt < this.#milliseconds('rotationSeconds')
    )
      return null
    if (session.previous !== null) this.#sessions.delete(session.previous)
    session.previous = session.token
    session.token = token()
    session.rotatedAt = this.#now()
    this.#sessions.set(session.token, session)
    return cookie(session.token)
  }

  /** Ends the session of a request, as when its time is over; answers as then. */
  endOf(request: SandboxRequest): SandboxAnswer {
    const session = this.#sessions.get(request.cookies.get('LWSSO_COOKIE_KEY') ?? '')
    if (session !== undefined) this.end(session)
    return unauthorized('VALIDATION_TOKEN_EXPIRED_GLOBAL_TIME_OUT', 'The session has expired.')
  }

  end(session: Session): void {
    for (const [key, value] of this.#sessions) if (value === session) this.#sessions.delete(key)
  }

  clear(): void {
    this.#sessions.clear()
  }

  #milliseconds(name: 'idleSeconds' | 'globalSeconds' | 'rotationSeconds'): number {
    return Number(this.#store.switches[name]) * 1_000
  }

  #open(login: string, userId: string): Session {
    const now = this.#now()
    return {
      token: token(),
      previous: null,
      login,
      userId,
      openedAt: now,
      usedAt: now,
      rotatedAt: now,
      csrf: null,
    }
  }

  /** The user's id for right credentials; an API key is taken under either pair of names, as SDKs send it. */
  #accountOf(login: string, secret: string): string | null {
    const { apiKey, user } = this.#credentials
    if (login === apiKey.clientId && secret === apiKey.clientSecret) return '1001'
    if (login.toLowerCase() === user.user && secret === user.password)
      return [...this.#store.rows('workspace_user').values()].find((one) => one.name === user.user)?.id ?? '1001'
    return null
  }
}

function bearerOf({ headers }: SandboxRequest): string | undefined {
  return /^Bearer (.+)$/i.exec(String(headers.authorization ?? ''))?.[1]
}

function cookie(value: string): string {
  return `LWSSO_COOKIE_KEY=${value};Version=1;Path=/;Max-Age=86400;HttpOnly`
}

function token(): string {
  return randomBytes(30).toString('base64url')
}
