import { wrapMemo } from '../../core/memo.ts'
import type { FieldMetadata } from '../../core/metadata.ts'
import type { Problem } from '../../core/problems.ts'
import { type RecordSnapshot, sameStamp } from '../../core/values.ts'
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
import { inOrder } from '../limiter.ts'
import { type AlmEntity, entityBody, snapshotOf } from './codec.ts'
import { type AlmCalls, type AlmRead, chunked } from './connector.ts'
import { errorOf, parseJson, problemOf } from './errors.ts'
import { asArray } from './schema.ts'

interface BulkEntry {
  Succeeded: boolean | string
  EntityId?: string | number | null
  Entity?: AlmEntity
  Exception?: { Id?: string; Title?: string }
}

/** Answers null where there was nothing to write. */
export type EditMemo = (
  entityType: string,
  id: string,
  field: string,
  change: (memo: string | null) => { memo: string | null } | RowResult | null,
  options: CallOptions,
) => Promise<RowResult | null>

type Schema = ReadonlyMap<string, FieldMetadata>

/**
 * Writing: bulk where the server takes it (learnt once), else one by one; a result per row. A 5xx or a lost answer leaves
 * its rows in doubt, since ALM may have committed. Updates that must not overwrite anybody lock the record, read it again,
 * write and unlock; one writer per record in the process.
 */
