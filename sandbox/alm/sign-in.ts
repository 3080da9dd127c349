import { randomUUID } from 'node:crypto'
import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import {
  acceptedEncoding,
  bodyType,
  dataAnswer,
  type Encoding,
  methodNotAllowed,
  noSuchResource,
  refusalAnswer,
  unsupportedMediaType,
} from './answers.ts'
import { AlmRefusal } from './refusal.ts'
import { type AlmAccount, type AlmSessions, authenticationFailed } from './session.ts'
import { parseXml } from './xml.ts'

const plain = { 'content-type': 'application/xml;charset=utf-8' }

/** Answers the paths of signing in and out; undefined: not one of them. Throws refusals. */
export function signInRoutes(sessions: AlmSessions, request: SandboxRequest, path: string): SandboxAnswer | undefined {
  const { method } = request
  switch (path) {
    case '/authentication-point/alm-authenticate':
      if (sessions.switches.almAuthenticate === 'no') throw noSuchResource()
      if (method !== 'POST') throw methodNotAllowed()
      return almAuthenticate(sessions, request)
    case '/authentication-point/authenticate':
      if (method !== 'GET' && method !== 'POST') throw methodNotAllowed()
      return basic(sessions, request, false)
    case '/api/authentication/sign-in':
      if (sessions.switches.flatSignIn === 'no') throw noSuchResource()
      if (method !== 'GET' && method !== 'POST') throw methodNotAllowed()
      return basic(sessions, request, true)
    case '/authentication-point/logout':
    case '/api/authentication/sign-out':
      return logOut(sessions, request)
    case '/rest/site-session':
      return siteSession(sessions, request)
    case '/rest/oauth2/login':
      if (!sessions.modern) throw noSuchResource()
      if (method !== 'POST') throw methodNotAllowed()
      return oauth(sessions, request)
    case '/rest/is-authenticated':
      // It has XML alone.
      if (!/xml|\*\/\*/i.test(request.headers.accept ?? '*/*'))
        throw new AlmRefusal(406, 'qccore.general-error', 'Not Acceptable')
      return isAuthenticated(sessions, request, 'xml')
    case '/v2/rest/is-authenticated':
      if (!sessions.modern) throw noSuchResource()
      return isAuthenticated(sessions, request, acceptedEncoding(request.headers.accept) ?? 'xml')
    default:
      return undefined
  }
}

function almAuthenticate(sessions: AlmSessions, request: SandboxRequest): SandboxAnswer {
  const { user, password } = writtenCredentials(sessions, request)
  const account = sessions.check(user, password)
  if (account === null) return refusalAnswer(request, authenticationFailed(), 'ALMAUTH')
  return {
    status: Number(sessions.switches.authenticateStatus),
    headers: { ...plain, 'set-cookie': [sessions.signOn(account.name, keyOf(account, user))] },
    body: '',
  }
}

function writtenCredentials(sessions: AlmSessions, request: SandboxRequest): { user: string; password: string } {
  let body: Record<string, unknown>
  if (/json/i.test(bodyType(request))) {
    if (!sessions.modern) throw unsupportedMediaType()
    body = looseJson(request.body)
  } else body = xmlBody(request)
  const inner = body['alm-authentication'] ?? body
  const text = (name: string) => {
    const value = inner !== null && typeof inner === 'object' ? (inner as Record<string, unknown>)[name] : undefined
    return typeof value === 'string' ? value : ''
  }
  return { user: text('user'), password: text('password') }
}

function xmlBody(request: SandboxRequest): Record<string, unknown> {
  try {
    return parseXml(request.body)
  } catch {
    throw new AlmRefusal(400, 'qccore.general-error', 'The body is not valid XML')
  }
}

function basic(sessions: AlmSessions, request: SandboxRequest, withSession: boolean): SandboxAnswer {
  const encoded = /^Basic\s+(\S+)$/i.exec(String(request.headers.authorization ?? ''))?.[1]
  const [name = '', ...rest] = Buffer.from(encoded ?? '', 'base64')
    .toString('utf8')
    .split(':')
  const account = encoded === undefined ? null : sessions.check(name, rest.join(':'))
  if (account === null) return refusalAnswer(request, authenticationFailed(), 'basic')
  const key = keyOf(account, name)
  const cookies = [sessions.signOn(account.name, key), ...(withSession ? sessions.openSession(account.name, key) : [])]
  return { status: 200, headers: { ...plain, 'set-cookie': cookies }, body: '' }
}

