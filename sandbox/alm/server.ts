import { Faults } from '../common/faults.ts'
import { createSandboxServer, type SandboxAnswer, type SandboxRequest } from '../common/http.ts'
import { TruthLog } from '../common/truth-log.ts'
import { customization } from './customization.ts'
import { type Encoding, jsonEntity, parseEntities, type WrittenEntity, xml, xmlEntity, xmlHead } from './encode.ts'
import { type AlmTypeModel, almTypes } from './model.ts'
import { type Clause, type Comparison, parseFilter } from './query.ts'
import { AlmRefusal } from './refusal.ts'
import { type AlmAccount, AlmSessions, errorXml, type SignedIn } from './session.ts'
import { type AlmRecord, AlmStore, type AlmWriter } from './store.ts'

export interface AlmOptions {
  version: '12.5' | '26.1'
  seed: number
  defects: number
  switches?: Readonly<Record<string, string>>
  domain?: string
  project?: string
  /** Zone of the server's times; clients are never told. */
  timeZone?: string
  now?: () => number
}

const largestPage = 2_000
const largestBulk = 2_000

/** An ALM server with one domain and project, in one of two generations. */
export function createAlmSandbox(options: AlmOptions) {
  const modern = options.version === '26.1'
  const domain = options.domain ?? 'DEFAULT'
  const project = options.project ?? 'Sync'
  const now = options.now ?? Date.now
  const truth = new TruthLog()
  const faults = new Faults()
  const store = new AlmStore({
    truth,
    now,
    switches: options.switches ?? {},
    timeZone: options.timeZone ?? 'America/New_York',
  })
  store.seed(options)
  const accounts: AlmAccount[] = [
    {
      name: 'sync',
      password: 's3cret & <safe>',
      apiKey: { clientId: 'apikey-tandem', clientSecret: 'kq7+/Zp0==' },
      member: true,
    },
    { name: 'second', password: 'second-pass', apiKey: null, member: true },
    { name: 'outsider', password: 'outsider-pass', apiKey: null, member: false },
  ]
  const sessions = new AlmSessions({ accounts, modern, store, now })
  const byCollection = new Map<string, AlmTypeModel>(almTypes.map((type) => [type.collection, type]))
  const prefix = `/rest/domains/${domain}/projects/${project}`
  let base = ''

  function handler(request: SandboxRequest): SandboxAnswer {
    if (request.method === 'OPTIONS') return { status: 501 }
    if (!request.path.startsWith('/qcbin'))
      return { status: 404, headers: { 'content-type': 'text/html' }, body: '<html><body>Not Found</body></html>' }
    const path = request.path.slice('/qcbin'.length)
    const signing = sessions.handle(request, path)
    if (signing !== undefined) return signing
    const encoding = accepted(request)
    if (encoding === null)
      return {
        status: 406,
        headers: { 'content-type': 'application/xml' },
        body: errorXml('qccore.general-error', 'Not Acceptable'),
      }
    const signedIn = sessions.authenticate(request)
    if ('status' in signedIn)
      return refusal(encoding, new AlmRefusal(signedIn.status, signedIn.id, signedIn.title), request)
    const answer = guarded(encoding, request, () => route(request, path, encoding, signedIn))
    return signedIn.cookies.length === 0
      ? answer
      : { ...answer, headers: { ...answer.headers, 'set-cookie': signedIn.cookies } }
  }

  function accepted(request: SandboxRequest): Encoding | null {
    const accept = String(request.headers.accept ?? '')
    for (const part of accept.split(',').map((one) => one.trim().toLowerCase())) {
      if (part.startsWith('application/json')) return 'json'
      if (part.startsWith('application/xml') || part.startsWith('text/xml')) return 'xml'
    }
    if (
      accept === '' ||
      accept.includes('*/*') ||
      accept.includes('application/*') ||
      accept.includes('text/html') ||
      accept.includes('octet-stream')
    )
      return 'html'
    return null
  }

  function guarded(encoding: Encoding, request: SandboxRequest, body: () => SandboxAnswer): SandboxAnswer {
    try {
      return body()
    } catch (error) {
      if (error instanceof AlmRefusal) return refusal(encoding, error, request)
      throw error
    }
  }

  /** Errors follow the Accept header; without a usable one they are a page for people. */
  function refusal(encoding: Encoding, error: AlmRefusal, request: SandboxRequest): SandboxAnswer {
    const challenge =
      error.status === 401
        ? {
            'www-authenticate': `LWSSO realm=http://${String(request.headers.host ?? 'localhost')}/qcbin/authentication-point`,
          }
        : {}
    if (encoding === 'json')
      return {
        status: error.status,
        headers: { 'content-type': 'application/json;charset=utf-8', ...challenge },
        body: JSON.stringify({ Id: error.id, Title: error.message, ExceptionProperties: null, StackTrace: null }),
      }
    if (encoding === 'xml')
      return {
        status: error.status,
        headers: { 'content-type': 'application/xml;charset=utf-8', ...challenge },
        body: errorXml(error.id, error.message),
      }
    return {
      status: error.status,
      headers: { 'content-type': 'text/html;charset=utf-8', ...challenge },
      body: `<html><head><title>Error ${error.status}</title></head><body><h1>${error.status}</h1></body></html>`,
    }
  }

  function body(
    status: number,
    encoding: Encoding,
    json: () => unknown,
    asXml: () => string,
    headers: Record<string, string> = {},
  ): SandboxAnswer {
    // Data without a usable Accept header is XML; only errors become pages.
    return encoding === 'json'
      ? {
          status,
          headers: { 'content-type': 'application/json;charset=utf-8', ...headers },
          body: JSON.stringify(json()),
        }
      : { status, headers: { 'content-type': 'application/xml;charset=utf-8', ...headers }, body: asXml() }
  }

  function route(request: SandboxRequest, path: string, encoding: Encoding, signedIn: SignedIn): SandboxAnswer {
    if (path === '/rest/sa/version')
      return body(
        200,
        encoding,
        () => ({ SAVersion: { MajorVersion: options.version } }),
        () =>
          `${xmlHead}<SAVersion><MajorVersion>${options.version}</MajorVersion><MinorVersion>0</MinorVersion><Version>${options.version}</Version></SAVersion>`,
      )
    if (path === '/v2/sa/api/site-version' && modern)
      return body(
        200,
        'json',
        () => ({ version: options.version }),
        () => '',
      )
    const visible = signedIn.account.member
    if (path === '/rest/domains') {
      const domains = visible ? [domain] : []
      return body(
        200,
        encoding,
        () => ({ Domains: { Domain: collapsed(domains.map((Name) => ({ Name }))) } }),
        () => xml({ Domains: { Domain: domains.map((name) => ({ '@Name': name })) } }),
      )
    }
    if (path === `/rest/domains/${domain}/projects`) {
      const projects = visible ? [project] : []
      return body(
        200,
        encoding,
        () => ({ Projects: { Project: collapsed(projects.map((Name) => ({ Name }))) } }),
        () => xml({ Projects: { Project: projects.map((name) => ({ '@Name': name })) } }),
      )
    }
    if (path === '/api/domains')
      return body(
        200,
        'json',
        () => ({ results: visible ? [{ name: domain }] : [] }),
        () => '',
      )
    if (path === `/api/domains/${domain}/projects`)
      return body(
        200,
        'json',
        () => ({ results: visible ? [{ name: project }] : [] }),
        () => '',
      )
    if (path.startsWith('/rest/domains/') && !(path === prefix || path.startsWith(`${prefix}/`)))
      throw new AlmRefusal(
        403,
        'qccore.operation-forbidden',
        'The project does not exist, or the user is not a member of the project',
      )
    if (!path.startsWith(`${prefix}/`)) throw new AlmRefusal(404, 'qccore.general-error', 'Not Found')
    if (!visible)
      throw new AlmRefusal(
        403,
        'qccore.operation-forbidden',
        `User '${signedIn.account.name}' is not a member of the project`,
      )
    const segments = path
      .slice(prefix.length + 1)
      .replace(/\/$/, '')
      .split('/')
      .map(decodeURIComponent)
    const [first = '', second, third] = segments
    if (first === 'customization')
      return customization({
        store,
        segments: segments.slice(1),
        query: request.query,
        encoding,
        base: `${base}${prefix}/`,
      })
    const model = byCollection.get(first)
    if (model === undefined) throw new AlmRefusal(404, 'qccore.general-error', `The resource '${first}' does not exist`)
    const writer: AlmWriter = { user: signedIn.account.name, session: signedIn.session.id, via: 'rest' }
    if (second === undefined) return collection(request, model, encoding, writer)
    if (second === 'groups' && third !== undefined) return groups(request, model, third, encoding)
    if (third === 'lock') return lock(request, model, second, encoding, writer)
    if (third === 'audits') return audits(model, second, encoding)
    if (third !== undefined) throw new AlmRefusal(404, 'qccore.general-error', `The resource '${third}' does not exist`)
    return member(request, model, second, encoding, writer)
  }

  function collapsed<T>(items: readonly T[]): readonly T[] | T {
    const [only] = items
    return store.switches.singleElement === 'object' && items.length === 1 && only !== undefined ? only : items
  }

  function collection(
    request: SandboxRequest,
    model: AlmTypeModel,
    encoding: Encoding,
    writer: AlmWriter,
  ): SandboxAnswer {
    switch (request.method) {
      case 'GET':
        return list(request, model, encoding)
      case 'POST': {
        const type = contentType(request)
        if (isBulk(type))
          return bulk(parseEntities(type, request.body, true), model, encoding, 201, (entity) =>
            store.create(model.name, entity.fields, writer),
          )
        const [entity] = parseEntities(type, request.body, false)
        const created = store.create(model.name, entity?.fields ?? {}, writer)
        return one(201, model, created, encoding, {
          location: `${base}${prefix}/${model.collection}/${String(created.id)}`,
        })
      }
      case 'PUT': {
        const type = contentType(request)
        if (!isBulk(type))
          throw new AlmRefusal(400, 'qccore.general-error', 'An update of a collection needs type=collection')
        return bulk(parseEntities(type, request.body, true), model, encoding, 200, (entity) => {
          if (entity.id === null) throw new AlmRefusal(400, 'qccore.general-error', 'An entity to update needs an id')
          return store.update(model.name, entity.id, entity.fields, writer)
        })
      }
      case 'DELETE': {
        const ids = (request.query.get('ids-to-delete') ?? '').split(',').filter((id) => id !== '')
        if (ids.length === 0) throw new AlmRefusal(400, 'qccore.general-error', 'ids-to-delete is missing')
        return bulk(
          ids.map((id) => ({ id, fields: {} })),
          model,
          encoding,
          200,
          (entity) => store.delete(model.name, entity.id ?? '', writer),
        )
      }
      default:
        throw new AlmRefusal(405, 'qccore.general-error', 'Method Not Allowed')
    }
  }

  function contentType(request: SandboxRequest): string {
    const type = String(request.headers['content-type'] ?? '')
    if (!/application\/(json|xml)/i.test(type))
      throw new AlmRefusal(415, 'qccore.general-error', 'Unsupported Media Type')
    return type
  }

  function isBulk(type: string): boolean {
    return /type\s*=\s*collection/i.test(type) && store.switches.bulk === 'yes'
  }

  function list(request: SandboxRequest, model: AlmTypeModel, encoding: Encoding): SandboxAnswer {
    const only = projection(request, model)
    const rows = select(request, model)
    const start = Math.max(1, Number(request.query.get('start-index') ?? '1') || 1)
    const size = pageSize(request)
    const page = rows.slice(start - 1, start - 1 + size)
    const total = size === 0 ? 0 : rows.length
    return body(
      200,
      encoding,
      () => ({
        entities: page.map((record) => ({
          ...jsonEntity(model, record, only),
          ErrorMessage: '',
          EntityStatus: 'Success',
        })),
        TotalResults: total,
      }),
      () =>
        xml({
          Entities: {
            '@TotalResults': String(total),
            ...(page.length === 0 ? {} : { Entity: page.map((record) => xmlEntity(model, record, only)) }),
          },
        }),
    )
  }

  function projection(request: SandboxRequest, model: AlmTypeModel): ReadonlySet<string> | null {
    const fields = request.query.get('fields')
    if (fields === null || fields === '') return null
    const names = fields.split(',')
    for (const name of names)
      if (!model.fields.some((field) => field.name === name))
        throw new AlmRefusal(400, 'qccore.general-error', `Entity: ${model.name} doesn't have a field named: '${name}'`)
    return new Set(names)
  }

  function pageSize(request: SandboxRequest): number {
    const text = request.query.get('page-size')
    if (text === null) return 100
    if (text === 'max') return largestPage
    const size = Number(text)
    if (!Number.isInteger(size) || size < 0)
      throw new AlmRefusal(
        404,
        'qccore.invalid-query-value',
        `Invalid page size '${text}': it must be between 0 and 2,000 or "max"`,
      )
    return Math.min(size, largestPage)
  }

  function comparisonOf(model: AlmTypeModel): (name: string) => Comparison | undefined {
    return (name) => {
      const field = model.fields.find((candidate) => candidate.name === name)
      if (field === undefined || field.filterable !== true) return undefined
      return field.type === 'Number' || field.type === 'Reference' ? 'number' : 'text'
    }
  }

  /** Matching rows in order. Ids, lower bounds of ids and user-defined texts come from indexes. */
  function select(request: SandboxRequest, model: AlmTypeModel): AlmRecord[] {
    const clauses = parseFilter(request.query.get('query') ?? '', comparisonOf(model))
    const all = store.rows(model.name)
    const matching: AlmRecord[] = []
    for (const record of candidates(model, clauses, all))
      if (clauses.every((clause) => clause.test(record[clause.field] ?? null))) matching.push(record)
    return sorted(matching, request.query.get('order-by') ?? '', model)
  }

  function candidates(
    model: AlmTypeModel,
    clauses: readonly Clause[],
    all: Map<number, AlmRecord>,
  ): Iterable<AlmRecord> {
    const byIds = (ids: Iterable<number>): AlmRecord[] => {
      const found: AlmRecord[] = []
      for (const id of ids) {
        const record = all.get(id)
        if (record !== undefined) found.push(record)
      }
      return found
    }
    for (const clause of clauses) {
      if (clause.exact === null) continue
      if (clause.field === 'id') return byIds(new Set(clause.exact.map(Number)))
      const field = model.fields.find((candidate) => candidate.name === clause.field)
      if (field?.user === true && field.type === 'String')
        return byIds(clause.exact.flatMap((text) => [...(store.idsByText(model.name, clause.field, text) ?? [])]))
    }
    return all.values()
  }

  function sorted(rows: AlmRecord[], orderBy: string, model: AlmTypeModel): AlmRecord[] {
    const keys = [...orderBy.replace(/^\{|\}$/g, '').split(';')].flatMap((part) => {
      if (part.trim() === '') return []
      const match = /^\s*([^[\]]+?)\s*(?:\[\s*(ASC|DESC)\s*(?:,\s*CI\s*)?\])?\s*$/i.exec(part)
      const field = model.fields.find((candidate) => candidate.name === match?.[1])
      if (match === null || field === undefined)
        throw new AlmRefusal(404, 'qccore.invalid-query-value', `Invalid order-by field '${part}'`)
      return [{ field, descending: match[2]?.toUpperCase() === 'DESC' }]
    })
    const byId = (a: AlmRecord, b: AlmRecord) => Number(a.id) - Number(b.id)
    return rows.sort((a, b) => {
      for (const { field, descending } of keys) {
        const [x, y] = [String(a[field.name] ?? ''), String(b[field.name] ?? '')]
        const order = field.type === 'Number' ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0
        if (order !== 0) return descending ? -order : order
      }
      return byId(a, b)
    })
  }

  function groups(request: SandboxRequest, model: AlmTypeModel, name: string, encoding: Encoding): SandboxAnswer {
    if (!model.fields.some((field) => field.name === name))
      throw new AlmRefusal(404, 'qccore.invalid-query-value', `Invalid group field '${name}'`)
    const counted = new Map<string, number>()
    for (const record of select(request, model)) {
      const value = String(record[name] ?? '')
      counted.set(value, (counted.get(value) ?? 0) + 1)
    }
    const rows = [...counted].map(([value, size]) => ({
      Name: name,
      Value: value,
      ReferenceValue: value,
      Expression: value,
      size,
      subLevel: [],
    }))
    return body(
      200,
      encoding,
      () => ({ subLevel: rows }),
      () =>
        xml({
          Groups: { Group: rows.map((row) => ({ '@Name': row.Name, '@Value': row.Value, '@Size': String(row.size) })) },
        }),
    )
  }

  function member(
    request: SandboxRequest,
    model: AlmTypeModel,
    id: string,
    encoding: Encoding,
    writer: AlmWriter,
  ): SandboxAnswer {
    switch (request.method) {
      case 'GET':
        return one(200, model, store.get(model.name, id), encoding)
      case 'PUT': {
        const [entity] = parseEntities(contentType(request), request.body, false)
        return one(200, model, store.update(model.name, id, entity?.fields ?? {}, writer), encoding)
      }
      case 'DELETE':
        return one(200, model, store.delete(model.name, id, writer), encoding)
      default:
        throw new AlmRefusal(405, 'qccore.general-error', 'Method Not Allowed')
    }
  }

  function one(
    status: number,
    model: AlmTypeModel,
    record: AlmRecord,
    encoding: Encoding,
    headers: Record<string, string> = {},
  ): SandboxAnswer {
    return body(
      status,
      encoding,
      () => jsonEntity(model, record, null),
      () => xml({ Entity: xmlEntity(model, record, null) }),
      headers,
    )
  }

  interface Row {
    record: AlmRecord | null
    id: string | null
    error: AlmRefusal | null
  }

  /** Not transactional: each row on its own. 201/200 all done, 409 some failed, 500 all failed. */
  function bulk(
    entities: readonly WrittenEntity[],
    model: AlmTypeModel,
    encoding: Encoding,
    status: number,
    write: (entity: WrittenEntity) => AlmRecord,
  ): SandboxAnswer {
    if (entities.length > largestBulk)
      throw new AlmRefusal(400, 'qccore.general-error', `A bulk operation takes at most ${largestBulk} entities`)
    const rows: Row[] = entities.map((entity) => {
      try {
        const record = write(entity)
        return { record, id: String(record.id), error: null }
      } catch (error) {
        if (!(error instanceof AlmRefusal)) throw error
        return { record: null, id: entity.id, error }
      }
    })
    const failed = rows.filter((row) => row.error !== null).length
    const done = rows.flatMap((row) => (row.record === null ? [] : [row.record]))
    if (failed === 0)
      return body(
        status,
        encoding,
        () => ({
          entities: done.map((record) => ({
            ...jsonEntity(model, record, null),
            ErrorMessage: '',
            EntityStatus: 'Success',
          })),
          TotalResults: done.length,
        }),
        () =>
          xml({
            Entities: {
              '@TotalResults': String(done.length),
              Entity: done.map((record) => xmlEntity(model, record, null)),
            },
          }),
      )
    return body(
      failed === rows.length ? 500 : 409,
      encoding,
      () => bulkFailureJson(model, rows),
      () => bulkFailureXml(model, rows),
    )
  }

  function bulkFailureJson(model: AlmTypeModel, rows: readonly Row[]): unknown {
    const BulkEntries = rows.map(({ record, id, error }) =>
      error === null && record !== null
        ? { Succeeded: true, EntityId: id, EntityType: model.name, Entity: jsonEntity(model, record, null) }
        : {
            Succeeded: false,
            EntityId: id,
            EntityType: model.name,
            Exception: { Id: error?.id, Title: error?.message, ExceptionProperties: null, StackTrace: null },
          },
    )
    return {
      Id: 'qccore.bulk-operation-failed',
      Title: 'bulk failed. see exception properties.',
      ExceptionProperties: [{ Name: 'qccore.bulk-operation-failed', BulkValue: { BulkEntries } }],
      StackTrace: null,
    }
  }

  function bulkFailureXml(model: AlmTypeModel, rows: readonly Row[]): string {
    const BulkEntry = rows.map(({ record, id, error }) => ({
      '@Successful': String(error === null),
      '@EntityId': id ?? '',
      '@EntityType': model.name,
      ...(error === null && record !== null
        ? { Entity: xmlEntity(model, record, null) }
        : { Id: error?.id, Title: error?.message, StackTrace: '' }),
    }))
    return xml({
      QCRestException: {
        Id: 'qccore.bulk-operation-failed',
        Title: 'bulk failed. see exception properties.',
        ExceptionProperties: {
          ExceptionProperty: { '@name': 'qccore.bulk-operation-failed', value: { BulkOperationFailed: { BulkEntry } } },
        },
      },
    })
  }

  function lock(
    request: SandboxRequest,
    model: AlmTypeModel,
    id: string,
    encoding: Encoding,
    writer: AlmWriter,
  ): SandboxAnswer {
    if (!model.lock) throw new AlmRefusal(404, 'qccore.general-error', 'The resource does not exist')
    switch (request.method) {
      case 'POST':
        return one(200, model, store.lock(model.name, id, writer), encoding)
      case 'DELETE':
        store.get(model.name, id)
        store.unlock(model.name, id, writer)
        return one(200, model, store.get(model.name, id), encoding)
      case 'GET': {
        const record = store.get(model.name, id)
        const held = store.lockOf(model.name, id)
        const status =
          held === undefined ? 'UNLOCKED' : held.session === writer.session ? 'LOCKED_BY_ME' : 'LOCKED_BY_OTHER'
        return body(
          200,
          encoding,
          () => ({ LockStatus: status, LockUser: held?.user ?? '', Id: record.id }),
          () => xml({ Lock: { LockStatus: status, LockUser: held?.user ?? '' } }),
        )
      }
      default:
        throw new AlmRefusal(405, 'qccore.general-error', 'Method Not Allowed')
    }
  }

  /** A single audit or property is an object instead of a list of one. */
  function audits(model: AlmTypeModel, id: string, encoding: Encoding): SandboxAnswer {
    if (!model.history) throw new AlmRefusal(404, 'qccore.general-error', 'The resource does not exist')
    store.get(model.name, id)
    const rows = store.audits.filter((row) => row.type === model.table && row.parentId === id)
    const single = <T>(items: readonly T[]) => (items.length === 1 ? items[0] : items)
    return body(
      200,
      encoding,
      () => ({
        Audits: {
          TotalResults: rows.length,
          ...(rows.length === 0
            ? {}
            : {
                Audit: single(
                  rows.map((row) => ({
                    Id: row.id,
                    ParentId: Number(row.parentId),
                    ParentType: row.type,
                    Action: 'UPDATE',
                    Time: row.time,
                    User: row.user,
                    Properties: {
                      Property: single(
                        row.changes.map((change) => ({
                          Name: change.name,
                          Label: change.label,
                          OldValue: change.before,
                          NewValue: change.after,
                        })),
                      ),
                    },
                  })),
                ),
              }),
        },
      }),
      () =>
        xml({
          Audits: {
            '@TotalResults': String(rows.length),
            Audit: rows.map((row) => ({
              Id: String(row.id),
              Action: 'UPDATE',
              ParentId: row.parentId,
              ParentType: row.type,
              Time: row.time,
              User: row.user,
              Properties: {
                Property: row.changes.map((change) => ({
                  '@Name': change.name,
                  '@Label': change.label,
                  OldValue: change.before,
                  NewValue: change.after,
                })),
              },
            })),
          },
        }),
    )
  }

  const server = createSandboxServer({
    handler,
    faults,
    endSession: (request) => {
      sessions.expireAll()
      return refusal('json', new AlmRefusal(401, 'qccore.session-has-expired', 'Session expired.'), request)
    },
    pattern: (path) => path.replace(`/qcbin${prefix}`, '').replace(/\/\d+(?=\/|$)/g, '/*'),
  })

  async function listen(port = 0, host = '127.0.0.1'): Promise<{ port: number; url: string }> {
    const bound = await server.listen(port, host)
    base = `http://${host}:${bound}/qcbin`
    return { port: bound, url: base }
  }

  const person = (actor: string | undefined): AlmWriter => ({ user: actor ?? 'ann', session: null, via: 'control' })

  return {
    system: 'alm' as const,
    listen,
    close: server.close,
    store,
    truth,
    faults,
    requests: server.requests,
    credentials: {
      user: { user: 'sync', password: 's3cret & <safe>' },
      second: { user: 'second', password: 'second-pass' },
      outsider: { user: 'outsider', password: 'outsider-pass' },
      apiKey: modern ? { clientId: 'apikey-tandem', clientSecret: 'kq7+/Zp0==' } : null,
    },
    /** Changes a record as somebody in the desktop client does, who may keep it open (locked) for a while. */
    edit: (type: string, id: string, fields: AlmRecord, who: { actor?: string; holdLockMs?: number } = {}) => {
      const changed = store.update(type, id, fields, person(who.actor))
      if (who.holdLockMs !== undefined) store.lock(type, id, person(who.actor), who.holdLockMs)
      return changed
    },
    create: (type: string, fields: AlmRecord, who: { actor?: string } = {}) =>
      store.create(type, fields, person(who.actor)),
    remove: (type: string, id: string, who: { actor?: string } = {}) => store.delete(type, id, person(who.actor)),
    records: (type: string) => [...store.rows(type).values()],
    /** Ends every session at once, as a restart of the server does. */
    expireSessions: () => sessions.expireAll(),
    domain,
    project,
  }
}

export type AlmSandbox = ReturnType<typeof createAlmSandbox>