export function createWriter(
  calls: AlmCalls,
  read: AlmRead,
  capabilities: Capabilities,
  mode: 'lock' | 'bulk',
): Writes & { editMemo: EditMemo } {
  let bulkWorks: boolean | null = null
  const writing = new Map<string, Promise<unknown>>()

  async function create(
    entityType: string,
    rows: readonly CreateRow[],
    returnFields: readonly string[],
    options: CallOptions = {},
  ): Promise<RowResult[]> {
    const schema = await calls.schema(entityType)
    // A requirement must be told where it stands, be it at the top.
    const above = [...schema.values()].find((field) => field.hierarchy !== undefined)
    const placed = above === undefined ? {} : { [above.name]: null }
    const bodies = rows.map((row) => entityBody(entityType, schema, { ...placed, ...row.fields }))
    return many('POST', entityType, bodies, schema, returnFields, capabilities.maxBulkCreate, options)
  }

  async function update(
    entityType: string,
    rows: readonly UpdateRow[],
    returnFields: readonly string[],
    options: CallOptions = {},
  ): Promise<RowResult[]> {
    const schema = await calls.schema(entityType)
    const plain: number[] = []
    const guarded: number[] = []
    rows.forEach((row, index) => {
      ;(row.compareAndSet ? guarded : plain).push(index)
    })
    const results: RowResult[] = new Array<RowResult>(rows.length)
    const pick = (indexes: readonly number[]) => indexes.flatMap((index) => rows[index] ?? [])
    const put = (indexes: readonly number[], outcome: readonly RowResult[]) => {
      indexes.forEach((index, at) => {
        results[index] = outcome[at] ?? inDoubt('The connector gave no result for a row.')
      })
    }
    await Promise.all([
      updateInBulk(entityType, pick(plain), schema, returnFields, options).then((outcome) => put(plain, outcome)),
      (mode === 'lock'
        ? inOrder(pick(guarded), calls.concurrency, (row) =>
            alone(`${entityType}:${row.id}`, () => updateLocked(entityType, row, schema, returnFields, options)),
          )
        : updateAfterReading(entityType, pick(guarded), schema, returnFields, options)
      ).then((outcome) => put(guarded, outcome)),
    ])
    return results
  }

  /** One writer per record in this process: two would share the session's lock without noticing each other. */
  async function alone<T>(key: string, body: () => Promise<T>): Promise<T> {
    const before = writing.get(key) ?? Promise.resolve()
    const mine = before.then(body, body)
    writing.set(key, mine)
    try {
      return await mine
    } finally {
      if (writing.get(key) === mine) writing.delete(key)
    }
  }

  function updateInBulk(
    entityType: string,
    rows: readonly UpdateRow[],
    schema: Schema,
    returnFields: readonly string[],
    options: CallOptions,
  ): Promise<RowResult[]> {
    const bodies = rows.map((row) => entityBody(entityType, schema, row.fields, row.id))
    return many('PUT', entityType, bodies, schema, returnFields, capabilities.maxBulkUpdate, options)
  }

  /** Reads all records just before writing them together; those that moved on are left out. */
  async function updateAfterReading(
    entityType: string,
    rows: readonly UpdateRow[],
    schema: Schema,
    returnFields: readonly string[],
    options: CallOptions,
  ): Promise<RowResult[]> {
    if (rows.length === 0) return []
    const asked = performance.now()
    let now: Map<string, RecordSnapshot>
    try {
      now = new Map(
        (
          await read(
            entityType,
            rows.map((row) => row.id),
            [],
            options,
          )
        ).map((one) => [one.id, one]),
      )
    } catch (error) {
      return rows.map(() => notSent(error))
    }
    const stays = (row: UpdateRow) => {
      const current = now.get(row.id)
      return current !== undefined && sameStamp(row.expected, current.stamp)
    }
    const written = (await updateInBulk(entityType, rows.filter(stays), schema, returnFields, options)).map((result) =>
      measured(result, asked),
    )
    let next = 0
    return rows.map((row): RowResult => {
      if (stays(row)) return written[next++] ?? inDoubt('The connector gave no result for a row.')
      return { outcome: 'refused', problem: now.has(row.id) ? movedProblem() : goneProblem(row.id) }
    })
  }

  function updateLocked(
    entityType: string,
    row: UpdateRow,
    schema: Schema,
    returnFields: readonly string[],
    options: CallOptions,
  ): Promise<RowResult> {
    return underLock<RowResult>(entityType, row.id, ['name'], options, async (current, asked) => {
      if (!sameStamp(row.expected, current.stamp)) return { outcome: 'refused', problem: movedProblem() }
      const body = entityBody(entityType, schema, begunWell(row.fields, current.fields.name))
      return measured(await single('PUT', entityType, body, schema, returnFields, options, row.id), asked)
    })
  }

  /** Locks a record, reads it, and calls `write` with what stands there; `write` settles its own failures. */
  async function underLock<R>(
    entityType: string,
    id: string,
    fields: readonly string[],
    options: CallOptions,
    write: (current: RecordSnapshot, asked: number) => Promise<R>,
  ): Promise<R | RowResult> {
    const lock = `/${calls.collection(entityType)}/${id}/lock`
    try {
      // Twice: a session renewed between lock and reading has taken the lock with it.
      for (let round = 0; round < 2; round++) {
        const answer = await calls.send('POST', lock, undefined, options)
        if (answer.status >= 400) return refusedBy(answer, entityType)
        const number = calls.sessionNumber()
        try {
          const asked = performance.now()
          const [current] = await read(entityType, [id], fields, options)
          if (calls.sessionNumber() !== number) continue
          if (current === undefined) return { outcome: 'refused', problem: goneProblem(id) }
          return await write(current, asked)
        } finally {
          // Also after a failure or when the caller has given up; a lock that cannot be given back dies with the session.
          await calls.send('DELETE', lock, undefined, {}).catch(() => undefined)
        }
      }
    } catch (error) {
      // `single` settles its own failures, so whatever comes here happened before the write. An unanswered lock may be held.
      if (sent(error)) await calls.send('DELETE', lock, undefined, {}).catch(() => undefined)
      return notSent(options.signal?.aborted === true ? options.signal.reason : error)
    }
    return { outcome: 'refused', problem: movedProblem() }
  }

  /** Writes one memo under the record's lock, made of what stands there then; `change` answers null to leave it alone. */
  function editMemo(
    entityType: string,
    id: string,
    field: string,
    change: (memo: string | null) => { memo: string | null } | RowResult | null,
    options: CallOptions,
  ): Promise<RowResult | null> {
    return alone(`${entityType}:${id}`, async () => {
      const schema = await calls.schema(entityType)
      return underLock<RowResult | null>(entityType, id, [], options, async () => {
        const record = (await calls.get(
          `/${calls.collection(entityType)}/${id}`,
          { fields: field },
          options,
        )) as AlmEntity
        const text = textOf(record, field)
        const next = change(text === '' ? null : text)
        if (next === null || 'outcome' in next) return next
        const body: AlmEntity = {
          Type: entityType,
          Fields: [{ Name: field, values: [{ value: wrapMemo(next.memo) }] }],
        }
        return single('PUT', entityType, body, schema, [field], options, id)
      })
    })
  }

  async function many(
    method: 'POST' | 'PUT',
    entityType: string,
    bodies: readonly AlmEntity[],
    schema: Schema,
    returnFields: readonly string[],
    size: number,
    options: CallOptions,
  ): Promise<RowResult[]> {
    const one = (body: AlmEntity) => single(method, entityType, body, schema, returnFields, options)
    if (bodies.length === 0) return []
    if (bodies.length === 1 || bulkWorks === false) return Promise.all(bodies.map(one))
    const results = await Promise.all(
      chunked(bodies, size).map(async (chunk): Promise<RowResult[]> => {
        if (bulkWorks === false) return Promise.all(chunk.map(one))
        const outcome = await bulk(method, entityType, chunk, schema, returnFields, options)
        if (outcome !== 'unsupported') return outcome
        bulkWorks = false
        return Promise.all(chunk.map(one))
      }),
    )
    return results.flat()
  }

  async function bulk(
    method: 'POST' | 'PUT',
    entityType: string,
    chunk: readonly AlmEntity[],
    schema: Schema,
    returnFields: readonly string[],
    options: CallOptions,
  ): Promise<RowResult[] | 'unsupported'> {
    let answer: HttpAnswer
    try {
      answer = await calls.send(
        method,
        `/${calls.collection(entityType)}`,
        { content: { entities: chunk }, bulk: true },
        options,
      )
    } catch (error) {
      return chunk.map(() => (sent(error) ? inDoubt(words(error)) : notSent(error)))
    }
    if (isHtml(answer)) return chunk.map(() => inDoubt(`${calls.name} answered a write with a web page.`))
    const { id, title } = errorOf(answer)
    if (id === 'qccore.bulk-operation-failed') {
      bulkWorks = true
      return entriesOf(entityType, answer, chunk, schema, returnFields)
    }
    if (answer.status >= 200 && answer.status < 300) {
      bulkWorks = true
      const entities = asArray((parseJson(answer) as { entities?: AlmEntity[] } | undefined)?.entities)
      if (entities.length !== chunk.length)
        return chunk.map(() => inDoubt(`${calls.name} answered ${entities.length} of ${chunk.length} rows.`))
      return matched(entityType, entities, chunk, schema, returnFields)
    }
    // The parser of a server without bulk refuses the body before anything is done.
    const unsupported = answer.status === 415 || answer.status === 405 || /JsonNode|collection/i.test(title)
    if (unsupported && bulkWorks !== true) return 'unsupported'
    if (answer.status >= 500 && !isDefinite(answer))
      return chunk.map(() => inDoubt(`${calls.name} answered HTTP ${answer.status} to a write.`, answer.status))
    return chunk.map(() => refusedBy(answer, entityType))
  }

  function entriesOf(
    entityType: string,
    answer: HttpAnswer,
    chunk: readonly AlmEntity[],
    schema: Schema,
    returnFields: readonly string[],
  ): RowResult[] {
    const body = parseJson(answer) as
      | { ExceptionProperties?: { BulkValue?: { BulkEntries?: BulkEntry[] } }[] }
      | undefined
    const entries = asArray(body?.ExceptionProperties).flatMap((property) => asArray(property.BulkValue?.BulkEntries))
    if (entries.length !== chunk.length)
      return chunk.map(() => inDoubt(`${calls.name} told the result of ${entries.length} of ${chunk.length} rows.`))
    return entries.map((entry): RowResult => {
      if ((entry.Succeeded === true || entry.Succeeded === 'true') && entry.Entity !== undefined)
        return { outcome: 'done', snapshot: snapshotOf(schema, entry.Entity, returnFields) }
      const error = { id: entry.Exception?.Id ?? '', title: entry.Exception?.Title ?? '' }
      return { outcome: 'refused', problem: problemOf(error, 400, calls.described(entityType)) }
    })
  }

  /** Rows by their id, or by the name they were given, where the answer's order could differ; else by position. */
  function matched(
    _entityType: string,
    entities: readonly AlmEntity[],
    chunk: readonly AlmEntity[],
    schema: Schema,
    returnFields: readonly string[],
  ): RowResult[] {
    const byId = new Map(entities.map((entity) => [textOf(entity, 'id'), entity]))
    return chunk.map((body, index): RowResult => {
      const id = textOf(body, 'id')
      const entity = id === '' ? entities[index] : byId.get(id)
      if (entity === undefined) return inDoubt(`${calls.name} gave no result for a row.`)
      return { outcome: 'done', snapshot: snapshotOf(schema, entity, returnFields) }
    })
  }

  async function single(
    method: 'POST' | 'PUT',
    entityType: string,
    body: AlmEntity,
    schema: Schema,
    returnFields: readonly string[],
    options: CallOptions,
    recordId?: string,
  ): Promise<RowResult> {
    const id = recordId ?? textOf(body, 'id')
    const content: AlmEntity = { Type: body.Type, Fields: body.Fields.filter((field) => field.Name !== 'id') }
    const path = `/${calls.collection(entityType)}${method === 'POST' ? '' : `/${id}`}`
    let answer: HttpAnswer
    try {
      answer = await calls.send(method, path, { content, bulk: false }, options)
    } catch (error) {
      return sent(error) ? inDoubt(words(error)) : notSent(error)
    }
    if (isHtml(answer) || (answer.status >= 500 && !isDefinite(answer)))
      return inDoubt(`${calls.name} answered HTTP ${answer.status} to a write.`, answer.status)
    if (answer.status >= 400) return refusedBy(answer, entityType)
    const entity = parseJson(answer) as AlmEntity | undefined
    if (entity === undefined || entity === null || !('Fields' in entity))
      return inDoubt(`${calls.name} gave no record in answer to a write.`)
    return { outcome: 'done', snapshot: snapshotOf(schema, entity, returnFields) }
  }

  function refusedBy(answer: HttpAnswer, entityType: string): RowResult {
    if (answer.status >= 500 && !isDefinite(answer))
      return {
        outcome: 'refused',
        problem: {
          class: 'unavailable',
          code: 'server-error',
          message: `${calls.name} answered HTTP ${answer.status} to a lock.`,
          remedy: 'Nothing to do: it is tried again.',
        },
      }
    return { outcome: 'refused', problem: problemOf(errorOf(answer), answer.status, calls.described(entityType)) }
  }

  return { create, update, editMemo }
}

