import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { ServletRefusal } from './refusal.ts'

/** The places of the server by id, and by the logical names that addresses may have instead. */
export interface PlaceNames {
  sharedSpace: string
  workspace: string
}

export const logicalNames = { sharedSpace: 'default_shared_space', workspace: 'demo' } as const

/**
 * A request as the routes know it: an address does not end with a slash, a space and a workspace are called by their ids,
 * and what asks for headers alone is read like a GET.
 */
export function plainRequest(request: SandboxRequest, places: PlaceNames): SandboxRequest {
  const path = request.path
    .replace(/(?<=[^/])\/+$/, '')
    .replace(`/api/shared_spaces/${logicalNames.sharedSpace}`, `/api/shared_spaces/${places.sharedSpace}`)
    .replace(
      new RegExp(`^(/api/shared_spaces/${places.sharedSpace}/workspaces/)${logicalNames.workspace}(?=/|$)`),
      `$1${places.workspace}`,
    )
  return { ...request, path, method: request.method === 'HEAD' ? 'GET' : request.method }
}

/** Throws where the client takes nothing that the server could answer with: JSON, or the bytes of a file. */
export function checkAccept({ headers, path, method }: SandboxRequest): void {
  const accept = headers.accept
  if (accept === undefined || accept.trim() === '') return
  const ranges = accept.split(',').map((range) => range.split(';')[0]?.trim().toLowerCase() ?? '')
  const served = ['*/*', 'application/*', 'application/json']
  const isFile = method === 'GET' && /\/attachments\/[^/]+/.test(path)
  if (ranges.some((range) => served.includes(range)) || isFile) return
  throw new ServletRefusal(406, 'Not Acceptable')
}

/** The refusal of an address that is longer than the container in front of the application reads; null: it is short enough. */
export function tooLongAddress({ target }: SandboxRequest, longest: number): SandboxAnswer | null {
  if (longest === 0 || target.length <= longest) return null
  return {
    status: 414,
    headers: { 'content-type': 'text/html;charset=iso-8859-1' },
    body: '<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>',
  }
}
