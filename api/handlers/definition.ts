import type { EndpointAddress } from '../../core/endpoint.ts'
import { type LinkConfiguration, linkConfiguration } from '../../core/link-config.ts'
import {
  configurationFromFile,
  configurationToFile,
  type DefinedPair,
  keptByPlace,
} from '../../core/link-definition.ts'
import { entityTypes } from '../../core/link-kinds.ts'
import type { SideMetadata } from '../../core/metadata.ts'
import { sides } from '../../core/values.ts'
import { getEndpoint } from '../../db/endpoints.ts'
import { listPairs, PairsClashError } from '../../db/import-pairs.ts'
import { createLink, getLink, listLinkVersions, TwinLinkError } from '../../db/links.ts'
import { workspaceFor } from '../../db/workspaces.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { askEndpoint } from './ask.ts'
import { validConfiguration } from './configuration.ts'
import { nameTaken } from './endpoints.ts'
import { linkEnds, shownLink } from './link-ends.ts'
import { refuseOverlap } from './scope.ts'
import type { Dependencies, Handlers } from './types.ts'

/** A link as a file, from one installation or endpoint pair to another. */
export function definitionHandlers(dependencies: Dependencies): Pick<Handlers, 'linkDefinition' | 'importLink'> {
  const { database, temporal, bridgeId } = dependencies

  async function describe(kind: LinkConfiguration['entityType'], left: string, right: string) {
    const one = (id: string, entityType: string) =>
      askEndpoint<SideMetadata>(dependencies, { kind: 'describe', endpoint: { id }, entityType })
    const [leftSide, rightSide] = await Promise.all([
      one(left, entityTypes[kind].alm),
      one(right, entityTypes[kind].octane),
    ])
    return { left: leftSide, right: rightSide }
  }

  return {
    linkDefinition: async ({ params, query }) => {
      const link = await getLink(database, params.id)
      if (link === null) throw notFound('link', params.id)
      const [version] = await listLinkVersions(database, link.id, link.version)
      if (version === undefined) throw new Error('a link has its version')
      const configuration = linkConfiguration.parse(version.configuration)
      const end = async (side: 'left' | 'right') => {
        const found = await getEndpoint(database, link[side].id)
        return { endpoint: link[side].name, place: found === null ? '' : placeOf(found.address) }
      }
      const metadata = await describe(configuration.entityType, link.left.id, link.right.id)
      const pairs = query.pairs === 'true' ? await listPairs(database, link.id, configuration.entityType) : undefined
      return {
        format: 'tandem-link/1' as const,
        name: link.name,
        description: link.description,
        left: await end('left'),
        right: await end('right'),
        configuration: configurationToFile(configuration, metadata),
        ...(pairs === undefined ? {} : { pairs: pairs.map((pair) => ({ ...pair, base: { ...pair.base } })) }),
      }
    },

    importLink: async ({ body }, { actor }) => {
      const { definition } = body
      const { left, right, octane } = await linkEnds(database, body.left, body.right)
      const end = (side: 'left' | 'right', endpointId: string) => {
        const given = definition.configuration[side] as object | undefined
        const root = body.roots[side]
        return { ...given, endpointId, ...(root === undefined ? {} : { root }) }
      }
      const named = validConfiguration({
        ...definition.configuration,
        left: end('left', left.id),
        right: end('right', right.id),
      })
      const metadata = await describe(named.entityType, left.id, right.id)
      const { configuration, problems } = configurationFromFile(named, metadata)
      const errors = problems.map((one) => ({ ...one, pointer: `/definition/configuration${one.pointer}` }))
      const same = {
        left: placeOf(left.address) === definition.left.place,
        right: placeOf(right.address) === definition.right.place,
      }
      for (const side of sides) {
        if (same[side]) continue
        const place = definition[side].place
        if (configuration[side].root !== null && body.roots[side] === undefined)
          errors.push({
            pointer: `/definition/configuration/${side}/root`,
            message: `folder ${configuration[side].root} is one of ${place}: name one of this endpoint in /roots/${side}`,
          })
        for (const { pointer, message } of keptByPlace(configuration, metadata, side))
          errors.push({
            pointer: `/definition/configuration${pointer}`,
            message: `${message} is one of ${place}: take it out of the file, and set the scope again afterwards`,
          })
      }
      const { pairs = [] } = definition
      const here = same.left && same.right
      if (pairs.length > 0 && !here && !body.pairsFit)
        errors.push({
          pointer: '/definition/pairs',
          message: 'the pairs are those of other projects: leave them out, or say that these are copies (pairsFit)',
        })
      if (errors.length > 0) throw doesNotFit(errors)
      await refuseOverlap(dependencies, null, configuration)
      // Keys of list items may mean something else in another project: there, both sides are compared afresh.
      const taken: DefinedPair[] = pairs.map((pair) => ({
        ...pair,
        base: here ? (pair.base as DefinedPair['base']) : {},
      }))
      const name = body.name ?? definition.name
      const id = await nameTaken('/name', name, async () =>
        createLink(database, {
          name,
          description: definition.description,
          workspaceId: await workspaceFor(database, octane),
          bridgeId,
          configuration,
          author: actor,
          comment: `Imported from the definition of "${definition.name}".`,
          pairs: taken,
        }),
      ).catch((error: unknown) => {
        if (error instanceof TwinLinkError)
          throw new ApiProblem(409, 'link-exists', error.message, { remedy: 'Change that link, or delete it first.' })
        if (error instanceof PairsClashError)
          throw doesNotFit(
            error.clashes.map(({ side, id }) => ({
              pointer: '/definition/pairs',
              message: `record ${id} of the ${side} side is paired with another one here`,
            })),
          )
        throw error
      })
      // The link exists whether or not Temporal answers now: its first command, or housekeeping, starts what is missing.
      await temporal.ensureLink(id).catch(() => undefined)
      const link = await getLink(database, id)
      if (link === null) throw new Error('the link was just created')
      return { link: shownLink(link), pairs: taken.length }
    },
  }
}

function doesNotFit(errors: { pointer: string; message: string }[]): ApiProblem {
  return new ApiProblem(
    422,
    'does-not-fit',
    `The definition does not fit these endpoints: ${errors.map((error) => `${error.pointer} ${error.message}`).join('; ')}`,
    { remedy: 'Correct the file, or the endpoints, and import it again; nothing was created.', errors },
  )
}

function placeOf(address: EndpointAddress): string {
  return address.kind === 'alm'
    ? `${address.url}/${address.domain}/${address.project}`
    : `${address.url}/${address.sharedSpace}/${address.workspace}`
}
