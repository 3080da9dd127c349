import { randomBytes, randomUUID } from 'node:crypto'
import { SandboxClock } from '../common/clock.ts'
import { Faults } from '../common/faults.ts'
import { createSandboxServer, type SandboxAnswer, type SandboxRequest } from '../common/http.ts'
import { pageOf } from '../common/paging.ts'
import { Permissions } from '../common/permissions.ts'
import { TruthLog } from '../common/truth-log.ts'
import { type TypeModel, typeModels } from './model.ts'
import { compare, type Predicate, parseQuery, QueryError, type QueryHints } from './query.ts'
import { type OctaneSight, sightOf } from './sight.ts'
import { type Entity, type OctaneSnapshot, OctaneStore, type Reference, Refusal, type WriteContext } from './store.ts'
import { CallUrls } from './webhooks.ts'

export interface OctaneOptions {
  seed: number
  defects: number
  switches?: Readonly<Record<string, string>>
  sharedSpace?: number
  workspace?: number
  now?: () => number
}

export interface OctaneCredentials {
  apiKey: { clientId: string; clientSecret: string }
  user: { user: string; password: string }
}

interface Session {
  token: string
  previous: string | null
  login: string
  userId: string
  openedAt: number
  usedAt: number
  rotatedAt: number
  csrf: string | null
}

const json = { 'content-type': 'application/json;charset=utf-8' }

/** Client types that belong to the product's own clients: sign-in with one of them is refused. */
const privateClientTypes = /^(HPE_MQM_UI|HPE_CI_CLIENT|HPE_REST_API_TECH_PREVIEW|OCTANE_.*)$/i

