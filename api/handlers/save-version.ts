import { isDeepStrictEqual } from 'node:util'
import { configurationDifference } from '../../core/config-diff.ts'
import type { LinkConfiguration } from '../../core/link-config.ts'
import { sides } from '../../core/values.ts'
import { addLinkVersion, type LinkRow, type LinkVersionRow, listLinkVersions } from '../../db/links.ts'
import { ApiProblem } from '../problem.ts'
import { validConfiguration } from './configuration.ts'
import { refuseOverlap, refuseUnknownFields } from './scope.ts'
import type { CommandContext, Dependencies } from './types.ts'

/**
 * The one way in which the configuration of a link changes: what does not fit is refused, it becomes a new version where
 * `expectedVersion` is still the newest, and an automatic link sees it. Where it says what the newest says already, that is
 * answered: a version in which nothing differs would only hide when something did.
 */
export async function saveVersion(
  dependencies: Dependencies,
  link: LinkRow,
  input: { expectedVersion: number; configuration: unknown; comment: string },
  command: CommandContext,
): Promise<LinkVersionRow> {
  const { database, temporal } = dependencies
  const { expectedVersion, comment } = input
  const configuration = validConfiguration(input.configuration)
  assertSameEnds(configuration, link)
  await refuseOverlap(dependencies, link.id, configuration)
  await assertTypesKept(dependencies, link, configuration)
  const [before] = await listLinkVersions(database, link.id, expectedVersion)
  if (before !== undefined && expectedVersion === link.version && saysTheSame(before.configuration, configuration))
    return before
  await refuseUnknownFields(dependencies, before?.configuration ?? null, configuration)
  const version = await addLinkVersion(database, {
    linkId: link.id,
    expectedVersion,
    configuration,
    author: command.actor,
    comment,
  })
  if (version === null)
    throw new ApiProblem(
      409,
      'version-conflict',
      `Version ${link.version} is the newest, not ${expectedVersion}: somebody saved meanwhile.`,
      {
        remedy: 'Read the newest version, apply your change to it, and save again.',
        errors: [{ pointer: '/expectedVersion', message: `the newest is ${link.version}` }],
      },
    )
  const judged = (one: unknown) => ({ ...(one as object), schedule: null })
  const recheck = !isDeepStrictEqual(judged(before?.configuration), judged(configuration))
  // It is saved, and read before the next run; this only makes the link see it at once.
  await temporal.configurationChanged(link.id, { ...command, version, recheck }).catch(() => undefined)
  const [saved] = await listLinkVersions(database, link.id, version)
  if (saved === undefined) throw new Error('the version was just saved')
  return saved
}

/** Whether two configurations differ in nothing. */
export function saysTheSame(before: LinkConfiguration, after: LinkConfiguration): boolean {
  return configurationDifference(before, after).patch.length === 0
}

export function asVersion<T extends { configuration: LinkConfiguration }>(version: T) {
  return { ...version, configuration: version.configuration as unknown as Record<string, unknown> }
}

/** Endpoints and type of a link are given once; a configuration repeats them. */
export function assertSameEnds(
  configuration: LinkConfiguration,
  link: { entityType: string; left: { id: string }; right: { id: string } },
): void {
  const errors = [
    ...(configuration.entityType === link.entityType ? [] : ['/configuration/entityType']),
    ...sides.flatMap((side) =>
      configuration[side].endpointId === link[side].id ? [] : [`/configuration/${side}/endpointId`],
    ),
  ].map((pointer) => ({ pointer, message: 'is not the one that the link is created with' }))
  if (errors.length > 0)
    throw new ApiProblem(422, 'invalid-configuration', 'A link keeps its endpoints and its type.', {
      remedy: 'Create another link.',
      errors,
    })
}

/** A type whose records are paired stays: without its rules and fields they would be in step with nothing. */
async function assertTypesKept(
  { database }: Dependencies,
  link: LinkRow,
  configuration: LinkConfiguration,
): Promise<void> {
  if (link.pairs === 0) return
  const [now] = await listLinkVersions(database, link.id, link.version)
  const kept = new Map(configuration.types.map((type) => [type.id, type]))
  const errors = (now?.configuration.types ?? []).flatMap((type) => {
    const next = kept.get(type.id)
    if (next === undefined) return [{ pointer: '/configuration/types', message: `lacks the type pair "${type.id}"` }]
    const index = configuration.types.indexOf(next)
    return sides.flatMap((side) => {
      const gone = type[side].values.filter((value) => !next[side].values.includes(value))
      return gone.length === 0
        ? []
        : [{ pointer: `/configuration/types/${index}/${side}/values`, message: `lacks ${gone.join(', ')}` }]
    })
  })
  if (errors.length > 0)
    throw new ApiProblem(
      422,
      'type-in-use',
      'Types can be taken out of a link only before its first synchronization.',
      {
        remedy: 'Keep the type, and switch its rules off to leave its records alone.',
        errors,
      },
    )
}
