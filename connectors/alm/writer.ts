import { wrapMemo } from '../../core/memo.ts'
import type { FieldMetadata } from '../../core/metadata.ts'
import { type RecordSnapshot, sameStamp } from '../../core/values.ts'
import type { CallOptions, Capabilities, CreateRow, RowResult, UpdateRow, Writes } from '../contract.ts'
import { type HttpAnswer, isHtml } from '../http.ts'
import { inOrder } from '../limiter.ts'
import { inDoubt, movedProblem } from '../row-results.ts'
import { type AlmEntity, entityBody, snapshotOf } from './codec.ts'
import { type AlmCalls, type AlmRead, chunked } from './connector.ts'
import { errorOf, parseJson, problemOf } from './errors.ts'
import { createLocks } from './locks.ts'
import { goneProblem, isDefinite, notSent, refusedBy, sent, words } from './row-results.ts'
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

/** So many records are locked, read, written and unlocked together: people wait for none of them longer than that takes. */
const lockedAtATime = 20

/** While one group is read and written, the next one is being locked. */
const groupsAtATime = 2

type Schema = ReadonlyMap<string, FieldMetadata>

/**
 * Writing: bulk where the server takes it (learnt once), else one by one; a result per row. A 5xx or a lost answer leaves
 * its rows in doubt, since ALM may have committed. Updates that must not overwrite anybody lock their records, read them
 * again, write and unlock, a group at a time.
 */
export function createWriter(
  calls: AlmCalls,
  read: AlmRead,
  capabilities: Capabilities,
  mode: 'lock' | 'bulk',
): Writes & { editMemo: EditMemo } {
  let bulkWorks: boolean | null = null
  const locks = createLocks(calls, read)

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
        results[index] = outcome[at] ?? notAnswered()
      })
    }
    await Promise.all([
      updateInBulk(entityType, pick(plain), schema, returnFields, options).then((outcome) => put(plain, outcome)),
      (mode === 'lock'
        ? inOrder(chunked(pick(guarded), lockedAtATime), groupsAtATime, (rows) =>
            updateLocked(entityType, rows, schema, returnFields, options),
          ).then((groups) => groups.flat())
        : updateAfterReading(entityType, pick(guarded), schema, returnFields, options)
      ).then((outcome) => put(guarded, outcome)),
    ])
    return results
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
    const ids = rows.map((row) => row.id)
    let now: Map<string, RecordSnapshot>
    try {
      now = new Map((await read(entityType, ids, [], options)).map((one) => [one.id, one]))
    } catch (error) {
      return rows.map(() => notSent(error))
    }
    const results = await updateUnmoved(entityType, rows, now, asked, schema, returnFields, options)
    return rows.map(({ id }) => results.get(id) ?? { outcome: 'refused', problem: goneProblem(id) })
  }

  /** The same while this session holds the records' locks: nobody can write between our reading and our write. */
  async function updateLocked(
    entityType: string,
    rows: readonly UpdateRow[],
    schema: Schema,
    returnFields: readonly string[],
    options: CallOptions,
  ): Promise<RowResult[]> {
    const ids = rows.map((row) => row.id)
    const results = await locks.under<RowResult>({
      entityType,
      ids,
      fields: ['name'],
      options,
      write: (current, asked) => updateUnmoved(entityType, rows, current, asked, schema, returnFields, options),
    })
    return ids.map((id) => results.get(id) ?? notAnswered())
  }

  /** Writes those of the records that stand as they were when the write was planned, together. */
  async function updateUnmoved(
    entityType: string,
    rows: readonly UpdateRow[],
    current: ReadonlyMap<string, RecordSnapshot>,
    asked: number,
    schema: Schema,
    returnFields: readonly string[],
    options: CallOptions,
  ): Promise<Map<string, RowResult>> {
    const results = new Map<string, RowResult>()
    const unmoved = rows.flatMap((row) => {
      const now = current.get(row.id)
      if (now === undefined) return []
      if (sameStamp(row.expected, now.stamp)) return [{ ...row, fields: begunWell(row.fields, now.fields.name) }]
      results.set(row.id, { outcome: 'refused', problem: movedProblem() })
      return []
    })
    const written = await updateInBulk(entityType, unmoved, schema, returnFields, options)
    unmoved.forEach(({ id }, index) => {
      results.set(id, measured(written[index] ?? notAnswered(), asked))
    })
    return results
  }

  /** Writes one memo under the record's lock, made of what stands there then; `change` answers null to leave it alone. */
  async function editMemo(
    entityType: string,
    id: string,
    field: string,
    change: (memo: string | null) => { memo: string | null } | RowResult | null,
    options: CallOptions,
  ): Promise<RowResult | null> {
    const schema = await calls.schema(entityType)
    const edited = async (): Promise<RowResult | null> => {
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
    }
    const results = await locks.under({
      entityType,
      ids: [id],
      fields: [],
      options,
      write: async () => new Map([[id, await edited()]]),
    })
    const result = results.get(id)
    return result === undefined ? notAnswered() : result
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
        if (typeof outcome !== 'string') return outcome
        if (outcome === 'unsupported') bulkWorks = false
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
  ): Promise<RowResult[] | 'unsupported' | 'row-by-row'> {
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
    // Refused as a whole before any row was looked at, be it for one of them: the others must not suffer for it.
    if (answer.status === 400 || answer.status === 413) return 'row-by-row'
    if (answer.status >= 500 && !isDefinite(answer))
      return chunk.map(() => inDoubt(`${calls.name} answered HTTP ${answer.status} to a write.`, answer.status))
    return chunk.map(() => refusedBy(answer, calls, entityType))
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
    if (answer.status >= 400) return refusedBy(answer, calls, entityType)
    const entity = parseJson(answer) as AlmEntity | undefined
    if (entity === undefined || entity === null || !('Fields' in entity))
      return inDoubt(`${calls.name} gave no record in answer to a write.`)
    return { outcome: 'done', snapshot: snapshotOf(schema, entity, returnFields) }
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

function notAnswered(): RowResult {
  return inDoubt('The connector gave no result for a row.')
}

/** With the time since the record's stamp was asked for. */
function measured(result: RowResult, asked: number): RowResult {
  return result.outcome === 'done' ? { ...result, windowMs: Math.round(performance.now() - asked) } : result
}

function textOf(entity: AlmEntity, name: string): string {
  return asArray(asArray(entity.Fields).find((field) => field.Name === name)?.values)[0]?.value ?? ''
}
