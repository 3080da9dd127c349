import { isDeepStrictEqual } from 'node:util'
import { checkScope, unknownScopeFields } from '../../core/check-scope.ts'
import type { LinkConfiguration } from '../../core/link-config.ts'
import type { SideMetadata } from '../../core/metadata.ts'
import type { Favorite } from '../../core/scope.ts'
import { overlap } from '../../core/scope-overlap.ts'
import { type RecordSnapshot, type Side, sides } from '../../core/values.ts'
import type { Database } from '../../db/connection.ts'
import { getLink, listLinkVersions } from '../../db/links.ts'
import { linksBeside, listStopped, loadStanding, resumeRecord, type Standing, stopRecord } from '../../db/scope.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { askEndpoint } from './ask.ts'
import { validConfiguration } from './configuration.ts'
import type { Dependencies, Handlers } from './types.ts'

type Names = 'previewScope' | 'listFavorites' | 'stopRecord' | 'resumeRecord' | 'stoppedRecords'

/** What a link takes up, and records that people take out of it. */
export function scopeHandlers(dependencies: Dependencies): Pick<Handlers, Names> {
  const { database } = dependencies

  async function configurationOf(linkId: string): Promise<LinkConfiguration> {
    const link = await getLink(database, linkId)
    if (link === null) throw notFound('link', linkId)
    const [version] = await listLinkVersions(database, linkId, link.version)
    if (version === undefined) throw new Error('a link has its version')
    return validConfiguration(version.configuration)
  }

  /** Refuses a number that neither we nor the endpoint know: what was mistyped would seem to be taken out. */
  async function assertKnown(linkId: string, side: Side, id: string): Promise<void> {
    const configuration = await configurationOf(linkId)
    const { state } = await loadStanding(database, { linkId, side, id })
    if (state === 'paired' || state === 'left-alone') return
    const { endpointId, entityType } = configuration[side]
    const { snapshot } = await askEndpoint<{ snapshot?: RecordSnapshot }>(dependencies, {
      kind: 'record',
      endpoint: { id: endpointId },
      entityType,
      id,
      fields: [],
    })
    if (snapshot?.id === id) return
    const message = `The ${side} side has no record ${id}, or it may not be read there.`
    throw new ApiProblem(404, 'unknown-record', message, {
      remedy: 'Correct the number or the side, or give the integration user the right to read it.',
      errors: [{ pointer: '/path/recordId', message }],
    })
  }

  return {
    previewScope: async ({ params, body }) => {
      const saved = await configurationOf(params.id)
      const { side } = body
      const configuration = validConfiguration({
        ...saved,
        ...(body.pastReleases === undefined ? {} : { pastReleases: body.pastReleases }),
        [side]: {
          ...saved[side],
          ...(body.scope === undefined ? {} : { scope: body.scope }),
          ...(body.root === undefined ? {} : { root: body.root }),
        },
      })
      const { endpointId, entityType, scope, root } = configuration[side]
      const endpoint = { id: endpointId }
      const metadata = await askEndpoint<SideMetadata>(dependencies, { kind: 'describe', endpoint, entityType })
      assertFieldsExist(configuration, side, metadata)
      const findings = checkScope(configuration, side, metadata).map(({ message, pointer }) => ({ message, pointer }))
      const types = configuration.types.flatMap((type) => type[side].values)
      const preview = await askEndpoint<{
        count: number
        exact: boolean
        total: number
        first: { id: string; name: string; url: string }[]
      }>(dependencies, {
        kind: 'preview-scope',
        endpoint,
        entityType,
        scope: {
          ...scope,
          root,
          pastReleases: configuration.pastReleases,
          types: types.length === 0 ? null : types,
          zone: configuration.schedule.timeZone,
        },
      })
      return { ...preview, findings }
    },

    listFavorites: async ({ params, query }) => {
      const { endpointId, entityType } = (await configurationOf(params.id))[query.side]
      const { items } = await askEndpoint<{ items: Favorite[] }>(dependencies, {
        kind: 'favorites',
        endpoint: { id: endpointId },
        entityType,
      })
      return { items: items.map((one) => ({ ...one, conditions: [...one.conditions] })) }
    },

    stopRecord: async ({ params, body }, { actor }) => {
      const { id: linkId, side, recordId } = params
      await assertKnown(linkId, side, recordId)
      const stopped = await stopRecord(database, { linkId, side, id: recordId, actor, reason: body.reason })
      if (stopped === null)
        throw new ApiProblem(409, 'already-stopped', `Record ${recordId} is stopped already.`, {
          remedy: 'Look at the stopped records of the link.',
        })
      return standingOf(database, linkId, side, recordId)
    },

    resumeRecord: async ({ params, body }, { actor }) => {
      const { id: linkId, side, recordId } = params
      if ((await getLink(database, linkId)) === null) throw notFound('link', linkId)
      if (!(await resumeRecord(database, { linkId, side, id: recordId, actor, reason: body.reason })))
        throw new ApiProblem(409, 'not-stopped', `Record ${recordId} is not stopped.`, {
          remedy: 'Look at the stopped records of the link.',
        })
      return standingOf(database, linkId, side, recordId)
    },

    stoppedRecords: async ({ params }) => {
      if ((await getLink(database, params.id)) === null) throw notFound('link', params.id)
      return { items: await listStopped(database, params.id) }
    },
  }
}

