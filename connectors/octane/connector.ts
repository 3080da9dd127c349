import type { CredentialSecret, OctaneAddress } from '../../core/endpoint.ts'
import type { EndpointUser, EntityMetadata, FieldOption } from '../../core/metadata.ts'
import type { CanonicalValue, RecordSnapshot } from '../../core/values.ts'
import {
  type CallOptions,
  type Capabilities,
  type ConnectionReport,
  type Connector,
  ConnectorError,
  type FindOptions,
  type ScanQuery,
  type ScanRow,
  type ServerDate,
} from '../contract.ts'
import { createHttp, type HttpAnswer, isHtml, type OpenAnswer } from '../http.ts'
import type { Form } from '../multipart.ts'
import { createSession } from '../session.ts'
import { createAttachments } from './attachments.ts'
import { type OctaneEntity, quoted, snapshotOf, stampFields } from './codec.ts'
import { createComments } from './comments.ts'
import { createDeleter } from './deleter.ts'
import { assertSuccess, errorsOf, parseJson } from './errors.ts'
import { createForesight } from './foresee.ts'
import { createHistory } from './history.ts'
import { createInspect } from './inspect.ts'
import { createPlaces } from './places.ts'
import {
  endpointUser,
  entityMetadata,
  listedTargets,
  type OctaneField,
  type OctaneUser,
  type WireField,
  wireField,
} from './schema.ts'
import { createScopes } from './scope.ts'
import { createWriter } from './writer.ts'

export interface OctaneConnectorOptions {
  address: OctaneAddress
  secret: CredentialSecret
  concurrency?: number
  timeoutMs?: number
}

const collections: Record<string, string> = {
  work_item: 'work_items',
  defect: 'defects',
  story: 'stories',
  feature: 'features',
  epic: 'epics',
  release: 'releases',
  sprint: 'sprints',
  milestone: 'milestones',
  team: 'teams',
}

const capabilities: Capabilities = {
  compareAndSet: 'native',
  maxBulkCreate: 100,
  maxBulkUpdate: 100,
  maxReadIds: 100,
  maxScanPage: 1_000,
  timesHaveZone: true,
  creationTime: 'fixed',
  fieldHistory: true,
}

export interface OctanePage {
  total_count?: number
  data: OctaneEntity[]
}

/** What a signed-in connector's parts need of each other. */
export interface OctaneCalls {
  name: string
  serverDate(): ServerDate | null
  /** How many requests run at a time. */
  concurrency: number
  collection(entityType: string): string
  get(path: string, query: Record<string, string>, options?: CallOptions): Promise<OctanePage>
  send(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    query: Record<string, string>,
    body?: unknown,
    options?: CallOptions,
  ): Promise<HttpAnswer>
  /** All rows of a collection that may have several pages. */
  all(path: string, query: Record<string, string>, options?: CallOptions): Promise<OctaneEntity[]>
  /** Where something of the workspace lies on its host, as texts refer to it. */
  path(below: string): string
  /** Asks for the bytes of a file. */
  open(path: string, options?: CallOptions): Promise<OpenAnswer | HttpAnswer>
  /** Sends a form with a file. */
  transfer(
    method: 'POST' | 'PUT',
    path: string,
    query: Record<string, string>,
    form: Form,
    options?: CallOptions,
  ): Promise<HttpAnswer>
  schema(entityType: string): Promise<ReadonlyMap<string, WireField>>
  metadata(entityType: string): EntityMetadata | undefined
}