function oauth(sessions: AlmSessions, request: SandboxRequest): SandboxAnswer {
  const body = looseJson(request.body)
  const account = sessions.keyHolder(body.clientId, body.secret)
  if (account === undefined) throw authenticationFailed()
  if (account.apiKey?.active !== true)
    throw new AlmRefusal(403, 'qccore.operation-forbidden', 'The API key is not active')
  const cookies = [
    sessions.signOn(account.name, account.apiKey.clientId),
    ...sessions.openSession(account.name, account.apiKey.clientId),
    `JSESSIONID=${randomUUID()}; Path=/qcbin; HttpOnly`,
  ]
  return { status: 200, headers: { 'set-cookie': cookies }, body: '' }
}

function siteSession(sessions: AlmSessions, request: SandboxRequest): SandboxAnswer {
  switch (request.method) {
    case 'POST': {
      const login = sessions.loginOf(request)
      const cookies = sessions.openSession(login.user, login.key, idleMinutes(request))
      login.closed = false
      return { status: 201, headers: { ...plain, 'set-cookie': cookies }, body: '' }
    }
    case 'GET':
    case 'PUT': {
      const session = sessions.sessionOf(request)
      sessions.checkXsrf(request, session)
      sessions.keepAlive(session)
      return { status: 200, headers: plain, body: '' }
    }
    case 'DELETE': {
      const session = sessions.sessionOf(request)
      sessions.checkXsrf(request, session)
      sessions.closeSession(request, session)
      return { status: 200, headers: { ...plain, 'set-cookie': ['QCSession=; Path=/; Max-Age=0'] }, body: '' }
    }
    default:
      throw methodNotAllowed()
  }
}

/** The `time-out` of `session-parameters`, in minutes; undefined: not given, so that the site's holds. */
function idleMinutes(request: SandboxRequest): number | undefined {
  if (request.body.trim() === '') return undefined
  if (!/xml/i.test(bodyType(request))) throw unsupportedMediaType()
  const { 'session-parameters': given } = xmlBody(request)
  if (given === undefined) throw new AlmRefusal(400, 'qccore.general-error', 'The body holds no session-parameters')
  const minutes =
    given !== null && typeof given === 'object' ? (given as Record<string, unknown>)['time-out'] : undefined
  if (minutes === undefined || minutes === '') return undefined
  if (!/^\s*[1-9]\d*\s*$/.test(String(minutes)))
    throw new AlmRefusal(400, 'qccore.general-error', `Invalid time-out '${String(minutes)}'`)
  return Number(minutes)
}

function logOut(sessions: AlmSessions, request: SandboxRequest): SandboxAnswer {
  const { getLogout } = sessions.switches
  const byGet = getLogout === 'yes' || (getLogout === 'by-version' && !sessions.modern)
  if (request.method !== 'POST' && !(request.method === 'GET' && byGet)) throw methodNotAllowed()
  sessions.logOut(request)
  return { status: 200, headers: { ...plain, 'set-cookie': ['LWSSO_COOKIE_KEY=; Path=/; Max-Age=0'] }, body: '' }
}

function isAuthenticated(sessions: AlmSessions, request: SandboxRequest, encoding: Encoding): SandboxAnswer {
  if (request.method !== 'GET') throw methodNotAllowed()
  const user = sessions.userOf(request)
  if (user === null) throw authenticationFailed()
  const info = { AuthenticationInfo: { Username: user } }
  return dataAnswer(
    200,
    encoding,
    () => info,
    () => info,
  )
}

/** JSON as the real parser takes it: keys without quotes too, and texts in single quotes. */
function looseJson(text: string): Record<string, unknown> {
  const keyed = text.replace(/([{,]\s*)'?([A-Za-z_][\w-]*)'?\s*:/g, '$1"$2":')
  const quoted = keyed.replace(
    /(:\s*)'([^']*)'/g,
    (_all, colon: string, value: string) => colon + JSON.stringify(value),
  )
  for (const candidate of [text, keyed, quoted]) {
    try {
      const parsed: unknown = JSON.parse(candidate)
      if (parsed !== null && typeof parsed === 'object') return parsed as Record<string, unknown>
    } catch {
      // The next candidate.
    }
  }
  return {}
}

/** The key that stood in for the name of a user. */
function keyOf(account: AlmAccount, name: string): string | null {
  return account.apiKey?.clientId === name ? name : null
}
