import { SandboxClock } from '../common/clock.ts'
import { type Content, Contents } from '../common/contents.ts'
import { Faults } from '../common/faults.ts'
import { createSandboxServer, type SandboxAnswer, type SandboxRequest } from '../common/http.ts'
import { Permissions } from '../common/permissions.ts'
import { TruthLog } from '../common/truth-log.ts'
import { answer, errorBody, guarded, notThere } from './answers.ts'
import { attachmentRoutes, uploadRules } from './attachment-routes.ts'
import { type EntityCall, entityRoutes } from './entity-routes.ts'
import type { TypeModel } from './field-models.ts'
import { type HistoryPlace, historyRoutes } from './history-routes.ts'
import { metadataRoutes } from './metadata.ts'
import { aggregates } from './model.ts'
import { chosen } from './plain-rows.ts'
import { notFound, Refusal } from './refusal.ts'
import { checkAccept, plainRequest, tooLongAddress } from './request-form.ts'
import { scriptRoutes } from './script-routes.ts'
import { seedDefects, seedWorkspace } from './seed.ts'
import { seedWorld, type WorldCounts } from './seed-world.ts'
import { type OctaneCredentials, OctaneSessions, type Session } from './session.ts'
import { sightOf } from './sight.ts'
import { spaceRoutes, workspaceRow } from './space-routes.ts'
import { type Entity, type OctaneSnapshot, OctaneStore, type WriteContext } from './store.ts'
import { CallUrls } from './webhooks.ts'

