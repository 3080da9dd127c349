import type { CredentialSecret } from '../../core/endpoint.ts'
import { ConnectorError } from '../contract.ts'
import { type HttpAnswer, type HttpRequest, isHtml } from '../http.ts'
import type { CookieJar } from '../session.ts'

type Plain = (request: HttpRequest) => Promise<HttpAnswer>

/** Whom the server sees in its list of sessions. */
const clientType = 'Tandem'

/**
 * Signs in with what the server offers: an API key through `oauth2/login`; a user through `alm-authenticate` and
 * `site-session`, and on servers without that through Basic authentication. One request after the other: parallel first
 * calls would open several sessions.
 */
export async function signInAlm(
  plain: Plain,
  { name, base, secret }: { name: string; base: string; secret: CredentialSecret },
): Promise<void> {
  if (secret.kind === 'api-key') {
    const answer = await plain({
      method: 'POST',
      path: '/rest/oauth2/login',
      headers: { accept: 'application/json', 'content-type': 'application/json', 'alm-client-type': clientType },
      body: JSON.stringify({ clientId: secret.clientId, secret: secret.clientSecret }),
      idempotent: true,
    })
    if (answer.status === 404) throw noApiKeys(name)
    settle(answer, name, base, secret.clientId)
    return
  }
  const { user, password } = secret
  const authenticated = await plain({
    method: 'POST',
    path: '/authentication-point/alm-authenticate',
    headers: { accept: 'application/xml', 'content-type': 'application/xml' },
    body: `<alm-authentication><user>${escapeXml(user)}</user><password>${escapeXml(password)}</password></alm-authentication>`,
    idempotent: true,
  })
  if (authenticated.status === 404 && !isHtml(authenticated)) {
    const basic = Buffer.from(`${user}:${password}`, 'utf8').toString('base64')
    const answer = await plain({
      method: 'GET',
      path: '/authentication-point/authenticate',
      headers: { accept: 'application/xml', authorization: `Basic ${basic}` },
      idempotent: true,
    })
    settle(answer, name, base, user)
  } else settle(authenticated, name, base, user)
  const session = await plain({
    method: 'POST',
    path: '/rest/site-session',
    headers: { accept: 'application/xml', 'content-type': 'application/xml' },
    body: `<session-parameters><client-type>${clientType}</client-type><time-out>60</time-out></session-parameters>`,
    idempotent: true,
  })
  settle(session, name, base, user)
}

/** Both halves: the site session alone would leave the single sign-on token alive. */
export async function signOutAlm(plain: Plain, jar: CookieJar): Promise<void> {
  const xsrf = jar.get('XSRF-TOKEN')
  const headers = { accept: 'application/xml', ...(xsrf === undefined ? {} : { 'x-xsrf-token': xsrf }) }
  await plain({ method: 'DELETE', path: '/rest/site-session', headers, idempotent: false })
  await plain({ method: 'POST', path: '/authentication-point/logout', headers, idempotent: false })
}

function settle(answer: HttpAnswer, name: string, base: string, login: string): void {
  if (answer.status === 200 || answer.status === 201) {
    if (isHtml(answer)) throw notAlm(base)
    return
  }
  if (answer.status === 401)
    throw new ConnectorError({
      class: 'auth',
      code: 'wrong-password',
      message: `${name} refuses the credentials of ${login}.`,
      remedy: 'Enter the user and password, or the API key, again. Several wrong attempts may lock the account.',
    })
  if (answer.status === 403)
    throw new ConnectorError({
      class: 'auth',
      code: 'key-inactive',
      message: `${name} does not let ${login} in (HTTP 403).`,
      remedy: 'Check that the user or API key is active and may use the REST interface.',
    })
  if (answer.status >= 500)
    throw new ConnectorError({
      class: 'unavailable',
      code: 'server-error',
      message: `${name} answered HTTP ${answer.status} to the sign-in.`,
      remedy: 'It is tried again; see the log of the server if it stays.',
    })
  throw notAlm(base)
}

function notAlm(base: string): ConnectorError {
  return new ConnectorError({
    class: 'auth',
    code: 'not-alm',
    message: `${base} does not answer like ALM.`,
    remedy: 'Check the address: it ends in /qcbin, such as https://alm.example.com:8443/qcbin.',
  })
}

function noApiKeys(name: string): ConnectorError {
  return new ConnectorError({
    class: 'auth',
    code: 'no-api-keys',
    message: `${name} knows no API keys.`,
    remedy: 'Use a user and password: API keys exist from ALM 15 on.',
  })
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}
