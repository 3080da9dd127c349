import { randomBytes } from 'node:crypto'
import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { parseXml } from './encode.ts'
import type { AlmStore } from './store.ts'

export interface AlmAccount {
  name: string
  password: string
  apiKey: { clientId: string; clientSecret: string } | null
  /** May open the project. */
  member: boolean
}

export interface AlmSession {
  id: string
  user: string
  xsrf: string
  usedAt: number
  expired: boolean
}

interface Lwsso {
  user: string
  loggedOut: boolean
}

export interface SignedIn {
  account: AlmAccount
  session: AlmSession
  /** Cookies to set with the answer: a session was opened without being asked for. */
  cookies: string[]
}

const xmlType = { 'content-type': 'application/xml;charset=utf-8' }

/** Who is signed in: the single sign-on token says who, the site session carries locks, the XSRF token guards writes. */
export class AlmSessions {
  readonly accounts: readonly AlmAccount[]
  readonly #modern: boolean
  readonly #store: AlmStore
  readonly #now: () => number
  readonly #tokens = new Map<string, Lwsso>()
  readonly #sessions = new Map<string, AlmSession>()
  readonly #ended = new Set<string>()
  readonly #wrong = new Map<string, number>()

  constructor(options: { accounts: readonly AlmAccount[]; modern: boolean; store: AlmStore; now: () => number }) {
    this.accounts = options.accounts
    this.#modern = options.modern
    this.#store = options.store
    this.#now = options.now
  }

