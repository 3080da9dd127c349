import { SandboxClock } from '../common/clock.ts'
import { Contents } from '../common/contents.ts'
import { Faults } from '../common/faults.ts'
import { createSandboxServer, type SandboxAnswer, type SandboxRequest } from '../common/http.ts'
import { Permissions } from '../common/permissions.ts'
import { TruthLog } from '../common/truth-log.ts'
import { acceptedEncoding, type Encoding, noSuchResource, refusalAnswer } from './answers.ts'
import { AlmAttachments, type NewAttachment } from './attachments.ts'
import { withComment } from './comments.ts'
import { type Population, populate } from './populate.ts'
import { projectRoutes } from './project-routes.ts'
import { AlmRefusal } from './refusal.ts'
import { seedDefects, seedProject } from './seed.ts'
import { type AlmAccount, AlmSessions, type SignedIn } from './session.ts'
import { sightOf } from './sight.ts'
import { signInRoutes } from './sign-in.ts'
import { siteRoutes } from './site-routes.ts'
import { type AlmRecord, type AlmSnapshot, AlmStore, type AlmWriter } from './store.ts'

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
  /** Contents of attachments that are there already: those of the sandbox that this one is a copy of. */
  contents?: Contents
}

/** Users and keys that can sign in. */
const accounts: readonly AlmAccount[] = [
  {
    name: 'sync',
    password: 's3cret & <safe>',
    apiKey: { clientId: 'apikey-tandem', clientSecret: 'kq7+/Zp0==', active: true },
    member: true,
  },
  {
    name: 'second',
    password: 'second-pass',
    apiKey: { clientId: 'apikey-retired', clientSecret: 'Rt8/+x1==', active: false },
    member: true,
  },
  { name: 'outsider', password: 'outsider-pass', apiKey: null, member: false },
]

const credentialsOf = (modern: boolean) => {
  const key = (active: boolean) => {
    const found = accounts.find((account) => account.apiKey?.active === active)?.apiKey
    return modern && found ? { clientId: found.clientId, clientSecret: found.clientSecret } : null
  }
  const person = (name: string) => ({
    user: name,
    password: accounts.find((account) => account.name === name)?.password ?? '',
  })
  return {
    user: person('sync'),
    second: person('second'),
    outsider: person('outsider'),
    apiKey: key(true),
    inactiveApiKey: key(false),
  }
}

