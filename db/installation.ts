import { type Database, named } from './connection.ts'
import { appendLedger, chainOf } from './ledger.ts'

export interface InstallationLimits {
  /** Batches at a time at an endpoint that has no limit of its own. */
  endpointBatches: number
  /** Batches at a time in the whole installation; null: no limit. */
  batches: number | null
}

/** A link works on six batches at a time by itself; several on one endpoint share. */
export const defaultEndpointBatches = 8

export async function getInstallationLimits({ sql }: Pick<Database, 'sql'>): Promise<InstallationLimits> {
  const [row] = await named(
    'installation limits',
    () =>
      sql<InstallationLimits[]>`select endpoint_batches as "endpointBatches", max_batches as batches from installation`,
  )
  return row ?? { endpointBatches: defaultEndpointBatches, batches: null }
}

export async function setInstallationLimits(
  { sql }: Database,
  change: Partial<InstallationLimits>,
  actor: string,
): Promise<void> {
  const { endpointBatches, batches } = change
  await named('set installation limits', () =>
    sql.begin(async (tx) => {
      await tx`
        insert into installation (one, endpoint_batches, max_batches)
        values (true, ${endpointBatches ?? defaultEndpointBatches}, ${batches ?? null})
        on conflict (one) do update set
          endpoint_batches = ${endpointBatches === undefined ? tx`installation.endpoint_batches` : endpointBatches},
          max_batches = ${batches === undefined ? tx`installation.max_batches` : batches}`
      await appendLedger(tx, chainOf(null), [
        { kind: 'command', action: 'limits changed', linkId: null, content: { ...change }, actor },
      ])
    }),
  )
}
