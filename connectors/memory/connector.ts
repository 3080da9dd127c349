import { type FieldMetadata, fieldByName } from '../../core/metadata.ts'
import type { Problem } from '../../core/problems.ts'
import { matchesScope, type RecordScope, resolveFilter } from '../../core/scope.ts'
import { type CanonicalValue, type RecordSnapshot, type Stamp, sameStamp } from '../../core/values.ts'
import { confirmRecordsGone } from '../confirm-gone.ts'
import {
  type CallOptions,
  type Capabilities,
  type Connector,
  ConnectorError,
  type CreateRow,
  type DeleteResult,
  type RowResult,
  type UpdateRow,
} from '../contract.ts'
import type { MemoryRecord, MemorySystem } from './system.ts'

const capabilities: Capabilities = {
  compareAndSet: 'native',
  maxBulkCreate: 100,
  maxBulkUpdate: 100,
  maxReadIds: 100,
  maxScanPage: 50,
  timesHaveZone: true,
  creationTime: 'fixed',
  fieldHistory: false,
}

/**
 * The contract on a system that lies in this process: what the engine may rely on, without a wire. It pages, compares
 * stamps, refuses and loses answers like the real ones, so that one suite holds for all of them.
 */
export function createMemoryConnector(
  system: MemorySystem,
  credentials: { user: string; password: string },
): Connector {
  const { password } = credentials
  let signedIn: Promise<void> | null = null
  let session = -1

  async function signIn(): Promise<void> {
    if (password !== system.password)
      throw new ConnectorError({
        class: 'auth',
        code: 'wrong-password',
        message: `${system.name} refuses the user ${credentials.user} or the password.`,
        remedy: 'Enter the credentials again.',
      })
    system.signIns++
    session = system.session
  }

  /** One request: signed in, counted, struck by whatever fault is due. */
  async function request<T>(
    kind: 'read' | 'create' | 'update' | 'delete',
    options: CallOptions,
    body: () => T,
  ): Promise<T> {
    options.signal?.throwIfAborted()
    if (session !== system.session) {
      signedIn ??= signIn().finally(() => {
        signedIn = null
      })
      await signedIn
    }
    const fault = system.faults.take(kind)
    if (fault?.kind === 'throttle') return request(kind, options, body)
    if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.delayMs ?? 50))
    options.signal?.throwIfAborted()
    if (fault?.kind === 'error-before') throw trouble(system.name)
    const answer = body()
    if (fault?.kind === 'error-after') throw trouble(system.name)
    return answer
  }

  /** Reads are repeated; what still fails after some attempts is told. */
  async function reading<T>(options: CallOptions, body: () => T): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await request('read', options, body)
      } catch (error) {
        if (!(error instanceof ConnectorError) || error.problem.class !== 'unavailable' || attempt >= 4) throw error
      }
    }
  }

  function snapshot(record: MemoryRecord, fields: readonly string[]): RecordSnapshot {
    return {
      id: record.id,
      stamp: { ...record.stamp },
      created: record.created,
      lock: record.stamp.version ?? 0,
      fields: Object.fromEntries(
        fields
          .filter((name) => fieldByName(system.entity, name) !== undefined)
          .map((name) => [name, record.fields[name] ?? null]),
      ),
    }
  }

  async function writing<R, A extends RowResult | DeleteResult>(
    kind: 'create' | 'update' | 'delete',
    rows: readonly R[],
    options: CallOptions,
    one: (row: R) => A,
  ): Promise<(A | Exclude<RowResult, { outcome: 'done' }>)[]> {
    const results: (A | Exclude<RowResult, { outcome: 'done' }>)[] = []
    for (let at = 0; at < rows.length; at += capabilities.maxBulkCreate) {
      const chunk = rows.slice(at, at + capabilities.maxBulkCreate)
      try {
        results.push(...(await request(kind, options, () => chunk.map(one))))
      } catch (error) {
        results.push(...chunk.map(() => rowOf(error, options)))
      }
    }
    return results
  }

  function refusal(fields: Readonly<Record<string, CanonicalValue>>, creating: boolean): Problem | null {
    for (const [name, value] of Object.entries(fields)) {
      const field = fieldByName(system.entity, name)
      if (field === undefined) return refused('schema', 'unknown-field', name, `There is no field "${name}".`)
      if (field.verified && value !== null && !allowed(field, value))
        return refused('mapping', 'invalid-value', name, `"${String(value)}" is no value of "${field.label}".`)
    }
    const missing = creating
      ? system.entity.fields.find((field) => field.required && (fields[field.name] ?? null) === null)
      : undefined
    return missing === undefined
      ? null
      : refused('mapping', 'required-field', missing.name, `"${missing.label}" is required.`)
  }

  function inScope(record: MemoryRecord | undefined, { filter, zone, now }: RecordScope): boolean {
    if (record === undefined || filter === null) return record !== undefined
    const resolved = resolveFilter(filter, {
      field: (name) => fieldByName(system.entity, name),
      constants: {},
      zone,
      now,
      timesHaveZone: true,
      me: credentials.user,
      currentReleases: [],
    })
    return matchesScope(resolved, record.fields)
  }

  return {
    kind: 'memory',
    capabilities,
    serverDate: () => null,
    takePause: () => null,
    lastEdits: async () => ({}),
    testConnection: (options = {}) =>
      reading(options, () => ({
        product: 'Memory',
        version: '1',
        user: credentials.user,
        place: `system ${system.name}`,
      })),
    places: async () => [],
    describe: (_entityType, options = {}) => reading(options, () => system.entity),
    users: (options = {}) => reading(options, () => system.users),
    inspect: (entityType, options = {}) =>
      reading(options, () => [
        {
          entityType,
          label: entityType,
          may: { read: 'yes', create: 'yes', update: 'yes', delete: 'yes', lock: 'yes' },
          frozen: [],
          roles: [],
          visible: system.records.size,
          standsUnder: null,
          reacts: { mails: false, rules: false, workflow: false },
        },
      ]),
    newest: (_entityType, options = {}) =>
      reading(options, () =>
        [...system.records.values()].reduce<string | null>(
          (newest, { stamp }) => (newest === null || (stamp.modified ?? '') > newest ? stamp.modified : newest),
          null,
        ),
      ),
    scan: (query, options = {}) =>
      reading(options, () => {
        const after = query.afterId === null ? 0 : Number(query.afterId)
        const rest = [...system.records.values()]
          .filter((record) => Number(record.id) > after)
          .filter((record) => query.since === null || (record.stamp.modified ?? '') >= query.since)
          .sort((a, b) => Number(a.id) - Number(b.id))
        const page = rest.slice(0, Math.min(query.limit, capabilities.maxScanPage))
        const { referenceField } = query
        return {
          rows: page.map((record) => ({
            id: record.id,
            stamp: { ...record.stamp },
            created: record.created,
            ...(referenceField === undefined
              ? {}
              : { reference: (record.fields[referenceField] ?? null) as string | null }),
          })),
          last: page.length === rest.length,
        }
      }),
    matching: (_entityType, ids, scope, options = {}) =>
      reading(options, () => ids.filter((id) => inScope(system.records.get(id), scope))),
    async *inScope(_entityType, scope, options = {}) {
      yield await reading(options, () =>
        [...system.records.values()].filter((record) => inScope(record, scope)).map(({ id }) => id),
      )
    },
    foldersAbove: async () => new Map(),
    favorites: async () => [],
    earlier: (time, seconds) => new Date(Date.parse(time) - seconds * 1_000).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    read: (_entityType, ids, fields, options = {}) =>
      reading(options, () =>
        ids.flatMap((id) => {
          const record = system.records.get(id)
          return record === undefined ? [] : [snapshot(record, fields)]
        }),
      ),
    find: (_entityType, field, values, fields, options = {}) =>
      reading(options, () =>
        [...system.records.values()]
          .filter((record) => values.includes(String(record.fields[field] ?? '')))
          .sort((one, other) => (Number(one.id) - Number(other.id)) * (options.descending === true ? -1 : 1))
          .map((record) => snapshot(record, [...fields, field])),
      ),
    count: (_entityType, options = {}) => reading(options, () => system.records.size),
    recordUrl: (entityType, id) => `memory:${system.name}/${entityType}/${id}`,
    create: (_entityType, rows: readonly CreateRow[], returnFields, options = {}) =>
      writing('create', rows, options, (row): RowResult => {
        const problem = refusal(row.fields, true)
        if (problem !== null) return { outcome: 'refused', problem }
        return { outcome: 'done', snapshot: snapshot(system.create(row.fields), returnFields) }
      }),
    update: (_entityType, rows: readonly UpdateRow[], returnFields, options = {}) =>
      writing('update', rows, options, (row): RowResult => {
        const record = system.records.get(row.id)
        if (record === undefined)
          return { outcome: 'refused', problem: refused('missing', 'gone', null, `Record ${row.id} does not exist.`) }
        if (row.compareAndSet && !matches(row, record.stamp))
          return {
            outcome: 'refused',
            problem: refused('moved', 'moved', null, 'Somebody changed the record meanwhile.'),
          }
        const problem = refusal(row.fields, false)
        if (problem !== null) return { outcome: 'refused', problem }
        return { outcome: 'done', snapshot: snapshot(system.edit(row.id, row.fields), returnFields) }
      }),
    confirmGone: (_entityType, ids, siblings, options = {}) =>
      confirmRecordsGone(
        (id) =>
          reading(options, () => ({
            outcome: system.records.has(id) ? ('there' as const) : ('gone' as const),
            reason: null,
          })),
        ids,
        siblings,
        options,
      ),
    delete: (_entityType, rows, options = {}) =>
      writing('delete', rows, options, (row): DeleteResult => {
        const record = system.records.get(row.id)
        if (record === undefined)
          return { outcome: 'refused', problem: refused('missing', 'gone', null, `Record ${row.id} does not exist.`) }
        if (!sameStamp(row.expected, record.stamp))
          return {
            outcome: 'refused',
            problem: refused('moved', 'moved', null, 'Somebody changed the record meanwhile.'),
          }
        system.records.delete(row.id)
        return { outcome: 'done' }
      }),
    close: async () => undefined,
  }
}

