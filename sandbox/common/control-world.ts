import { z } from 'zod'
import { type AlmSandbox, type AlmState, cloneAlm } from '../alm/server.ts'
import { cloneOctane, type OctaneSandbox, type OctaneState } from '../octane/server.ts'
import { almPaths, handleAlm } from './control-alm.ts'
import { BadRequest, given, parseBody, system, whole } from './control-body.ts'
import { permissionActions } from './permissions.ts'

const who = { system, user: z.string().optional() }

const bodies = {
  permissions: z.strictObject({
    ...who,
    type: z.string().optional(),
    action: z.enum(permissionActions).optional(),
    allowed: z.boolean(),
  }),
  hidden: z
    .strictObject({
      ...who,
      type: z.string(),
      field: z.string().optional(),
      ids: z.array(z.coerce.string()).optional(),
    })
    .refine((body) => (body.field === undefined) !== (body.ids === undefined), {
      path: ['field'],
      message: 'give either a field or ids',
    }),
  clock: z.strictObject({
    system,
    offsetMs: z.number().int().optional(),
    fixedAt: z.union([z.string(), z.number(), z.null()]).optional(),
    granularitySeconds: z.number().int().min(1).max(86_400).optional(),
    timeZone: z.string().optional(),
  }),
  release: z.strictObject({ system, count: whole.optional() }),
  state: z.strictObject({ system, name: z.string(), clockToo: z.boolean().default(false) }),
  clone: z.strictObject({ system, as: z.coerce.string() }),
  webhook: z.strictObject({
    url: z.url(),
    type: z.string().default('defect'),
    events: z.array(z.enum(['create', 'update', 'delete'])).optional(),
    headers: z.record(z.string(), z.string()).optional(),
    hmac: z.strictObject({ header: z.string(), secret: z.string() }).optional(),
    deliver: z.enum(['once', 'twice', 'never']).optional(),
    delayMs: whole.max(600_000).optional(),
  }),
  access: z.strictObject({ ...who, open: z.boolean() }),
} as const

/** What the control port knows of the world around the records; the paths in words, for `GET /`. */
export const worldPaths = [
  'GET|POST|DELETE /permissions: who may do what to which type; DELETE gives everything back',
  'POST /hidden: a field, or records by id, that a user is not shown',
  'POST /access: the project or workspace closed to a user, or gone for all',
  'GET|POST /clock: what the server shows: offsetMs, fixedAt, granularitySeconds, timeZone',
  'GET|DELETE /held: requests of the fault commit-late; DELETE forgets them',
  'POST /release: carries held requests out',
  'POST /snapshot, POST /restore: keeps the state under a name, and goes back to it',
  'POST /clone: a copy as another project or workspace on a server of its own',
  'GET|POST|DELETE /webhooks: Call-URL rules of Octane, and what became of deliveries',
  ...almPaths,
] as const

/** What was kept under a name, and servers that were started here. */
export interface World {
  alm: Map<string, AlmState>
  octane: Map<string, OctaneState>
  clones: (AlmSandbox | OctaneSandbox)[]
}

/** Answers `METHOD /path` where it is about permissions, time, given-up requests or state; undefined: it is not. */
export function handleWorld(
  sandboxes: { alm: AlmSandbox; octane: OctaneSandbox },
  route: string,
  url: URL,
  text: string,
  world: World,
): unknown {
  const asked = systemOf(url)
  const chosen = asked === undefined ? [sandboxes.alm, sandboxes.octane] : [sandboxes[asked]]
  switch (route) {
    case 'GET /permissions':
      return { alm: sandboxes.alm.permissions.list(), octane: sandboxes.octane.permissions.list() }
    case 'POST /permissions': {
      const { system: name, allowed, ...rule } = parseBody(bodies.permissions, text)
      const { permissions } = sandboxes[name]
      if (allowed) permissions.allow(given(rule))
      else permissions.deny(given(rule))
      return {}
    }
    case 'DELETE /permissions':
      for (const one of chosen) one.permissions.clear()
      return {}
    case 'POST /hidden': {
      const { system: name, field, ids, ...rest } = parseBody(bodies.hidden, text)
      const { permissions } = sandboxes[name]
      if (field !== undefined) permissions.hideField({ ...given(rest), field })
      if (ids !== undefined) permissions.hideRecords({ ...given(rest), ids })
      return {}
    }
    case 'POST /access': {
      const { system: name, user, open } = parseBody(bodies.access, text)
      const { permissions } = sandboxes[name]
      if (user === undefined) permissions.vanished = !open
      else if (open) permissions.letIn(user)
      else permissions.shutOut(user)
      return {}
    }
    case 'GET /clock':
      return { alm: sandboxes.alm.clock.setting(), octane: sandboxes.octane.clock.setting() }
    case 'POST /clock': {
      const { system: name, ...setting } = parseBody(bodies.clock, text)
      try {
        sandboxes[name].clock.set(given(setting))
      } catch (error) {
        throw new BadRequest(error instanceof Error ? error.message : String(error))
      }
      return {}
    }
    case 'GET /held':
      return { alm: sandboxes.alm.faults.held(), octane: sandboxes.octane.faults.held() }
    case 'DELETE /held':
      for (const one of chosen) one.faults.dropHeld()
      return {}
    case 'POST /release': {
      const { system: name, count } = parseBody(bodies.release, text)
      return sandboxes[name].faults.releaseHeld(count)
    }
    case 'POST /snapshot': {
      const { system: name, name: key } = parseBody(bodies.state, text)
      if (name === 'alm') world.alm.set(key, sandboxes.alm.snapshot())
      else world.octane.set(key, sandboxes.octane.snapshot())
      return {}
    }
    case 'POST /restore': {
      const { system: name, name: key, clockToo } = parseBody(bodies.state, text)
      if (!world[name].has(key)) throw new BadRequest(`name: nothing of ${name} is kept under "${key}".`)
      if (name === 'alm') sandboxes.alm.restore(world.alm.get(key) as AlmState, { clockToo })
      else sandboxes.octane.restore(world.octane.get(key) as OctaneState, { clockToo })
      return {}
    }
    case 'POST /clone': {
      const { system: name, as } = parseBody(bodies.clone, text)
      if (name === 'octane' && !/^\d+$/.test(as)) throw new BadRequest('as: the number of a workspace is expected.')
      const copy =
        name === 'alm'
          ? cloneAlm(sandboxes.alm, { project: as })
          : cloneOctane(sandboxes.octane, { workspace: Number(as) })
      world.clones.push(copy)
      return copy.listen()
    }
    case 'GET /webhooks':
      return { rules: sandboxes.octane.callUrls.list(), deliveries: sandboxes.octane.callUrls.deliveries }
    case 'POST /webhooks': {
      const { hmac, headers, ...rule } = parseBody(bodies.webhook, text)
      return { id: sandboxes.octane.callUrls.add({ ...given(rule), ...given({ hmac, headers }) }) }
    }
    case 'DELETE /webhooks':
      sandboxes.octane.callUrls.clear(url.searchParams.get('id') ?? undefined)
      return {}
    default:
      return handleAlm(sandboxes.alm, route, text)
  }
}

function systemOf(url: URL): 'alm' | 'octane' | undefined {
  const name = url.searchParams.get('system')
  if (name === null) return undefined
  if (name !== 'alm' && name !== 'octane') throw new BadRequest('system: must be alm or octane')
  return name
}
