import { loadFreshness, slowestEdits } from '../../db/freshness.ts'
import { loadLinkSummary } from '../../db/link-summary.ts'
import { getLink, listLinkVersions } from '../../db/links.ts'
import { scheduleOf } from '../../db/schedule.ts'
import { notFound } from '../problem.ts'
import { shownLink } from './link-ends.ts'
import type { Dependencies, Handlers } from './types.ts'

/** How links are, in one answer each. */
export function summaryHandlers({ database }: Dependencies): Pick<Handlers, 'linkSummary' | 'linkFreshness'> {
  async function existing(id: string) {
    const found = await getLink(database, id)
    if (found === null) throw notFound('link', id)
    return found
  }

  return {
    linkSummary: async ({ params }) => {
      const link = await existing(params.id)
      const [[version], { day, week, ...rest }, ofDay, ofWeek] = await Promise.all([
        listLinkVersions(database, link.id, link.version),
        loadLinkSummary(database, link.id),
        loadFreshness(database, link.id, 24),
        loadFreshness(database, link.id, 168),
      ])
      return {
        link: shownLink(link),
        looksEverySeconds: link.mode === 'manual' ? null : scheduleOf(version?.configuration.schedule).intervalSeconds,
        ...rest,
        day: { ...day, freshness: ofDay },
        week: { ...week, freshness: ofWeek },
      }
    },

    linkFreshness: async ({ params, query }) => {
      const { id: linkId } = await existing(params.id)
      const { hours, slowest } = query
      const [freshness, slowestOnes] = await Promise.all([
        loadFreshness(database, linkId, hours),
        slowestEdits(database, { linkId, hours, limit: slowest }),
      ])
      return { ...freshness, slowestEdits: slowestOnes }
    },
  }
}