function matches(row: UpdateRow, now: Stamp): boolean {
  return row.lock === undefined ? sameStamp(row.expected, now) : row.lock === now.version
}

function allowed(field: FieldMetadata, value: CanonicalValue): boolean {
  const values = Array.isArray(value) ? (value as readonly string[]) : [value]
  return values.every((one) => field.options?.some((option) => option.value === one) ?? true)
}

function refused(problemClass: Problem['class'], code: string, field: string | null, message: string): Problem {
  return {
    class: problemClass,
    code,
    message,
    remedy: 'Correct the value or the mapping.',
    ...(field === null ? {} : { field }),
  }
}

function trouble(name: string): ConnectorError {
  return new ConnectorError({
    class: 'unavailable',
    code: 'connection-lost',
    message: `The connection to ${name} broke off.`,
    remedy: 'Nothing to do: it is tried again.',
  })
}

function rowOf(error: unknown, options: CallOptions): Exclude<RowResult, { outcome: 'done' }> {
  const notSent = options.signal?.aborted === true
  const problem: Problem = {
    class: notSent ? 'unavailable' : 'in-doubt',
    code: notSent ? 'not-sent' : 'unanswered',
    message: error instanceof Error ? error.message : String(error),
    remedy: 'Nothing to do: it is settled by looking at the record.',
  }
  if (error instanceof ConnectorError && error.problem.class === 'auth')
    return { outcome: 'refused', problem: error.problem }
  return notSent ? { outcome: 'refused', problem } : { outcome: 'in-doubt', problem, answered: false }
}
