import type { CredentialSecret, EndpointAddress } from '../core/endpoint.ts'
import { createAlmConnector } from './alm/connector.ts'
import { withReleaseDates } from './alm/release-dates.ts'
import { type CompositeType, withComposites } from './composite.ts'
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
    ? withReleaseDates(withComposites(createAlmConnector({ address, secret, writes, ...http }), almComposites))
    : withComposites(createOctaneConnector({ address, secret, ...http }), octaneComposites)
}

/** Releases and their cycles have ids of their own each. */
const almComposites: readonly CompositeType[] = [
  {
    name: 'release_plan',
    typeField: 'record-type',
    members: [
      { entityType: 'release', label: 'Release', prefix: 'release-' },
      {
        entityType: 'release-cycle',
        label: 'Cycle',
        prefix: 'cycle-',
        follows: { member: 'release', field: 'parent-id' },
      },
    ],
  },
]

/** All work items have ids of one sequence; releases and sprints do not. */
const octaneComposites: readonly CompositeType[] = [
  {
    name: 'backlog_item',
    typeField: 'subtype',
    aggregate: 'work_item',
    members: [
      { entityType: 'epic', label: 'Epic', prefix: '' },
      { entityType: 'feature', label: 'Feature', prefix: '' },
      { entityType: 'story', label: 'User story', prefix: '' },
    ],
  },
  {
    name: 'release_plan',
    typeField: 'record_type',
    members: [
      { entityType: 'release', label: 'Release', prefix: 'release-' },
      {
        entityType: 'sprint',
        label: 'Sprint',
        prefix: 'sprint-',
        follows: { member: 'release', field: 'release' },
      },
    ],
  },
]