/** An ALM server with one domain and project, in one of two generations. */
export function createAlmSandbox(options: AlmOptions) {
  const modern = options.version === '26.1'
  const domain = options.domain ?? 'DEFAULT'
  const project = options.project ?? 'Sync'
  const now = options.now ?? Date.now
  const truth = new TruthLog()
  const faults = new Faults()
  const permissions = new Permissions()
  const clock = new SandboxClock(now, options.timeZone ?? 'America/New_York')
  const listIds = project === 'Sync' ? 0 : 1 + ([...project].reduce((sum, char) => sum + char.charCodeAt(0), 0) % 90)
  const store = new AlmStore({ truth, clock, switches: options.switches ?? {}, listIds })
  const attachments = new AlmAttachments(store, options.contents?.share() ?? new Contents())
  seedProject(store, options)
  const sessions = new AlmSessions({ accounts, modern, store, now })

  function admit(request: SandboxRequest): () => SandboxAnswer {
    try {
      return admitted(request)
    } catch (error) {
      const refused = refusalAnswer(request, error instanceof AlmRefusal ? error : unforeseen(error))
      return () => refused
    }
  }

  function admitted(request: SandboxRequest): () => SandboxAnswer {
    if (request.method === 'OPTIONS') return () => ({ status: 501 })
    const segments = segmentsOf(request.path)
    if (segments[0] !== 'qcbin') throw noSuchResource()
    const below = segments.slice(1)
    const signing = signInRoutes(sessions, request, `/${below.join('/')}`)
    if (signing !== undefined) return () => signing
    const signedIn = sessions.authenticate(request)
    return () => {
      const done = authorized(request, below, signedIn)
      return signedIn.cookies.length === 0
        ? done
        : { ...done, headers: { ...done.headers, 'set-cookie': signedIn.cookies } }
    }
  }

  /** Refusals, too, bring the cookies that belong to the session. */
  function authorized(request: SandboxRequest, segments: readonly string[], signedIn: SignedIn): SandboxAnswer {
    try {
      const encoding = acceptedEncoding(request.headers.accept)
      if (encoding === null) throw new AlmRefusal(406, 'qccore.general-error', 'Not Acceptable')
      return route(request, segments, encoding, signedIn)
    } catch (error) {
      return refusalAnswer(request, error instanceof AlmRefusal ? error : unforeseen(error))
    }
  }

  /** Whether the project is there for somebody: it may be gone for all, or closed to one user. */
  function isOpenTo(account: AlmAccount): boolean {
    return account.member && !permissions.vanished && permissions.mayEnter(account.name)
  }

  function route(
    request: SandboxRequest,
    segments: readonly string[],
    encoding: Encoding,
    { account, session }: SignedIn,
  ): SandboxAnswer {
    const [api, domains, inDomain, projects, inProject, first, ...rest] = segments
    if (
      (api !== 'rest' && api !== 'api') ||
      domains !== 'domains' ||
      projects !== 'projects' ||
      inProject === undefined
    ) {
      return siteRoutes({
        method: request.method,
        segments,
        query: request.query,
        encoding,
        version: options.version,
        visible: isOpenTo(account) ? [{ domain, projects: [project] }] : [],
        collapse: store.switches.singleElement === 'object',
        flatLists: store.switches.siteLists === 'results',
      })
    }
    if (inDomain !== domain || inProject !== project || !isOpenTo(account))
      throw new AlmRefusal(
        Number(store.switches.foreignProjectStatus),
        'qccore.operation-forbidden',
        `The project '${inProject}' does not exist, or user '${account.name}' is not a member of the project`,
      )
    const address = `http://${String(request.headers.host ?? 'localhost')}/qcbin/rest/domains/${encodeURIComponent(domain)}/projects/${encodeURIComponent(project)}`
    const writer: AlmWriter = { user: account.name, session: session.key, via: 'rest' }
    return projectRoutes({
      store,
      attachments,
      request,
      encoding,
      writer,
      modern,
      address,
      flat: api === 'api',
      first: first ?? '',
      rest,
      sightOf: (model) => sightOf(store, permissions, account.name, model),
      may: (type, action) => permissions.may(account.name, type, action),
      hiddenFields: (type) => permissions.hiddenFields(account.name, type),
    })
  }

  const prefix = `/qcbin/rest/domains/${encodeURIComponent(domain)}/projects/${encodeURIComponent(project)}`
  const server = createSandboxServer({
    admit,
    now: () => clock.now(),
    faults,
    uploads: (path) => (/\/attachments(\/[^/]*)?$/.test(path) ? attachments.uploadRules() : undefined),
    endSession: (request) => {
      sessions.expireAll()
      return refusalAnswer(request, new AlmRefusal(401, 'qccore.session-has-expired', 'Session expired.'))
    },
    pattern: (path) =>
      path
        .replace(prefix, '')
        .replace(/\/attachments\/[^/]+$/, '/attachments/*')
        .replace(/\/\d+(?=\/|$)/g, '/*'),
  })

  async function listen(port = 0, host = '127.0.0.1'): Promise<{ port: number; url: string }> {
    const bound = await server.listen(port, host)
    return { port: bound, url: `http://${host}:${bound}/qcbin` }
  }

  const person = (actor: string | undefined): AlmWriter => ({ user: actor ?? 'ann', session: null, via: 'control' })

  const stampOf = (who: Stamped) =>
    who.modifiedSecondsAgo === undefined ? undefined : store.modifiedTime(clock.now() - who.modifiedSecondsAgo * 1_000)

  return {
    system: 'alm' as const,
    listen,
    close: async () => {
      await server.close()
      attachments.contents.close()
    },
    attachments,
    store,
    truth,
    faults,
    /** Who may do and see what; everything at first. */
    permissions,
    requests: server.requests,
    credentials: credentialsOf(modern),
    /** Changes a record as somebody in the desktop client does, who may keep it open (locked) for a while. */
    edit: (type: string, id: string, fields: AlmRecord, who: Stamped & { holdLockMs?: number } = {}) => {
      const changed = store.update(type, id, fields, person(who.actor), stampOf(who))
      if (who.holdLockMs !== undefined) store.lock(type, id, person(who.actor), who.holdLockMs)
      return changed
    },
    create: (type: string, fields: AlmRecord, who: Stamped = {}) =>
      store.create(type, fields, person(who.actor), stampOf(who)),
    /** An edit that is stamped now and seen only from its commit on. */
    begin: (type: string, id: string, fields: AlmRecord, who: { actor?: string } = {}) => {
      const at = store.modifiedTime()
      return { commit: () => store.update(type, id, fields, person(who.actor), at) }
    },
    /** A new record that takes its id and stamp now and is seen only from its commit on, maybe after later ids. */
    beginCreate: (type: string, fields: AlmRecord, who: { actor?: string } = {}) => {
      const [at, id] = [store.modifiedTime(), store.reserveId(type)]
      return { id: String(id), commit: () => store.create(type, fields, person(who.actor), at, id) }
    },
    /** One change to many records, all with the same second. */
    editMany: (type: string, ids: readonly string[], fields: AlmRecord, who: Stamped = {}) => {
      const at = stampOf(who) ?? store.modifiedTime()
      return ids.map((id) => store.update(type, id, fields, person(who.actor), at))
    },
    clock,
    snapshot: (): AlmState => ({ store: store.snapshot(), shows: clock.now() }),
    /** Back to an earlier state; the clock runs on, or goes back with the rest. */
    restore: (state: AlmState, { clockToo = false } = {}) => {
      store.restore(state.store)
      if (clockToo) clock.set({ offsetMs: state.shows - clock.trueTime() })
    },
    /** Adds a comment as somebody in the desktop client does: below a banner, in the memo that holds them all. */
    comment: (type: string, id: string, text: string, who: { actor?: string } = {}) => {
      const field = store.model(type).fields.some((one) => one.name === 'dev-comments') ? 'dev-comments' : 'comments'
      const writer = person(who.actor)
      const before = store.get(type, id)[field]
      const comments = withComment(store, typeof before === 'string' ? before : null, text, writer.user)
      return store.update(type, id, { [field]: comments }, writer)
    },
    /** Attaches a file as somebody in the desktop client does. */
    attach: (type: string, id: string, wanted: NewAttachment, who: { actor?: string } = {}) =>
      attachments.add(store.model(type), id, wanted, person(who.actor)),
    /** Checks a record out or in, or gives a check-out up, as somebody in the desktop client does. */
    versionControl: (
      type: string,
      id: string,
      action: 'check-out' | 'check-in' | 'undo-check-out',
      who: { actor?: string } = {},
    ) =>
      action === 'check-out'
        ? store.versions.checkOut(type, id, person(who.actor))
        : action === 'check-in'
          ? store.versions.checkIn(type, id, person(who.actor))
          : store.versions.undo(type, id, person(who.actor)),
    remove: (type: string, id: string, who: { actor?: string } = {}) => store.delete(type, id, person(who.actor)),
    records: (type: string) => [...store.rows(type).values()],
    /** Fills the project with as much as is asked for, reproducible from a number. */
    populate: (wanted: Population) => populate(store, attachments, wanted),
    /** Adds defects, reproducible from a number. */
    seedDefects: (seed: number, count: number) => void seedDefects(store, seed, count),
    /** Ends every session at once, as a restart of the server does. */
    expireSessions: () => sessions.expireAll(),
    version: options.version,
    domain,
    project,
  }
}

