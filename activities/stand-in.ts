import type { CallOptions } from '../connectors/contract.ts'
import type { LinkConfiguration } from '../core/link-config.ts'
import type { EndpointUser } from '../core/metadata.ts'
import type { EndpointContext } from '../core/store.ts'
import type { Side } from '../core/values.ts'
import type { Connections } from './connections.ts'

/** Who stands in for people without twin in a new link: where ALM requires people the integration user, who surely exists. */
export async function standIns(
  connections: Connections,
  ends: Readonly<Record<Side, { endpoint: EndpointContext; users: readonly EndpointUser[] }>>,
  call: CallOptions,
): Promise<LinkConfiguration['defaultUsers']> {
  const of = async ({ endpoint, users }: (typeof ends)['left']): Promise<string | null> => {
    if (endpoint.address.kind !== 'alm') return null
    const { user } = await (await connections.connector(endpoint)).testConnection(call)
    return users.find((one) => one.active && one.login.toLowerCase() === user.toLowerCase())?.key ?? null
  }
  const [left, right] = await Promise.all([of(ends.left), of(ends.right)])
  return { left, right }
}
