import { randomInt } from 'node:crypto'
import type { ProposedMapping } from '../../core/auto-map.ts'
import { addUnmapped } from '../../core/auto-map.ts'
import type { LinkConfiguration, LinkConfigurationInput, LinkKind } from '../../core/link-config.ts'
import { entityTypes } from '../../core/link-kinds.ts'
import { type Managed, managedPreset } from '../../core/managed.ts'
import { compareAndSetOf, compareAndSetWords } from '../../core/overwrite-guard.ts'
import type { RecordSnapshot, Side } from '../../core/values.ts'
import { isTimeZone } from '../../core/zone.ts'
import { listLedger } from '../../db/ledger.ts'
import {
  createLink,
  getLink,
  type LinkRow,
  listLinks,
  listLinkVersions,
  renameLink,
  TwinLinkError,
} from '../../db/links.ts'
import { loadGuards } from '../../db/overwrite-guards.ts'
import { getRun } from '../../db/runs.ts'
import { workspaceFor } from '../../db/workspaces.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { askEndpoint } from './ask.ts'
import { validConfiguration } from './configuration.ts'
import { page, readCursor, timeKey } from './cursor.ts'
import { nameTaken } from './endpoints.ts'
import { linkEnds, shownLink } from './link-ends.ts'
import { assertSameEnds, asVersion, saveVersion } from './save-version.ts'
import { refuseOverlap, refuseUnknownFields, standingOf } from './scope.ts'
import type { Dependencies, Handlers } from './types.ts'

type LinkHandlerName =
  | 'listLinks'
  | 'createLink'
  | 'getLink'
  | 'renameLink'
  | 'deleteLink'
  | 'listVersions'
  | 'addVersion'
  | 'automapLink'
  | 'commandLink'
  | 'linkProgress'
  | 'linkGuards'
  | 'linkLedger'
  | 'linkRecord'

