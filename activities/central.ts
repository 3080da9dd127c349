import { createLinkControl } from './link-control.ts'
import { createNotices } from './notices.ts'

export type CentralDependencies = Parameters<typeof createLinkControl>[0] & Parameters<typeof createNotices>[0]

/** Everything that needs the database or the mail server and no endpoint. */
export function createCentralActivities(dependencies: CentralDependencies) {
  return { ...createLinkControl(dependencies), ...createNotices(dependencies) }
}

export type CentralActivities = ReturnType<typeof createCentralActivities>
