import { z } from 'zod'
import type { Download, RouteContract } from './routes.ts'
import { pageOf, pageQuery, simulatedAction, simulatedItem } from './schemas.ts'

const byId = z.object({ id: z.uuid('must be an id, as lists show it') })
const side = z.enum(['left', 'right'])
const share = z.number().nullable()

const codeScore = z.object({
  class: z.string(),
  code: z.string(),
  predicted: z.int(),
  real: z.int(),
  hits: z.int(),
})

const summary = z.object({
  records: z.int().meta({ description: 'Looked at' }),
  due: z.int().meta({ description: 'Rows of the queue when it began' }),
  oneIn: z.int().meta({ description: '1: all of them. Else a sample of one in so many; all counts are of the sample' }),
})

const score = z
  .object({
    records: z.int(),
    compared: z.int(),
    changedSince: z.int().meta({ description: 'Edited between simulation and run, so not compared' }),
    notReached: z.int().meta({ description: 'Without a result of the run, so not compared' }),
    sameAction: z.int().meta({ description: 'Of the compared ones, those with which the run did what was predicted' }),
    predicted: z.int().meta({ description: 'Predicted errors, once a record and code' }),
    real: z.int().meta({ description: 'Errors that came' }),
    hits: z.int().meta({ description: 'Predicted ones that came' }),
    precision: share.meta({ description: 'hits / predicted; null: none was predicted' }),
    recall: share.meta({ description: 'hits / real; null: none came' }),
    codes: z.array(codeScore),
  })
  .meta({ id: 'SimulationScore' })

const comparison = z
  .object({
    simulationId: z.uuid(),
    realRunId: z.uuid().nullable().meta({ description: 'The run that followed; null: none has yet' }),
    version: z.int(),
    finishedAt: z.string(),
    summary,
    score: score.nullable().meta({ description: 'Null: not compared yet' }),
  })
  .meta({ id: 'SimulationComparison' })
export type ComparisonView = z.infer<typeof comparison>

const filter = z.object({
  action: simulatedAction.optional(),
  type: z.string().max(200).optional().meta({ description: 'Id of a type pair' }),
  code: z.string().max(200).optional().meta({ description: 'Code of a predicted problem, such as `required-field`' }),
  class: z.string().max(200).optional().meta({ description: 'Class of a predicted problem, such as `conflict`' }),
  field: z.string().max(200).optional().meta({ description: 'Field that would be written or has a problem' }),
  text: z.string().max(500).optional().meta({ description: 'Part of the title, or an id of either side' }),
  compared: z.enum(['missed', 'false-alarm']).optional().meta({
    description: 'Where the run that followed brought errors that were not predicted, or not the predicted ones',
  }),
})

const real = z
  .object({
    outcome: z.string(),
    written: z.array(side),
    problems: z.array(
      z.object({ class: z.string(), code: z.string(), field: z.string().optional(), warning: z.boolean().optional() }),
    ),
  })
  .meta({ id: 'RealOutcome' })

const simulatedRow = simulatedItem
  .extend({ real: real.nullable().meta({ description: 'What the run that followed did; null: nothing yet' }) })
  .meta({ id: 'SimulatedRecord' })
export type SimulatedRowView = z.infer<typeof simulatedRow>

const counts = z.object({
  counts: z.record(z.string(), z.int()).meta({ description: 'Records by action' }),
  types: z
    .array(z.object({ type: z.string().nullable(), action: simulatedAction, records: z.int() }))
    .meta({ description: 'Records by type pair and action, which names the direction' }),
  problems: z
    .array(
      z.object({
        class: z.string(),
        code: z.string(),
        side: side.nullable(),
        warning: z.boolean(),
        records: z.int(),
      }),
    )
    .meta({ description: 'Predicted problems, conflicts among them' }),
  summary: summary.nullable(),
})
export type SimulationCountsView = z.infer<typeof counts>

/** Routes about simulations and how true they came. */
export const simulationRoutes = {
  runSimulation: {
    method: 'get',
    path: '/runs/:id/simulation',
    summary: 'What a simulation planned and predicted, record by record, and what became of it',
    tag: 'runs',
    params: byId,
    query: pageQuery.extend(filter.shape),
    status: 200,
    answer: pageOf(simulatedRow).extend(counts.shape),
    codes: ['not-found', 'no-simulation', 'bad-cursor'],
  },
  exportSimulation: {
    method: 'get',
    path: '/runs/:id/simulation/export',
    summary: 'The same as CSV, a line for each field and problem, or as JSON lines',
    tag: 'runs',
    params: byId,
    query: filter.extend({ format: z.enum(['csv', 'jsonl']).default('csv') }),
    status: 200,
    answer: z.custom<Download>(),
    produces: ['text/csv', 'application/x-ndjson'],
    codes: ['not-found', 'no-simulation'],
  },
  runComparison: {
    method: 'get',
    path: '/runs/:id/comparison',
    summary: 'A simulation held against the run that followed; found by either of the two',
    tag: 'runs',
    params: byId,
    status: 200,
    answer: z.object({ comparison: comparison.nullable() }),
    codes: ['not-found'],
  },
  linkComparisons: {
    method: 'get',
    path: '/links/:id/comparisons',
    summary: 'How true the simulations of a link came, newest first, and all together',
    tag: 'links',
    params: byId,
    query: z.object({ limit: z.coerce.number().int().min(1).max(200).default(20) }),
    status: 200,
    answer: z.object({
      comparisons: z.int().meta({ description: 'Simulations that were compared' }),
      precision: share,
      recall: share,
      items: z.array(comparison),
    }),
    codes: ['not-found'],
  },
} as const satisfies Record<string, RouteContract>