export function linkHandlers(dependencies: Dependencies): Pick<Handlers, LinkHandlerName> {
  const { database, temporal, bridgeId } = dependencies

  async function existing(id: string): Promise<LinkRow> {
    const found = await getLink(database, id)
    if (found === null) throw notFound('link', id)
    return found
  }

  return {
    listLinks: async () => ({ items: (await listLinks(database)).map(shownLink) }),
    getLink: async ({ params }) => shownLink(await existing(params.id)),

    createLink: async ({ body }, { actor }) => {
      const { left, right, octane } = await linkEnds(database, body.left, body.right)
      const proposed = await askEndpoint<ProposedMapping & { defaultUsers: LinkConfiguration['defaultUsers'] }>(
        dependencies,
        {
          kind: 'propose-mapping',
          left: { id: left.id },
          right: { id: right.id },
          entityType: body.entityType,
          ...(body.types === undefined ? {} : { types: body.types }),
        },
      )
      assertTypes(body.entityType, proposed)
      assertManaged(body.managed ?? {}, proposed)
      const preset = managedPreset(proposed, { ...body.managed } as Record<string, Managed>)
      const configuration = validConfiguration({
        entityType: body.entityType,
        left: {
          endpointId: left.id,
          entityType: entityTypes[body.entityType].alm,
          crossReference: proposed.crossReference.left,
        },
        right: {
          endpointId: right.id,
          entityType: entityTypes[body.entityType].octane,
          crossReference: proposed.crossReference.right,
        },
        ...preset,
        defaultUsers: proposed.defaultUsers,
        schedule: proposedSchedule(),
        ...body.configuration,
      })
      assertSameEnds(configuration, { entityType: body.entityType, left, right })
      await refuseOverlap(dependencies, null, configuration)
      await refuseUnknownFields(dependencies, null, configuration)
      const id = await nameTaken('/name', body.name, async () =>
        createLink(database, {
          name: body.name,
          description: body.description,
          workspaceId: await workspaceFor(database, octane),
          bridgeId,
          configuration,
          author: actor,
          comment: 'Created with an automatic mapping.',
        }),
      ).catch((error: unknown) => {
        if (!(error instanceof TwinLinkError)) throw error
        throw new ApiProblem(409, 'link-exists', error.message, {
          remedy: 'Change that link, or delete it first.',
        })
      })
      // The link exists whether or not Temporal answers now: its first command, or housekeeping, starts what is missing.
      await temporal.ensureLink(id).catch(() => undefined)
      return { link: shownLink(await existing(id)), notes: proposed.notes }
    },

    renameLink: async ({ params, body }, { actor }) => {
      const link = await existing(params.id)
      const change = {
        ...(body.name === undefined ? {} : { name: body.name }),
        ...(body.description === undefined ? {} : { description: body.description }),
      }
      await nameTaken('/name', body.name ?? link.name, () => renameLink(database, params.id, change, actor))
      return shownLink(await existing(params.id))
    },

    deleteLink: async ({ params, query }, command) => {
      await existing(params.id)
      const { reason } = query
      await temporal.deleteLink(params.id, { ...command, ...(reason === undefined ? {} : { reason }) })
      return null
    },

    listVersions: async ({ params }) => {
      await existing(params.id)
      return { items: (await listLinkVersions(database, params.id)).map(asVersion) }
    },

    addVersion: async ({ params, body }, command) => {
      const link = await existing(params.id)
      return asVersion(await saveVersion(dependencies, link, body, command))
    },

    automapLink: async ({ params, body }, command) => {
      const link = await existing(params.id)
      const [now] = await listLinkVersions(database, params.id, link.version)
      if (now === undefined) throw new Error('a link has its version')
      const { configuration } = now
      const proposed = await askEndpoint<ProposedMapping>(dependencies, {
        kind: 'propose-mapping',
        left: { id: link.left.id },
        right: { id: link.right.id },
        entityType: configuration.entityType,
        ...(configuration.entityType === 'backlog'
          ? { types: configuration.types.map((type) => ({ octane: type.right.default, alm: type.left.values })) }
          : {}),
      })
      const { configuration: next, added } = addUnmapped(configuration, proposed.fields)
      const answer = {
        added: added.map(({ left, right, direction }) => ({ left, right, direction })),
        notes: proposed.notes,
      }
      if (!body.save || added.length === 0) return { ...answer, version: null }
      const { version } = await saveVersion(
        dependencies,
        link,
        {
          expectedVersion: link.version,
          configuration: next,
          comment: `Mapped automatically: ${added.map(({ id }) => id).join(', ')}.`,
        },
        command,
      )
      return { ...answer, version }
    },

    commandLink: async ({ params, body }, command) => {
      await existing(params.id)
      return temporal.command(params.id, body, command)
    },

    linkProgress: async ({ params }) => {
      const link = await existing(params.id)
      if (link.currentRun === null) return { run: null, phase: null, done: 0, left: link.pending }
      const [run, progress] = await Promise.all([getRun(database, link.currentRun), temporal.progress(link.currentRun)])
      return { run, phase: progress?.phase ?? null, done: run?.counters.examined ?? 0, left: link.pending }
    },

    linkGuards: async ({ params }) => {
      const link = await existing(params.id)
      const [version] = await listLinkVersions(database, params.id, link.version)
      const known = await loadGuards(database, params.id)
      const writes = version?.configuration.tuning.writes ?? 'lock'
      const of = (side: Side) => {
        const compareAndSet = compareAndSetOf(link[side].kind === 'octane' ? 'octane' : 'alm', writes)
        return { endpoint: link[side].name, compareAndSet, words: compareAndSetWords[compareAndSet], ...known[side] }
      }
      return { left: of('left'), right: of('right') }
    },

    linkLedger: async ({ params, query }) => {
      await existing(params.id)
      const before = readCursor(query.cursor, timeKey)
      const rows = await listLedger(database, {
        linkId: params.id,
        limit: query.limit + 1,
        ...(before === undefined ? {} : { before }),
      })
      return page(rows, query.limit, (row) => ({ at: row.at, id: row.id }))
    },

    linkRecord: async ({ params }) => {
      const link = await existing(params.id)
      const [version] = await listLinkVersions(database, params.id, link.version)
      if (version === undefined) throw new Error('a link has its version')
      const { configuration } = version
      const { side, recordId } = params
      const fields = configuration.fields.flatMap((mapping) => mapping[side] ?? [])
      const reference = configuration[side].crossReference
      const found = await askEndpoint<{ found: boolean; url?: string; snapshot?: RecordSnapshot }>(dependencies, {
        kind: 'record',
        endpoint: { id: configuration[side].endpointId },
        entityType: configuration[side].entityType,
        id: recordId,
        fields: reference === null || fields.includes(reference) ? fields : [...fields, reference],
      })
      const ledger = await listLedger(database, {
        linkId: params.id,
        limit: 100,
        ...(side === 'left' ? { leftId: recordId } : { rightId: recordId }),
      })
      const standing = await standingOf(database, params.id, side, recordId)
      return { found: found.found, url: found.url ?? null, fields: { ...found.snapshot?.fields }, standing, ledger }
    },
  }
}

/** A full scan each night where the server stands, at a minute of the link's own: many links do not begin together. */
function proposedSchedule(): LinkConfigurationInput['schedule'] {
  const minute = 60 + randomInt(4 * 60)
  const time = `0${Math.floor(minute / 60)}:${String(minute % 60).padStart(2, '0')}`
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()
  return { timeZone: isTimeZone(timeZone) ? timeZone : 'UTC', fullScans: [{ times: [time] }] }
}

/** Types that were asked for exist, and a backlog link has some. */
function assertTypes(kind: LinkKind, proposed: ProposedMapping): void {
  const errors =
    proposed.refused.length > 0
      ? proposed.refused.map(({ index, message }) => ({ pointer: `/types/${index}`, message }))
      : kind === 'backlog' && proposed.types.length === 0
        ? [{ pointer: '/types', message: 'no requirement type is named like an epic, feature or story of Octane' }]
        : []
  if (errors.length > 0)
    throw new ApiProblem(422, 'unknown-type', errors.map((error) => `${error.pointer} ${error.message}`).join('; '), {
      remedy: 'Name the requirement types of ALM that become epics, features and stories.',
      errors,
    })
}

/** Where records are managed is said of types that the link has. */
function assertManaged(managed: Readonly<Record<string, unknown>>, { types }: ProposedMapping): void {
  const errors = Object.keys(managed)
    .filter((type) => type !== '*' && !types.some(({ id }) => id === type))
    .map((type) => ({ pointer: `/managed/${type}`, message: 'is no type of this link' }))
  if (errors.length > 0)
    throw new ApiProblem(422, 'unknown-type', errors.map((error) => `${error.pointer} ${error.message}`).join('; '), {
      remedy: `Use ${['*', ...types.map(({ id }) => id)].join(', ')}.`,
      errors,
    })
}
