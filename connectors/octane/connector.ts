import type { CredentialSecret, OctaneAddress } from '../../core/endpoint.ts'
import type { EndpointUser, EntityMetadata } from '../../core/metadata.ts'
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
import { assertSuccess, errorsOf, isWorkspaceGone, parseJson, refusesUser } from './errors.ts'
import { createForesight } from './foresee.ts'
import { createHistory } from './history.ts'
import { createInspect } from './inspect.ts'
import { chunked, mayFollow, type OctanePage } from './pages.ts'
import { createPlaces } from './places.ts'
import { endpointUser, type OctaneUser, type WireField } from './schema.ts'
import { createSchemas } from './schemas.ts'
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
    isExpired: (answer) => answer.status === 401 && !refusesUser(answer),
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
    const answer = await session.send({
      method: 'GET',
      path: `${place}${path}`,
      query,
      headers: previewOf(query),
      idempotent: true,
      ...call,
    })
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
    const [error] = errorsOf(answer)
    if (error?.error_code === 'platform.entity_not_found' && !isWorkspaceGone(error)) return
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
      headers: previewOf(query),
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
      if (!mayFollow(page, rows.length)) return rows
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
      const limit = Math.min(wantedRows, pageLimit)
      try {
        return await get(path, { ...query, limit: String(limit) }, call)
      } catch (error) {
        const limitRefused =
          error instanceof ConnectorError &&
          /limit|max_total_count/i.test(`${error.problem.code} ${error.problem.message}`)
        if (!limitRefused || limit <= 50) throw error
        // Requests under way at once learn the same: half of what was refused, not half for each of them.
        pageLimit = Math.min(pageLimit, Math.max(50, Math.floor(limit / 2)))
      }
    }
  }

  const { schema, describe, metadata } = createSchemas({ name, get, all })

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
    return { rows, last: !mayFollow(page, rows.length) }
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
        all(
          `/${collection(entityType)}`,
          { fields: wanted(read), query: `"id IN ${chunk.join(',')}"`, order_by: 'id' },
          call,
        ),
      ),
    )
    const snapshots = pages.flat().map((entity) => snapshotOf(wired, entity, read))
    return withLists(entityType, snapshots, fields, call)
  }

  /** Fields to read, and what tells which of the records have files or comments, where these are asked for. */
  function flagged(wired: ReadonlyMap<string, WireField>, fields: readonly string[]): readonly string[] {
    const flags = Object.entries(partFlags).flatMap(([field, flag]) =>
      fields.includes(field) && wired.has(flag) && !fields.includes(flag) ? [flag] : [],
    )
    return flags.length === 0 ? fields : [...fields, ...flags]
  }

  /** Files and comments are listed by requests of their own, where they are asked for and may be some. */
  async function withLists(
    entityType: string,
    snapshots: RecordSnapshot[],
    fields: readonly string[],
    call: CallOptions,
  ): Promise<RecordSnapshot[]> {
    const asked = Object.entries({ attachments, comments }).filter(([field]) => fields.includes(field))
    if (asked.length === 0) return snapshots
    const listings = await Promise.all(
      asked.map(async ([field, { list }]) => {
        const having = snapshots.filter((one) => one.fields[partFlags[field] ?? ''] !== false)
        const lists = await Promise.all(
          chunked(having, capabilities.maxReadIds).map((chunk) =>
            list(
              entityType,
              chunk.map((snapshot) => snapshot.id),
              call,
            ),
          ),
        )
        return [field, new Map(lists.flatMap((one) => [...(one ?? [])]))] as const
      }),
    )
    const added = Object.values(partFlags).filter((flag) => !fields.includes(flag))
    return snapshots.map((snapshot) => {
      const values = { ...snapshot.fields }
      for (const flag of added) delete values[flag]
      for (const [field, found] of listings) values[field] = found.get(snapshot.id) ?? null
      return { ...snapshot, fields: values }
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
      chunked(values, capabilities.maxReadIds, (value) => encodeURIComponent(quoted(value)).length).map(
        async (chunk) => {
          const query = `"${field} IN ${chunk.map((value) => quoted(value)).join(',')}"`
          return all(
            `/${collection(entityType)}`,
            { fields: wanted(read), query, order_by: descending ? '-id' : 'id' },
            call,
          )
        },
      ),
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
    metadata,
  }
  const attachments = createAttachments(calls, paged)
  const comments = createComments(calls, paged)
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
          headers: techPreview,
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

const techPreview = { ALM_OCTANE_TECH_PREVIEW: 'true' }

/** Expanding references was a technical preview for long, which a request opts in to. */
function previewOf({ fields }: Record<string, string>): Record<string, string> {
  return fields?.includes('{') === true ? techPreview : {}
}

/** The fields of a record that tell whether it has files and comments; a type without such a field is asked. */
const partFlags: Readonly<Record<string, string>> = { attachments: 'has_attachments', comments: 'has_comments' }

/** What requests of its own tell. */
const listed = new Set(['attachments', 'comments'])

/** Fields of a read: those asked for, and the stamps. */
export function wanted(fields: readonly string[]): string {
  return [...new Set([...fields.filter((field) => !listed.has(field)), ...stampFields])].join(',')
}

export type OctaneRead = (
  entityType: string,
  ids: readonly string[],
  fields: readonly string[],
  call?: CallOptions,
) => Promise<RecordSnapshot[]>

export type CanonicalFields = Readonly<Record<string, CanonicalValue>>
