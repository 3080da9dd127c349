import { z } from 'zod'
import type { Download, RouteContract } from './routes.ts'

const byId = z.object({ id: z.uuid('must be an id, as lists show it') })
const direction = z.enum(['both', 'to-right', 'to-left'])

const pair = z.object({
  left: z.string().nullable().meta({ description: 'ALM user name; null: everybody else of ALM' }),
  right: z
    .string()
    .nullable()
    .meta({ description: 'E-mail address of an Octane user; null: everybody else of Octane' }),
  direction,
})

const userMapping = z
  .object({
    pairs: z.array(pair),
    links: z
      .array(z.object({ id: z.uuid(), name: z.string() }))
      .meta({ description: 'Links of the same two endpoints: all of them follow it' }),
  })
  .meta({ id: 'UserMapping' })

const imported = z
  .object({
    added: z.int(),
    removed: z.int(),
    kept: z.int(),
    due: z.int().meta({ description: 'Records that waited for one of these people and are tried again at once' }),
    notes: z.array(z.string()).meta({ description: 'Lines that are taken and worth a second look' }),
  })
  .meta({ id: 'UserMappingImported' })

const person = z
  .object({
    side: z.enum(['left', 'right']),
    key: z.string(),
    login: z.string(),
    name: z.string(),
    emails: z.array(z.string()),
    active: z.boolean(),
    twin: z.object({ key: z.string(), name: z.string() }).nullable(),
    by: z.enum(['mapping', 'email', 'login', 'name', 'default']).nullable().meta({
      description: 'How the twin was found; `default`: somebody else stands in; null: there is none',
    }),
  })
  .meta({ id: 'MappedPerson' })
export type MappedPersonView = z.infer<typeof person>

/** Who is who on both sides, for all links of two endpoints. */
export const userMappingRoutes = {
  userMapping: {
    method: 'get',
    path: '/links/:id/user-mapping',
    summary: 'The user mapping that a link shares with all links of the same endpoints',
    tag: 'user mapping',
    params: byId,
    status: 200,
    answer: userMapping,
    codes: ['not-found'],
  },
  importUserMapping: {
    method: 'post',
    path: '/links/:id/user-mapping',
    summary: 'Replace the user mapping by a file; nothing of it is taken while a line is wrong',
    tag: 'user mapping',
    params: byId,
    body: z
      .strictObject({
        csv: z.string().meta({
          description:
            '`<ALM user name>,<direction>,<Octane e-mail>` a line; `>`, `<` or `<>`; `*` for everybody else, one way. Empty: people are matched by themselves alone.',
        }),
      })
      .meta({ id: 'ImportUserMapping' }),
    status: 200,
    answer: imported,
    codes: ['not-found', 'bad-lines', 'connection-failed', 'no-worker'],
  },
  exportUserMapping: {
    method: 'get',
    path: '/links/:id/user-mapping/export',
    summary: 'The user mapping as a file that can be imported again',
    tag: 'user mapping',
    params: byId,
    status: 200,
    answer: z.custom<Download>(),
    produces: ['text/csv'],
    codes: ['not-found'],
  },
  mappedPeople: {
    method: 'get',
    path: '/links/:id/user-mapping/people',
    summary: 'Every active person of both sides, who they become on the other side, and why',
    tag: 'user mapping',
    params: byId,
    status: 200,
    answer: z.object({ items: z.array(person) }),
    codes: ['not-found', 'connection-failed', 'no-worker'],
  },
} as const satisfies Record<string, RouteContract>
