import type { EndpointAddress } from './endpoint.ts'
import type { LinkKind } from './link-config.ts'

/** What an entity type is called by the connector of each system, by the kind of link that keeps its records in step. */
export const entityTypes: Readonly<Record<LinkKind, Readonly<Record<EndpointAddress['kind'], string>>>> = {
  defect: { alm: 'defect', octane: 'defect' },
  backlog: { alm: 'requirement', octane: 'backlog_item' },
  release: { alm: 'release_plan', octane: 'release_plan' },
}
