import type { Connector } from '../../connectors/contract.ts'
import { crossReference } from '../../core/endpoint.ts'
import type { Store } from '../../core/store.ts'
import type { Lab, Shell } from '../lab.ts'
import type { TortureOptions } from './torture.ts'
import type { Invariant } from './verdict.ts'

/** Replaces methods of a store or connector and leaves the rest as it is. */
export function altered<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get: (owner, property) => {
      const own = (changes as Record<string | symbol, unknown>)[property]
      if (own !== undefined) return own
      const value: unknown = Reflect.get(owner, property)
      return typeof value === 'function' ? value.bind(owner) : value
    },
  })
}

/** Reads records whose title has something at its end that the record has not. */
async function decorated(connector: Connector, parameters: Parameters<Connector['read']>, ending: () => string) {
  const found = await connector.read(...parameters)
  return found.map((one) =>
    'name' in one.fields ? { ...one, fields: { ...one.fields, name: `${one.fields.name}${ending()}` } } : one,
  )
}

const same: Shell = { store: (store: Store) => store, connector: (connector: Connector) => connector }

interface Plant {
  defect: string
  shell: (lab: Lab) => Shell
  /** What the world must be like for the defect to show. */
  world?: Partial<TortureOptions>
}

/**
 * One deliberate defect per invariant, of the kind that synchronizers have had: each must be found by the judge of worlds.
 * Commands (I9) are tried by storms, with a defect of their own.
 */
export const plants: Record<Exclude<Invariant, 'I9'>, Plant> = {
  I1: {
    defect: 'a scan skips a row at the border of a page',
    shell: () => ({
      ...same,
      connector: (connector) =>
        altered(connector, {
          scan: async (query, options) => {
            const page = await connector.scan(query, options)
            return { ...page, rows: page.rows.filter((row) => !row.id.endsWith('3')) }
          },
        }),
    }),
  },
  I2: {
    defect: 'updates are sent without comparing the state they were planned from',
    shell: (lab) => ({
      ...same,
      connector: (connector) =>
        connector.kind !== 'octane'
          ? connector
          : altered(connector, {
              update: (entityType, rows, returnFields, options) => {
                // A person saves between our read and our write, which does not look whether anybody did.
                for (const row of rows)
                  if ('name' in row.fields) lab.octane.edit('defect', row.id, { name: `octane says in time ${row.id}` })
                return connector.update(
                  entityType,
                  rows.map(({ lock: _lock, ...row }) => ({ ...row, compareAndSet: false })),
                  returnFields,
                  options,
                )
              },
            }),
    }),
  },
  I3: {
    defect: 'an unanswered create is forgotten, and sent again without looking for it',
    shell: () => ({
      store: (store) =>
        altered(store, {
          claim: async (request) => {
            const claim = await store.claim(request)
            return { ...claim, items: claim.items.map((item) => ({ ...item, intents: [] })) }
          },
        }),
      connector: (connector) => altered(connector, { find: async () => [] }),
    }),
  },
  I4: {
    defect: 'what its user may not see is taken for deleted',
    world: { disturbances: ['deletions'], rule: 'delete', faults: [], deaths: false },
    shell: () => {
      const shown = (id: string) => !id.endsWith('3')
      return {
        ...same,
        connector: (connector) =>
          altered(connector, {
            scan: async (query, options) => {
              const page = await connector.scan(query, options)
              return query.since === null ? { ...page, rows: page.rows.filter((row) => shown(row.id)) } : page
            },
            read: async (entityType, ids, fields, options) => {
              const found = await connector.read(entityType, ids, fields, options)
              return found.filter((one) => shown(one.id) || fields.length === 0)
            },
            confirmGone: async (_entityType, ids) => ids.map((id) => ({ id, outcome: 'gone' as const, reason: null })),
          }),
      }
    },
  },
  I5: {
    defect: 'every listing shows another stamp, and every reading another title',
    shell: () => ({
      ...same,
      connector: (connector) => {
        let counter = 0
        return altered(connector, {
          scan: async (query, options) => {
            const page = await connector.scan(query, options)
            const rows = page.rows.map((row) => ({ ...row, stamp: { ...row.stamp, version: 1_000 + ++counter } }))
            return { ...page, rows }
          },
          read: (...parameters) => decorated(connector, parameters, () => ` ${++counter}`),
        })
      },
    }),
  },
  I6: {
    defect: 'a server that reformats what it keeps is taken for a person who edits',
    shell: () => ({
      ...same,
      connector: (connector) =>
        connector.kind === 'octane'
          ? altered(connector, { read: (...parameters) => decorated(connector, parameters, () => '.') })
          : connector,
    }),
  },
  I7: {
    defect: 'the number that the twin will have is written back before the twin is created',
    shell: (lab) => {
      let alm: Connector | null = null
      return {
        ...same,
        connector: (connector) => {
          if (connector.kind === 'alm') {
            alm = connector
            return connector
          }
          return altered(connector, {
            create: async (entityType, rows, returnFields, options) => {
              const next = Math.max(...lab.octane.records('defect').map((record) => Number(record.id))) + 1
              const place = { kind: 'octane' as const, url: '', sharedSpace: '1001', workspace: '1002' }
              const named =
                String(rows[0]?.fields.alm_id_udf ?? '')
                  .split('/')
                  .at(-1) ?? ''
              await alm?.update(
                entityType,
                [
                  {
                    id: named,
                    fields: { 'user-01': crossReference(place, 'defect', String(next)) },
                    expected: { version: null, modified: null },
                    compareAndSet: false,
                  },
                ],
                ['user-01'],
                options,
              )
              return connector.create(entityType, rows, returnFields, options)
            },
          })
        },
      }
    },
  },
  I8: {
    defect: 'the position moves on past the end of a page that was not queued',
    shell: () => ({
      ...same,
      store: (store) =>
        altered(store, {
          recordScanPage: (input) =>
            store.recordScanPage(input.rows.length < 2 ? input : { ...input, rows: input.rows.slice(0, -1) }),
        }),
    }),
  },
  I10: {
    defect: 'a write that was found by looking is settled without a ledger row',
    shell: () => ({
      ...same,
      store: (store) =>
        altered(store, {
          commit: (request) =>
            store.commit({
              ...request,
              items: request.items.map((item) => ({
                ...item,
                settled: item.settled.map((one) => (one.foundByLooking ? { ...one, outcome: 'not-applied' } : one)),
              })),
            }),
        }),
    }),
  },
  I11: {
    defect: 'what an endpoint said of a write is kept together with the credentials it was sent with',
    shell: (lab) => ({
      ...same,
      connector: (connector) =>
        altered(connector, {
          update: async (entityType, rows, returnFields, options) => {
            const results = await connector.update(entityType, rows, returnFields, options)
            const { user, password } = lab.alm.credentials.user
            const header = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
            return results.map((one) =>
              one.outcome === 'done'
                ? one
                : { ...one, problem: { ...one.problem, message: `${one.problem.message} (authorization: ${header})` } },
            )
          },
        }),
    }),
  },
}