  /** Answers the paths of signing in and out; undefined: not one of them. */
  handle(request: SandboxRequest, path: string): SandboxAnswer | undefined {
    const { method } = request
    switch (path) {
      case '/authentication-point/alm-authenticate':
        return method === 'POST' ? this.#almAuthenticate(request) : notAllowed()
      case '/authentication-point/authenticate':
        return this.#basic(request, false)
      case '/authentication-point/login.jsp':
        return {
          status: 200,
          headers: { 'content-type': 'text/html' },
          body: '<html><body><form></form></body></html>',
        }
      case '/authentication-point/logout':
        return this.#logout(request)
      case '/rest/site-session':
        return this.#siteSession(request)
      case '/api/authentication/sign-in':
        return method === 'POST' || (method === 'GET' && !this.#modern) ? this.#basic(request, true) : notAllowed()
      case '/api/authentication/sign-out':
        return method === 'POST' || (method === 'GET' && !this.#modern) ? this.#logout(request) : notAllowed()
      case '/rest/oauth2/login':
        return method === 'POST' ? this.#oauth(request) : notAllowed()
      case '/rest/is-authenticated':
        return this.#isAuthenticated(request, false)
      case '/v2/rest/is-authenticated':
        return this.#modern ? this.#isAuthenticated(request, true) : { status: 404, headers: xmlType, body: '' }
      default:
        return undefined
    }
  }

  /** The session of a project request, or the refusal that stands for the missing one. */
  authenticate(request: SandboxRequest): SignedIn | { status: number; id: string; title: string } {
    const session = this.#sessions.get(request.cookies.get('QCSession') ?? '')
    const lwsso = this.#tokens.get(request.cookies.get('LWSSO_COOKIE_KEY') ?? '')
    if (lwsso?.loggedOut === true || this.#ended.has(`out:${request.cookies.get('QCSession') ?? ''}`))
      return { status: 500, id: 'qccore.general-error', title: 'TokenId is invalid because it has logged out' }
    if (request.cookies.has('QCSession') && this.#ended.has(request.cookies.get('QCSession') ?? ''))
      return {
        status: 401,
        id: 'qccore.general-error',
        title: 'Authentication failed. Browser based integrations - to login append the path',
      }
    const cookies: string[] = []
    let live = session
    if (live !== undefined && this.#idle(live)) {
      this.#end(live)
      live = undefined
      // A fresh session in place of the idle one is what a valid single sign-on token buys; without it the work is over.
      if (lwsso === undefined || this.#modern)
        return {
          status: Number(this.#store.switches.idleStatus),
          id: 'qccore.session-has-expired',
          title: 'Session expired.',
        }
    }
    if (live === undefined) {
      if (lwsso === undefined) return { status: 401, id: 'qccore.general-error', title: 'Authentication failed.' }
      live = this.#open(lwsso.user)
      cookies.push(...this.#sessionCookies(live))
    }
    const account = this.accounts.find((one) => one.name === live.user)
    if (account === undefined) return { status: 401, id: 'qccore.general-error', title: 'Authentication failed.' }
    live.usedAt = this.#now()
    if (this.#modern && request.method !== 'GET' && request.headers['x-xsrf-token'] !== live.xsrf)
      return {
        status: 401,
        id: 'qccore.general-error',
        title: 'Unauthorized request. For more details see XSRF Token section in REST API documentation.',
      }
    return { account, session: live, cookies }
  }

  /** Ends every session and token at once, as a restart of the server does. */
  expireAll(): void {
    for (const session of this.#sessions.values()) this.#store.sessionEnded(session.id)
    this.#sessions.clear()
    this.#tokens.clear()
  }

  #idle(session: AlmSession): boolean {
    return session.expired || this.#now() - session.usedAt > Number(this.#store.switches.idleSeconds) * 1_000
  }

  #end(session: AlmSession): void {
    this.#sessions.delete(session.id)
    this.#store.sessionEnded(session.id)
  }

  #open(user: string): AlmSession {
    const session = { id: token(), user, xsrf: token(), usedAt: this.#now(), expired: false }
    this.#sessions.set(session.id, session)
    return session
  }

  #sessionCookies(session: AlmSession): string[] {
    return [
      `QCSession=${session.id}; Path=/; HttpOnly`,
      `ALM_USER=${Buffer.from(session.user).toString('base64')}; Path=/`,
      ...(this.#modern ? [`XSRF-TOKEN=${session.xsrf}; Path=/`] : []),
    ]
  }

  #signOn(user: string): string {
    const key = token()
    this.#tokens.set(key, { user, loggedOut: false })
    return `LWSSO_COOKIE_KEY=${key}; Path=/; HttpOnly`
  }

  /** The account for right credentials; an API key stands in for name and password. */
  #check(name: string, password: string): AlmAccount | null {
    const limit = Number(this.#store.switches.loginLockout)
    const key = name.toLowerCase()
    if (limit > 0 && (this.#wrong.get(key) ?? 0) >= limit) return null
    const found = this.accounts.find(
      (account) =>
        (account.name.toLowerCase() === key && account.password === password) ||
        (this.#modern && account.apiKey?.clientId === name && account.apiKey.clientSecret === password),
    )
    if (found === undefined) this.#wrong.set(key, (this.#wrong.get(key) ?? 0) + 1)
    else this.#wrong.delete(key)
    return found ?? null
  }

  #almAuthenticate(request: SandboxRequest): SandboxAnswer {
    const type = String(request.headers['content-type'] ?? '')
    let user: string
    let password: string
    if (/json/i.test(type)) {
      if (!this.#modern) return { status: 415, headers: xmlType, body: '' }
      const body = looseJson(request.body)
      const inner = (body['alm-authentication'] ?? body) as Record<string, unknown>
      user = String(inner.user ?? '')
      password = String(inner.password ?? '')
    } else {
      const body = (parseXml(request.body)['alm-authentication'] ?? {}) as Record<string, unknown>
      user = String(body.user ?? '')
      password = String(body.password ?? '')
    }
    const account = this.#check(user, password)
    if (account === null) return { status: 401, headers: { ...xmlType, 'www-authenticate': 'ALMAUTH' }, body: '' }
    return { status: 200, headers: { ...xmlType, 'set-cookie': [this.#signOn(account.name)] }, body: '' }
  }

  #basic(request: SandboxRequest, withSession: boolean): SandboxAnswer {
    const encoded = /^Basic\s+(.+)$/i.exec(String(request.headers.authorization ?? ''))?.[1]
    const [name = '', ...rest] = Buffer.from(encoded ?? '', 'base64')
      .toString('utf8')
      .split(':')
    const account = encoded === undefined ? null : this.#check(name, rest.join(':'))
    if (account === null) return { status: 401, headers: { ...xmlType, 'www-authenticate': 'basic' }, body: '' }
    const cookies = [this.#signOn(account.name), ...(withSession ? this.#sessionCookies(this.#open(account.name)) : [])]
    return { status: 200, headers: { ...xmlType, 'set-cookie': cookies }, body: '' }
  }

  #oauth(request: SandboxRequest): SandboxAnswer {
    if (!this.#modern) return { status: 404, headers: xmlType, body: '' }
    const body = looseJson(request.body)
    const account = this.accounts.find(
      (one) => one.apiKey?.clientId === body.clientId && one.apiKey?.clientSecret === body.secret,
    )
    if (account === undefined) return { status: 401, headers: { 'content-type': 'application/json' }, body: '' }
    const cookies = [
      this.#signOn(account.name),
      ...this.#sessionCookies(this.#open(account.name)),
      `JSESSIONID=${token()}; Path=/; HttpOnly`,
    ]
    return { status: 200, headers: { 'set-cookie': cookies }, body: '' }
  }

  #siteSession(request: SandboxRequest): SandboxAnswer {
    const lwsso = this.#tokens.get(request.cookies.get('LWSSO_COOKIE_KEY') ?? '')
    const session = this.#sessions.get(request.cookies.get('QCSession') ?? '')
    if (lwsso?.loggedOut === true)
      return {
        status: 500,
        headers: xmlType,
        body: errorXml('qccore.general-error', 'TokenId is invalid because it has logged out'),
      }
    if (request.method === 'POST') {
      if (lwsso === undefined) return unauthorized()
      return {
        status: 201,
        headers: { ...xmlType, 'set-cookie': this.#sessionCookies(this.#open(lwsso.user)) },
        body: '',
      }
    }
    if (session === undefined || this.#idle(session)) return unauthorized()
    if (this.#modern && request.method !== 'GET' && request.headers['x-xsrf-token'] !== session.xsrf)
      return {
        status: 401,
        headers: xmlType,
        body: errorXml(
          'qccore.general-error',
          'Unauthorized request. For more details see XSRF Token section in REST API documentation.',
        ),
      }
    if (request.method === 'GET' || request.method === 'PUT') {
      session.usedAt = this.#now()
      return { status: 200, headers: xmlType, body: '' }
    }
    if (request.method !== 'DELETE') return notAllowed()
    this.#end(session)
    this.#ended.add(session.id)
    return { status: 200, headers: { ...xmlType, 'set-cookie': 'QCSession=; Path=/; Max-Age=0' }, body: '' }
  }

  #logout(request: SandboxRequest): SandboxAnswer {
    const byGet =
      this.#store.switches.getLogout === 'yes' || (this.#store.switches.getLogout === 'by-version' && !this.#modern)
    if (request.method === 'GET' && !byGet) return notAllowed()
    const key = request.cookies.get('LWSSO_COOKIE_KEY') ?? ''
    const lwsso = this.#tokens.get(key)
    if (lwsso === undefined) return unauthorized()
    const session = this.#sessions.get(request.cookies.get('QCSession') ?? '')
    if (this.#modern && session !== undefined && request.headers['x-xsrf-token'] !== session.xsrf) return unauthorized()
    lwsso.loggedOut = true
    if (session !== undefined) {
      this.#end(session)
      this.#ended.add(`out:${session.id}`)
    }
    return { status: 200, headers: { ...xmlType, 'set-cookie': 'LWSSO_COOKIE_KEY=; Path=/; Max-Age=0' }, body: '' }
  }

  #isAuthenticated(request: SandboxRequest, json: boolean): SandboxAnswer {
    const accept = String(request.headers.accept ?? '*/*')
    if (!json && /json/i.test(accept) && !/xml|\*\/\*/i.test(accept)) return { status: 406, headers: xmlType, body: '' }
    const lwsso = this.#tokens.get(request.cookies.get('LWSSO_COOKIE_KEY') ?? '')
    if (lwsso === undefined || lwsso.loggedOut) {
      const host = String(request.headers.host ?? 'localhost')
      return {
        status: 401,
        headers: { ...xmlType, 'www-authenticate': `LWSSO realm=http://${host}/qcbin/authentication-point` },
        body: '',
      }
    }
    if (json && /json/i.test(accept))
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ AuthenticationInfo: { Username: lwsso.user } }),
      }
    return {
      status: 200,
      headers: xmlType,
      body: `<AuthenticationInfo><Username>${lwsso.user}</Username></AuthenticationInfo>`,
    }
  }
}

function token(): string {
  return randomBytes(24).toString('base64url')
}

function unauthorized(): SandboxAnswer {
  return { status: 401, headers: xmlType, body: errorXml('qccore.general-error', 'Authentication failed.') }
}

function notAllowed(): SandboxAnswer {
  return { status: 405, headers: xmlType, body: errorXml('qccore.general-error', 'Method Not Allowed') }
}

export function errorXml(id: string, title: string): string {
  const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<QCRestException><Id>${id}</Id><Title>${escaped(title)}</Title><ExceptionProperties/><StackTrace/></QCRestException>`
}

/** JSON as the real parser takes it: keys without quotes too. */
function looseJson(text: string): Record<string, unknown> {
  for (const candidate of [text, text.replace(/([{,]\s*)([A-Za-z_][\w-]*)\s*:/g, '$1"$2":')]) {
    try {
      const parsed: unknown = JSON.parse(candidate)
      if (parsed !== null && typeof parsed === 'object') return parsed as Record<string, unknown>
    } catch {
      // The next candidate.
    }
  }
  return {}
}
