import { randomBytes } from 'node:crypto'
import type { SandboxRequest } from '../common/http.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmStore } from './store.ts'

export interface AlmAccount {
  name: string
  password: string
  apiKey: { clientId: string; clientSecret: string; active: boolean } | null
  /** May open the project. */
  member: boolean
}

/** One sign-in; its token may be issued anew, and its site session ended and opened again. */
interface Login {
  user: string
  /** Client id of the API key that it was made with; null: a password. */
  key: string | null
  loggedOut: boolean
  /** The site session was given back: project requests need one that is asked for. */
  closed: boolean
}

interface Token {
  login: Login
  issuedAt: number
}

export interface AlmSession {
  /** Stays while the cookie changes; owns locks. */
  key: string
  /** Client id of the API key that opened it. */
  apiKey: string | null
  cookie: string
  /** The cookie before the last replacement: answers still under way carry it. */
  before: string | null
  user: string
  xsrf: string
  usedAt: number
  /** Longest time without a request; null: that of the site. */
  idleMs: number | null
  served: number
}

interface Ended {
  how: 'deleted' | 'logged-out' | 'expired'
  xsrf: string
}

export interface SignedIn {
  account: AlmAccount
  session: AlmSession
  /** Cookies to set with the answer: a session opened unasked, or replaced, or a token issued anew. */
  cookies: string[]
}

const loggedOutTitle = 'TokenId is invalid because it has logged out'
const xsrfTitle = 'Unauthorized request. For more details see XSRF Token section in REST API documentation.'

export const authenticationFailed = () => new AlmRefusal(401, 'qccore.general-error', 'Authentication failed.')
const loggedOut = () => new AlmRefusal(500, 'qccore.general-error', loggedOutTitle)
const xsrfMissing = () => new AlmRefusal(401, 'qccore.general-error', xsrfTitle)

/** Who is signed in: the single sign-on token says who, the site session carries locks, the XSRF token guards writes. */
export class AlmSessions {
  readonly modern: boolean
  readonly switches: AlmStore['switches']
  readonly #accounts: readonly AlmAccount[]
  readonly #store: AlmStore
  readonly #now: () => number
  readonly #tokens = new Map<string, Token>()
  readonly #sessions = new Map<string, AlmSession>()
  readonly #ended = new Map<string, Ended>()
  readonly #wrong = new Map<string, number>()

  constructor(options: { accounts: readonly AlmAccount[]; modern: boolean; store: AlmStore; now: () => number }) {
    this.modern = options.modern
    this.switches = options.store.switches
    this.#accounts = options.accounts
    this.#store = options.store
    this.#now = options.now
  }

