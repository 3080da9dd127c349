import type { CarriesAttachments, Connector } from '../../connectors/contract.ts'
import { attachmentEntries, attachmentsValue } from '../../core/attachments.ts'
import type { CanonicalValue, RecordSnapshot } from '../../core/values.ts'
import type { Shell } from '../lab.ts'
import { altered } from './plants.ts'
import type { Invariant } from './verdict.ts'

const same: Shell = { store: (store) => store, connector: (connector) => connector }

/** The connector of one kind with other ways of carrying files. */
function withFiles(
  connector: Connector,
  kind: Connector['kind'],
  change: (files: CarriesAttachments) => Partial<CarriesAttachments>,
): Connector {
  const { attachments } = connector
  return connector.kind !== kind || attachments === undefined
    ? connector
    : altered(connector, { attachments: altered(attachments, change(attachments)) })
}

/** The connector of Octane with other lists of files in what it reads. */
function withLists(connector: Connector, change: (value: CanonicalValue) => CanonicalValue): Connector {
  const changed = (one: RecordSnapshot) =>
    'attachments' in one.fields
      ? { ...one, fields: { ...one.fields, attachments: change(one.fields.attachments ?? null) } }
      : one
  return connector.kind !== 'octane'
    ? connector
    : altered(connector, { read: async (...parameters) => (await connector.read(...parameters)).map(changed) })
}

/** One deliberate defect for each judge of a backlog with files. */
export const backlogPlants: Record<
  Extract<Invariant, 'I1' | 'I3' | 'I4' | 'I5' | 'I7' | 'I10'>,
  { defect: string; shell: Shell }
> = {
  I1: {
    defect: 'of a file that is carried, the bytes of another one are sent',
    shell: {
      ...same,
      connector: (connector) =>
        withFiles(connector, 'octane', (files) => ({
          add: (entityType, recordId, file, call) =>
            files.add(
              entityType,
              recordId,
              {
                ...file,
                async *content() {
                  yield Buffer.alloc(file.size ?? 0, file.name)
                },
              },
              call,
            ),
        })),
    },
  },
  I3: {
    defect: 'a file is sent once more although it had been carried',
    shell: {
      ...same,
      connector: (connector) =>
        withFiles(connector, 'octane', (files) => ({
          add: async (entityType, recordId, file, call) => {
            const pieces: Uint8Array[] = []
            for await (const piece of file.content()) pieces.push(piece)
            const again = {
              ...file,
              async *content() {
                yield* pieces
              },
            }
            await files.add(entityType, recordId, { ...again, name: `again-${file.name}` }, call)
            return files.add(entityType, recordId, again, call)
          },
        })),
    },
  },
  I4: {
    defect: 'what a list of files lacks is taken for taken away',
    shell: {
      ...same,
      connector: (connector) =>
        withLists(connector, (value) =>
          value === null
            ? null
            : attachmentsValue(attachmentEntries(value).filter((entry) => Number(entry.id) % 2 === 0)),
        ),
    },
  },
  I5: {
    defect: 'files show another stamp whenever they are listed',
    shell: (() => {
      let counter = 0
      return {
        ...same,
        connector: (connector) =>
          withLists(connector, (value) =>
            value === null
              ? null
              : attachmentsValue(attachmentEntries(value).map((entry) => ({ ...entry, stamp: `${++counter}` }))),
          ),
      }
    })(),
  },
  I7: {
    defect: 'what lies under another is created at the top and moved later',
    shell: {
      ...same,
      connector: (connector) =>
        connector.kind !== 'alm'
          ? connector
          : altered(connector, {
              create: (entityType, rows, returnFields, options) =>
                connector.create(
                  entityType,
                  rows.map((row) => ({ ...row, fields: { ...row.fields, 'parent-id': null } })),
                  returnFields,
                  options,
                ),
            }),
    },
  },
  I10: {
    defect: 'a file that was carried is settled without a ledger row',
    shell: {
      ...same,
      store: (store) =>
        altered(store, {
          commit: (request) =>
            store.commit({
              ...request,
              items: request.items.map((item) => ({
                ...item,
                settled: item.settled.map((one) =>
                  one.outcome === 'applied' && one.stampAfter === null ? { ...one, outcome: 'not-applied' } : one,
                ),
              })),
            }),
        }),
    },
  },
}
