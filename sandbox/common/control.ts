import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import type { AlmSandbox } from '../alm/server.ts'
import { almSwitches } from '../alm/switches.ts'
import { handleOctane, octanePaths } from '../octane/control.ts'
import type { OctaneSandbox } from '../octane/server.ts'
import { octaneSwitches } from '../octane/switches.ts'
import { BadRequest, given, parseBody, system, whole } from './control-body.ts'
import { handleWorld, type World, worldPaths } from './control-world.ts'
import { faultKinds } from './faults.ts'
import { chooseSwitches } from './switches.ts'

const fields = z.record(z.string(), z.unknown())

const pattern = z.string().refine((text) => {
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    return false
  }
}, 'must be a regular expression')

const bodies = {
  edit: z.strictObject({
    system,
    type: z.string().default('defect'),
    id: z.coerce.string(),
    fields,
    actor: z.string().optional(),
    holdLockMs: whole.optional(),
    modifiedSecondsAgo: whole.optional(),
  }),
  edits: z.strictObject({
    system,
    type: z.string().default('defect'),
    ids: z.array(z.coerce.string()),
    fields,
    actor: z.string().optional(),
    modifiedSecondsAgo: whole.optional(),
  }),
  create: z.strictObject({ system, type: z.string().default('defect'), fields, actor: z.string().optional() }),
  delete: z.strictObject({
    system,
    type: z.string().default('defect'),
    id: z.coerce.string(),
    actor: z.string().optional(),
  }),
  faults: z.strictObject({
    system,
    match: z.strictObject({ method: z.string().optional(), path: pattern.optional() }).default({}),
    kind: z.enum(faultKinds),
    status: whole.optional(),
    retryAfter: z.union([z.number(), z.string()]).optional(),
    delayMs: whole.max(600_000).optional(),
    commitAfterMs: whole.max(3_600_000).optional(),
    hang: z.boolean().optional(),
    times: whole.optional(),
    skip: whole.optional(),
  }),
  latency: z.strictObject({ system, ms: whole.max(60_000) }),
  seed: z.strictObject({ system, count: whole.max(200_000), seed: whole }),
  switches: z.strictObject({ system, set: z.record(z.string(), z.string()) }),
  expire: z.strictObject({ system }),
} as const

/**
 * The port by which tests and people act behind the servers' backs: edit as a person would, inject faults, read the truth
 * log and the raw records. Plain JSON on the loopback address; not part of what is being simulated.
 */
