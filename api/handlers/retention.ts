import { listed } from '../../core/listed.ts'
import { outliveRuns, type Retention, retentionParts } from '../../core/retention.ts'
import { cleanUp, getRetention, listCleanUps, setRetention } from '../../db/retention.ts'
import { ApiProblem } from '../problem.ts'
import { page, readCursor, timeKey } from './cursor.ts'
import type { Dependencies, Handlers } from './types.ts'

type RetentionHandlerName = 'getRetention' | 'changeRetention' | 'listCleanUps' | 'cleanUp'

/** How long things are kept, and what was taken away. */
export function retentionHandlers({ database }: Dependencies): Pick<Handlers, RetentionHandlerName> {
  return {
    getRetention: () => getRetention(database),
    changeRetention: async ({ body }, { actor }) => {
      const change = Object.fromEntries(
        retentionParts.flatMap((part) => (body[part] === undefined ? [] : [[part, body[part]]])),
      )
      const days = { ...(await getRetention(database)), ...change }
      const longer = outliveRuns(days)
      if (longer.length > 0) throw outlived(days, longer)
      if (Object.keys(change).length > 0) await setRetention(database, change, actor)
      return getRetention(database)
    },
    listCleanUps: async ({ query }) => {
      const before = readCursor(query.cursor, timeKey)
      const rows = await listCleanUps(database, {
        limit: query.limit + 1,
        ...(before === undefined ? {} : { before }),
      })
      return page(rows, query.limit, ({ at, id }) => ({ at, id }))
    },
    cleanUp: async (_input, { actor }) => {
      const done = await cleanUp(database, { actor })
      if (done === null) throw new Error('a clean-up that was asked for is carried out')
      return done
    },
  }
}

function outlived(days: Retention, parts: readonly (keyof Retention)[]): ApiProblem {
  const kept = (part: keyof Retention) => (days[part] === null ? 'for ever' : `for ${days[part]} days`)
  const errors = parts.map((part) => ({ pointer: `/${part}`, message: `${part} cannot be kept ${kept(part)}` }))
  return new ApiProblem(
    422,
    'outlives-runs',
    `Runs are to be kept ${kept('runs')}, and what is kept of them goes with them: ${errors.map(({ message }) => message).join(', ')}.`,
    { remedy: `Keep runs longer, or set ${listed(parts)} to at most ${days.runs} days in the same request.`, errors },
  )
}
