import { z } from 'zod'
import type { RouteContract } from './routes.ts'
import { pageOf, pageQuery } from './schemas.ts'

const time = z.string().meta({ description: 'ISO time in UTC' })
const days = z.int().min(1, 'at least 1 day').max(36_600, 'at most 36600 days, or null for ever').nullable()

const parts = {
  runs: days.meta({
    description:
      'Runs, and whatever else is kept of them; those of open issues and the newest of each kind stay anyway. Null: for ever',
  }),
  logs: days.meta({ description: 'Logs of runs, with the outcome of each record' }),
  simulations: days.meta({ description: 'What simulations planned; the newest of each link stays anyway' }),
  histories: days.meta({ description: 'Histories of the workflows of runs' }),
  freshness: days.meta({ description: 'How long single edits took' }),
  hours: days.meta({ description: 'Counters that prove, hour by hour, that links were looked at' }),
  issues: days.meta({ description: 'Issues that are resolved; open ones stay' }),
}

const retention = z.object(parts).meta({ id: 'Retention', description: 'Days for which things are kept' })
export type RetentionView = z.infer<typeof retention>

const changeRetention = z.strictObject(parts).partial().meta({ id: 'ChangeRetention' })

const cleanUp = z
  .object({
    id: z.uuid(),
    at: time,
    endedAt: time.nullable().meta({ description: 'Null: it goes on, or was cut off; the next one does the rest' }),
    actor: z.string(),
    days: retention,
    removed: z.record(z.string(), z.int()).meta({ description: 'Rows that were taken away' }),
  })
  .meta({ id: 'CleanUp' })
export type CleanUpView = z.infer<typeof cleanUp>

export const retentionRoutes = {
  getRetention: {
    method: 'get',
    path: '/retention',
    summary: 'How long things are kept',
    tag: 'service',
    status: 200,
    answer: retention,
    codes: [],
  },
  changeRetention: {
    method: 'patch',
    path: '/retention',
    summary: 'Change how long things are kept; the next clean-up goes by it',
    tag: 'service',
    body: changeRetention,
    status: 200,
    answer: retention,
    codes: ['outlives-runs'],
  },
  listCleanUps: {
    method: 'get',
    path: '/clean-ups',
    summary: 'Clean-ups, newest first, with what each took away',
    tag: 'service',
    query: pageQuery,
    status: 200,
    answer: pageOf(cleanUp),
    codes: ['bad-cursor'],
  },
  cleanUp: {
    method: 'post',
    path: '/clean-ups',
    summary: 'Take away now what is older than it is kept for; it happens by itself once a day',
    tag: 'service',
    status: 200,
    answer: cleanUp,
    codes: [],
    creates: true,
  },
} as const satisfies Record<string, RouteContract>
