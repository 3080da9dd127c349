import { z } from 'zod'
import * as h from './history.ts'
import type { Download, RouteContract } from './routes.ts'
import { pageOf } from './schemas.ts'

const byId = z.object({ id: z.uuid('must be an id, as lists show it') })

/** What is kept of runs, and what is proven of the time between them. */
export const historyRoutes = {
  runLog: {
    method: 'get',
    path: '/runs/:id/log',
    summary: 'Log of a run, oldest line first',
    tag: 'runs',
    params: byId,
    query: h.logQuery,
    status: 200,
    answer: pageOf(h.logLine),
    codes: ['not-found', 'bad-cursor'],
  },
  runOutcomes: {
    method: 'get',
    path: '/runs/:id/outcomes',
    summary: 'What became of each record that a run looked at, look by look',
    tag: 'runs',
    params: byId,
    query: h.outcomeQuery,
    status: 200,
    answer: pageOf(h.recordOutcome),
    codes: ['not-found', 'bad-cursor'],
  },
  compareRuns: {
    method: 'get',
    path: '/runs/:id/compare/:other',
    summary: 'What differs between two runs of a link: counts, time, configuration, findings, records',
    tag: 'runs',
    params: byId.extend({ other: z.uuid('must be an id, as lists show it') }),
    status: 200,
    answer: h.runComparison,
    codes: ['not-found', 'other-link', 'same-run'],
  },
  beforeImages: {
    method: 'get',
    path: '/runs/:id/before-images',
    summary: 'What each field that a run wrote held before and afterwards, as CSV',
    tag: 'runs',
    params: byId,
    status: 200,
    answer: z.custom<Download>(),
    produces: ['text/csv'],
    codes: ['not-found'],
  },
  runHistory: {
    method: 'get',
    path: '/runs/:id/history',
    summary: "Temporal's history of a run that is over, also when Temporal has forgotten it",
    tag: 'runs',
    params: byId,
    status: 200,
    answer: h.keptHistory,
    codes: ['not-found', 'no-history'],
  },
  runExecution: {
    method: 'get',
    path: '/runs/:id/history/:execution',
    summary: "One execution of a run's history, in the form of Temporal's own tools; 1 is the first",
    tag: 'runs',
    params: byId.extend({ execution: z.string().regex(/^[1-9]\d{0,3}$/, 'must be a number from 1 up') }),
    status: 200,
    answer: h.execution,
    codes: ['not-found', 'no-history'],
  },
  linkHours: {
    method: 'get',
    path: '/links/:id/hours',
    summary: 'Hour by hour, that a link was looked at and whether anything changed, by counters',
    tag: 'links',
    params: byId,
    query: h.hoursQuery,
    status: 200,
    answer: h.watchedHours,
    codes: ['not-found'],
  },
} as const satisfies Record<string, RouteContract>