export interface OctaneOptions {
  seed: number
  defects: number
  switches?: Readonly<Record<string, string>>
  sharedSpace?: number
  workspace?: number
  now?: () => number
  /** Contents of attachments that are there already: those of the sandbox that this one is a copy of. */
  contents?: Contents
}

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
  seedWorkspace(store, options)
  const credentials: OctaneCredentials = {
    apiKey: { clientId: 'tandem_m3k9x', clientSecret: '=8f2a+Zq&41' },
    user: { user: 'sync@example.com', password: 'Sync-Pa55word' },
  }
  const sessions = new OctaneSessions({ credentials, store, now })
  const prefix = `/api/shared_spaces/${sharedSpace}/workspaces/${workspace}`
  const nameOf = new Map(store.types.all().map((type) => [type.collection, type.name]))
  // What old clients still call it.
  nameOf.set('application_modules', 'product_area')
  const contents = options.contents?.share() ?? new Contents()
  let base = ''

  function admit(received: SandboxRequest): () => SandboxAnswer {
    const tooLong = tooLongAddress(received, Number(store.switches.longestAddress))
    if (tooLong !== null) return () => tooLong
    const request = plainRequest(received, { sharedSpace, workspace })
    if (request.path === '/authentication/sign_in') return () => guarded(() => sessions.signIn(request))
    const session = sessions.authenticate(request)
    if ('status' in session) return () => session
    const tooMany = throttled()
    if (tooMany !== null) return () => tooMany
    const rotated = sessions.rotate(session, request)
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

  function route(request: SandboxRequest, session: Session): SandboxAnswer {
    const { path } = request
    if (path === '/authentication/sign_out') return sessions.signOut(session, request)
    checkAccept(request)
    const context: WriteContext = { actor: session.login, actorId: session.userId, via: 'rest' }
    const call = (models: readonly TypeModel[], type: string): EntityCall => ({
      request,
      store,
      models,
      type,
      context,
      sight: sightOf(store, permissions, session.login),
      currentUser: session.userId,
    })
    const visible = !permissions.vanished && permissions.mayEnter(session.login)
    const outside = spaceRoutes(request, { store, context, sharedSpace, workspace }, visible)
    if (outside !== undefined) return outside
    const auditPlaces: Record<string, HistoryPlace> = {
      '/api/audits': 'site',
      [`/api/shared_spaces/${sharedSpace}/audits`]: 'space',
    }
    const audited = auditPlaces[path]
    if (audited !== undefined) return historyRoutes(call([], 'audits'), 'audits', audited)
    if (path !== prefix && !path.startsWith(`${prefix}/`)) return notThere()
    if (permissions.vanished) return workspaceGone()
    if (!permissions.mayEnter(session.login)) throw workspaceClosed()
    if (path === prefix) return answer(200, chosen(request.query.get('fields'))(workspaceRow(workspace)))
    const segments = segmentsOf(path.slice(prefix.length + 1))
    if (segments === null) return notThere()
    const [collection = '', id, ...rest] = segments
    if (collection === 'attachments' && rest.length < 2)
      return attachmentRoutes(call([store.model('attachment')], 'attachment'), id, rest[0])
    if (collection === 'metadata' && rest.length === 0) return metadataRoutes(request, store, id)
    if (['history_logs', 'history_records', 'audits'].includes(collection) && id === undefined)
      return historyRoutes(call([], collection), collection)
    const type = nameOf.get(collection) ?? aggregates[collection]
    if (type === undefined) return notThere()
    const models = store.types.under(type)
    const entities = call(models, type)
    const ofTests = models.every((model) => model.base === 'test')
    if (id !== undefined && ofTests && rest.length === 1 && rest[0] === 'script') return scriptRoutes(entities, id)
    return rest.length > 0 ? notThere() : entityRoutes(entities, id)
  }

  function workspaceGone(): SandboxAnswer {
    if (store.switches.missingWorkspace === 'address') return notThere()
    const message = `The entity of type workspace with id ${workspace} does not exist.`
    const about = { entity_type: 'workspace', entity_id: workspace }
    return answer(404, errorBody(new Refusal(404, 'platform.entity_not_found', message, about)))
  }

  function workspaceClosed(): Refusal {
    const status = Number(store.switches.foreignWorkspaceStatus)
    return new Refusal(status, 'platform.not_authorized', `You are not authorized to access workspace ${workspace}.`)
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
    uploads: (path) => (path.startsWith(`${prefix}/attachments`) ? uploadRules(store, contents) : undefined),
    endSession: (request) => sessions.endOf(request),
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
    close: async () => {
      callUrls.close()
      await server.close()
      contents.close()
    },
    contents,
    store,
    truth,
    faults,
    /** Who may do and see what; everything at first. */
    permissions,
    credentials,
    requests: server.requests,
    edit,
    create: (type: string, fields: Record<string, unknown>, who: Stamped = {}) =>
      store.create(type, fields, person(who), { at: stampOf(who) }),
    /** An edit that is stamped now and seen only from its commit on. */
    begin: (type: string, id: string, fields: Record<string, unknown>, who: { actor?: string } = {}) => {
      const at = store.stamp()
      return { commit: () => store.update(type, id, fields, person(who), at) }
    },
    /** A new record that takes its id and stamp now and is seen only from its commit on, maybe after later ids. */
    beginCreate: (type: string, fields: Record<string, unknown>, who: { actor?: string } = {}) => {
      const [at, id] = [store.stamp(), store.reserveId()]
      return { id, commit: () => store.create(type, fields, person(who), { at, id }) }
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
    /** More defects, reproducible from a number. */
    seedDefects: (seed: number, count: number) => seedDefects(store, seed, count),
    /** A whole backlog by counts; tells how many there are of each type. */
    seedWorld: (counts: WorldCounts) => seedWorld(store, contents, counts),
    /** An attachment that a person adds; the bytes may be generated ones of any size. */
    attach: (owner: { type: string; id: string }, name: string, content: Content, who: Stamped = {}) => {
      const found = store.find(owner.type, owner.id)
      if (found === undefined) throw notFound(owner.type, owner.id)
      const base = store.model(found.type).base ?? found.type
      const fields = { name, [`owner_${base}`]: { type: found.type, id: found.id } }
      return store.create('attachment', fields, person(who), { at: stampOf(who), extra: { content } })
    },
    records: (type: string) => [...store.rows(type).values()],
    /** Ends every session at once, as a restart of the server does. */
    expireSessions: () => sessions.clear(),
    sharedSpace,
    workspace,
  }
}

/** The parts of a path, decoded; null: it cannot be decoded. */
function segmentsOf(path: string): string[] | null {
  try {
    return path.split('/').map(decodeURIComponent)
  } catch {
    return null
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
    contents: from.contents,
  })
  copy.store.types.copy(from.store.types)
  copy.store.restore(from.store.snapshot(), 'clone')
  return copy
}

export type OctaneSandbox = ReturnType<typeof createOctaneSandbox>
