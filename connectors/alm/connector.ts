import type { AlmAddress, CredentialSecret } from '../../core/endpoint.ts'
import type { EndpointUser, EntityMetadata, FieldMetadata, FieldOption } from '../../core/metadata.ts'
import { compareAndSetOf } from '../../core/overwrite-guard.ts'
import type { RecordSnapshot } from '../../core/values.ts'
import {
  type CallOptions,
  type Capabilities,
  type ConnectionReport,
  type Connector,
  ConnectorError,
  type FindOptions,
  type ScanQuery,
  type ScanRow,
} from '../contract.ts'
import { createHttp, type HttpAnswer, isHtml, type OpenAnswer } from '../http.ts'
import type { Form } from '../multipart.ts'
import { createSession } from '../session.ts'
import { createStampClock } from '../stamp-clock.ts'
import { attachmentFlags, createAttachments } from './attachments.ts'
import { type AlmEntity, identityFields, quoted, snapshotOf } from './codec.ts'
import { createComments } from './comments.ts'
import { createDeleter } from './deleter.ts'
import { assertSuccess, errorOf, isSessionOver, parseJson } from './errors.ts'
import { createForesight } from './foresee.ts'
import { createHistory } from './history.ts'
import { createInspect } from './inspect.ts'
import { createPlaces } from './places.ts'
import {
  type AlmField,
  type AlmList,
  type AlmType,
  type AlmUser,
  asArray,
  attachmentsField,
  endpointUser,
  fieldMetadata,
  listOptions,
  referenceTarget,
} from './schema.ts'
import { createScopes } from './scope.ts'
import { signInAlm, signOutAlm } from './sign-in.ts'
import { versionOf } from './version.ts'
import { createWriter } from './writer.ts'

export interface AlmConnectorOptions {
  address: AlmAddress
  secret: CredentialSecret
  concurrency?: number
  timeoutMs?: number
  /** How updates are kept from overwriting others: `lock` one by one and exact, `bulk` after a re-read. */
  writes?: 'lock' | 'bulk'
}

const collections: Record<string, string> = {
  defect: 'defects',
  requirement: 'requirements',
  release: 'releases',
  'release-cycle': 'release-cycles',
  'release-folder': 'release-folders',
}

/** Ids of one OR list: the address of the request must stay below the limits of web servers. */
const idsPerFilter = 100
/** References are longer than ids. */
const textsPerFilter = 50

interface Page {
  entities: AlmEntity[]
  total: number
}

/** What a signed-in connector's parts need of each other. */
export interface AlmCalls {
  name: string
  collection(entityType: string): string
  list(entityType: string, query: Record<string, string>, call?: CallOptions): Promise<Page>
  get(path: string, query: Record<string, string>, call?: CallOptions): Promise<unknown>
  send(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: { content: unknown; bulk: boolean },
    call?: CallOptions,
    query?: Record<string, string>,
  ): Promise<HttpAnswer>
  /** The complete address of what lies at a path of the project. */
  address(path: string): string
  /** Asks the flat generation of the API; the answer may be any. */
  flat(path: string, query: Record<string, string>, call?: CallOptions): Promise<HttpAnswer>
  /** Asks for the bytes of a file. */
  open(path: string, query: Record<string, string>, call?: CallOptions): Promise<OpenAnswer | HttpAnswer>
  /** Sends a form with a file. */
  transfer(
    method: 'POST' | 'PUT',
    path: string,
    query: Record<string, string>,
    form: Form,
    call?: CallOptions,
  ): Promise<HttpAnswer>
  schema(entityType: string): Promise<ReadonlyMap<string, FieldMetadata>>
  described(entityType: string): EntityMetadata | undefined
  /** Locks are bound to a session: another number means that they are gone. */
  sessionNumber(): number
  /** How many requests run at a time: more records than that are not begun together. */
  concurrency: number
}

