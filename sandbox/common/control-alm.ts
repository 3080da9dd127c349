import { z } from 'zod'
import type { AlmSandbox } from '../alm/server.ts'
import { BadRequest, given, parseBody, whole } from './control-body.ts'

const alm = z.literal('alm')
const record = { system: alm, type: z.string().default('defect'), id: z.coerce.string(), actor: z.string().optional() }

const bodies = {
  attachments: z.strictObject({
    ...record,
    name: z.string(),
    description: z.string().optional(),
    size: whole.max(4 * 1024 ** 3),
    seed: whole.default(1),
    override: z.boolean().optional(),
  }),
  comments: z.strictObject({ ...record, text: z.string() }),
  versions: z.strictObject({ ...record, action: z.enum(['check-out', 'check-in', 'undo-check-out']) }),
  lists: z.strictObject({
    system: alm,
    list: z.string(),
    action: z.enum(['add', 'rename', 'remove']),
    value: z.string(),
    to: z.string().optional(),
  }),
  populate: z.strictObject({
    system: alm,
    seed: whole.default(1),
    defects: whole.max(200_000).optional(),
    requirements: whole.max(200_000).optional(),
    children: z.number().int().min(2).max(10_000).optional(),
    comments: whole.max(1_000).optional(),
    attachments: whole.max(1_000).optional(),
    attachmentBytes: whole.max(4 * 1024 ** 3).optional(),
    differentFiles: z.number().int().min(1).max(10_000).optional(),
  }),
} as const

/** What only ALM's sandbox is asked; the paths in words, for `GET /`. */
export const almPaths = [
  'POST /attachments: a file of a size in bytes with content made from a number (ALM); answers with its hash',
  'POST /comments: a comment below the banner that clients write (ALM); the text is HTML',
  'POST /versions: check-out, check-in or undo-check-out as a person (ALM, switch versionControl)',
  'POST /lists: add, rename or remove an item of a list (ALM)',
  'POST /populate: many defects and requirements at once, with comments and attachments (ALM)',
] as const

/** Answers `METHOD /path` where it is about ALM alone; undefined: it is not. */
export function handleAlm(sandbox: AlmSandbox, route: string, text: string): unknown {
  switch (route) {
    case 'POST /attachments': {
      const { type, id, actor, seed, size, name, description, override } = parseBody(bodies.attachments, text)
      const content = sandbox.attachments.contents.generated(seed, size)
      return sandbox.attach(type, id, { name, content, ...given({ description, override }) }, given({ actor }))
    }
    case 'POST /comments': {
      const { type, id, actor, text: comment } = parseBody(bodies.comments, text)
      return sandbox.comment(type, id, comment, given({ actor }))
    }
    case 'POST /versions': {
      const { type, id, actor, action } = parseBody(bodies.versions, text)
      return sandbox.versionControl(type, id, action, given({ actor }))
    }
    case 'POST /lists': {
      const { list, action, value, to } = parseBody(bodies.lists, text)
      const { lists } = sandbox.store
      const known = lists.named(list)
      if (known === undefined)
        throw new BadRequest(
          `list: there is no "${list}". There are: ${lists
            .all()
            .map((one) => one.name)
            .join(', ')}.`,
        )
      if (action === 'rename' && to === undefined) throw new BadRequest('to: the new text is missing')
      if (action === 'add') return lists.add(known.id, value)
      return action === 'remove' ? lists.remove(known.id, value) : lists.rename(known.id, value, to ?? '')
    }
    case 'POST /populate': {
      const { system: _system, ...wanted } = parseBody(bodies.populate, text)
      return sandbox.populate(given(wanted))
    }
    default:
      return undefined
  }
}
