import { linkConfiguration } from '../../core/link-config.ts'
import { deletionWords, type HistoryFacts, historyResetWords, timeResetWords, winnersOf } from '../../core/reset.ts'
import { getLink, type LinkRow, listLinkVersions } from '../../db/links.ts'
import {
  deletionFacts,
  previewHistoryReset,
  previewTimeReset,
  resetHistory,
  resetTime,
  type TimeReset,
} from '../../db/resets.ts'
import type { resetRoutes } from '../contract/resets.ts'
import { ApiProblem, notFound } from '../problem.ts'
import type { Dependencies, Handlers } from './types.ts'

const refusals = {
  'not-paused': {
    code: 'link-not-paused',
    detail: 'The history of a link can be reset only while it is paused.',
    remedy: 'Pause it, reset the history, simulate what it would do then, and resume it.',
  },
  busy: {
    code: 'link-busy',
    detail: 'What the link began before the pause is still under way.',
    remedy: 'Wait until its run has ended, and reset the history then.',
  },
  changed: {
    code: 'preview-changed',
    detail: 'The link has another number of pairs by now than was shown.',
    remedy: 'Look at the preview again.',
  },
}

/** Ways back to an earlier state of knowledge, and the end of a link; each is shown before it is done. */
export function resetHandlers({ database }: Dependencies): Pick<Handlers, keyof typeof resetRoutes> {
  async function existing(id: string): Promise<LinkRow> {
    const found = await getLink(database, id)
    if (found === null) throw notFound('link', id)
    return found
  }

  const names = (link: LinkRow) => ({ left: link.left.name, right: link.right.name })

  function shownTime(link: LinkRow, reset: TimeReset) {
    const told = reset.sides.map((one) => ({ ...one, endpoint: link[one.side].name }))
    return { ...reset, words: timeResetWords(told, reset) }
  }

  async function shownHistory(link: LinkRow, facts: Omit<HistoryFacts, 'winners'>) {
    const [version] = await listLinkVersions(database, link.id, link.version)
    if (version === undefined) throw new Error('a link has its version')
    const known = { ...facts, winners: winnersOf(linkConfiguration.parse(version.configuration)) }
    return { ...known, words: historyResetWords(known, names(link)) }
  }

  return {
    previewTimeReset: async ({ params, query }) => {
      const link = await existing(params.id)
      refuseFuture(query.since)
      return shownTime(link, await previewTimeReset(database, link.id, query.since))
    },

    resetTime: async ({ params, body }, { actor }) => {
      const link = await existing(params.id)
      refuseFuture(body.since)
      const { since: moment, reason } = body
      return shownTime(link, await resetTime(database, { linkId: link.id, moment, actor, reason }))
    },

    previewHistoryReset: async ({ params }) => {
      const link = await existing(params.id)
      const { atRest, ...facts } = await previewHistoryReset(database, link.id)
      return { ...(await shownHistory(link, facts)), atRest }
    },

    resetHistory: async ({ params, body }, { actor }) => {
      const link = await existing(params.id)
      const outcome = await resetHistory(database, { linkId: link.id, ...body, actor })
      if (outcome.state === 'done') return shownHistory(link, outcome.facts)
      const { code, detail, remedy } = refusals[outcome.state]
      throw new ApiProblem(409, code, detail, { remedy })
    },

    previewDeletion: async ({ params }) => {
      const link = await existing(params.id)
      const facts = await deletionFacts(database, link.id)
      return {
        ...facts,
        words: deletionWords(facts, names(link), linkConfiguration.shape.entityType.parse(link.entityType)),
      }
    },
  }
}

function refuseFuture(since: string): void {
  if (Date.parse(since) > Date.now())
    throw new ApiProblem(422, 'not-passed', 'The moment from which to look again has not passed yet.', {
      remedy: 'Give an earlier one.',
      errors: [{ pointer: '/since', message: 'lies in the future' }],
    })
}
