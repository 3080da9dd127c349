import { z } from 'zod'
import type { Download, RouteContract } from './routes.ts'

const id = z.uuid()
const byId = z.object({ id: z.uuid('must be an id, as lists show it') })
const side = z.enum(['left', 'right'])
const differences = z.enum(['ask', 'policy', 'left', 'right']).meta({
  description:
    'What becomes of a field that holds different values on both sides: a person is asked, the policy of the field decides, or a side wins. Where one side is empty it takes the value of the other.',
})

/** How records that exist on both sides are told to be twins. */
const askAdoption = z
  .discriminatedUnion('method', [
    z.strictObject({
      method: z.literal('field').meta({ description: 'A field of one side holds the id of the record on the other' }),
      side,
      field: z.string().min(1).max(200),
    }),
    z.strictObject({
      method: z.literal('keys').meta({ description: 'Mapped fields that hold the same on both sides' }),
      mappings: z.array(z.string().min(1)).min(1, 'name at least one mapping').max(10),
    }),
    z.strictObject({
      method: z.literal('csv').meta({ description: 'Pairs of ids, `<left id>,<right id>` a line' }),
      csv: z.string().min(1),
    }),
  ])
  .meta({ id: 'AskAdoption' })

const settings = z.discriminatedUnion('method', [
  z.object({ method: z.literal('field'), side, field: z.string() }),
  z.object({ method: z.literal('keys'), mappings: z.array(z.string()) }),
  z.object({ method: z.literal('csv') }),
])

const count = z.int().min(0)
const summary = z.object({
  left: count.meta({ description: 'Records on the left' }),
  right: count,
  matched: count.meta({ description: 'Twins that can be paired' }),
  paired: count.meta({ description: 'Paired with each other already' }),
  doubtful: count,
  doubts: z.record(z.string(), count).meta({ description: 'By reason' }),
  unmatchedLeft: count,
  unmatchedRight: count,
  differing: count.meta({ description: 'Matched pairs with a field that holds different values' }),
  fields: z.record(z.string(), z.record(z.string(), count)).meta({
    description: 'By mapping: pairs whose field is `filled`, `differs`, is `kept` (it flows one way) or `waits`',
  }),
  adopted: count,
  missed: count,
})

const adoption = z
  .object({
    id,
    linkId: id,
    settings,
    status: z.enum(['asked', 'ready', 'accepted', 'applied', 'discarded']),
    version: z.int().nullable(),
    actor: z.string(),
    runId: id.nullable(),
    differences: differences.nullable(),
    summary: summary.nullable().meta({ description: 'Null until both sides have been listed' }),
    createdAt: z.string(),
    acceptedBy: z.string().nullable(),
    endedAt: z.string().nullable(),
  })
  .meta({ id: 'Adoption' })
export type AdoptionView = z.infer<typeof adoption>

const state = z.enum(['matched', 'doubtful', 'paired', 'adopted', 'missed', 'unmatched-left', 'unmatched-right'])

const item = z
  .object({
    state,
    leftId: z.string().nullable(),
    leftTitle: z.string().nullable(),
    rightId: z.string().nullable(),
    rightTitle: z.string().nullable(),
    reason: z.string().nullable(),
    words: z.string().nullable().meta({ description: 'The reason, in words' }),
    line: z.int().nullable(),
    fields: z.record(z.string(), z.string()).meta({ description: 'Mapped fields that are not equal' }),
  })
  .meta({ id: 'AdoptionItem' })

const started = z.object({ adoption, runId: id, state: z.string() }).meta({ id: 'AdoptionStarted' })

/** Pairing what exists on both sides. */
export const adoptionRoutes = {
  askAdoption: {
    method: 'post',
    path: '/links/:id/adoptions',
    summary: 'Look for twins that exist on both sides already; nothing is paired until that is accepted',
    tag: 'adoptions',
    params: byId,
    body: askAdoption,
    status: 202,
    answer: started,
    codes: ['not-found', 'bad-lines', 'paused', 'deleted', 'no-worker'],
    creates: true,
    // Pairs of a hundred thousand records.
    largestBody: '8mb',
  },
  listAdoptions: {
    method: 'get',
    path: '/links/:id/adoptions',
    summary: 'Adoptions of a link, newest first',
    tag: 'adoptions',
    params: byId,
    status: 200,
    answer: z.object({ items: z.array(adoption) }),
    codes: ['not-found'],
  },
  getAdoption: {
    method: 'get',
    path: '/adoptions/:id',
    summary: 'What an adoption found, in numbers',
    tag: 'adoptions',
    params: byId,
    status: 200,
    answer: adoption,
    codes: ['not-found'],
  },
  adoptionItems: {
    method: 'get',
    path: '/adoptions/:id/items',
    summary: 'What an adoption found, record by record',
    tag: 'adoptions',
    params: byId,
    query: z.object({
      state: state.default('matched'),
      cursor: z.string().optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
    status: 200,
    answer: z.object({ items: z.array(item), next: z.string().nullable() }),
    codes: ['not-found', 'bad-cursor'],
  },
  exportAdoption: {
    method: 'get',
    path: '/adoptions/:id/export',
    summary: 'Everything that an adoption found, as CSV',
    tag: 'adoptions',
    params: byId,
    status: 200,
    answer: z.custom<Download>(),
    produces: ['text/csv'],
    codes: ['not-found'],
  },
  applyAdoption: {
    method: 'post',
    path: '/adoptions/:id/apply',
    summary: 'Pair the twins that an adoption found; again, to go on with what was cut off',
    tag: 'adoptions',
    params: byId,
    body: z
      .strictObject({
        matched: count.meta({ description: 'How many pairs were shown' }),
        differences: differences.default('ask'),
      })
      .meta({ id: 'ApplyAdoption' }),
    status: 202,
    answer: started,
    codes: [
      'not-found',
      'adoption-changed',
      'adoption-running',
      'bad-lines',
      'not-ready',
      'nothing-to-adopt',
      'paused',
      'deleted',
      'no-worker',
    ],
    creates: true,
  },
  discardAdoption: {
    method: 'post',
    path: '/adoptions/:id/discard',
    summary: 'Pair nothing more because of an adoption; pairs that were made stay',
    tag: 'adoptions',
    params: byId,
    status: 200,
    answer: adoption,
    codes: ['not-found', 'not-ready'],
  },
} as const satisfies Record<string, RouteContract>
