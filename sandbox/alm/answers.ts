import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { AlmRefusal } from './refusal.ts'
import { type XmlContent, xmlDocument } from './xml.ts'

/** JSON or XML, by what the client accepts; html: no usable Accept header, so that data is XML and errors are pages. */
export type Encoding = 'json' | 'xml' | 'html'

/** What the Accept header asks for, best first; null: nothing the server has. */
export function acceptedEncoding(accept: string | undefined): Encoding | null {
  const wanted = (accept ?? '')
    .toLowerCase()
    .split(',')
    .map((part, place) => {
      const [type = '', ...parameters] = part.split(';').map((one) => one.trim())
      const q = parameters.find((one) => one.startsWith('q='))
      // The JSON of the vendor's own web client is another dialect, which is not served here.
      const foreign = parameters.some((one) => /^schema\s*=/.test(one))
      return { type, place, foreign, quality: q === undefined ? 1 : Number(q.slice(2)) || 0 }
    })
    .filter((one) => one.type !== '' && one.quality > 0)
    .sort((a, b) => b.quality - a.quality || a.place - b.place)
  if (wanted.length === 0) return 'html'
  for (const { type, foreign } of wanted) {
    if (foreign) continue
    if (type === 'application/json') return 'json'
    if (type === 'application/xml' || type === 'text/xml') return 'xml'
  }
  const vague = ['*/*', 'application/*', 'text/*', 'text/html', 'application/octet-stream']
  return wanted.some((one) => vague.includes(one.type)) ? 'html' : null
}

/** Data in the encoding asked for. Without a usable Accept header it is XML; only errors become pages. */
export function dataAnswer(
  status: number,
  encoding: Encoding,
  json: () => unknown,
  asXml: () => Readonly<Record<string, XmlContent>>,
  headers: Record<string, string> = {},
): SandboxAnswer {
  return encoding === 'json'
    ? {
        status,
        headers: { 'content-type': 'application/json;charset=utf-8', ...headers },
        body: JSON.stringify(json()),
      }
    : { status, headers: { 'content-type': 'application/xml;charset=utf-8', ...headers }, body: xmlDocument(asXml()) }
}

/** An error in the form the Accept header asks for; without a usable one it is a page for people. */
export function refusalAnswer(request: SandboxRequest, refusal: AlmRefusal, challenge = realm(request)): SandboxAnswer {
  const encoding = acceptedEncoding(request.headers.accept) ?? 'html'
  const headers: Record<string, string> = refusal.status === 401 ? { 'www-authenticate': challenge } : {}
  if (encoding === 'html')
    return {
      status: refusal.status,
      headers: { 'content-type': 'text/html;charset=utf-8', ...headers },
      body: `<!DOCTYPE html><html><head><title>Error ${refusal.status}</title></head><body><h1>HTTP Status ${refusal.status}</h1></body></html>`,
    }
  return dataAnswer(
    refusal.status,
    encoding,
    () => ({ Id: refusal.id, Title: refusal.message, ExceptionProperties: null, StackTrace: null }),
    () => ({
      QCRestException: { Id: refusal.id, Title: refusal.message, ExceptionProperties: null, StackTrace: null },
    }),
    headers,
  )
}

/** The media type of a body, which is JSON or XML; throws where it is neither. */
export function bodyType(request: SandboxRequest): string {
  const type = String(request.headers['content-type'] ?? '')
  if (!/^\s*application\/(json|xml)\s*(;|$)/i.test(type)) throw unsupportedMediaType()
  return type
}

/** Where to sign in: clients append `/authenticate` to it. */
function realm(request: SandboxRequest): string {
  return `LWSSO realm=http://${String(request.headers.host ?? 'localhost')}/qcbin/authentication-point`
}

export function methodNotAllowed(): AlmRefusal {
  return new AlmRefusal(405, 'qccore.general-error', 'Method Not Allowed')
}

export function unsupportedMediaType(): AlmRefusal {
  return new AlmRefusal(415, 'qccore.general-error', 'Unsupported Media Type')
}

export function noSuchResource(): AlmRefusal {
  return new AlmRefusal(404, 'qccore.general-error', 'The resource does not exist')
}
