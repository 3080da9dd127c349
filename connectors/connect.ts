import type { CredentialSecret, EndpointAddress } from '../core/endpoint.ts'
import { createAlmConnector } from './alm/connector.ts'
import type { Connector } from './contract.ts'
import { createOctaneConnector } from './octane/connector.ts'

export interface ConnectOptions {
  /** How updates are kept from overwriting others, on systems that lock. */
  writes: 'lock' | 'bulk'
  concurrency?: number
  timeoutMs?: number
}

/** The connector of an endpoint. Nothing is sent before the first call. */
export function connect(address: EndpointAddress, secret: CredentialSecret, options: ConnectOptions): Connector {
  const { writes, ...http } = options
  return address.kind === 'alm'
    ? createAlmConnector({ address, secret, writes, ...http })
    : createOctaneConnector({ address, secret, ...http })
}
