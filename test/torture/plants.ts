import type { Connector } from '../../connectors/contract.ts'
import type { Store } from '../../core/store.ts'
import type { Lab, Shell } from '../lab.ts'
import type { Invariant } from './invariants.ts'

/** Replaces methods of a store or connector and leaves the rest as it is. */
function altered<T extends object>(target: T, changes: Partial<T>): T {
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

/** One deliberate defect per invariant, of the kind that synchronizers have had: each must be found by the judge of worlds. */
export const plants: Record<Invariant, { defect: string; shell: (lab: Lab) => Shell }> = {
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
    defect: 'an unanswered create is sent again without looking for it',
    shell: () => ({ ...same, connector: (connector) => altered(connector, { find: async () => [] }) }),
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
}