  /** The session of a project request; throws the refusal that stands for the missing one. */
  authenticate(request: SandboxRequest): SignedIn {
    const token = this.#token(request)
    const ended = this.#ended.get(request.cookies.get('QCSession') ?? '')
    if (token?.login.loggedOut === true || ended?.how === 'logged-out') throw loggedOut()
    if (ended?.how === 'deleted' || (token !== undefined && this.#stale(token))) throw authenticationFailed()
    const cookies: string[] = []
    let session = this.#liveSession(request)
    const expired = this.#ended.get(request.cookies.get('QCSession') ?? '')
    if (expired?.how === 'expired' && (token === undefined || !this.#renews())) throw this.#sessionExpired()
    // A session says what is open, and only the token who it is: without it nobody is there.
    if (token === undefined) throw authenticationFailed()
    if (session === undefined) {
      if (token.login.closed || this.switches.implicitSession === 'no') throw authenticationFailed()
      // A write with the token alone cannot know the XSRF token of a session that is not open yet.
      if (expired === undefined && this.modern && request.method !== 'GET') throw xsrfMissing()
      session = this.#open(token.login.user, token.login.key, expired?.xsrf)
      cookies.push(...this.cookiesOf(session))
    }
    this.checkXsrf(request, session)
    const account = this.#accounts.find((one) => one.name === session.user)
    if (account === undefined) throw authenticationFailed()
    session.usedAt = this.#now()
    return { account, session, cookies: [...cookies, ...this.#rotated(session), ...this.#issuedAnew(token)] }
  }

  /** The token of a request that may open a site session; throws where there is none. */
  loginOf(request: SandboxRequest): Login {
    const token = this.#token(request)
    if (token?.login.loggedOut === true) throw loggedOut()
    if (token === undefined || this.#stale(token)) throw authenticationFailed()
    return token.login
  }

  /** The open session a request names; throws where there is none. */
  sessionOf(request: SandboxRequest): AlmSession {
    const ended = () => this.#ended.get(request.cookies.get('QCSession') ?? '')
    if (this.#token(request)?.login.loggedOut === true || ended()?.how === 'logged-out') throw loggedOut()
    const session = this.#liveSession(request)
    if (ended()?.how === 'expired') throw this.#sessionExpired()
    if (session === undefined || this.#token(request) === undefined) throw authenticationFailed()
    return session
  }

  /** Who a request comes from, by its token alone; null: nobody, or a session that has expired. */
  userOf(request: SandboxRequest): string | null {
    const token = this.#token(request)
    this.#liveSession(request)
    const expired = this.#ended.get(request.cookies.get('QCSession') ?? '')?.how === 'expired'
    if (token === undefined || token.login.loggedOut || this.#stale(token)) return null
    return expired && !this.#renews() ? null : token.login.user
  }

  /** Since 16.00 every request but GET echoes the XSRF token. */
  checkXsrf(request: SandboxRequest, session: AlmSession): void {
    if (this.modern && request.method !== 'GET' && request.headers['x-xsrf-token'] !== session.xsrf) throw xsrfMissing()
  }

  /** A new single sign-on token, as the cookie that brings it. */
  signOn(user: string, key: string | null): string {
    return this.#issue({ user, key, loggedOut: false, closed: false })
  }

  /** A new site session, as the cookies that bring it; it may ask for another idle limit than the site's, in minutes. */
  openSession(user: string, key: string | null, idleMinutes?: number): string[] {
    const session = this.#open(user, key)
    if (idleMinutes !== undefined) session.idleMs = idleMinutes * 60_000
    return this.cookiesOf(session)
  }

  cookiesOf(session: AlmSession): string[] {
    return [
      `QCSession=${session.cookie}; Path=/; HttpOnly`,
      `ALM_USER=${Buffer.from(session.user).toString('base64')}; Path=/`,
      ...(this.modern ? [`XSRF-TOKEN=${session.xsrf}; Path=/`] : []),
    ]
  }

  /** Restarts the idle clock. */
  keepAlive(session: AlmSession): void {
    session.usedAt = this.#now()
  }

  /** Gives the site session back; the token stays good for who it is, but opens no session by itself any more. */
  closeSession(request: SandboxRequest, session: AlmSession): void {
    this.#end(session, 'deleted')
    const login = this.#token(request)?.login
    if (login !== undefined) login.closed = true
  }

  logOut(request: SandboxRequest): void {
    const login = this.loginOf(request)
    const session = this.#liveSession(request)
    if (session !== undefined) this.#checkLogoutXsrf(request, session.xsrf)
    // Where the site session was given back there is nothing left to guard.
    else if (!login.closed && request.cookies.has('XSRF-TOKEN'))
      this.#checkLogoutXsrf(request, request.cookies.get('XSRF-TOKEN'))
    login.loggedOut = true
    if (session !== undefined) this.#end(session, 'logged-out')
  }

  /** A log-out needs the XSRF token too, unless it is asked for by GET. */
  #checkLogoutXsrf(request: SandboxRequest, xsrf: string | undefined): void {
    if (this.modern && request.method !== 'GET' && request.headers['x-xsrf-token'] !== xsrf) throw xsrfMissing()
  }

  /** Ends every session and token at once, as a restart of the server does. */
  expireAll(): void {
    for (const session of this.#sessions.values()) this.#store.locks.sessionEnded(session.key)
    this.#sessions.clear()
    this.#tokens.clear()
  }

  /** The account for right credentials; an API key stands in for name and password. */
  check(name: string, password: string): AlmAccount | null {
    const limit = Number(this.switches.loginLockout)
    const key = name.toLowerCase()
    if (limit > 0 && (this.#wrong.get(key) ?? 0) >= limit) return null
    const found =
      this.#accounts.find((account) => account.name.toLowerCase() === key && account.password === password) ??
      this.keyHolder(name, password)
    if (found === undefined || (found.apiKey?.clientId === name && !found.apiKey.active)) {
      this.#wrong.set(key, (this.#wrong.get(key) ?? 0) + 1)
      return null
    }
    this.#wrong.delete(key)
    return found
  }

  /** Whose API key it is, active or not. There are no keys before version 15. */
  keyHolder(clientId: unknown, secret: unknown): AlmAccount | undefined {
    if (!this.modern) return undefined
    return this.#accounts.find(
      ({ apiKey }) => apiKey !== null && apiKey.clientId === clientId && apiKey.clientSecret === secret,
    )
  }

  #token(request: SandboxRequest): Token | undefined {
    return this.#tokens.get(request.cookies.get('LWSSO_COOKIE_KEY') ?? '')
  }

  #stale(token: Token): boolean {
    return this.#now() - token.issuedAt > Number(this.switches.ssoSeconds) * 1_000
  }

  #renews(): boolean {
    return this.switches.idleRenewal === 'yes' || (this.switches.idleRenewal === 'by-version' && !this.modern)
  }

  #sessionExpired(): AlmRefusal {
    return new AlmRefusal(Number(this.switches.idleStatus), `qccore.${this.switches.idleId}`, 'Session expired.')
  }

  #isIdle(session: AlmSession): boolean {
    return this.#now() - session.usedAt > (session.idleMs ?? Number(this.switches.idleSeconds) * 1_000)
  }

  /** The session a request names, if it is open; one that was idle for too long ends here. */
  #liveSession(request: SandboxRequest): AlmSession | undefined {
    const session = this.#sessions.get(request.cookies.get('QCSession') ?? '')
    if (session === undefined) return undefined
    if (!this.#isIdle(session)) return session
    this.#end(session, 'expired')
    return undefined
  }

  /** An API key has a limited number of sessions at a time; those that were idle for too long do not count. */
  #open(user: string, apiKey: string | null, xsrf = secret()): AlmSession {
    const live = new Set(
      [...this.#sessions.values()]
        .filter((one) => one.apiKey !== null && one.apiKey === apiKey && !this.#isIdle(one))
        .map((one) => one.key),
    )
    if (live.size >= Number(this.switches.keySessions))
      throw new AlmRefusal(403, 'qccore.operation-forbidden', 'The API key has reached its maximum number of sessions')
    const session = {
      key: secret(),
      apiKey,
      cookie: secret(),
      before: null,
      user,
      xsrf,
      usedAt: this.#now(),
      idleMs: null,
      served: 0,
    }
    this.#sessions.set(session.cookie, session)
    return session
  }

  #end(session: AlmSession, how: Ended['how']): void {
    for (const cookie of [session.cookie, session.before]) {
      if (cookie === null) continue
      this.#sessions.delete(cookie)
      this.#ended.set(cookie, { how, xsrf: session.xsrf })
    }
    this.#store.locks.sessionEnded(session.key)
  }

  #issue(login: Login): string {
    const token = secret()
    this.#tokens.set(token, { login, issuedAt: this.#now() })
    return `LWSSO_COOKIE_KEY=${token}; Path=/; HttpOnly`
  }

  /** A token past half of its life is replaced; the old one stays good until its end, for requests under way. */
  #issuedAnew(token: Token | undefined): string[] {
    if (token === undefined || (this.#now() - token.issuedAt) * 2 <= Number(this.switches.ssoSeconds) * 1_000) return []
    return [this.#issue(token.login)]
  }

  /** A replaced session cookie is good until the next replacement, for requests under way. */
  #rotated(session: AlmSession): string[] {
    session.served++
    const every = Number(this.switches.rotateSession)
    if (every === 0 || session.served % every !== 0) return []
    if (session.before !== null) {
      this.#sessions.delete(session.before)
      this.#ended.set(session.before, { how: 'deleted', xsrf: session.xsrf })
    }
    session.before = session.cookie
    session.cookie = secret()
    this.#sessions.set(session.cookie, session)
    return [`QCSession=${session.cookie}; Path=/; HttpOnly`]
  }
}

function secret(): string {
  return randomBytes(24).toString('base64url')
}
