import type { Problem } from '../../core/problems.ts'
import { sameStamp } from '../../core/values.ts'
import {
  type CallOptions,
  type Capabilities,
  ConnectorError,
  type CreateRow,
  type RowResult,
  type UpdateRow,
  type Writes,
} from '../contract.ts'
import { type HttpAnswer, isHtml, RequestFailed } from '../http.ts'
import { inDoubt, movedProblem } from '../row-results.ts'
import { encode, type OctaneEntity, snapshotOf } from './codec.ts'
import { type CanonicalFields, type OctaneCalls, type OctaneRead, wanted } from './connector.ts'
import { errorsOf, type OctaneError, parseJson, problemOf, rowOf } from './errors.ts'
import { chunked } from './pages.ts'
import type { OctaneReference, WireField } from './schema.ts'

/**
 * Writing: bulk with a result per row. A lost or 5xx answer leaves its rows in doubt; a 4xx settles every row. Octane
 * compares `client_lock_stamp` itself; a row it refuses for that is read again, and "moved" when its stamp has moved.
 */
export function createWriter(calls: OctaneCalls, read: OctaneRead, capabilities: Capabilities): Writes {
  async function create(
    entityType: string,
    rows: readonly CreateRow[],
    returnFields: readonly string[],
    options: CallOptions = {},
  ): Promise<RowResult[]> {
    const wired = await calls.schema(entityType)
    const chunks = chunked(rows, capabilities.maxBulkCreate)
    const results = await Promise.all(
      chunks.map((chunk) =>
        bulk(
          entityType,
          'POST',
          chunk.map((row) => encodeFields(wired, row.fields)),
          wired,
          returnFields,
          options,
        ),
      ),
    )
    return results.flat()
  }

  async function update(
    entityType: string,
    rows: readonly UpdateRow[],
    returnFields: readonly string[],
    options: CallOptions = {},
  ): Promise<RowResult[]> {
    const wired = await calls.schema(entityType)
    const results = await Promise.all(
      chunked(rows, capabilities.maxBulkUpdate).map(async (chunk) => {
        const bodies = chunk.map((row) => ({
          id: row.id,
          ...encodeFields(wired, row.fields),
          ...(row.compareAndSet && row.lock !== undefined ? { client_lock_stamp: row.lock } : {}),
        }))
        const answered = await bulk(entityType, 'PUT', bodies, wired, returnFields, options)
        return explainRefusals(entityType, chunk, answered, wired, returnFields, options)
      }),
    )
    return results.flat()
  }

  async function bulk(
    entityType: string,
    method: 'POST' | 'PUT',
    bodies: readonly Record<string, unknown>[],
    wired: ReadonlyMap<string, WireField>,
    returnFields: readonly string[],
    options: CallOptions,
  ): Promise<RowResult[]> {
    let answer: HttpAnswer
    try {
      answer = await calls.send(
        method,
        `/${calls.collection(entityType)}`,
        { fields: wanted(returnFields) },
        { data: bodies },
        options,
      )
    } catch (error) {
      return bodies.map(() => failedRow(error))
    }
    return rowsOf(entityType, answer, bodies, wired, returnFields)
  }

  function rowsOf(
    entityType: string,
    answer: HttpAnswer,
    bodies: readonly Record<string, unknown>[],
    wired: ReadonlyMap<string, WireField>,
    returnFields: readonly string[],
  ): RowResult[] {
    const metadata = calls.metadata(entityType)
    const body = isHtml(answer) ? undefined : (parseJson(answer) as { data?: OctaneEntity[] } | undefined)
    const errors = errorsOf(answer)
    const data = body?.data ?? []
    // A lock mismatch is told as a 500 with a body, which is an answer; any other 5xx, or a page, leaves it open.
    const definite = answer.status < 500 || errors.some((error) => isLockMismatch(error.error_code, error.description))
    if (isHtml(answer) || (!definite && data.length === 0))
      return bodies.map(() => inDoubt(`${calls.name} answered HTTP ${answer.status} to a write.`, answer.status))
    const refusedAt = refusedRows(errors, bodies, data)
    if (refusedAt === null)
      return bodies.map(() => inDoubt(`${calls.name} did not tell which of ${bodies.length} rows it refused.`))
    if (refusedAt.size === 0 && data.length !== bodies.length) {
      const [error] = errors
      if (data.length > 0 || (error === undefined && answer.status < 400))
        return bodies.map(() => inDoubt(`${calls.name} answered ${data.length} of ${bodies.length} rows.`))
      return bodies.map(() => ({ outcome: 'refused', problem: problemOf(error ?? {}, answer.status, metadata) }))
    }
    const done = data.map((entity) => snapshotOf(wired, entity, returnFields))
    let next = 0
    return bodies.map((sent, index): RowResult => {
      const error = refusedAt.get(index)
      if (error !== undefined) return { outcome: 'refused', problem: problemOf(error, answer.status, metadata) }
      // By id where rows carry one, else by position among those that succeeded.
      const byId = typeof sent.id === 'string' ? done.find((one) => one.id === sent.id) : undefined
      const snapshot = byId ?? (typeof sent.id === 'string' ? undefined : done[next++])
      return snapshot === undefined ? inDoubt(`${calls.name} gave no result for a row.`) : { outcome: 'done', snapshot }
    })
  }

  /** Reads refused rows again: a moved stamp is a conflict with somebody's edit; a refused phase is walked towards. */
  async function explainRefusals(
    entityType: string,
    rows: readonly UpdateRow[],
    results: readonly RowResult[],
    wired: ReadonlyMap<string, WireField>,
    returnFields: readonly string[],
    options: CallOptions,
  ): Promise<RowResult[]> {
    const refused = rows.filter((_row, index) => results[index]?.outcome === 'refused')
    if (refused.length === 0) return [...results]
    const now = new Map(
      (
        await read(
          entityType,
          refused.map((row) => row.id),
          ['phase'],
          options,
        ).catch(() => [])
      ).map((one) => [one.id, one]),
    )
    return Promise.all(
      rows.map(async (row, index): Promise<RowResult> => {
        const result = results[index] ?? inDoubt('no result')
        if (result.outcome !== 'refused') return result
        const current = now.get(row.id)
        if (current === undefined || result.problem.class === 'missing') return result
        if (row.compareAndSet && !sameStamp(row.expected, current.stamp))
          return { outcome: 'refused', problem: movedProblem() }
        if (result.problem.code === 'transition-refused' && typeof row.fields.phase === 'string')
          return walkPhases(
            entityType,
            row,
            String(current.fields.phase ?? ''),
            result.problem,
            wired,
            returnFields,
            options,
          )
        return result
      }),
    )
  }

  /** Takes the shortest way through the transitions; the record's other fields go along with the last step. */
  async function walkPhases(
    entityType: string,
    row: UpdateRow,
    from: string,
    problem: Problem,
    wired: ReadonlyMap<string, WireField>,
    returnFields: readonly string[],
    options: CallOptions,
  ): Promise<RowResult> {
    const target = String(row.fields.phase)
    const transitions = await calls.all(
      '/transitions',
      { query: `"entity EQ ^${entityType}^"`, fields: 'source_phase,target_phase', order_by: 'id' },
      options,
    )
    const steps = transitions.flatMap((one) => {
      const source = one.source_phase as OctaneReference | null
      const to = one.target_phase as OctaneReference | null
      return source?.id === undefined || to?.id === undefined ? [] : [{ from: source.id, to: to.id }]
    })
    const way = shortestWay(steps, from, target)
    if (way === null || way.length < 2) return { outcome: 'refused', problem }
    let lock: number | undefined = row.lock
    let result: RowResult = { outcome: 'refused', problem }
    for (const [index, phase] of way.entries()) {
      const last = index === way.length - 1
      const fields = last ? row.fields : { phase }
      const body = {
        id: row.id,
        ...encodeFields(wired, fields),
        ...(lock === undefined ? {} : { client_lock_stamp: lock }),
      }
      const [step] = await bulk(entityType, 'PUT', [body], wired, returnFields, options)
      result = step ?? inDoubt('no result')
      if (result.outcome !== 'done') return result
      lock = result.snapshot.lock
    }
    return result
  }

  return { create, update }
}

