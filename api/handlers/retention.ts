import { retentionParts } from '../../core/retention.ts'
import { cleanUp, getRetention, listCleanUps, setRetention } from '../../db/retention.ts'
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
