import { statusWords } from '../../core/link-state.ts'
import type { Database } from '../../db/connection.ts'
import { getEndpoint } from '../../db/endpoints.ts'
import type { LinkRow } from '../../db/links.ts'
import { ApiProblem } from '../problem.ts'

/** A link as answers show it, with its status in words. */
export function shownLink(link: LinkRow) {
  const { label, action } = statusWords[link.status]
  const until = link.status === 'outside-schedule' ? ` until ${link.schedule.closedUntil}` : ''
  return { ...link, statusLabel: `${label}${until}`, statusAction: action }
}

/** Both ends by their kind, or what is wrong with them. */
export async function linkEnds(database: Database, leftId: string, rightId: string) {
  const [left, right] = await Promise.all([getEndpoint(database, leftId), getEndpoint(database, rightId)])
  const errors = [
    ...(left === null
      ? [{ pointer: '/left', message: 'names no endpoint' }]
      : left.kind !== 'alm'
        ? [{ pointer: '/left', message: 'must be an ALM endpoint' }]
        : []),
    ...(right === null
      ? [{ pointer: '/right', message: 'names no endpoint' }]
      : right.kind !== 'octane'
        ? [{ pointer: '/right', message: 'must be an ALM Octane endpoint' }]
        : []),
  ]
  if (left === null || right === null || errors.length > 0 || right.address.kind !== 'octane')
    throw new ApiProblem(
      422,
      left === null || right === null ? 'not-found' : 'wrong-kind',
      errors.map((error) => `${error.pointer} ${error.message}`).join('; '),
      {
        remedy: 'List the endpoints to see which there are.',
        errors,
      },
    )
  return { left, right, octane: right.address }
}