/** An ALM Octane server with one shared space and one workspace; it validates as strictly as the product. */
export function createOctaneSandbox(options: OctaneOptions) {
  const now = options.now ?? Date.now
  const sharedSpace = String(options.sharedSpace ?? 1001)
  const workspace = String(options.workspace ?? 1002)
  const truth = new TruthLog()
  const faults = new Faults()
  const permissions = new Permissions()
  const clock = new SandboxClock(now)
  const store = new OctaneStore({ truth, clock, switches: options.switches ?? {}, workspace })
  store.seed(options)
  const credentials: OctaneCredentials = {
    apiKey: { clientId: 'tandem_m3k9x', clientSecret: '=8f2a+Zq&41' },
    user: { user: 'sync@example.com', password: 'Sync-Pa55word' },
  }
  const sessions = new Map<string, Session>()
  const prefix = `/api/shared_spaces/${sharedSpace}/workspaces/${workspace}`
  const byCollection = new Map<string, TypeModel>(typeModels.map((type) => [type.collection, type]))
  // What old clients still call it.
  const modules = byCollection.get('product_areas')
  if (modules !== undefined) byCollection.set('application_modules', modules)
  let base = ''
  const space = {
    type: 'shared_space',
    id: sharedSpace,
    name: 'Default Shared Space',
    logical_name: 'default_shared_space',
  }
  const ownWorkspace = { type: 'workspace', id: workspace, name: 'Demo', logical_name: 'demo' }

  const seconds = (name: 'idleSeconds' | 'globalSeconds' | 'rotationSeconds') => Number(store.switches[name]) * 1_000

  function answer(status: number, body: unknown, headers: Record<string, string | string[]> = {}): SandboxAnswer {
    return { status, headers: { ...json, ...headers }, body: JSON.stringify(body) }
  }

  function cookie(token: string): string {
    return `LWSSO_COOKIE_KEY=${token};Version=1;Path=/;Max-Age=86400;HttpOnly`
  }

  function admit(request: SandboxRequest): () => SandboxAnswer {
    if (request.path === '/authentication/sign_in' && request.method === 'POST') return () => signIn(request)
    const session = authenticate(request)
    if ('status' in session) return () => session
    const tooMany = throttled()
    if (tooMany !== null) return () => tooMany
    const rotated = rotate(session)
    return () => {
      const given = guarded(() => route(request, session))
      return rotated === null ? given : { ...given, headers: { ...given.headers, 'set-cookie': rotated } }
    }
  }

  const answeredAt: number[] = []

  /** The refusal of a request over the limit of a second, if there is a limit. */
  function throttled(): SandboxAnswer | null {
    const limit = Number(store.switches.requestsPerSecond)
    if (limit === 0) return null
    while (answeredAt[0] !== undefined && answeredAt[0] <= now() - 1_000) answeredAt.shift()
    if (answeredAt.length < limit) {
      answeredAt.push(now())
      return null
    }
    const hints = { seconds: '1', date: new Date(now() + 1_000).toUTCString(), none: null }
    const hint = hints[store.switches.throttleHint as keyof typeof hints]
    const refusal = new Refusal(429, 'platform.too_many_requests', 'Too many requests.')
    return answer(429, errorBody(refusal), hint === null ? {} : { 'retry-after': hint })
  }

  function guarded(body: () => SandboxAnswer): SandboxAnswer {
    try {
      return body()
    } catch (error) {
      if (error instanceof Refusal) return answer(error.status, errorBody(error))
      if (error instanceof QueryError)
        return answer(
          400,
          errorBody(
            new Refusal(
              400,
              /does not have a field/.test(error.message) ? 'platform.unknown_field' : 'platform.invalid_query',
              error.message,
            ),
          ),
        )
      throw error
    }
  }

  function signIn(request: SandboxRequest): SandboxAnswer {
    const body = parseBody(request)
    if (body === undefined)
      return answer(400, { errorCode: 'BAD_REQUEST', accumulatedMessage: 'The body is not JSON.' })
    if (privateClientTypes.test(String(request.headers.hpeclienttype ?? '')))
      return answer(403, {
        errorCode: 'FORBIDDEN_CLIENT_TYPE',
        accumulatedMessage: 'This client type cannot sign in here.',
      })
    const login = String(body.client_id ?? body.user ?? '')
    const secret = String(body.client_secret ?? body.password ?? '')
    const account = accountOf(login, secret)
    if (account === null)
      return answer(401, { errorCode: 'VALIDATION_CREDENTIALS', accumulatedMessage: 'The credentials are wrong.' })
    const session = open(login, account)
    const set = [cookie(session.token), `OCTANE_USER=${encodeURIComponent(login)};Version=1;Path=/;Max-Age=86400`]
    if (String(body.enable_csrf ?? '') === 'true') {
      session.csrf = randomBytes(12).toString('hex')
      set.push(`HPSSO_COOKIE_CSRF=${session.csrf};Version=1;Path=/;Max-Age=86400`)
    }
    return answer(200, {}, { 'set-cookie': set })
  }

  /** The user's id for right credentials; an API key is taken under either pair of names, as SDKs send it. */
  function accountOf(login: string, secret: string): string | null {
    if (login === credentials.apiKey.clientId && secret === credentials.apiKey.clientSecret) return '1001'
    if (login.toLowerCase() === credentials.user.user && secret === credentials.user.password)
      return (
        [...store.rows('workspace_user').values()].find((user) => user.name === credentials.user.user)?.id ?? '1001'
      )
    return null
  }

  function open(login: string, userId: string): Session {
    const session: Session = {
      token: token(),
      previous: null,
      login,
      userId,
      openedAt: now(),
      usedAt: now(),
      rotatedAt: now(),
      csrf: null,
    }
    sessions.set(session.token, session)
    return session
  }

  function authenticate(request: SandboxRequest): Session | SandboxAnswer {
    const basic = /^Basic (.+)$/i.exec(String(request.headers.authorization ?? ''))?.[1]
    if (basic !== undefined && store.switches.basicAuthentication === 'yes') {
      const [login = '', ...rest] = Buffer.from(basic, 'base64').toString('utf8').split(':')
      const account = accountOf(login, rest.join(':'))
      if (account !== null)
        return {
          token: '',
          previous: null,
          login,
          userId: account,
          openedAt: now(),
          usedAt: now(),
          rotatedAt: now(),
          csrf: null,
        }
    }
    const bearer = /^Bearer (.+)$/i.exec(String(request.headers.authorization ?? ''))?.[1]
    const session = sessions.get(bearer ?? request.cookies.get('LWSSO_COOKIE_KEY') ?? '')
    if (session === undefined) return unauthorized('VALIDATION_TOKEN_MISSING', 'Not signed in.')
    const expired = (code: string) => {
      end(session)
      return unauthorized(code, 'The session has expired.')
    }
    if (now() - session.usedAt > seconds('idleSeconds')) return expired('VALIDATION_TOKEN_EXPIRED_IDLE_TIME_OUT')
    if (now() - session.openedAt > seconds('globalSeconds')) return expired('VALIDATION_TOKEN_EXPIRED_GLOBAL_TIME_OUT')
    session.usedAt = now()
    if (session.csrf !== null && request.method !== 'GET' && request.headers['hpsso-header-csrf'] !== session.csrf)
      return answer(401, { errorCode: 'CSRF_VALIDATION_FAILED', accumulatedMessage: 'The CSRF header is missing.' })
    return session
  }

  function unauthorized(code: string, message: string): SandboxAnswer {
    return answer(401, { errorCode: code, accumulatedMessage: message })
  }

  function end(session: Session): void {
    for (const [key, value] of sessions) if (value === session) sessions.delete(key)
  }

  /** Replaces the token now and then; the old one works on for requests already under way. */
  function rotate(session: Session): string | null {
    if (session.token === '' || now() - session.rotatedAt < seconds('rotationSeconds')) return null
    if (session.previous !== null) sessions.delete(session.previous)
    session.previous = session.token
    session.token = token()
    session.rotatedAt = now()
    sessions.set(session.token, session)
    return cookie(session.token)
  }

  function route(request: SandboxRequest, session: Session): SandboxAnswer {
    const { path, method } = request
    if (path === '/authentication/sign_out' && method === 'POST') {
      end(session)
      return {
        status: 200,
        headers: { ...json, 'set-cookie': 'LWSSO_COOKIE_KEY=;Version=1;Path=/;Max-Age=0' },
        body: '',
      }
    }
    if (path === '/admin/server/version' && method === 'GET')
      return answer(200, {
        version: '25.1.12.48',
        display_version: '25.1',
        build_date: '2025-03-01',
        build_number: '48',
        build_revision: '7c1d',
      })
    if (path === '/api/shared_spaces') return answer(200, envelope([space], 1))
    if (path === `/api/shared_spaces/${sharedSpace}`) return answer(200, space)
    if (path === `/api/shared_spaces/${sharedSpace}/workspaces`) {
      const visible = !permissions.vanished && permissions.mayEnter(session.login) ? [ownWorkspace] : []
      const found = visible.filter(
        (one) => textsAsked(request.query.get('query') ?? '', 'name')?.includes(one.name) ?? true,
      )
      return answer(200, envelope(found, found.length))
    }
    if (path === prefix || path.startsWith(`${prefix}/`)) {
      if (permissions.vanished) return workspaceGone()
      if (!permissions.mayEnter(session.login)) return workspaceClosed()
    }
    if (path === prefix) return answer(200, ownWorkspace)
    if (path === `/api/shared_spaces/${sharedSpace}/users`) return users(request)
    if (!path.startsWith(`${prefix}/`)) return notThere()
    const [collection = '', id, ...rest] = path
      .slice(prefix.length + 1)
      .split('/')
      .map(decodeURIComponent)
    if (rest.length > 0) return notThere()
    if (collection === 'metadata') return metadata(request, id)
    const sight = sightOf(store, permissions, session.login)
    if (collection === 'work_items')
      return list(
        request,
        session,
        typeModels.filter((type) => type.base === 'work_item'),
        'work_item',
        sight,
      )
    const model = byCollection.get(collection)
    if (model === undefined) return notThere()
    const context: WriteContext = { actor: session.login, actorId: session.userId, via: 'rest' }
    if (id === 'groups') return groups(request, session, model, sight)
    if (method !== 'GET' && !model.writable)
      return answer(405, errorBody(new Refusal(405, 'platform.method_not_allowed', 'HTTP 405 Method Not Allowed')))
    if (id !== undefined) return member(request, model, id, context, sight)
    switch (method) {
      case 'GET':
        return list(request, session, [model], model.name, sight)
      case 'POST':
        return createMany(request, model, context, sight)
      case 'PUT':
        return updateMany(request, session, model, context, sight)
      case 'DELETE':
        return deleteMany(request, session, model, context, sight)
      default:
        return answer(405, errorBody(new Refusal(405, 'platform.method_not_allowed', 'HTTP 405 Method Not Allowed')))
    }
  }

  function workspaceGone(): SandboxAnswer {
    if (store.switches.missingWorkspace === 'address') return notThere()
    const message = `The entity of type workspace with id ${workspace} does not exist.`
    const about = { entity_type: 'workspace', entity_id: workspace }
    return answer(404, errorBody(new Refusal(404, 'platform.entity_not_found', message, about)))
  }

  function workspaceClosed(): SandboxAnswer {
    const status = Number(store.switches.foreignWorkspaceStatus)
    const message = `You are not authorized to access workspace ${workspace}.`
    return answer(status, errorBody(new Refusal(status, 'platform.not_authorized', message)))
  }

  function notThere(): SandboxAnswer {
    const inner = JSON.stringify({
      error_code: 'platform.web_application',
      correlation_id: randomUUID(),
      description: 'HTTP 404 Not Found',
      properties: null,
      stack_trace: '',
      business_error: false,
    })
    return answer(404, { message: inner.replace(/&/g, '&amp;').replace(/"/g, '&quot;') })
  }

  function users(request: SandboxRequest): SandboxAnswer {
    const names = textsAsked(request.query.get('query') ?? '', 'name')
    const rows = [...store.rows('workspace_user').values()]
      .filter((user) => names?.includes(String(user.name)) ?? true)
      .map((user) => ({ ...user, type: 'sharedspace_user' }))
    if (request.method === 'GET') return answer(200, envelope(rows, rows.length))
    if (request.method !== 'POST') return answer(405, {})
    const body = parseBody(request)
    const known = new Set(store.model('workspace_user').fields.map((field) => field.name))
    const created = ((body?.data ?? []) as Record<string, unknown>[]).map((user) =>
      store.create(
        'workspace_user',
        {
          // A person of the space has more than the workspace shows, a password for one.
          ...Object.fromEntries(
            Object.entries(user).filter(([name]) => known.has(name) && name !== 'id' && name !== 'type'),
          ),
          full_name: user.full_name ?? `${String(user.first_name ?? '')} ${String(user.last_name ?? '')}`.trim(),
        },
        { actor: 'space', actorId: '1001', via: 'control' },
      ),
    )
    return answer(
      201,
      envelope(
        created.map((user) => ({ type: 'sharedspace_user', id: user.id })),
        created.length,
      ),
    )
  }

  function member(
    request: SandboxRequest,
    model: TypeModel,
    id: string,
    context: WriteContext,
    sight: OctaneSight,
  ): SandboxAnswer {
    const shown = projector(request, [model], sight)
    sight.checkRecord(model, id)
    switch (request.method) {
      case 'GET':
        return answer(200, shown(store.rows(model.name).get(id) as Entity))
      case 'PUT':
        return answer(200, shown(update(model, id, bodyOf(request), context, sight)))
      case 'DELETE':
        sight.check(model, 'delete')
        store.delete(model.name, id, context)
        return { status: 200, headers: json, body: '' }
      default:
        return answer(405, {})
    }
  }

  function update(
    model: TypeModel,
    id: string,
    body: Record<string, unknown>,
    context: WriteContext,
    sight: OctaneSight,
  ): Entity {
    sight.checkRecord(model, id)
    sight.check(model, 'update')
    sight.checkFields(model, Object.keys(body))
    return store.update(model.name, id, body, context)
  }

  function createMany(
    request: SandboxRequest,
    model: TypeModel,
    context: WriteContext,
    sight: OctaneSight,
  ): SandboxAnswer {
    return bulk(request, model, sight, 201, (row) => {
      sight.check(model, 'create')
      sight.checkFields(model, Object.keys(row))
      return store.create(model.name, row, context)
    })
  }

  function updateMany(
    request: SandboxRequest,
    session: Session,
    model: TypeModel,
    context: WriteContext,
    sight: OctaneSight,
  ): SandboxAnswer {
    const query = request.query.get('query')
    if (query !== null) {
      const [patch] = dataOf(request)
      const ids = select(request, session, [model], model.name, sight).map((entity) => entity.id)
      return outcome(
        request,
        model,
        sight,
        200,
        ids.map((id) => () => update(model, id, patch ?? {}, context, sight)),
      )
    }
    return bulk(request, model, sight, 200, (row) => {
      if (row.id === undefined) throw new Refusal(400, 'platform.missing_id', 'A row to update needs an id.')
      return update(model, String(row.id), row, context, sight)
    })
  }

  function deleteMany(
    request: SandboxRequest,
    session: Session,
    model: TypeModel,
    context: WriteContext,
    sight: OctaneSight,
  ): SandboxAnswer {
    if (request.query.get('query') === null) throw new Refusal(400, 'platform.missing_query', 'Deleting needs a query.')
    sight.check(model, 'delete')
    const doomed = select(request, session, [model], model.name, sight)
    for (const entity of doomed) store.delete(model.name, entity.id, context)
    return answer(
      200,
      envelope(
        doomed.map(({ type, id }) => ({ type, id })),
        doomed.length,
      ),
    )
  }

  function bulk(
    request: SandboxRequest,
    model: TypeModel,
    sight: OctaneSight,
    status: number,
    write: (row: Record<string, unknown>) => Entity,
  ): SandboxAnswer {
    return outcome(
      request,
      model,
      sight,
      status,
      dataOf(request).map((row) => () => write(row)),
    )
  }

  /** Rows succeed or fail each on its own: all done, 409 with both, or the status of the first error. */
  function outcome(
    request: SandboxRequest,
    model: TypeModel,
    sight: OctaneSight,
    status: number,
    writes: readonly (() => Entity)[],
  ): SandboxAnswer {
    const shown = projector(request, [model], sight)
    const data: unknown[] = []
    const errors: (Record<string, unknown> & { status: number })[] = []
    writes.forEach((write, index) => {
      try {
        data.push(shown(write()))
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        errors.push({ status: error.status, index, ...errorBody(error) })
      }
    })
    if (errors.length === 0) return answer(status, envelope(data, data.length))
    const told = errors.map(({ status: _status, ...error }) => error)
    return answer(data.length > 0 ? 409 : (errors[0]?.status ?? 400), { ...envelope(data, data.length), errors: told })
  }

  function dataOf(request: SandboxRequest): Record<string, unknown>[] {
    const { data } = bodyOf(request)
    if (!Array.isArray(data)) throw new Refusal(400, 'platform.bad_request', 'The body must be {"data":[...]}.')
    return data as Record<string, unknown>[]
  }

  function bodyOf(request: SandboxRequest): Record<string, unknown> {
    const type = String(request.headers['content-type'] ?? 'application/json')
    if (!/json/i.test(type)) throw new Refusal(415, 'platform.web_application', 'HTTP 415 Unsupported Media Type')
    const body = parseBody(request)
    if (body === undefined) throw new Refusal(400, 'platform.bad_request', 'The body is not JSON.')
    return body
  }

  function list(
    request: SandboxRequest,
    session: Session,
    models: readonly TypeModel[],
    type: string,
    sight: OctaneSight,
  ): SandboxAnswer {
    const limit = pageLimit(request)
    const offset = whole(request, 'offset', 0)
    const rows = select(request, session, models, type, sight)
    const shown = projector(request, models, sight)
    const { page: chosen, total } = pageOf(rows, offset, limit, request.paging)
    const page = chosen.map(
      type === 'work_item' ? (row) => ({ ...shown(row), type: 'work_item', subtype: row.type }) : shown,
    )
    return answer(200, envelope(page, total))
  }

  function pageLimit(request: SandboxRequest): number {
    const limit = whole(request, 'limit', Number(store.switches.defaultLimit))
    const maximum = Number(store.switches.maximumLimit)
    if (limit < 1 || limit > maximum)
      throw new Refusal(400, 'platform.illegal_limit', `The limit must be between 1 and ${maximum}.`, { limit })
    return limit
  }

  function whole(request: SandboxRequest, name: string, fallback: number): number {
    const text = request.query.get(name)
    if (text === null) return fallback
    const value = Number(text)
    if (!Number.isInteger(value) || (name === 'offset' && value < 0))
      throw new Refusal(400, 'platform.illegal_parameter', `The parameter ${name} must be a whole number.`)
    return value
  }

  /** The matching rows in order; exact ids, lower bounds and user-defined texts come from indexes. */
  function select(
    request: SandboxRequest,
    session: Session,
    models: readonly TypeModel[],
    type: string,
    sight: OctaneSight,
  ): Entity[] {
    const raw = request.query.get('query')
    let test: Predicate = () => true
    let hints: QueryHints = {}
    if (raw !== null && raw !== '')
      ({ test, hints } = parseQuery(raw, type, {
        fieldType: (entityType, field) => fieldType(models, entityType, field),
        resolve: (target, id) => store.find(target, id),
        currentUser: session.userId,
        innerQuote: store.switches.innerQuote === 'error' ? 'error' : 'text',
      }))
    const rows: Entity[] = []
    for (const model of models) {
      const all = store.rows(model.name)
      const { ids, idAbove, texts } = hints
      const indexed =
        texts === undefined
          ? undefined
          : model.fields.find((field) => field.name === texts.field && field.userDefined === true)
      const candidates: Iterable<Entity> =
        ids !== undefined
          ? ids.flatMap((id) => all.get(id) ?? [])
          : texts !== undefined && indexed !== undefined
            ? texts.values.flatMap((value) =>
                [...(store.idsByText(model.name, texts.field, value) ?? [])].flatMap((id) => all.get(id) ?? []),
              )
            : all.values()
      for (const candidate of candidates) {
        if (idAbove !== undefined && Number(candidate.id) <= idAbove) continue
        const entity = sight.shown(candidate)
        if (entity !== undefined && test(entity)) rows.push(entity)
      }
    }
    return sorted(rows, request.query.get('order_by'), models)
  }

  function fieldType(models: readonly TypeModel[], entityType: string, field: string) {
    const candidates =
      models.some((model) => model.name === entityType) || entityType === 'work_item'
        ? models
        : typeModels.filter((model) => model.name === entityType || model.base === entityType)
    for (const model of candidates) {
      const found = model.fields.find((one) => one.name === field)
      if (found !== undefined)
        return {
          type: field === 'id' ? 'id' : found.type,
          multiple: found.multiple === true,
          target: found.target ?? null,
        }
    }
    return undefined
  }

  function sorted(rows: Entity[], orderBy: string | null, models: readonly TypeModel[]): Entity[] {
    if (orderBy === null || orderBy === '') return rows
    const keys = orderBy
      .split(',')
      .map((key) => ({ name: key.replace(/^-/, '').trim(), descending: key.trim().startsWith('-') }))
    const types = keys.map((key) => {
      const field = fieldType(models, models[0]?.name ?? '', key.name)
      if (field === undefined)
        throw new QueryError(`The entity type '${models[0]?.name}' does not have a field/s by name/s '${key.name}'`)
      return field.type
    })
    const inOrder = rows.every((row, index) => index === 0 || Number(rows[index - 1]?.id) < Number(row.id))
    if (keys.length === 1 && keys[0]?.name === 'id' && !keys[0].descending && inOrder) return rows
    return rows.sort((a, b) => {
      for (const [index, key] of keys.entries()) {
        const order = compare(a[key.name], b[key.name], types[index] ?? 'string')
        if (order !== 0) return key.descending ? -order : order
      }
      return 0
    })
  }

  function groups(request: SandboxRequest, session: Session, model: TypeModel, sight: OctaneSight): SandboxAnswer {
    const by = request.query.get('group_by') ?? ''
    if (!model.fields.some((field) => field.name === by))
      throw new QueryError(`The entity type '${model.name}' does not have a field/s by name/s '${by}'`)
    const counted = new Map<string, { count: number; value: unknown }>()
    for (const entity of select(request, session, [model], model.name, sight)) {
      const key = JSON.stringify(entity[by])
      const group = counted.get(key)
      if (group === undefined) counted.set(key, { count: 1, value: entity[by] })
      else group.count++
    }
    return answer(200, { groups: [...counted.values()], groupsTotalCount: counted.size })
  }

  /** Shows a row with exactly the fields asked for, references expanded where braces ask for it. */
  function projector(
    request: SandboxRequest,
    models: readonly TypeModel[],
    sight: OctaneSight,
  ): (entity: Entity) => Record<string, unknown> {
    const asked = request.query.get('fields')
    if (asked === null || asked === '') {
      if (store.switches.legacyDefaultFields === 'yes') return (entity) => wire(entity, Object.keys(entity), sight)
      return (entity) =>
        wire(entity, ['workspace_id', 'logical_name', ...('subtype' in entity ? ['subtype'] : [])], sight)
    }
    const fields = parseFields(asked)
    for (const { name } of fields)
      if (!models.some((model) => model.fields.some((field) => field.name === name)) && name !== 'type')
        throw new QueryError(`The entity type '${models[0]?.name}' does not have a field/s by name/s '${name}'`)
    return (entity) => project(entity, fields, sight)
  }

  interface AskedField {
    name: string
    inner: AskedField[]
  }

  function parseFields(text: string): AskedField[] {
    const fields: AskedField[] = []
    let depth = 0
    let part = ''
    const parts: string[] = []
    for (const char of text) {
      if (char === '{') depth++
      if (char === '}') depth--
      if (char === ',' && depth === 0) {
        parts.push(part)
        part = ''
      } else part += char
    }
    parts.push(part)
    for (const one of parts) {
      const match = /^\s*([\w.]+)\s*(?:\{([\s\S]*)\})?\s*$/.exec(one)
      if (match?.[1] === undefined) throw new QueryError(`The fields clause is wrong at "${one}".`)
      fields.push({ name: match[1], inner: match[2] === undefined ? [] : parseFields(match[2]) })
    }
    return fields
  }

  function project(whole: Entity, fields: readonly AskedField[], sight: OctaneSight): Record<string, unknown> {
    const shown: Record<string, unknown> = { type: whole.type, id: whole.id }
    const entity = sight.shown(whole) ?? shown
    for (const { name, inner } of fields) {
      if (!(name in entity)) continue
      const value = entity[name]
      const expand = (item: Reference) => {
        const target = inner.length === 0 ? undefined : store.find(item.type, item.id)
        return target === undefined ? { type: item.type, id: item.id } : project(target, inner, sight)
      }
      if (Array.isArray(value)) shown[name] = { total_count: value.length, data: (value as Reference[]).map(expand) }
      else if (isReference(value)) shown[name] = expand(value)
      else shown[name] = value
    }
    return shown
  }

  function wire(entity: Entity, names: readonly string[], sight: OctaneSight): Record<string, unknown> {
    return project(
      entity,
      names.map((name) => ({ name, inner: [] })),
      sight,
    )
  }

  function metadata(request: SandboxRequest, kind: string | undefined): SandboxAnswer {
    const asked = request.query.get('query') ?? ''
    const names = textsAsked(asked, kind === 'fields' ? 'entity_name' : 'name')
    const chosen = names === null ? typeModels : typeModels.filter((type) => names.includes(type.name))
    if (kind === 'entities') return answer(200, envelope(chosen.map(entityDescription), chosen.length))
    if (kind !== 'fields') return notThere()
    const fields = textsAsked(asked, 'name')
    const rows = chosen.flatMap((type) =>
      type.fields
        .filter((field) => fields === null || fields.includes(field.name))
        .map((field) => fieldDescription(type, field)),
    )
    return answer(200, envelope(rows, rows.length))
  }

  async function listen(port = 0, host = '127.0.0.1'): Promise<{ port: number; url: string }> {
    const bound = await server.listen(port, host)
    base = `http://${host}:${bound}`
    return { port: bound, url: base }
  }

  const server = createSandboxServer({
    admit,
    now: () => clock.now(),
    faults,
    endSession: (request) => {
      const session = sessions.get(request.cookies.get('LWSSO_COOKIE_KEY') ?? '')
      if (session !== undefined) end(session)
      return unauthorized('VALIDATION_TOKEN_EXPIRED_GLOBAL_TIME_OUT', 'The session has expired.')
    },
    pattern: (path) => path.replace(prefix, '').replace(/\/\d+(?=\/|$)/g, '/*'),
  })

  const callUrls = new CallUrls()
  store.onCommit = ({ action, type, id, actor, before, after, changed }) => {
    if (action === 'restore') return
    const changes = Object.fromEntries(
      changed.map((name) => [name, { originalValue: before?.[name] ?? null, newValue: after?.[name] ?? null }]),
    )
    callUrls.tell(
      { event: action, type, id, user: actor, changes },
      { workspaceId: Number(workspace), serverUrl: base },
    )
  }

  const person = (who: Stamped): WriteContext => ({
    actor: who.actor ?? 'ann.archer@example.com',
    actorId: '1002',
    via: 'control',
  })
  const stampOf = (who: Stamped) =>
    who.modifiedSecondsAgo === undefined ? undefined : store.stamp(clock.now() - who.modifiedSecondsAgo * 1_000)

  /** A record as a person sees it changing in the browser. */
  function edit(type: string, id: string, fields: Record<string, unknown>, who: Stamped = {}): Entity {
    return store.update(type, id, fields, person(who), stampOf(who))
  }

  return {
    system: 'octane' as const,
    listen,
    close: () => {
      callUrls.close()
      return server.close()
    },
    store,
    truth,
    faults,
    /** Who may do and see what; everything at first. */
    permissions,
    credentials,
    requests: server.requests,
    edit,
    create: (type: string, fields: Record<string, unknown>, who: Stamped = {}) =>
      store.create(type, fields, person(who), stampOf(who)),
    /** An edit that is stamped now and seen only from its commit on. */
    begin: (type: string, id: string, fields: Record<string, unknown>, who: { actor?: string } = {}) => {
      const at = store.stamp()
      return { commit: () => store.update(type, id, fields, person(who), at) }
    },
    /** A new record that takes its id and stamp now and is seen only from its commit on, maybe after later ids. */
    beginCreate: (type: string, fields: Record<string, unknown>, who: { actor?: string } = {}) => {
      const [at, id] = [store.stamp(), store.reserveId()]
      return { id, commit: () => store.create(type, fields, person(who), at, id) }
    },
    /** One change to many records, all with the same second. */
    editMany: (type: string, ids: readonly string[], fields: Record<string, unknown>, who: Stamped = {}) => {
      const at = stampOf(who) ?? store.stamp()
      return ids.map((id) => store.update(type, id, fields, person(who), at))
    },
    clock,
    /** Rules that call a URL when a record changes. */
    callUrls,
    snapshot: (): OctaneState => ({ store: store.snapshot(), shows: clock.now() }),
    /** Back to an earlier state; the clock runs on, or goes back with the rest. */
    restore: (state: OctaneState, { clockToo = false } = {}) => {
      store.restore(state.store)
      if (clockToo) clock.set({ offsetMs: state.shows - clock.trueTime() })
    },
    remove: (type: string, id: string, who: { actor?: string } = {}) => store.delete(type, id, person(who)),
    records: (type: string) => [...store.rows(type).values()],
    /** Ends every session at once, as a restart of the server does. */
    expireSessions: () => sessions.clear(),
    sharedSpace,
    workspace,
  }
}

/** Who edits, and how long before the commit the change is stamped. */
interface Stamped {
  actor?: string
  modifiedSecondsAgo?: number
}

/** A sandbox's state at one time, with what its clock showed. */
export interface OctaneState {
  store: OctaneSnapshot
  shows: number
}

/** The workspace as it is now, as another workspace on a server of its own. */
export function cloneOctane(from: OctaneSandbox, as: { workspace: number }): OctaneSandbox {
  const copy = createOctaneSandbox({
    ...as,
    seed: 1,
    defects: 0,
    sharedSpace: Number(from.sharedSpace),
    switches: { ...from.store.switches },
  })
  copy.store.restore(from.store.snapshot(), 'clone')
  return copy
}

export type OctaneSandbox = ReturnType<typeof createOctaneSandbox>

function token(): string {
  return randomBytes(30).toString('base64url')
}

function parseBody(request: SandboxRequest): Record<string, unknown> | undefined {
  try {
    const body: unknown = JSON.parse(request.body)
    return body !== null && typeof body === 'object' ? (body as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** The texts that a query asks one field for (`f EQ 'a'`, `f='a'`, `f IN 'a','b'`); null: it does not ask for that field. */
function textsAsked(query: string, field: string): string[] | null {
  const phrase = new RegExp(
    `(?<![\\w.])${field}\\s*(?:=|EQ\\s|IN\\s)\\s*((?:(?:'[^']*'|\\^[^^]*\\^)\\s*,?\\s*)+)`,
    'i',
  ).exec(query)
  return phrase?.[1] === undefined
    ? null
    : [...phrase[1].matchAll(/'([^']*)'|\^([^^]*)\^/g)].map((match) => match[1] ?? match[2] ?? '')
}

function isReference(value: unknown): value is Reference {
  return value !== null && typeof value === 'object' && 'id' in value && 'type' in value
}

function envelope(data: readonly unknown[], total: number): Record<string, unknown> {
  return { total_count: total, data, exceeds_total_count: false }
}

function errorBody(error: Refusal): Record<string, unknown> {
  return {
    error_code: error.code,
    correlation_id: randomUUID(),
    description: error.message,
    description_translated: error.message,
    properties: error.properties,
    stack_trace: '',
    business_error: error.business,
  }
}

function entityDescription(type: TypeModel): Record<string, unknown> {
  const features: Record<string, unknown>[] = [
    { name: 'rest', url: type.collection, methods: type.writable ? ['GET', 'POST', 'PUT', 'DELETE'] : ['GET'] },
  ]
  if (type.base !== null)
    features.push(
      { name: 'subtype_of', type: type.base },
      { name: 'has_comments', relation_name: 'comments' },
      { name: 'has_attachments', relation_name: 'attachments' },
      { name: 'business_rules' },
      { name: 'phases' },
      { name: 'user_defined_fields', max_number_of_fields: 300 },
    )
  return { type: 'entity_metadata', name: type.name, label: type.label, can_modify_label: type.base !== null, features }
}

function fieldDescription(type: TypeModel, field: TypeModel['fields'][number]): Record<string, unknown> {
  return {
    type: 'field_metadata',
    entity_name: type.name,
    name: field.name,
    label: field.label,
    field_type: field.type,
    ...(field.type === 'reference'
      ? {
          field_type_data: {
            multiple: field.multiple === true,
            targets: [{ type: field.target, ...(field.list === undefined ? {} : { logical_name: field.list }) }],
          },
        }
      : {}),
    required: field.required === true,
    final: field.final === true,
    editable: field.editable !== false,
    filterable: true,
    sortable: field.type !== 'memo' && field.multiple !== true,
    groupable: field.type === 'reference',
    unique: false,
    returned_by_default: ['id', 'name', 'type'].includes(field.name),
    visible_in_ui: !field.name.endsWith('_stamp'),
    is_user_defined: field.userDefined === true,
    auto_generated: ['id', 'creation_time', 'last_modified', 'version_stamp', 'workspace_id', 'logical_name'].includes(
      field.name,
    ),
    max_length: field.maxLength ?? null,
    sanitization: field.type === 'memo' ? 'HTML' : 'NONE',
    inBusinessRule: true,
    description: '',
    field_features: [{ name: 'supports_standard_storage' }],
  }
}