/** ALM/Quality Center over its core REST API: one project, one user, JSON. */
export function createAlmConnector(options: AlmConnectorOptions): Connector {
  const { address, secret, writes = 'lock' } = options
  const base = address.url.replace(/\/+$/, '')
  const name = `ALM at ${new URL(base).host}`
  const http = createHttp({
    baseUrl: base,
    name,
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  })
  const project = `/rest/domains/${encodeURIComponent(address.domain)}/projects/${encodeURIComponent(address.project)}`
  const login = secret.kind === 'password' ? secret.user : secret.clientId
  const schemas = new Map<string, Promise<ReadonlyMap<string, FieldMetadata>>>()
  const descriptions = new Map<string, EntityMetadata>()
  const capabilities: Capabilities = {
    compareAndSet: compareAndSetOf('alm', writes),
    maxBulkCreate: 100,
    maxBulkUpdate: 100,
    maxReadIds: idsPerFilter,
    maxScanPage: 2_000,
    timesHaveZone: false,
    creationTime: 'editable',
    fieldHistory: true,
  }

  const session = createSession({
    http,
    name,
    signIn: (plain) => signInAlm(plain, { name, base, secret }),
    signOut: (plain, jar) => signOutAlm(plain, jar),
    isExpired: isSessionOver,
    headers: (jar, request) => {
      const xsrf = jar.get('XSRF-TOKEN')
      return {
        accept: 'application/json',
        ...(request.method === 'GET' || xsrf === undefined ? {} : { 'x-xsrf-token': xsrf }),
      }
    },
  })

  function collection(entityType: string): string {
    const found = collections[entityType]
    if (found === undefined)
      throw new ConnectorError({
        class: 'schema',
        code: 'unknown-type',
        message: `ALM has no entity type "${entityType}" that Tandem knows.`,
        remedy: `Use one of ${Object.keys(collections).join(', ')}.`,
      })
    return found
  }

  async function get(path: string, query: Record<string, string>, call: CallOptions = {}): Promise<unknown> {
    const answer = await session.send({ method: 'GET', path: `${project}${path}`, query, idempotent: true, ...call })
    if (!isHtml(answer) && (answer.status === 403 || answer.status === 404)) refuseUnknownProject(answer)
    assertSuccess(answer, name)
    const body = parseJson(answer)
    if (body === null || typeof body !== 'object')
      throw new ConnectorError({
        class: 'unavailable',
        code: 'not-json',
        message: `${name} answered something that is not JSON.`,
        remedy: 'Check whether a proxy stands before the server.',
      })
    return body
  }

  function refuseUnknownProject(answer: HttpAnswer): void {
    const { id, title } = errorOf(answer)
    const aboutProject = /project|domain/i.test(title) && id !== 'qccore.entity-not-found'
    if (!aboutProject) return
    throw new ConnectorError({
      class: 'forbidden',
      code: 'project-unknown',
      message: `${name} has no project ${address.project} in domain ${address.domain} for ${login}.`,
      remedy: 'Check both names, in upper and lower case, and that the user is a member of the project.',
    })
  }

  async function list(entityType: string, query: Record<string, string>, call: CallOptions = {}): Promise<Page> {
    const body = (await get(`/${collection(entityType)}`, query, call)) as {
      entities?: AlmEntity[]
      TotalResults?: number
    }
    return { entities: [...asArray(body.entities)], total: Number(body.TotalResults ?? 0) }
  }

  const send: AlmCalls['send'] = (method, path, body, call = {}, query = {}) =>
    session.send({
      method,
      path: `${project}${path}`,
      query,
      idempotent: method === 'GET',
      ...call,
      ...(body === undefined
        ? {}
        : {
            body: JSON.stringify(body.content),
            headers: { 'content-type': body.bulk ? 'application/json;type=collection' : 'application/json' },
          }),
    })

  async function loadSchema(entityType: string, call: CallOptions = {}): Promise<ReadonlyMap<string, FieldMetadata>> {
    const [fieldsBody, listsBody] = await Promise.all([
      get(`/customization/entities/${entityType}/fields`, {}, call),
      get(`/customization/entities/${entityType}/lists`, {}, call),
    ])
    const wire = asArray((fieldsBody as { Fields?: { Field?: AlmField[] | AlmField } }).Fields?.Field)
    const lists = new Map(
      asArray((listsBody as { lists?: AlmList[] | AlmList }).lists).map((one) => [String(one.Id), one]),
    )
    const targets = new Set(
      wire.flatMap((field) => (field.type === 'Reference' ? [referenceTarget(entityType, field)] : [])),
    )
    const [releases, cycles] = await Promise.all([
      targets.has('release') || targets.has('release-cycle') ? names('release', call) : [],
      targets.has('release-cycle') ? names('release-cycle', call) : [],
    ])
    const releaseLabels = new Map(releases.map((release) => [release.value, release.label]))
    const listed: Record<string, FieldOption[]> = {
      release: releases.map(({ value, label }) => ({ value, label, active: true })),
      'release-cycle': cycles.map(({ value, label, parent }) => {
        const parentLabel = releaseLabels.get(parent)
        return { value, label, active: true, ...(parentLabel === undefined ? {} : { parentLabel }) }
      }),
    }
    const metadataOf = (field: AlmField): FieldMetadata => {
      const own = field.listId === undefined ? undefined : lists.get(String(field.listId))
      const options =
        own !== undefined
          ? listOptions(own)
          : field.type === 'Reference'
            ? (listed[referenceTarget(entityType, field) ?? ''] ?? null)
            : null
      return fieldMetadata(entityType, field, own, options)
    }
    const files = entityType in attachmentFlags ? [attachmentsField] : []
    const fields = [...wire.filter((field) => field.active !== false).map(metadataOf), ...files]
    const recordTypes = await typesOf(entityType, metadataOf, call)
    descriptions.set(entityType, {
      entityType,
      label: entityType,
      fields,
      ...(recordTypes === null ? {} : { recordTypes }),
    })
    return new Map(fields.map((field) => [field.name, field]))
  }

  /** Requirements are of several types, which differ in what they need; null: the entity type holds one type. */
  async function typesOf(
    entityType: string,
    metadataOf: (field: AlmField) => FieldMetadata,
    call: CallOptions,
  ): Promise<NonNullable<EntityMetadata['recordTypes']> | null> {
    if (entityType !== 'requirement') return null
    const path = `/customization/entities/${entityType}/types`
    const body = (await get(path, {}, call)) as { types?: AlmType[] | { type?: AlmType[] | AlmType } }
    const rows = Array.isArray(body.types) ? body.types : asArray(body.types?.type)
    const types = await Promise.all(
      rows.map(async (row) => {
        const own = (await get(`${path}/${row.id}/fields`, {}, call)) as { Fields?: { Field?: AlmField[] | AlmField } }
        const fields = asArray(own.Fields?.Field).filter((field) => field.active !== false)
        return { value: String(row.id), label: row.name, fields: [...fields.map(metadataOf), attachmentsField] }
      }),
    )
    return { field: 'type-id', types }
  }

  /** Names of a short collection, with the parent each row belongs to. */
  async function names(
    entityType: string,
    call: CallOptions,
  ): Promise<{ value: string; label: string; parent: string }[]> {
    const rows: { value: string; label: string; parent: string }[] = []
    for (;;) {
      const page = await list(
        entityType,
        {
          fields: 'id,name,parent-id',
          'order-by': '{id[ASC]}',
          'page-size': '1000',
          'start-index': String(rows.length + 1),
        },
        call,
      )
      for (const entity of page.entities) {
        const text = (wanted: string) =>
          asArray(asArray(entity.Fields).find((field) => field.Name === wanted)?.values)[0]?.value ?? ''
        rows.push({ value: text('id'), label: text('name'), parent: text('parent-id') })
      }
      if (page.entities.length === 0 || rows.length >= page.total) return rows
    }
  }

  function schema(entityType: string): Promise<ReadonlyMap<string, FieldMetadata>> {
    const known = schemas.get(entityType)
    if (known !== undefined) return known
    // Shared by everybody who asks meanwhile, so no caller's abort may end it.
    const loading = loadSchema(entityType)
    schemas.set(entityType, loading)
    loading.catch(() => schemas.delete(entityType))
    return loading
  }

  async function describe(entityType: string, call: CallOptions = {}): Promise<EntityMetadata> {
    const fresh = loadSchema(entityType, call)
    await fresh
    schemas.set(entityType, fresh)
    const metadata = descriptions.get(entityType)
    if (metadata === undefined) throw new Error('a loaded schema has metadata')
    return metadata
  }

  async function users(call: CallOptions = {}): Promise<EndpointUser[]> {
    const body = (await get('/customization/users', {}, call)) as {
      users?: AlmUser[]
      Users?: { User?: AlmUser[] | AlmUser }
    }
    return asArray(body.Users?.User ?? body.users).map(endpointUser)
  }

  async function testConnection(call: CallOptions = {}): Promise<ConnectionReport> {
    await list('defect', { fields: 'id', 'page-size': '1' }, call)
    const version = await versionOf((path, accept) =>
      session.send({ method: 'GET', path, headers: { accept }, idempotent: true, ...call }),
    )
    const user = await whoAmI(call)
    return {
      product: 'ALM/Quality Center',
      version: version ?? 'of unknown version',
      user,
      place: `project ${address.project} of domain ${address.domain}`,
    }
  }

  /** Whose API key it is, the server alone knows. */
  async function whoAmI(call: CallOptions = {}): Promise<string> {
    const who = await session.send({
      method: 'GET',
      path: '/rest/is-authenticated',
      headers: { accept: 'application/xml' },
      idempotent: true,
      ...call,
    })
    return /<Username>([^<]+)<\/Username>/.exec(who.text)?.[1] ?? login
  }

  async function newest(entityType: string, call: CallOptions = {}): Promise<string | null> {
    const page = await list(
      entityType,
      { fields: 'last-modified', 'order-by': '{last-modified[DESC]}', 'page-size': '1' },
      call,
    )
    const [entity] = page.entities
    return entity === undefined ? null : snapshotOf(new Map(), entity, []).stamp.modified
  }

  async function scan(query: ScanQuery, call: CallOptions = {}): Promise<{ rows: ScanRow[]; last: boolean }> {
    const clauses = [
      ...(query.since === null ? [] : [`last-modified[>= ${quoted(query.since)}]`]),
      ...(query.afterId === null ? [] : [`id[> ${query.afterId}]`]),
      ...(query.types === undefined ? [] : [`type-id[${query.types.join(' OR ')}]`]),
    ]
    const size = Math.min(query.limit, capabilities.maxScanPage)
    const fields = [
      ...identityFields(query.entityType),
      ...(query.referenceField === undefined ? [] : [query.referenceField]),
    ]
    const page = await list(
      query.entityType,
      {
        fields: fields.join(','),
        'order-by': '{id[ASC]}',
        'page-size': String(size),
        ...(clauses.length === 0 ? {} : { query: `{${clauses.join(';')}}` }),
      },
      call,
    )
    const rows = page.entities.map((entity) => {
      const { id, stamp, created = null } = snapshotOf(new Map(), entity, [])
      if (query.referenceField === undefined) return { id, stamp, created }
      const values = asArray(asArray(entity.Fields).find((field) => field.Name === query.referenceField)?.values)
      const text = values[0]?.value
      return { id, stamp, created, reference: text === undefined || text === '' ? null : text }
    })
    // The server may cap pages lower than asked: what tells the end is the size of the whole result.
    return { rows, last: rows.length >= page.total }
  }

  async function read(
    entityType: string,
    ids: readonly string[],
    fields: readonly string[],
    call: CallOptions = {},
  ): Promise<RecordSnapshot[]> {
    const metadata = await schema(entityType)
    const pages = await Promise.all(
      chunked(ids, idsPerFilter).map((chunk) =>
        list(
          entityType,
          {
            fields: wanted(entityType, fields),
            query: `{id[${chunk.join(' OR ')}]}`,
            'page-size': String(chunk.length),
          },
          call,
        ),
      ),
    )
    return withAttachments(
      entityType,
      pages.flatMap((page) => page.entities),
      (entity) => snapshotOf(metadata, entity, fields),
      fields,
      call,
    )
  }

  /** Files are listed record by record, where they are asked for and the record's flag says that there are some. */
  async function withAttachments(
    entityType: string,
    entities: readonly AlmEntity[],
    shown: (entity: AlmEntity) => RecordSnapshot,
    fields: readonly string[],
    call: CallOptions,
  ): Promise<RecordSnapshot[]> {
    const snapshots = entities.map(shown)
    const flag = attachmentFlags[entityType]
    if (!fields.includes('attachments') || flag === undefined) return snapshots
    const flagged = entities.flatMap((entity, index) => {
      const values = asArray(asArray(entity.Fields).find((field) => field.Name === flag)?.values)
      const snapshot = snapshots[index]
      return values[0]?.value === 'Y' && snapshot !== undefined ? [snapshot.id] : []
    })
    const files = await attachments.list(entityType, flagged, call)
    return snapshots.map((snapshot) => ({
      ...snapshot,
      fields: { ...snapshot.fields, attachments: files.get(snapshot.id) ?? null },
    }))
  }

  async function find(
    entityType: string,
    field: string,
    values: readonly string[],
    fields: readonly string[],
    { descending = false, ...call }: FindOptions = {},
  ): Promise<RecordSnapshot[]> {
    const metadata = await schema(entityType)
    const read = fields.includes(field) ? fields : [...fields, field]
    const found = await Promise.all(
      chunked(values, textsPerFilter).map(async (chunk) => {
        const rows: AlmEntity[] = []
        const query = `{${field}[${chunk.map(quoted).join(' OR ')}]}`
        for (;;) {
          const page = await list(
            entityType,
            {
              fields: wanted(entityType, read),
              query,
              'order-by': descending ? '{id[DESC]}' : '{id[ASC]}',
              'page-size': '1000',
              'start-index': String(rows.length + 1),
            },
            call,
          )
          rows.push(...page.entities)
          if (page.entities.length === 0 || rows.length >= page.total) return rows
        }
      }),
    )
    const exact = new Set(values)
    const shown = (entity: AlmEntity) => snapshotOf(metadata, entity, read)
    const matching = found.flat().filter((entity) => exact.has(String(shown(entity).fields[field] ?? '')))
    return withAttachments(entityType, matching, shown, fields, call)
  }

  async function count(entityType: string, call: CallOptions = {}): Promise<number> {
    return (await list(entityType, { fields: 'id', 'page-size': '1' }, call)).total
  }

  const calls: AlmCalls = {
    name,
    collection,
    list,
    get,
    send,
    address: (path) => `${base}${project}${path}`,
    flat: (path, query, call = {}) =>
      session.send({
        method: 'GET',
        path: `${project.replace('/rest/', '/api/')}${path}`,
        query,
        idempotent: true,
        ...call,
      }),
    open: (path, query, call = {}) =>
      session.open({
        method: 'GET',
        path: `${project}${path}`,
        query,
        headers: { accept: 'application/octet-stream' },
        idempotent: true,
        ...call,
      }),
    transfer: (method, path, query, form, call = {}) =>
      session.send({
        method,
        path: `${project}${path}`,
        query,
        headers: form.headers,
        body: form.body,
        idempotent: false,
        ...call,
      }),
    schema,
    described: (entityType) => descriptions.get(entityType),
    sessionNumber: session.generation,
    concurrency: http.concurrency,
  }
  const attachments = createAttachments(calls)
  const { editMemo, ...writer } = createWriter(calls, read, capabilities, writes)
  const deleter = createDeleter(calls, read, writes)
  const clock = createStampClock()

  return {
    kind: 'alm',
    capabilities,
    serverDate: http.serverDate,
    takePause: http.takePause,
    testConnection,
    places: createPlaces({
      name,
      address,
      concurrency: http.concurrency,
      get: (path, call) =>
        session.send({ method: 'GET', path, headers: { accept: 'application/xml' }, idempotent: true, ...call }),
    }),
    describe,
    users,
    inspect: createInspect({ calls, project, send: session.send, whoAmI, locks: writes === 'lock' }),
    newest,
    scan,
    earlier,
    read,
    find,
    count,
    recordUrl: (entityType, id) => {
      // What ALM's own clients register for: td (or tds) with project and domain before the host.
      const [scheme = 'http', rest = ''] = base.split('://')
      const type = entityType === 'defect' ? 'IBug' : 'IRequirement'
      return `${scheme === 'https' ? 'tds' : 'td'}://${address.project}.${address.domain}.${rest}/[AnyModule]?EntityType=${type}&EntityID=${id}`
    },
    create: async (entityType, rows, returnFields, call) =>
      clock.learning(
        rows.map(() => null),
        () => writer.create(entityType, rows, returnFields, call),
      ),
    update: async (entityType, rows, returnFields, call) =>
      clock.learning(rows, () => writer.update(entityType, rows, returnFields, call)),
    ...createHistory(calls, clock),
    attachments,
    comments: createComments(editMemo),
    ...deleter,
    foresee: createForesight(calls, whoAmI),
    ...createScopes(calls, whoAmI),
    close: async () => {
      await session.close()
      await http.close()
    },
  }
}

/** Wall-clock arithmetic on `yyyy-MM-dd HH:mm:ss`: the server's zone is not known and not needed. */
function earlier(time: string, seconds: number): string {
  const wall = Date.parse(`${time.replace(' ', 'T')}Z`)
  return new Date(wall - seconds * 1_000).toISOString().slice(0, 19).replace('T', ' ')
}

function wanted(entityType: string, fields: readonly string[]): string {
  const named = fields.map((field) => (field === 'attachments' ? (attachmentFlags[entityType] ?? field) : field))
  return [...new Set([...identityFields(entityType), ...named])].join(',')
}

export function chunked<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = []
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size))
  return chunks
}

export type AlmRead = (
  entityType: string,
  ids: readonly string[],
  fields: readonly string[],
  call?: CallOptions,
) => Promise<RecordSnapshot[]>
