import { z } from 'zod'

export { runKindWords } from '../../core/run.ts'

import { linkSchedule } from './commands.ts'
import { endpointLoad, maxBatches } from './limits.ts'

const id = z.uuid()
const time = z.string().meta({ description: 'ISO time in UTC' })

export const problemDocument = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable, for programs' }),
    detail: z.string(),
    remedy: z.string().nullable(),
    errors: z.array(
      z.object({ pointer: z.string().meta({ description: 'JSON pointer into the request' }), message: z.string() }),
    ),
  })
  .meta({ id: 'Problem' })
export type ProblemDocument = z.infer<typeof problemDocument>

export const secret = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('password'), user: z.string().min(1), password: z.string() }),
    z.strictObject({ kind: z.literal('api-key'), clientId: z.string().min(1), clientSecret: z.string().min(1) }),
  ])
  .meta({ id: 'Secret', description: 'Sealed for the bridge as it arrives; no answer ever holds it' })

/** An address holds no user, password, query or fragment: it is shown, logged, and paths are appended to it. */
export const serverUrl = (example: string) =>
  z
    .url({ protocol: /^https?$/, error: `must be an address such as ${example}` })
    .refine((url) => !/[?#@]/.test(url.replace(/^https?:\/\//i, '')), {
      error: `must hold no user, password, query or fragment: an address such as ${example}`,
    })

export const address = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('alm'),
      url: serverUrl('https://alm.example.com:8443/qcbin'),
      domain: z.string().min(1),
      project: z.string().min(1),
    }),
    z.strictObject({
      kind: z.literal('octane'),
      url: serverUrl('https://octane.example.com'),
      sharedSpace: z.string().regex(/^\d+$/, 'must be the number of the shared space, such as 1001'),
      workspace: z.string().regex(/^\d+$/, 'must be the number of the workspace, such as 1002'),
    }),
  ])
  .meta({ id: 'Address' })

export const endpoint = z
  .object({
    id,
    name: z.string(),
    kind: z.enum(['alm', 'octane']),
    address,
    revision: z.int(),
    testedAt: time.nullable(),
    testReport: z.record(z.string(), z.unknown()).nullable(),
    createdAt: time,
    links: z.array(z.object({ id, name: z.string() })),
    maxBatches: z
      .int()
      .nullable()
      .meta({ description: 'Batches at a time of all links together; null: the default of the installation' }),
    load: endpointLoad,
  })
  .meta({ id: 'Endpoint' })
export type EndpointView = z.infer<typeof endpoint>

export const connectionReport = z
  .object({ product: z.string(), version: z.string(), user: z.string(), place: z.string() })
  .meta({ id: 'ConnectionReport' })

export const counters = z
  .object({
    scannedLeft: z.int(),
    scannedRight: z.int(),
    examined: z.int(),
    unchanged: z.int(),
    createdLeft: z.int(),
    createdRight: z.int(),
    updatedLeft: z.int(),
    updatedRight: z.int(),
    deletedLeft: z.int(),
    deletedRight: z.int(),
    linkBacks: z.int(),
    adopted: z.int(),
    declined: z.int(),
    waiting: z.int(),
    held: z.int(),
    failed: z.int(),
    inDoubt: z.int(),
  })
  .meta({ id: 'Counters' })

export const runStatus = z.enum(['running', 'passed', 'with-errors', 'failed', 'interrupted', 'cancelled'])
export const runKind = z.enum(['check', 'simulation', 'incremental', 'full', 'records', 'adoption'])

const ms = z.int().meta({ description: 'Milliseconds' })

const runTime = z
  .object({
    total: ms.nullable().meta({ description: 'Milliseconds from begin to end; null: it is not over' }),
    phases: z
      .object({
        check: ms,
        'look up': ms,
        scan: ms,
        compare: ms,
        simulate: ms,
        adopt: ms,
        reconcile: ms,
        wait: ms,
        other: ms,
      })
      .meta({ description: 'Milliseconds by what it did; they add up to the total' }),
    work: z
      .object({ claim: ms, look: ms, write: ms, store: ms })
      .meta({ description: 'Milliseconds of all batches, which work side by side' }),
  })
  .meta({ id: 'RunTime' })

export const run = z
  .object({
    id,
    linkId: id,
    linkName: z.string(),
    kind: runKind,
    trigger: z.string(),
    actor: z.string(),
    version: z.int(),
    status: runStatus,
    message: z.string().nullable(),
    counters,
    startedAt: time,
    endedAt: time.nullable(),
    time: runTime,
    workflowId: z.string(),
  })
  .meta({ id: 'Run' })
export type RunView = z.infer<typeof run>

