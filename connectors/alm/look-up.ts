import type { LookUp } from '../confirm-gone.ts'
import type { CallOptions } from '../contract.ts'
import { isHtml } from '../http.ts'
import type { AlmCalls } from './connector.ts'
import { errorOf } from './errors.ts'

/** Asks for one thing by its own path. ALM answers 404 to bad requests as well: only its word that the entity is not there counts. */
export async function lookUpAt(
  calls: Pick<AlmCalls, 'name' | 'send'>,
  path: string,
  options: CallOptions,
  query: Record<string, string> = {},
): Promise<LookUp> {
  const answer = await calls.send('GET', path, undefined, options, query)
  if (isHtml(answer)) return { outcome: 'unknown', reason: `${calls.name} answered with a web page` }
  if (answer.status === 200) return { outcome: 'there', reason: null }
  const { id: code } = errorOf(answer)
  if (answer.status === 404 && code === 'qccore.entity-not-found') return { outcome: 'gone', reason: null }
  return {
    outcome: 'unknown',
    reason: `${calls.name} answered HTTP ${answer.status}${code === '' ? '' : ` (${code})`}`,
  }
}