/** ALM Octane over its REST API: one workspace, one user. */
export function createOctaneConnector(options: OctaneConnectorOptions): Connector {
  const { address, secret } = options
  const base = address.url.replace(/\/+$/, '')
  const name = `Octane at ${new URL(base).host}`
  const http = createHttp({
    baseUrl: base,
    name,
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  })
  const place = `/api/shared_spaces/${address.sharedSpace}/workspaces/${address.workspace}`
  const json = { accept: 'application/json', 'content-type': 'application/json' }
  const login = secret.kind === 'password' ? secret.user : secret.clientId
  const schemas = new Map<string, Promise<ReadonlyMap<string, WireField>>>()
  const described = new Map<string, EntityMetadata>()
  let pageLimit = capabilities.maxScanPage

  const session = createSession({
    http,
    name,
    async signIn(plain) {
      const body =
        secret.kind === 'password'
          ? { user: secret.user, password: secret.password }
          : { client_id: secret.clientId, client_secret: secret.clientSecret }
      const answer = await plain({
        method: 'POST',
        path: '/authentication/sign_in',
        headers: json,
        body: JSON.stringify(body),
        idempotent: true,
      })
      if (answer.status === 200 && !isHtml(answer)) return
      if (answer.status === 401 || answer.status === 403)
        throw new ConnectorError({
          class: 'auth',
          code: 'wrong-password',
          message: `${name} refuses the credentials of ${login}.`,
          remedy: 'Enter the user and password, or the client id and secret of an API access key, again.',
        })
      // Octane takes this body; who calls it malformed, without a code of Octane's, is another server.
      const foreign = [400, 405].includes(answer.status) && errorsOf(answer)[0]?.error_code === undefined
      if (answer.status === 404 || isHtml(answer) || foreign)
        throw new ConnectorError({
          class: 'auth',
          code: 'not-octane',
          message: `${base} does not answer like ALM Octane.`,
          remedy: 'Check the address: it is the server without any path, such as https://octane.example.com.',
        })
      assertSuccess(answer, name)
    },
    async signOut(plain) {
      await plain({ method: 'POST', path: '/authentication/sign_out', headers: json, idempotent: false })
    },
    isExpired: (answer) => answer.status === 401,
    headers: (jar) => {
      const cookie = jar.header()
      const csrf = jar.get('HPSSO_COOKIE_CSRF')
      return {
        ...json,
        ...(cookie === '' ? {} : { cookie }),
        ...(csrf === undefined ? {} : { 'HPSSO-HEADER-CSRF': csrf }),
      }
    },
  })

  function collection(entityType: string): string {
    const found = collections[entityType]
    if (found === undefined)
      throw new ConnectorError({
        class: 'schema',
        code: 'unknown-type',
        message: `Octane has no entity type "${entityType}" that Tandem knows.`,
        remedy: `Use one of ${Object.keys(collections).join(', ')}.`,
      })
    return found
  }

  async function get(path: string, query: Record<string, string>, call: CallOptions = {}): Promise<OctanePage> {
    const answer = await session.send({ method: 'GET', path: `${place}${path}`, query, idempotent: true, ...call })
    if (answer.status === 404 && !isHtml(answer)) refuseUnknownWorkspace(answer)
    assertSuccess(answer, name)
    const body = parseJson(answer)
    if (body === null || typeof body !== 'object')
      throw new ConnectorError({
        class: 'unavailable',
        code: 'not-json',
        message: `${name} answered something that is not JSON.`,
        remedy: 'Check whether a proxy stands before the server.',
      })
    return body as OctanePage
  }

  /** A 404 on a collection: the workspace is not there, or not for this user. */
  function refuseUnknownWorkspace(answer: HttpAnswer): void {
    if (errorsOf(answer)[0]?.error_code === 'platform.entity_not_found') return
    throw new ConnectorError({
      class: 'forbidden',
      code: 'project-unknown',
      message: `${name} has no workspace ${address.workspace} in shared space ${address.sharedSpace} for ${login}.`,
      remedy:
        'Check both numbers (they stand in the address bar of Octane) and that the user is a member of the workspace.',
    })
  }

  const send: OctaneCalls['send'] = (method, path, query, body, call = {}) =>
    session.send({
      method,
      path: `${place}${path}`,
      query,
      idempotent: method === 'GET',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...call,
    })

  /** All rows of a small collection. */
  async function all(path: string, query: Record<string, string>, call: CallOptions = {}): Promise<OctaneEntity[]> {
    const rows: OctaneEntity[] = []
    for (;;) {
      const page = await paged(path, { ...query, offset: String(rows.length) }, call)
      rows.push(...page.data)
      if (page.data.length === 0 || rows.length >= (page.total_count ?? 0)) return rows
    }
  }

  /** A page in the largest size the server takes: it refuses a larger one instead of shortening it, so we learn. */
  async function paged(
    path: string,
    query: Record<string, string>,
    call: CallOptions,
    wantedRows = pageLimit,
  ): Promise<OctanePage> {
    for (;;) {
      try {
        return await get(path, { ...query, limit: String(Math.min(wantedRows, pageLimit)) }, call)
      } catch (error) {
        const limitRefused =
          error instanceof ConnectorError &&
          /limit|max_total_count/i.test(`${error.problem.code} ${error.problem.message}`)
        if (!limitRefused || pageLimit <= 50) throw error
        pageLimit = Math.max(50, Math.floor(pageLimit / 2))
      }
    }
  }

  async function loadSchema(entityType: string, call: CallOptions = {}): Promise<ReadonlyMap<string, WireField>> {
    const { data } = await get('/metadata/fields', { query: `"entity_name EQ '${entityType}'"` }, call)
    const fields = data as unknown as OctaneField[]
    if (fields.length === 0)
      throw new ConnectorError({
        class: 'schema',
        code: 'unknown-type',
        message: `${name} describes no fields of "${entityType}".`,
        remedy: 'Check that the user may read this type.',
      })
    const lists = new Set<string>()
    const targets = new Set<string>()
    for (const field of fields) {
      const [target] = field.field_type_data?.targets ?? []
      if (target?.type === 'list_node' && target.logical_name !== undefined) lists.add(target.logical_name)
      else if (target !== undefined && (target.type === 'phase' || target.type in listedTargets))
        targets.add(target.type)
    }
    const options = new Map<string, FieldOption[]>()
    const root = fields.some((field) => field.name === 'parent') ? await rootId(call) : null
    await Promise.all([
      ...[...lists].map(async (list) => {
        options.set(list, await listOptions(list, call))
      }),
      ...[...targets].map(async (target) => {
        options.set(
          target,
          target === 'phase' ? await phaseOptions(entityType, call) : await targetOptions(target, call),
        )
      }),
    ])
    const wired = fields.map((field) => {
      const [target] = field.field_type_data?.targets ?? []
      return wireField(entityType, field, options.get(target?.logical_name ?? target?.type ?? '') ?? null, root)
    })
    described.set(entityType, entityMetadata(entityType, entityType, wired))
    return new Map(wired.map((field) => [field.metadata.name, field]))
  }

  /** The one record above all work items; null: the workspace shows none. */
  async function rootId(call: CallOptions): Promise<string | null> {
    const { data } = await get('/work_item_roots', { fields: 'id', limit: '1' }, call)
    return data[0] === undefined ? null : String(data[0].id)
  }

  async function listOptions(list: string, call: CallOptions): Promise<FieldOption[]> {
    const rows = await all(
      '/list_nodes',
      {
        query: `"list_root EQ {logical_name EQ ${quoted(list)}}"`,
        fields: 'name,logical_name,index',
        order_by: 'index',
      },
      call,
    )
    return rows.map((row) => ({ value: String(row.id), label: String(row.name), active: true }))
  }

  async function phaseOptions(entityType: string, call: CallOptions): Promise<FieldOption[]> {
    const rows = await all(
      '/phases',
      { query: `"entity EQ ${quoted(entityType)}"`, fields: 'name,logical_name,index', order_by: 'index' },
      call,
    )
    return rows.map((row) => ({ value: String(row.id), label: String(row.name), active: true }))
  }

  async function targetOptions(target: string, call: CallOptions): Promise<FieldOption[]> {
    const known = listedTargets[target]
    if (known === undefined) return []
    const fields = known.parent === null ? 'name' : `name,${known.parent}`
    const [rows, parents] = await Promise.all([
      all(`/${known.collection}`, { fields, order_by: 'id' }, call),
      known.parent === null ? [] : targetOptions(known.parent, call),
    ])
    const parentLabels = new Map(parents.map((parent) => [parent.value, parent.label]))
    return rows.map((row) => {
      const parent = known.parent === null ? null : (row[known.parent] as { id?: string } | null)
      const parentLabel = parent?.id === undefined ? undefined : parentLabels.get(parent.id)
      return {
        value: String(row.id),
        label: String(row.name),
        active: true,
        ...(parentLabel === undefined ? {} : { parentLabel }),
      }
    })
  }

  function schema(entityType: string): Promise<ReadonlyMap<string, WireField>> {
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
    const metadata = described.get(entityType)
    if (metadata === undefined) throw new Error('a loaded schema has metadata')
    return metadata
  }

  async function users(call: CallOptions = {}): Promise<EndpointUser[]> {
    const fields = 'id,name,full_name,first_name,last_name,email,activity_level,is_api_key'
    const rows = await all('/workspace_users', { fields, order_by: 'id' }, call)
    return rows.map((row) => endpointUser(row as unknown as OctaneUser))
  }

  /** The id of the integration user. */
  async function whoAmI(call: CallOptions = {}): Promise<string> {
    // Of an API key we know the client id only; the server knows which user it stands for.
    const query = secret.kind === 'password' ? `name EQ ${quoted(login)}` : 'id IN [current_user]'
    const { data } = await get('/workspace_users', { fields: 'id', limit: '2', query: `"${query}"` }, call)
    const [found, more] = data
    if (found !== undefined && more === undefined) return String(found.id)
    throw new ConnectorError({
      class: 'forbidden',
      code: 'user-not-listed',
      message: `${name} does not list the integration user ${login} among the users of the workspace, so "me" means nobody.`,
      remedy: 'Make it a member of the workspace, or name a person in the filter.',
    })
  }

  async function testConnection(call: CallOptions = {}): Promise<ConnectionReport> {
    await get('/defects', { fields: 'id', limit: '1' }, call)
    const answer = await session.send({ method: 'GET', path: '/admin/server/version', idempotent: true, ...call })
    const version = (parseJson(answer) ?? {}) as Record<string, unknown>
    return {
      product: 'ALM Octane',
      version: String(version.display_version ?? version.version ?? 'of unknown version'),
      user: login,
      place: `workspace ${address.workspace} of shared space ${address.sharedSpace}`,
    }
  }

  async function newest(entityType: string, call: CallOptions = {}): Promise<string | null> {
    const { data } = await get(
      `/${collection(entityType)}`,
      { fields: 'last_modified', order_by: '-last_modified', limit: '1' },
      call,
    )
    const time = data[0]?.last_modified
    return typeof time === 'string' ? time : null
  }

  async function scan(query: ScanQuery, call: CallOptions = {}): Promise<{ rows: ScanRow[]; last: boolean }> {
    const clauses = [
      ...(query.since === null ? [] : [`last_modified GE ${quoted(query.since)}`]),
      ...(query.afterId === null ? [] : [`id GT ${query.afterId}`]),
      ...(query.types === undefined ? [] : [`subtype IN ${query.types.map(quoted).join(',')}`]),
    ]
    const fields = [...stampFields, ...(query.referenceField === undefined ? [] : [query.referenceField])]
    const page = await paged(
      `/${collection(query.entityType)}`,
      {
        fields: fields.join(','),
        order_by: 'id',
        ...(clauses.length === 0 ? {} : { query: `"${clauses.join(';')}"` }),
      },
      call,
      query.limit,
    )
    const rows = page.data.map((entity) => {
      const { id, stamp, created = null } = snapshotOf(new Map(), entity, [])
      const reference = query.referenceField === undefined ? undefined : entity[query.referenceField]
      return {
        id,
        stamp,
        created,
        ...(reference === undefined ? {} : { reference: reference === null ? null : String(reference) }),
      }
    })
    // What tells the end is the size of the whole result: the server may take smaller pages than asked.
    return { rows, last: rows.length >= (page.total_count ?? 0) }
  }

  async function read(
    entityType: string,
    ids: readonly string[],
    fields: readonly string[],
    call: CallOptions = {},
  ): Promise<RecordSnapshot[]> {
    const wired = await schema(entityType)
    const read = flagged(wired, fields)
    const chunks = chunked(ids, capabilities.maxReadIds)
    const pages = await Promise.all(
      chunks.map((chunk) =>
        get(
          `/${collection(entityType)}`,
          { fields: wanted(read), query: `"id IN ${chunk.join(',')}"`, limit: String(chunk.length), order_by: 'id' },
          call,
        ),
      ),
    )
    const snapshots = pages.flatMap((page) => page.data.map((entity) => snapshotOf(wired, entity, read)))
    return withLists(entityType, snapshots, fields, call)
  }

  /** Fields to read, and what tells which of the records have comments, where these are asked for. */
  function flagged(wired: ReadonlyMap<string, WireField>, fields: readonly string[]): readonly string[] {
    return fields.includes('comments') && wired.has(commentsFlag) && !fields.includes(commentsFlag)
      ? [...fields, commentsFlag]
      : fields
  }

  /** Files and comments are listed by requests of their own, where they are asked for and may be some. */
  async function withLists(
    entityType: string,
    snapshots: RecordSnapshot[],
    fields: readonly string[],
    call: CallOptions,
  ): Promise<RecordSnapshot[]> {
    let known = snapshots
    for (const [field, { list }] of Object.entries({ attachments, comments })) {
      if (!fields.includes(field)) continue
      const having = field === 'comments' ? known.filter((one) => one.fields[commentsFlag] !== false) : known
      const lists = await Promise.all(
        chunked(having, capabilities.maxReadIds).map((chunk) =>
          list(
            entityType,
            chunk.map((snapshot) => snapshot.id),
            call,
          ),
        ),
      )
      const found = new Map(lists.flatMap((one) => [...(one ?? [])]))
      known = known.map((snapshot) => ({
        ...snapshot,
        fields: { ...snapshot.fields, [field]: found.get(snapshot.id) ?? null },
      }))
    }
    if (fields.includes(commentsFlag)) return known
    return known.map((snapshot) => {
      const { [commentsFlag]: _flag, ...asked } = snapshot.fields
      return { ...snapshot, fields: asked }
    })
  }

  async function find(
    entityType: string,
    field: string,
    values: readonly string[],
    fields: readonly string[],
    { descending = false, ...call }: FindOptions = {},
  ): Promise<RecordSnapshot[]> {
    const wired = await schema(entityType)
    const read = flagged(wired, fields.includes(field) ? fields : [...fields, field])
    const found = await Promise.all(
      chunked(values, capabilities.maxReadIds).map(async (chunk) => {
        const rows: OctaneEntity[] = []
        const query = `"${field} IN ${chunk.map((value) => quoted(value)).join(',')}"`
        for (;;) {
          const page = await paged(
            `/${collection(entityType)}`,
            { fields: wanted(read), query, order_by: descending ? '-id' : 'id', offset: String(rows.length) },
            call,
          )
          rows.push(...page.data)
          if (page.data.length === 0 || rows.length >= (page.total_count ?? 0)) break
        }
        return rows
      }),
    )
    const exact = new Set(values)
    const snapshots = found.flat().map((entity) => snapshotOf(wired, entity, read))
    const matching = snapshots.filter((snapshot) => exact.has(String(snapshot.fields[field] ?? '')))
    return withLists(entityType, matching, fields, call)
  }

  async function count(entityType: string, call: CallOptions = {}): Promise<number> {
    const page = await get(`/${collection(entityType)}`, { fields: 'id', limit: '1' }, call)
    return page.total_count ?? page.data.length
  }

  const calls: OctaneCalls = {
    name,
    serverDate: http.serverDate,
    concurrency: http.concurrency,
    collection,
    get,
    send,
    all,
    path: (below) => `${place}${below}`,
    open: (path, options = {}) =>
      session.open({
        method: 'GET',
        path: `${place}${path}`,
        headers: { accept: 'application/octet-stream' },
        idempotent: true,
        ...options,
      }),
    transfer: (method, path, query, form, options = {}) =>
      session.send({
        method,
        path: `${place}${path}`,
        query,
        headers: { accept: 'application/json', ...form.headers },
        body: form.body,
        idempotent: false,
        ...options,
      }),
    schema,
    metadata: (entityType) => described.get(entityType),
  }
  const attachments = createAttachments(calls, paged)
  const comments = createComments(calls)
  const writer = createWriter(calls, read, capabilities)
  const deleter = createDeleter(calls, read)

  return {
    kind: 'octane',
    capabilities,
    serverDate: http.serverDate,
    takePause: http.takePause,
    testConnection,
    places: createPlaces({
      name,
      address,
      concurrency: http.concurrency,
      get: (path, query, call) => session.send({ method: 'GET', path, query, idempotent: true, ...call }),
    }),
    describe,
    users,
    inspect: createInspect(calls, whoAmI),
    newest,
    scan,
    earlier: (time, seconds) => new Date(Date.parse(time) - seconds * 1_000).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    read,
    find,
    count,
    recordUrl: (_entityType, id) =>
      `${base}/ui/entity-navigation?p=${address.sharedSpace}/${address.workspace}&entityType=work_item&id=${id}`,
    create: writer.create,
    update: writer.update,
    attachments,
    comments,
    ...createHistory(
      (path, query, call) =>
        session.send({
          method: 'GET',
          path: `${place}${path}`,
          query,
          headers: { ALM_OCTANE_TECH_PREVIEW: 'true' },
          idempotent: true,
          ...call,
        }),
      http.serverDate,
    ),
    ...deleter,
    foresee: createForesight(calls),
    ...createScopes(calls, whoAmI, paged),
    close: async () => {
      await session.close()
      await http.close()
    },
  }
}

/** The field of an item that tells whether it has comments. */
const commentsFlag = 'has_comments'

/** What requests of its own tell. */
const listed = new Set(['attachments', 'comments'])

/** Fields of a read: those asked for, and the stamps. */
export function wanted(fields: readonly string[]): string {
  return [...new Set([...fields.filter((field) => !listed.has(field)), ...stampFields])].join(',')
}

export function chunked<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = []
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size))
  return chunks
}

export type OctaneRead = (
  entityType: string,
  ids: readonly string[],
  fields: readonly string[],
  call?: CallOptions,
) => Promise<RecordSnapshot[]>

export type CanonicalFields = Readonly<Record<string, CanonicalValue>>
