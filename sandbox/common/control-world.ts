import { z } from 'zod'
import type { AlmSandbox } from '../alm/server.ts'
import type { OctaneSandbox } from '../octane/server.ts'
import { BadRequest, given, parseBody, system } from './control-body.ts'
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
  access: z.strictObject({ ...who, open: z.boolean() }),
} as const

/** What the control port knows of the world around the records; the paths in words, for `GET /`. */
export const worldPaths = [
  'GET|POST|DELETE /permissions: who may do what to which type; DELETE gives everything back',
  'POST /hidden: a field, or records by id, that a user is not shown',
  'POST /access: the project or workspace closed to a user, or gone for all',
] as const

/** Answers `METHOD /path` where it is about permissions, time, given-up requests or state; undefined: it is not. */
export function handleWorld(
  sandboxes: { alm: AlmSandbox; octane: OctaneSandbox },
  route: string,
  url: URL,
  text: string,
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
    default:
      return undefined
  }
}

function systemOf(url: URL): 'alm' | 'octane' | undefined {
  const name = url.searchParams.get('system')
  if (name === null) return undefined
  if (name !== 'alm' && name !== 'octane') throw new BadRequest('system: must be alm or octane')
  return name
}
