import type { CarriesAttachments, CarriesComments, CommentResult, Connector } from '../../connectors/contract.ts'
import { attachmentEntries, attachmentsValue } from '../../core/attachments.ts'
import type { Comment, CommentAction } from '../../core/comments.ts'
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

/** The connector of one kind with another way of writing comments. */
function withComments(
  connector: Connector,
  kind: Connector['kind'],
  change: (comments: CarriesComments) => CarriesComments['write'],
): Connector {
  const { comments } = connector
  return connector.kind !== kind || comments === undefined
    ? connector
    : altered(connector, { comments: altered(comments, { write: change(comments) }) })
}

/** What a comment would be once an action is carried out. */
function carriedOut(action: CommentAction): Comment | null {
  if (action.kind === 'delete') return null
  if (action.kind === 'edit') return { ...action.was, text: action.text }
  const { author, time, text, origin } = action
  return { id: null, author, time, text, origin }
}

/** Deliberate defects, at least one for each judge of a backlog with files and comments. */
export const backlogPlants: readonly { invariant: Invariant; defect: string; shell: Shell }[] = [
  {
    invariant: 'I1',
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
  {
    invariant: 'I3',
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
  {
    invariant: 'I4',
    defect: 'what a list of files lacks is taken for taken away',
    shell: {
      ...same,
      connector: (connector) =>
        withFiles(
          withLists(connector, (value) =>
            value === null
              ? null
              : attachmentsValue(attachmentEntries(value).filter((entry) => Number(entry.id) % 2 === 0)),
          ),
          connector.kind,
          () => ({
            confirmGone: async (_entityType, files) =>
              files.map(({ id }) => ({ id, outcome: 'gone' as const, reason: null })),
          }),
        ),
    },
  },
  {
    invariant: 'I5',
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
  {
    invariant: 'I7',
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
  {
    invariant: 'I10',
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
  {
    invariant: 'I2',
    defect: 'comments of a record that somebody holds locked in ALM are taken for written',
    shell: {
      ...same,
      connector: (connector) =>
        withComments(connector, 'alm', (comments) => async (...call) => {
          const results = await comments.write(...call)
          return results.map((result, index): CommentResult => {
            const action = call[3][index]
            const isLost = result.outcome === 'refused' && action !== undefined
            return isLost ? { outcome: 'done', comment: carriedOut(action) } : result
          })
        }),
    },
  },
  {
    invariant: 'I3',
    defect: 'comments are sent once more although they had been written',
    shell: {
      ...same,
      connector: (connector) =>
        withComments(connector, 'octane', (comments) => async (...call) => {
          const [entityType, recordId, field, actions, options] = call
          const added = actions.filter((action) => action.kind === 'add')
          await comments.write(entityType, recordId, field, added, options)
          return comments.write(...call)
        }),
    },
  },
]