/** Who edits, and how long before the commit the change is stamped. */
interface Stamped {
  actor?: string
  modifiedSecondsAgo?: number
}

/** A sandbox's state at one time, with what its clock showed. */
export interface AlmState {
  store: AlmSnapshot
  shows: number
}

/** The project as it is now, as another project on a server of its own. */
export function cloneAlm(from: AlmSandbox, as: { project: string }): AlmSandbox {
  const { version, domain, clock, store } = from
  const timeZone = clock.setting().timeZone
  const copy = createAlmSandbox({
    ...as,
    version,
    domain,
    timeZone,
    seed: 1,
    defects: 0,
    switches: { ...store.switches },
    contents: from.attachments.contents,
  })
  copy.store.restore(store.snapshot(), 'clone')
  return copy
}

export type AlmSandbox = ReturnType<typeof createAlmSandbox>

/** The parts of a path; a slash at the end counts for nothing. */
function segmentsOf(path: string): string[] {
  try {
    return path
      .replace(/^\/|\/$/g, '')
      .split('/')
      .map(decodeURIComponent)
  } catch {
    throw new AlmRefusal(400, 'qccore.general-error', 'The address is not valid')
  }
}

/** What a server that stumbles says of itself. */
function unforeseen(error: unknown): AlmRefusal {
  return new AlmRefusal(500, 'qccore.general-error', error instanceof Error ? error.message : String(error))
}