export const finding = z
  .object({
    check: z.string(),
    severity: z.enum(['ok', 'info', 'warning', 'error']),
    side: z.enum(['left', 'right']).nullable(),
    message: z.string(),
    remedy: z.string().nullable(),
    pointer: z.string().nullable(),
    records: z.int().nullable(),
  })
  .meta({ id: 'Finding' })

export const runFindings = z
  .object({
    passed: z.boolean(),
    findings: z.array(finding),
    parts: z.array(z.object({ part: z.string(), runId: z.uuid() })).meta({
      description: 'Parts of the check and the run that judged each: an earlier one where nothing has changed',
    }),
  })
  .meta({ id: 'RunFindings' })

const value = z.unknown().meta({ description: 'Text, number, boolean, list of texts, or null' })

const recordProblem = z.object({
  class: z.string(),
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  warning: z.boolean().optional().meta({ description: 'Told, but nothing is held up by it' }),
  side: z.enum(['left', 'right']).optional(),
  field: z.string().optional(),
  mappingId: z.string().optional(),
})

export const simulatedAction = z.enum([
  'create-right',
  'create-left',
  'update-right',
  'update-left',
  'update-both',
  'delete-right',
  'delete-left',
  'adopt',
  'none',
  'problem',
])

export const simulatedItem = z
  .object({
    key: z.string(),
    leftId: z.string().nullable(),
    rightId: z.string().nullable(),
    action: simulatedAction,
    type: z.string().nullable().meta({ description: 'Type pair; null where the link holds one type' }),
    title: z.string(),
    fields: z.array(
      z.object({
        side: z.enum(['left', 'right']),
        field: z.string(),
        label: z.string(),
        before: value,
        after: value,
        rule: z.string(),
      }),
    ),
    problems: z.array(recordProblem),
    page: z.int(),
    position: z.int(),
  })
  .meta({ id: 'SimulatedItem' })

export const issue = z
  .object({
    id,
    key: z.string(),
    leftId: z.string().nullable(),
    rightId: z.string().nullable(),
    class: z.string(),
    owner: z.enum(['admin', 'endpoint', 'us']),
    code: z.string(),
    severity: z.enum(['warning', 'error']),
    message: z.string(),
    remedy: z.string(),
    field: z.string().nullable(),
    firstSeen: time,
    lastSeen: time,
    attempts: z.int(),
    nextAttempt: time.nullable(),
    resolvedAt: time.nullable(),
    ignored: z
      .object({ by: z.string(), reason: z.string(), until: time.nullable() })
      .nullable()
      .meta({ description: 'Somebody knows of it and does not want to be told, until then or ever' }),
  })
  .meta({ id: 'Issue' })

export const ledgerRow = z
  .object({
    id,
    at: time,
    kind: z.enum(['write', 'decision', 'command']),
    action: z.string(),
    side: z.enum(['left', 'right']).nullable(),
    leftId: z.string().nullable(),
    rightId: z.string().nullable(),
    content: z.record(z.string(), z.unknown()),
    actor: z.string(),
    bridge: z.string().nullable(),
    build: z.string().nullable(),
    version: z.int().nullable(),
    runId: id.nullable(),
    foundByLooking: z.boolean(),
    possibleOverwrite: z.boolean(),
  })
  .meta({ id: 'LedgerRow' })

const end = z.object({ id, name: z.string(), kind: z.string() })

export const link = z
  .object({
    id,
    name: z.string(),
    description: z.string(),
    workspaceId: id,
    workspaceName: z.string(),
    bridgeId: z.string(),
    entityType: z.string(),
    left: end,
    right: end,
    mode: z.enum(['manual', 'automatic']),
    paused: z.boolean(),
    version: z.int(),
    status: z.string(),
    activity: z.string(),
    health: z.string(),
    healthMessage: z.string().nullable(),
    check: z.enum(['needed', 'passed', 'failed']),
    currentRun: id.nullable(),
    lastRun: z.object({ id, status: runStatus, endedAt: time.nullable() }).nullable(),
    schedule: linkSchedule,
    openIssues: z.int(),
    openWarnings: z.int(),
    pairs: z.int(),
    pending: z.int(),
    createdAt: time,
    statusLabel: z.string(),
    statusAction: z.string().nullable(),
  })
  .meta({ id: 'Link' })
export type LinkView = z.infer<typeof link>

/** Validated in full by the product's own rules, which report every problem with its pointer. */
export const configuration = z
  .record(z.string(), z.unknown())
  .meta({ id: 'LinkConfiguration', description: 'A whole configuration of a link' })

export const linkVersion = z
  .object({ version: z.int(), author: z.string(), comment: z.string(), createdAt: time, configuration })
  .meta({ id: 'LinkVersion' })

