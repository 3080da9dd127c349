import { configurationDifference } from '../../core/config-diff.ts'
import { linkConfiguration } from '../../core/link-config.ts'
import { getLink, type LinkRow, listLinkVersions } from '../../db/links.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { asVersion, saveVersion, saysTheSame } from './save-version.ts'
import type { Dependencies, Handlers } from './types.ts'

/** Versions of a link's configuration: what changed between two, and the way back. */
export function versionHandlers(dependencies: Dependencies): Pick<Handlers, 'diffVersions' | 'rollBack'> {
  const { database } = dependencies

  async function existing(id: string): Promise<LinkRow> {
    const found = await getLink(database, id)
    if (found === null) throw notFound('link', id)
    return found
  }

  async function configurationOf(linkId: string, version: number) {
    const [found] = await listLinkVersions(database, linkId, version)
    if (found === undefined) throw notFound('version', String(version))
    return { ...found, configuration: linkConfiguration.parse(found.configuration) }
  }

  return {
    diffVersions: async ({ params, query }) => {
      const link = await existing(params.id)
      const [from, to] = [query.from, query.to ?? link.version]
      const [before, after] = [await configurationOf(link.id, from), await configurationOf(link.id, to)]
      const { words, patch } = configurationDifference(before.configuration, after.configuration)
      return { from, to, words, patch: patch.map((step) => ({ value: null, ...step })) }
    },

    rollBack: async ({ params, body }, command) => {
      const link = await existing(params.id)
      const { configuration } = await configurationOf(link.id, body.version)
      const { expectedVersion } = body
      const newest = await configurationOf(link.id, link.version)
      if (expectedVersion === link.version && saysTheSame(newest.configuration, configuration))
        throw new ApiProblem(
          409,
          'nothing-differs',
          body.version === link.version
            ? `Version ${body.version} is the newest: there is nothing to go back to.`
            : `Version ${body.version} says the same as ${link.version}, the newest. No version was saved.`,
          { remedy: 'Look at the versions of the link, and at what differs between two of them.' },
        )
      const comment = body.comment === '' ? `Back to version ${body.version}.` : body.comment
      return asVersion(await saveVersion(dependencies, link, { expectedVersion, configuration, comment }, command))
    },
  }
}