/** A body must not begin with a parent or type: the name as it stands goes first, which changes nothing under the lock. */
function begunWell(
  fields: UpdateRow['fields'],
  name: RecordSnapshot['fields'][string] | undefined,
): UpdateRow['fields'] {
  const late = Object.keys(fields).every((field) => field === 'parent-id' || field === 'type-id')
  return late && name !== undefined && name !== null ? { name, ...fields } : fields
}

/** With the time since the record's stamp was asked for. */
function measured(result: RowResult, asked: number): RowResult {
  return result.outcome === 'done' ? { ...result, windowMs: Math.round(performance.now() - asked) } : result
}

function textOf(entity: AlmEntity, name: string): string {
  return asArray(asArray(entity.Fields).find((field) => field.Name === name)?.values)[0]?.value ?? ''
}

/** ALM tells many refusals as a 500; one that names its own reason has decided against the write. */
export function isDefinite(answer: HttpAnswer): boolean {
  const { id } = errorOf(answer)
  return id.startsWith('qccore.') && id !== 'qccore.general-error'
}

export function sent(error: unknown): boolean {
  return !(error instanceof ConnectorError) || (error instanceof RequestFailed && error.failedAt === 'no-answer')
}

export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Surely nothing was written. */
export function notSent(error: unknown): { outcome: 'refused'; problem: Problem } {
  if (error instanceof ConnectorError) return { outcome: 'refused', problem: error.problem }
  return {
    outcome: 'refused',
    problem: {
      class: 'unavailable',
      code: 'not-sent',
      message: words(error),
      remedy: 'Nothing to do: it is tried again.',
    },
  }
}

export function inDoubt(message: string, status?: number): Extract<RowResult, { outcome: 'in-doubt' }> {
  return {
    outcome: 'in-doubt',
    // A gateway's 502 or 504 says nothing about the server behind it.
    answered: status === 500,
    problem: {
      class: 'in-doubt',
      code: 'unanswered',
      message,
      remedy: 'Nothing to do: it is settled by looking at the record.',
    },
  }
}

export function movedProblem(): Problem {
  return {
    class: 'moved',
    code: 'moved',
    message: 'Somebody changed the record between our read and our write.',
    remedy: 'Nothing to do: it is read and planned again.',
  }
}

export function goneProblem(id: string): Problem {
  return {
    class: 'missing',
    code: 'gone',
    message: `Record ${id} does not exist any more.`,
    remedy: 'Nothing to do, unless it was deleted by mistake.',
  }
}
