import type { LookUp } from '../confirm-gone.ts'
import type { CallOptions } from '../contract.ts'
import { isHtml } from '../http.ts'
import type { OctaneCalls } from './connector.ts'
import { errorsOf, isWorkspaceGone } from './errors.ts'

/** Asks for one entity by its own path: only Octane's word that it is not there counts. */
export async function lookUpAt(
  calls: Pick<OctaneCalls, 'name' | 'send'>,
  path: string,
  options: CallOptions,
): Promise<LookUp> {
  const answer = await calls.send('GET', path, { fields: 'id' }, undefined, options)
  if (isHtml(answer)) return { outcome: 'unknown', reason: `${calls.name} answered with a web page` }
  if (answer.status === 200) return { outcome: 'there', reason: null }
  const error = errorsOf(answer)[0] ?? {}
  const { error_code: code } = error
  if (answer.status === 404 && code === 'platform.entity_not_found' && !isWorkspaceGone(error))
    return { outcome: 'gone', reason: null }
  return {
    outcome: 'unknown',
    reason: `${calls.name} answered HTTP ${answer.status}${code === undefined ? '' : ` (${code})`}`,
  }
}