/** Where a record stands in a link, in words too. */
export async function standingOf(database: Database, linkId: string, side: Side, id: string) {
  const standing = await loadStanding(database, { linkId, side, id })
  return { ...standing, words: wordsOf(standing) }
}

function wordsOf({ state, because, twinId, stopped }: Standing): string {
  const pair = twinId === null ? '' : ` Its pair with ${twinId} stays.`
  if (stopped !== null) return `${stopped.actor} has taken it out of the synchronization: ${stopped.reason}.${pair}`
  if (because === 'scope')
    return `It is out of the link's scope, and is looked at again when it or the scope changes.${pair}`
  if (because === 'elsewhere') return 'It is paired by a link of other endpoints.'
  if (because === 'rule') return `The rules of the link create nothing from it.${pair}`
  if (state === 'paired') return `It is kept in step with ${twinId}.`
  return state === 'waiting'
    ? 'It waits to be looked at.'
    : 'It was not looked at yet, or is of no type that is mapped.'
}

/**
 * Refuses filters on fields that do not exist, where the endpoint tells what there is. A filter that stays as it was `before`
 * is not asked about, so that a field that vanished keeps nobody from saving something else.
 */
export async function refuseUnknownFields(
  dependencies: Dependencies,
  before: LinkConfiguration | null,
  configuration: LinkConfiguration,
): Promise<void> {
  for (const side of sides) {
    const { endpointId, entityType, scope } = configuration[side]
    if (scope.filter === null || isDeepStrictEqual(scope.filter, before?.[side].scope.filter)) continue
    const metadata = await askEndpoint<SideMetadata>(dependencies, {
      kind: 'describe',
      endpoint: { id: endpointId },
      entityType,
    }).catch((error: unknown) => {
      // Who cannot be asked now is asked by the integrity check, before anything runs.
      if (error instanceof ApiProblem) return null
      throw error
    })
    if (metadata !== null) assertFieldsExist(configuration, side, metadata)
  }
}

function assertFieldsExist(configuration: LinkConfiguration, side: Side, metadata: SideMetadata): void {
  const unknown = unknownScopeFields(configuration, side, metadata)
  if (unknown.length === 0) return
  throw new ApiProblem(422, 'unknown-field', unknown.map(({ message }) => message).join(' '), {
    remedy: 'Correct the filter; fields go by the names that the endpoint has for them.',
    errors: unknown.map(({ pointer, message }) => ({ pointer: `/configuration${pointer}`, message })),
  })
}

/** Refuses a configuration with which two links would take up the same records, naming the other link. */
export async function refuseOverlap(
  dependencies: Dependencies,
  linkId: string | null,
  configuration: LinkConfiguration,
): Promise<void> {
  for (const other of await linksBeside(dependencies.database, linkId, configuration)) {
    // Of the same two ends there is one link of a kind only, which is refused where it is created.
    if (sides.every((side) => other.configuration[side].endpointId === configuration[side].endpointId)) continue
    for (const side of other.shared) {
      const verdict = overlap(configuration, other.configuration, side)
      if (verdict === 'none') continue
      const [mine, theirs] = [configuration[side].root, other.configuration[side].root]
      if (verdict === 'folders' && mine !== null && theirs !== null) {
        const above = await askEndpoint<Record<string, string[]>>(dependencies, {
          kind: 'folders-above',
          endpoint: { id: configuration[side].endpointId },
          entityType: configuration[side].entityType,
          ids: [mine, theirs],
        })
        if (above[mine]?.includes(theirs) !== true && above[theirs]?.includes(mine) !== true) continue
      }
      const what =
        verdict === 'folders'
          ? `root folder ${mine} and its root folder ${theirs} lie one below the other`
          : 'both take up the same records'
      throw new ApiProblem(
        409,
        'scopes-overlap',
        `The link "${other.name}" works on the same ${side === 'left' ? 'ALM project' : 'Octane workspace'}, and ${what}.`,
        {
          remedy:
            'Give both links root folders that do not contain each other, filters that ask one field for different values, or other types; or switch off the creation of records in one of them.',
          errors: [
            {
              pointer: `/configuration/${side}/${verdict === 'folders' ? 'root' : 'scope'}`,
              message: `overlaps with "${other.name}"`,
            },
          ],
        },
      )
    }
  }
}