/**
 * The refused rows of a bulk by their position. A server may leave the position out where it refused a single row: that row
 * is the one whose id is missing among those done. Null: some were done, and which of the rows were not cannot be told.
 */
function refusedRows(
  errors: readonly OctaneError[],
  bodies: readonly Record<string, unknown>[],
  done: readonly OctaneEntity[],
): Map<number, OctaneError> | null {
  const told = new Map(errors.flatMap((error) => rowOf(error).map((row) => [row, error] as const)))
  const [only] = errors
  if (only === undefined || done.length === 0 || told.size === errors.length) return told
  const ids = new Set(done.map(({ id }) => String(id)))
  const missing = bodies.flatMap(({ id }, row) => (typeof id === 'string' && !ids.has(id) ? [row] : []))
  const [row] = missing
  return row === undefined || missing.length > 1 || errors.length > 1 ? null : new Map([[row, only]])
}

/** Every result but success. */
export type NotDone = Exclude<RowResult, { outcome: 'done' }>

function encodeFields(wired: ReadonlyMap<string, WireField>, fields: CanonicalFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const field = wired.get(name)
      // An unknown field is sent as it is: the server's refusal names it.
      return [name, field === undefined ? value : encode(field, value)]
    }),
  )
}

function isLockMismatch(code: string | undefined, description: string | undefined): boolean {
  return /lock[_ ]?stamp/i.test(`${code ?? ''} ${description ?? ''}`)
}

/** Phases to go through from `from` to `to`, without `from`; null: no way. */
export function shortestWay(steps: readonly { from: string; to: string }[], from: string, to: string): string[] | null {
  const cameFrom = new Map<string, string | null>([[from, null]])
  const queue = [from]
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    if (at === to) {
      const way: string[] = []
      for (let step: string | null = to; step !== null && step !== from; step = cameFrom.get(step) ?? null)
        way.unshift(step)
      return way
    }
    for (const step of steps) {
      if (step.from !== at || cameFrom.has(step.to)) continue
      cameFrom.set(step.to, at)
      queue.push(step.to)
    }
  }
  return null
}

/** What becomes of a row whose request failed before it was answered. */
export function failedRow(error: unknown): NotDone {
  if (error instanceof RequestFailed && error.failedAt === 'no-answer') return inDoubt(error.problem.message)
  if (error instanceof ConnectorError) return { outcome: 'refused', problem: error.problem }
  return inDoubt(error instanceof Error ? error.message : String(error))
}
