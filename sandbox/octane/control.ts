import { z } from 'zod'
import { BadRequest, given, parseBody, whole } from '../common/control-body.ts'
import { takeFields } from './custom-fields.ts'
import type { OctaneSandbox } from './server.ts'

const value = z.union([z.string(), z.number(), z.boolean(), z.null()])

const bodies = {
  rule: z.strictObject({
    name: z.string().default('Rule'),
    type: z.string().default('defect'),
    when: z.record(z.string(), value).optional(),
    onChangeOf: z.array(z.string()).optional(),
    require: z.array(z.string()).optional(),
    readOnly: z.array(z.string()).optional(),
    set: z.record(z.string(), z.unknown()).optional(),
    refuse: z.string().optional(),
  }),
  world: z.strictObject({
    seed: whole.default(1),
    epics: whole.max(200_000).default(0),
    features: whole.max(200_000).default(0),
    stories: whole.max(200_000).default(0),
    qualityStories: whole.max(200_000).default(0),
    defects: whole.max(200_000).default(0),
    tasks: whole.max(200_000).default(0),
    requirements: whole.max(200_000).default(0),
    manualTests: whole.max(200_000).default(0),
    commentsEach: whole.max(1_000).default(0),
    attachmentsEach: whole.max(1_000).default(0),
    attachmentBytes: whole.default(1_000),
  }),
  fields: z.strictObject({
    // Rows as a server answers them, with all that is of no concern here.
    fields: z.array(
      z.object({
        entity_name: z.string(),
        name: z.string().regex(/^\w+$/),
        label: z.string().optional(),
        field_type: z.string(),
        field_type_data: z
          .object({
            multiple: z.boolean().default(false),
            targets: z.array(z.object({ type: z.string(), logical_name: z.string().default('') })).default([]),
          })
          .nullish(),
        required: z.boolean().optional(),
        final: z.boolean().optional(),
        editable: z.boolean().optional(),
        filterable: z.boolean().optional(),
        max_length: z.number().int().nullish(),
        is_user_defined: z.boolean().optional(),
      }),
    ),
    lists: z.record(z.string().startsWith('list_node.'), z.array(z.string())).default({}),
  }),
  attachment: z.strictObject({
    owner: z.strictObject({ type: z.string().default('work_item'), id: z.coerce.string() }),
    name: z.string(),
    size: whole.default(1_000),
    seed: whole.default(1),
    actor: z.string().optional(),
  }),
} as const

/** What the control port knows of Octane alone; the paths in words, for `GET /`. */
export const octanePaths = [
  'GET|POST|DELETE /octane/rules: business rules: when, onChangeOf, require, readOnly, set, refuse',
  'POST /octane/fields: fields as metadata/fields of another server describes them (fields), with the items of lists (lists)',
  'POST /octane/world: a whole backlog by counts: epics, features, stories, qualityStories, defects, tasks, requirements, manualTests, commentsEach, attachmentsEach, attachmentBytes',
  'POST /octane/attachments: an attachment of a size, made from a number; GET: size and SHA-256 of ?id=',
] as const

/** Answers `METHOD /octane/...`; undefined: it is not about Octane alone. */
export function handleOctane(octane: OctaneSandbox, route: string, url: URL, text: string): unknown {
  switch (route) {
    case 'GET /octane/rules':
      return octane.store.businessRules.list()
    case 'POST /octane/rules': {
      const rule = given(parseBody(bodies.rule, text))
      const { fields } = octane.store.model(rule.type)
      const named = [
        ...Object.keys(rule.when ?? {}),
        ...Object.keys(rule.set ?? {}),
        ...(rule.onChangeOf ?? []),
        ...(rule.require ?? []),
        ...(rule.readOnly ?? []),
      ]
      const unknown = named.find((name) => !fields.some((field) => field.name === name))
      if (unknown !== undefined) throw new BadRequest(`${unknown}: ${rule.type} has no such field.`)
      return { id: octane.store.businessRules.add(rule) }
    }
    case 'DELETE /octane/rules':
      octane.store.businessRules.clear(url.searchParams.get('id') ?? undefined)
      return {}
    case 'POST /octane/fields': {
      const { fields, lists } = parseBody(bodies.fields, text)
      return takeFields(
        octane.store,
        fields.map(({ field_type_data, ...row }) => ({
          ...row,
          ...given({ field_type_data: field_type_data ?? null }),
        })),
        lists,
      )
    }
    case 'POST /octane/world':
      return octane.seedWorld(parseBody(bodies.world, text))
    case 'POST /octane/attachments': {
      const { owner, name, size, seed, actor } = parseBody(bodies.attachment, text)
      return octane.attach(owner, name, octane.contents.generated(seed, size), given({ actor }))
    }
    case 'GET /octane/attachments': {
      const extra = octane.store.extra(url.searchParams.get('id') ?? '')
      if (extra === undefined || !('content' in extra)) throw new BadRequest('id: there is no such attachment.')
      return { size: extra.content.size, sha256: extra.content.sha256 }
    }
    default:
      return undefined
  }
}
