import { listBridges } from '../../db/bridges.ts'
import { getInstallationLimits, setInstallationLimits } from '../../db/installation.ts'
import { listWorkspaces } from '../../db/workspaces.ts'
import type { Dependencies, Handlers } from './types.ts'

export function serviceHandlers(
  { database, temporal }: Dependencies,
  about: { build: string; temporalUi: string | null; mail: string | null },
): Pick<Handlers, 'health' | 'listWorkspaces' | 'listBridges' | 'getLimits' | 'changeLimits'> {
  return {
    health: async () => {
      const [up, answers] = await Promise.all([
        temporal.isUp(),
        database.sql`select 1`.then(
          () => true,
          () => false,
        ),
      ])
      return {
        build: about.build,
        database: answers ? 'ok' : 'down',
        temporal: up ? 'ok' : 'down',
        temporalUi: about.temporalUi,
        mail: about.mail,
      }
    },
    getLimits: () => getInstallationLimits(database),
    changeLimits: async ({ body }, { actor }) => {
      const { endpointBatches, batches } = body
      await setInstallationLimits(
        database,
        {
          ...(endpointBatches === undefined ? {} : { endpointBatches }),
          ...(batches === undefined ? {} : { batches }),
        },
        actor,
      )
      return getInstallationLimits(database)
    },
    listWorkspaces: async () => ({ items: await listWorkspaces(database) }),
    listBridges: async () => ({
      items: (await listBridges(database)).map(({ publicKey: _publicKey, ...bridge }) => bridge),
    }),
  }
}