const name = z.string().trim().min(1, 'give it a name').max(120, 'takes at most 120 characters')

export const createEndpoint = z
  .strictObject({
    name,
    address,
    secret,
    test: z.boolean().default(true).meta({ description: 'Refuse endpoints that cannot be reached' }),
  })
  .meta({ id: 'CreateEndpoint' })

export const changeEndpoint = z
  .strictObject({
    name: name.optional(),
    address: address.optional(),
    secret: secret.optional(),
    maxBatches: maxBatches.nullable().optional().meta({ description: 'null: the default of the installation' }),
    test: z.boolean().default(true),
  })
  .meta({ id: 'ChangeEndpoint' })

export const linkKind = z.enum(['defect', 'backlog', 'release'])

export const createLink = z
  .strictObject({
    name,
    description: z.string().max(2_000).default(''),
    entityType: linkKind.default('defect'),
    types: z
      .array(
        z.strictObject({
          octane: z.enum(['epic', 'feature', 'story']),
          alm: z.array(z.string().min(1).max(200)).min(1, 'name at least one requirement type'),
        }),
      )
      .max(50)
      .optional()
      .meta({
        description:
          'Backlog links: requirement types of ALM, by label or key, for each type of Octane; the first is the default for new requirements. Left out: those whose names mean the same',
      }),
    managed: z
      .partialRecord(z.enum(['*', 'epic', 'feature', 'story', 'release', 'sprint']), z.enum(['left', 'right', 'both']))
      .optional()
      .meta({
        description:
          'Where records are managed, for the whole link (`*`) or by type: only there made ones are created on the other side, and that side wins; edits flow both ways. Left out: both',
      }),
    left: id.meta({ description: 'Endpoint on the left: ALM' }),
    right: id.meta({ description: 'Endpoint on the right: ALM Octane' }),
    configuration: configuration.optional().meta({ description: 'Parts that replace what is proposed automatically' }),
  })
  .meta({ id: 'CreateLink' })

export const createdLink = z.object({
  link,
  notes: z.array(z.string()).meta({ description: 'What the automatic mapping left out' }),
})

export const automap = z
  .strictObject({
    save: z
      .boolean()
      .default(false)
      .meta({ description: 'Save what is added as a new version; otherwise it is only shown' }),
  })
  .meta({ id: 'Automap' })

export const automapped = z.object({
  added: z.array(z.object({ left: z.string().nullable(), right: z.string().nullable(), direction: z.string() })),
  notes: z.array(z.string()).meta({ description: 'What the automatic mapping left out' }),
  version: z.int().nullable().meta({ description: 'The new version; null: nothing was saved' }),
})

export const addVersion = z
  .strictObject({ expectedVersion: z.int().min(1), comment: z.string().max(2_000).default(''), configuration })
  .meta({ id: 'AddLinkVersion' })

export const requestedRecord = z
  .object({
    side: z.enum(['left', 'right']),
    id: z.string(),
    outcome: z
      .enum([
        'unchanged',
        'created',
        'updated',
        'adopted',
        'declined',
        'waiting',
        'held',
        'deleted',
        'failed',
        'in-doubt',
        'unknown',
      ])
      .nullable()
      .meta({ description: 'Null: not looked at yet. unknown: its side has no such record' }),
    settled: z.boolean().meta({ description: 'False: it is looked at again by itself' }),
    twinId: z.string().nullable(),
    issues: z.array(issue),
  })
  .meta({ id: 'RequestedRecord' })
export type RequestedRecordView = z.infer<typeof requestedRecord>

export const progress = z
  .object({ run: run.nullable(), phase: z.string().nullable(), done: z.int(), left: z.int() })
  .meta({ id: 'Progress' })

export const health = z
  .object({
    build: z.string(),
    database: z.enum(['ok', 'down']),
    temporal: z.enum(['ok', 'down']),
    temporalUi: z.string().nullable(),
    mail: z.string().nullable(),
  })
  .meta({ id: 'Health' })

/** A page of a list; `next` is the cursor of the following one. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().nullable() })
}

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().optional(),
})

export const fieldMetadata = z.object({
  name: z.string(),
  label: z.string(),
  type: z.string(),
  multiple: z.boolean(),
  required: z.boolean(),
  editable: z.boolean(),
  maxLength: z.int().nullable(),
  userDefined: z.boolean(),
  values: z.array(z.object({ value: z.string(), label: z.string() })).nullable(),
})

export const metadata = z
  .object({
    entityType: z.string(),
    recordTypes: z
      .array(z.object({ value: z.string(), label: z.string() }))
      .nullable()
      .meta({ description: 'Types of records, where the entity type holds several' }),
    fields: z.array(fieldMetadata),
  })
  .meta({ id: 'Metadata' })
