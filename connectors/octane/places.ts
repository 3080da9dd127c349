import type { OctaneAddress, Place } from '../../core/endpoint.ts'
import { type CallOptions, ConnectorError, type Connects } from '../contract.ts'
import type { HttpAnswer } from '../http.ts'
import { inOrder } from '../limiter.ts'
import type { OctaneEntity } from './codec.ts'
import { assertSuccess, parseJson } from './errors.ts'
import { mayFollow, type OctanePage } from './pages.ts'

interface Site {
  name: string
  address: OctaneAddress
  concurrency: number
  get(path: string, query: Record<string, string>, call: CallOptions): Promise<HttpAnswer>
}

/** Workspaces that the signed-in user may open, in all shared spaces that the server shows. */
export function createPlaces({ name, address, concurrency, get }: Site): Connects['places'] {
  async function all(path: string, call: CallOptions): Promise<OctaneEntity[]> {
    const rows: OctaneEntity[] = []
    for (;;) {
      const query = { fields: 'id,name', order_by: 'id', offset: String(rows.length) }
      const answer = await get(path, query, call)
      assertSuccess(answer, name)
      const page = parseJson(answer) as OctanePage | undefined
      if (page === undefined || !Array.isArray(page.data))
        throw new ConnectorError({
          class: 'unavailable',
          code: 'not-json',
          message: `${name} answered something that is not a list.`,
          remedy: 'Check whether a proxy stands before the server.',
        })
      rows.push(...page.data)
      if (!mayFollow(page, rows.length)) return rows
    }
  }

  return async (call = {}) => {
    const spaces = await all('/api/shared_spaces', call)
    const found = await inOrder(spaces, concurrency, async (space): Promise<Place[]> => {
      const sharedSpace = String(space.id)
      const workspaces = await all(`/api/shared_spaces/${sharedSpace}/workspaces`, call)
      return workspaces.map((workspace) => ({
        name: `${String(space.name)}/${String(workspace.name)}`,
        address: { ...address, sharedSpace, workspace: String(workspace.id) },
      }))
    })
    return found.flat()
  }
}