export async function startControl(
  sandboxes: { alm: AlmSandbox; octane: OctaneSandbox },
  port = 0,
): Promise<{ url: string; close(): Promise<void> }> {
  const world: World = { alm: new Map(), octane: new Map(), clones: [] }
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://control')
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const reply = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    try {
      reply(200, (await handle(sandboxes, request.method ?? 'GET', url, text, world)) ?? {})
    } catch (error) {
      reply(error instanceof BadRequest || (error as { status?: number }).status !== undefined ? 400 : 500, {
        error: error instanceof Error ? error.message : String(error),
      })
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      await Promise.all(world.clones.map((one) => one.close()))
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

function handle(
  sandboxes: { alm: AlmSandbox; octane: OctaneSandbox },
  method: string,
  url: URL,
  text: string,
  world: World,
): unknown {
  const { alm, octane } = sandboxes
  const of = (name: 'alm' | 'octane') => (name === 'alm' ? alm : octane)
  const asked = (): 'alm' | 'octane' | null => {
    const name = url.searchParams.get('system')
    if (name === null) return null
    if (name !== 'alm' && name !== 'octane') throw new BadRequest('system: must be alm or octane')
    return name
  }
  const both = (name: 'alm' | 'octane' | null) => (name === null ? [alm, octane] : [of(name)])
  switch (`${method} ${url.pathname}`) {
    case 'GET /':
      return {
        paths: [
          'GET /truth',
          'GET /records',
          'POST /edit',
          'POST /edits: one change to many records in one second',
          'POST /create',
          'POST /delete',
          'GET|POST|DELETE /faults',
          'POST /latency',
          'GET|DELETE /requests',
          'POST /seed',
          'GET|POST /switches',
          'POST /expire',
          ...worldPaths,
          ...octanePaths,
        ],
      }
    case 'GET /truth': {
      const since = Number(url.searchParams.get('since') ?? 0)
      return both(asked()).flatMap((one) => one.truth.entries(since))
    }
    case 'GET /records': {
      const name = asked()
      if (name === null) throw new BadRequest('system: is missing')
      const id = url.searchParams.get('id')
      const records: { id?: unknown }[] = of(name).records(url.searchParams.get('type') ?? 'defect')
      return id === null ? records : records.filter((record) => record.id === id)
    }
    case 'POST /edit': {
      const body = parseBody(bodies.edit, text)
      const who = {
        ...(body.actor === undefined ? {} : { actor: body.actor }),
        ...(body.holdLockMs === undefined ? {} : { holdLockMs: body.holdLockMs }),
        ...(body.modifiedSecondsAgo === undefined ? {} : { modifiedSecondsAgo: body.modifiedSecondsAgo }),
      }
      return body.system === 'alm'
        ? alm.edit(body.type, body.id, almFields(body.fields), who)
        : octane.edit(body.type, body.id, octaneFields(octane, body.type, body.fields), who)
    }
    case 'POST /edits': {
      const { system: name, type, ids, fields: values, ...who } = parseBody(bodies.edits, text)
      return name === 'alm'
        ? alm.editMany(type, ids, almFields(values), given(who))
        : octane.editMany(type, ids, octaneFields(octane, type, values), given(who))
    }
    case 'POST /create': {
      const body = parseBody(bodies.create, text)
      const who = body.actor === undefined ? {} : { actor: body.actor }
      return body.system === 'alm'
        ? alm.create(body.type, almFields(body.fields), who)
        : octane.create(body.type, octaneFields(octane, body.type, body.fields), who)
    }
    case 'POST /delete': {
      const body = parseBody(bodies.delete, text)
      return of(body.system).remove(body.type, body.id, body.actor === undefined ? {} : { actor: body.actor })
    }
    case 'GET /faults':
      return { alm: alm.faults.list(), octane: octane.faults.list() }
    case 'POST /faults': {
      const { system: name, ...rule } = parseBody(bodies.faults, text)
      return { id: of(name).faults.add(given({ ...rule, match: given(rule.match) })) }
    }
    case 'DELETE /faults':
      for (const one of both(asked())) one.faults.clear()
      return {}
    case 'POST /latency': {
      const body = parseBody(bodies.latency, text)
      of(body.system).faults.latencyMs = body.ms
      return {}
    }
    case 'GET /requests':
      return { alm: Object.fromEntries(alm.requests), octane: Object.fromEntries(octane.requests) }
    case 'DELETE /requests':
      for (const one of both(asked())) one.requests.clear()
      return {}
    case 'POST /seed': {
      const body = parseBody(bodies.seed, text)
      if (body.system === 'alm') alm.seedDefects(body.seed, body.count)
      else octane.seedDefects(body.seed, body.count)
      return {}
    }
    case 'GET /switches':
      return {
        alm: { known: almSwitches, set: alm.store.switches },
        octane: { known: octaneSwitches, set: octane.store.switches },
      }
    case 'POST /switches': {
      const body = parseBody(bodies.switches, text)
      if (body.system === 'alm')
        Object.assign(alm.store.switches, chooseSwitches(almSwitches, { ...alm.store.switches, ...body.set }))
      else
        Object.assign(octane.store.switches, chooseSwitches(octaneSwitches, { ...octane.store.switches, ...body.set }))
      return {}
    }
    case 'POST /expire': {
      of(parseBody(bodies.expire, text).system).expireSessions()
      return {}
    }
    default: {
      const answer = handleWorld(sandboxes, `${method} ${url.pathname}`, url, text, world)
      if (answer !== undefined) return answer
      const ofOctane = handleOctane(octane, `${method} ${url.pathname}`, url, text)
      if (ofOctane !== undefined) return ofOctane
      throw new BadRequest(`There is no ${method} ${url.pathname}; GET / lists what there is.`)
    }
  }
}

/** ALM knows texts and sets of texts only. */
function almFields(values: Record<string, unknown>): Parameters<AlmSandbox['edit']>[2] {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value === null ? null : Array.isArray(value) ? value.map(String) : String(value),
    ]),
  )
}

/** Values as a person gives them: numbers as text, references by id alone. */
function octaneFields(octane: OctaneSandbox, type: string, values: Record<string, unknown>): Record<string, unknown> {
  const { fields: known } = octane.store.model(type)
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const field = known.find((one) => one.name === name)
      if (typeof value !== 'string' || field === undefined) return [name, value]
      if (field.type === 'integer' || field.type === 'float') return [name, Number(value)]
      if (field.type === 'boolean') return [name, value === 'true']
      if (field.type === 'reference' && field.multiple !== true) return [name, { type: field.target, id: value }]
      return [name, value]
    }),
  )
}
