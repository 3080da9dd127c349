import { z } from 'zod'
import { type Blackouts, isAlwaysClosed, weekdays } from './schedule.ts'
import { sideScope } from './scope.ts'
import { isTimeZone } from './zone.ts'

/** One pair of values of a mapped list. Left and right are canonical keys of each side. */
const valuePair = z.strictObject({
  left: z.string(),
  right: z.string(),
  direction: z.enum(['both', 'to-right', 'to-left']).default('both'),
})

/**
 * A check that is made although other parts of the value are wrong: people get all problems at once. It must not rely on
 * anything but what it looks at.
 */
function always<T>(check: (context: z.core.ParsePayload<T>) => void): z.core.$ZodCheck<T> {
  const made = z.check<T>(check)
  made._zod.def.when = ({ value }) => value !== null && typeof value === 'object'
  return made
}

/** One mapped field. */
const fieldMapping = z
  .strictObject({
    /** Stable within the link; base values and ledger rows refer to it. */
    id: z.string().min(1).max(100),
    left: z.string().min(1).nullable(),
    right: z.string().min(1).nullable(),
    direction: z.enum(['both', 'to-right', 'to-left']),
    /**
     * What happens when both changed the field differently since they last agreed: a side wins; `latest`: the later edit, by
     * the endpoints' own histories; `merge`: both edits are kept, in sets and texts; `ask`: it is held for a person.
     */
    conflict: z.enum(['left', 'right', 'latest', 'merge', 'ask']).default('left'),
    /** What happens instead where `latest` cannot tell or `merge` finds both edits in one place. */
    conflictFallback: z.enum(['left', 'right', 'ask']).default('ask'),
    /** Written once, when a record is created on the side whose field is named, instead of a value of the other side. */
    constant: z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]).nullish(),
    values: z.array(valuePair).default([]),
    /** Used on creation where the source has no value or none that can be translated: the target's start value. */
    defaults: z.strictObject({ left: z.string().nullish(), right: z.string().nullish() }).default({}),
    /** True: written when a record is created and never afterwards, such as the day on which it was first reported. */
    createOnly: z.boolean().default(false),
    /** Fields with the same group name are merged as one: the endpoint validates them together. */
    group: z.string().min(1).nullish(),
    /** Ids of the type pairs that the mapping is for; absent: all of the link. */
    types: z.array(z.string().min(1)).min(1).optional(),
  })
  .check((context) => {
    const mapping = context.value
    if (mapping.constant === undefined || mapping.constant === null) {
      if (mapping.left === null || mapping.right === null)
        context.issues.push({
          code: 'custom',
          input: mapping,
          path: [mapping.left === null ? 'left' : 'right'],
          message: 'names no field: give one, or a constant',
        })
    } else if ((mapping.left === null) === (mapping.right === null)) {
      context.issues.push({
        code: 'custom',
        input: mapping,
        path: ['constant'],
        message: 'a constant needs exactly one field, on the side where it is written',
      })
    }
  })
export type FieldMapping = z.infer<typeof fieldMapping>
export type ValuePair = z.infer<typeof valuePair>

const directionRules = z
  .strictObject({
    create: z.boolean(),
    update: z.boolean(),
    /** What a deletion on the source side means for the other side. */
    delete: z.enum(['nothing', 'delete', 're-create']).default('nothing'),
  })
  .check((context) => {
    if (context.value.create && !context.value.update)
      context.issues.push({
        code: 'custom',
        input: context.value,
        path: ['update'],
        message: 'must be true where create is true: creating implies keeping up to date',
      })
  })

const linkSide = z.strictObject({
  endpointId: z.uuid(),
  /** In the endpoint's own words. */
  entityType: z.string().min(1),
  /** String field that holds the name of the twin; null: none, then nothing can be created on this side. */
  crossReference: z.string().min(1).nullable(),
  /** Id of the folder below which the link's records stand, and new ones are created; null: the whole tree. */
  root: z.string().min(1).nullable().default(null),
  /** Which records are taken up; nothing set: every one of the mapped types. Pairs stay in step, see `whenLeaving`. */
  scope: sideScope.prefault({}),
})

const typeValues = z
  .strictObject({
    /** Record types of the endpoint, in its own keys. */
    values: z.array(z.string().min(1)).min(1, 'name at least one type'),
    /** The one that new records get. */
    default: z.string().min(1),
  })
  .check((context) => {
    if (!context.value.values.includes(context.value.default))
      context.issues.push({
        code: 'custom',
        input: context.value,
        path: ['default'],
        message: 'must be one of the values',
      })
  })

const rulesOfDirections = z.strictObject({ toRight: directionRules, toLeft: directionRules })

/** Record types that are kept in step with each other within a link: ALM's "Epic" and "Theme" with Octane's epics. */
const typePair = z.strictObject({
  /** Stable within the link: `epic`. */
  id: z.string().min(1).max(100),
  left: typeValues,
  right: typeValues,
  /** Absent: the rules of the link. */
  rules: rulesOfDirections.optional(),
  /** Ids of the type pairs that may stand above it, where the endpoint has rules about that. */
  parents: z.array(z.string().min(1)).default([]),
  /** May stand directly below the root of the tree, where the endpoint has rules about that. */
  underRoot: z.boolean().default(false),
})
export type TypePair = z.infer<typeof typePair>

/** What a link keeps in step. */
export const linkKinds = ['defect', 'backlog', 'release'] as const
export type LinkKind = (typeof linkKinds)[number]

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 06:30')
const someDays = z
  .array(z.enum(weekdays))
  .min(1, 'name at least one weekday, or leave them out for every day')
  .default([...weekdays])
const moments = z.array(
  z.strictObject({ weekdays: someDays, times: z.array(timeOfDay).min(1, 'name at least one time') }),
)
const blackout = z
  .strictObject({
    /** Days on which it begins. */
    weekdays: someDays,
    from: timeOfDay,
    /** Not later than `from`: it ends on the day after. */
    to: z.union([timeOfDay, z.literal('24:00')], 'must be a time of day such as 06:30, or 24:00'),
  })
  .refine(({ from, to }) => from !== to, {
    path: ['to'],
    message: 'must differ from where it begins: a whole day is from 00:00 to 24:00',
  })

/** When a link in automatic mode works. Times are those of the wall clock in its zone. */
export const linkSchedule = z
  .strictObject({
    /** Seconds between looks for changes; null: only at the times given. */
    intervalSeconds: z.number().int().min(1).max(86_400).nullable().default(60),
    timeZone: z.string().refine(isTimeZone, 'must be the name of a time zone such as Europe/Berlin').default('UTC'),
    /** When it synchronizes whether or not an interval is over. */
    runs: moments.default([]),
    /** When every record is listed: it finds what no change feed told, and what is gone. One that was missed is made up for. */
    fullScans: moments.default([{ weekdays: [...weekdays], times: ['03:30'] }]),
    /** When it leaves both systems alone. */
    blackouts: z.array(blackout).default([]),
  })
  .check(always(thatCanRun))
export type LinkSchedule = z.infer<typeof linkSchedule>

function thatCanRun(context: z.core.ParsePayload<unknown>): void {
  const { intervalSeconds, runs, fullScans, blackouts } = context.value as Record<string, unknown>
  const refuse = (key: string, message: string) =>
    context.issues.push({ code: 'custom', input: context.value, path: [key], message })
  const none = (list: unknown) => list === undefined || (Array.isArray(list) && list.length === 0)
  if (intervalSeconds === null && none(runs) && Array.isArray(fullScans) && none(fullScans))
    refuse('intervalSeconds', 'must be a number of seconds where no runs and no full scans have times')
  const windows: Blackouts = (Array.isArray(blackouts) ? blackouts : []).flatMap((one) => {
    const parsed = blackout.safeParse(one)
    return parsed.success ? [parsed.data] : []
  })
  if (isAlwaysClosed(windows)) refuse('blackouts', 'must leave some time open: these cover the whole week')
}

/** A link's whole configuration. Versions of it are immutable; a run pins one. */
export const linkConfiguration = z
  .strictObject({
    entityType: z.enum(linkKinds),
    left: linkSide,
    right: linkSide,
    fields: z.array(fieldMapping).min(1, 'map at least one field'),
    /** Empty: the entity types hold one type of record each. */
    types: z.array(typePair).default([]),
    rules: rulesOfDirections,
    /**
     * Ids of mappings that tell records apart where an endpoint has no field for a reference: the first is searched for. What
     * holds the same in all of them and has no twin is taken for the twin.
     */
    matchBy: z.array(z.string().min(1)).default([]),
    /** Files attached to records, where the link maps them. */
    attachments: z
      .strictObject({
        /** `value`: the files themselves; `address`: small files that say where they are. */
        method: z.enum(['value', 'address']).default('value'),
        /** What a file taken away on one side means for the other. */
        delete: z.enum(['nothing', 'delete']).default('nothing'),
        /** Larger files are not carried, and an issue says so; null: any. */
        maxBytes: z.number().int().min(1).nullable().default(null),
      })
      .prefault({}),
    /** Comments of records, where the link maps them; the direction is that of the mapping. */
    comments: z
      .strictObject({
        /** False: a comment is carried once and stays as it was then. */
        edits: z.boolean().default(true),
        /**
         * What a comment taken away means for the other side. `copies`: its copy is taken away as well, but never an original
         * whose copy is gone; `all`: either way.
         */
        deletes: z.enum(['nothing', 'copies', 'all'], 'must be nothing, copies or all').default('nothing'),
      })
      .prefault({}),
    /** Who a person without twin becomes: canonical user keys; null: the field stays empty with a warning. */
    defaultUsers: z
      .strictObject({ left: z.string().nullable(), right: z.string().nullable() })
      .default({ left: null, right: null }),
    /** Somebody without twin and without default user: a warning and an empty field, or the field (a new record as a whole) waits. */
    unknownUsers: z.enum(['warn', 'hold']).default('warn'),
    /** What becomes of a pair that leaves the scope: it stays in step, or rests until it is back. */
    whenLeaving: z.enum(['keep-syncing', 'stop']).default('keep-syncing'),
    /** True: releases whose end date has passed are taken up, too. */
    pastReleases: z.boolean().default(false),
    /** What becomes of a field that waits for a person and that nobody decides about; null: it waits on. Frozen fields always do. */
    unanswered: z
      .strictObject({
        /** Since its values last changed. */
        afterDays: z.number().int().min(1).max(365),
        /** The side whose value is taken then. */
        take: z.enum(['left', 'right']),
      })
      .nullable()
      .default(null),
    schedule: linkSchedule.prefault({}),
    tuning: z
      .strictObject({
        batchSize: z.number().int().min(1).max(500).default(100),
        parallel: z.number().int().min(1).max(16).default(6),
        /** How long the last part of the past is read again at each scan, in seconds. */
        overlapSeconds: z.number().int().min(2).max(7_200).default(300),
        /** How long an unanswered create is looked up before it may be sent again, in seconds. */
        inDoubtSeconds: z.number().int().min(1).max(86_400).default(600),
        /** `lock`: exact, one record at a time; `bulk`: re-read just before, many at a time. For sides that lock. */
        writes: z.enum(['lock', 'bulk']).default('lock'),
        /** A record counts as gone when two complete listings so far apart lack it, in seconds. */
        goneAfterSeconds: z.number().int().min(0).max(2_592_000).default(3600),
        /** Pause between batches in milliseconds, to spare an endpoint. */
        batchPauseMs: z.number().int().min(0).max(60_000).default(0),
      })
      .prefault({}),
    /**
     * What one run may do before somebody has to agree: whichever of count and share is larger. Nothing beyond it is done
     * by itself; everything else goes on.
     */
    brake: z
      .strictObject({
        changes: z.strictObject({ count: z.number().int().min(0), share: z.number().min(0).max(1) }),
        deletions: z.strictObject({ count: z.number().int().min(0), share: z.number().min(0).max(1) }),
      })
      .default({ changes: { count: 500, share: 0.2 }, deletions: { count: 10, share: 0.01 } }),
  })
  .check(always(oneUseOfEachField))
  .check(always(typesFitTogether))
  .check(always(matchByNamesFields))

/** The same with rules that came later: asked of what is saved, not of versions that were saved before. */
export const linkConfigurationToSave = linkConfiguration.check(always(rulesFitTogether)).check(always(rootsFit))
export type LinkConfiguration = z.infer<typeof linkConfiguration>
export type LinkConfigurationInput = z.input<typeof linkConfiguration>

/** A field is mapped to one other field only (of each type of record), and ids are unique. */
function oneUseOfEachField(context: z.core.ParsePayload<unknown>): void {
  const { fields } = context.value as { fields?: unknown }
  if (!Array.isArray(fields)) return
  const uses: Record<'id' | 'left' | 'right', Map<string, { index: number; types: readonly string[] | null }[]>> = {
    id: new Map(),
    left: new Map(),
    right: new Map(),
  }
  for (const [index, field] of (fields as unknown[]).entries()) {
    const given = (field as { types?: unknown } | null)?.types
    const types = Array.isArray(given) ? (given as string[]) : null
    for (const key of ['id', 'left', 'right'] as const) {
      const value = (field as Record<string, unknown> | null)?.[key]
      if (typeof value !== 'string') continue
      const earlier = uses[key].get(value) ?? []
      const clash = earlier.find(
        (use) => key === 'id' || types === null || use.types === null || use.types.some((type) => types.includes(type)),
      )
      if (clash !== undefined)
        context.issues.push({
          code: 'custom',
          input: field,
          path: ['fields', index, key],
          message: `${value} is already used by fields[${clash.index}]: a field maps to one other field only`,
        })
      uses[key].set(value, [...earlier, { index, types }])
    }
  }
}

/** Requirements and releases stand in folders, defects in none: a root folder would limit nothing. */
function rootsFit(context: z.core.ParsePayload<unknown>): void {
  const value = context.value as { entityType?: unknown; left?: { root?: unknown }; right?: { root?: unknown } }
  if (value.entityType !== 'defect') return
  for (const side of ['left', 'right'] as const)
    if ((value[side]?.root ?? null) !== null)
      context.issues.push({
        code: 'custom',
        input: value,
        path: [side, 'root'],
        message: 'defects stand in no folders: leave it empty, and limit the scope by a filter',
      })
}

/** Types of records belong to one pair each, and whatever names a type pair names one that exists. */
function typesFitTogether(context: z.core.ParsePayload<unknown>): void {
  const value = context.value as { entityType?: unknown; types?: unknown; fields?: unknown }
  const types = (Array.isArray(value.types) ? value.types : []) as Partial<TypePair>[]
  const complain = (path: PropertyKey[], message: string) =>
    context.issues.push({ code: 'custom', input: value, path, message })
  if (typeof value.entityType === 'string' && value.entityType !== 'defect' && types.length === 0)
    complain(['types'], `a ${String(value.entityType)} link needs at least one pair of types`)
  if (value.entityType === 'defect' && types.length > 0)
    complain(['types'], 'defects have one type only: leave it empty')
  const ids = new Set<unknown>()
  const owner = { left: new Map<string, number>(), right: new Map<string, number>() }
  for (const [index, type] of types.entries()) {
    if (ids.has(type?.id)) complain(['types', index, 'id'], `${type.id} is used twice`)
    ids.add(type?.id)
    for (const side of ['left', 'right'] as const)
      for (const one of type?.[side]?.values ?? []) {
        const first = owner[side].get(one)
        if (first === undefined) owner[side].set(one, index)
        else complain(['types', index, side, 'values'], `${one} belongs to types[${first}] already`)
      }
  }
  for (const [index, type] of types.entries())
    for (const [at, parent] of (type?.parents ?? []).entries())
      if (!ids.has(parent)) complain(['types', index, 'parents', at], `there is no type pair ${parent}`)
  for (const [index, field] of (Array.isArray(value.fields) ? value.fields : []).entries())
    for (const [at, type] of ((field as { types?: unknown[] } | null)?.types ?? []).entries())
      if (!ids.has(type)) complain(['fields', index, 'types', at], `there is no type pair ${String(type)}`)
}

function matchByNamesFields(context: z.core.ParsePayload<unknown>): void {
  const { matchBy, fields } = context.value as { matchBy?: unknown; fields?: unknown }
  const known = new Map(
    (Array.isArray(fields) ? fields : []).map((field: { id?: unknown; left?: unknown; right?: unknown } | null) => [
      field?.id,
      field,
    ]),
  )
  for (const [index, id] of (Array.isArray(matchBy) ? matchBy : []).entries()) {
    const field = known.get(id)
    if (field === undefined || field?.left === null || field?.right === null)
      context.issues.push({
        code: 'custom',
        input: id,
        path: ['matchBy', index],
        message: `${String(id)} is no mapping of two fields`,
      })
  }
}

/**
 * A direction that creates or updates has a field mapped in it; what is created anew may be created; and a value has one
 * counterpart in each direction.
 */
function rulesFitTogether(context: z.core.ParsePayload<unknown>): void {
  const parsed = z
    .object({
      rules: rulesOfDirections,
      types: z.array(z.object({ id: z.string(), rules: rulesOfDirections.optional() })).default([]),
      fields: z.array(z.object({ direction: z.string(), types: z.array(z.string()).optional() })),
    })
    .safeParse(context.value)
  if (parsed.success) {
    const { rules, types, fields } = parsed.data
    const all =
      types.length === 0
        ? [{ id: null, rules, path: ['rules'] as PropertyKey[] }]
        : types.map((type, index) => ({
            id: type.id,
            rules: type.rules ?? rules,
            path: type.rules === undefined ? ['rules'] : ['types', index, 'rules'],
          }))
    const told = new Set<string>()
    const complain = (path: PropertyKey[], message: string) => {
      if (told.has(path.join('/'))) return
      told.add(path.join('/'))
      context.issues.push({ code: 'custom', input: context.value, path, message })
    }
    for (const { id, rules: own, path } of all)
      for (const [way, direction, back] of [
        ['toRight', 'to-right', 'toLeft'],
        ['toLeft', 'to-left', 'toRight'],
      ] as const) {
        const flows = fields.some(
          (field) =>
            (field.direction === 'both' || field.direction === direction) &&
            (id === null || field.types === undefined || field.types.includes(id)),
        )
        if ((own[way].create || own[way].update) && !flows)
          complain(
            [...path, way],
            `writes in a direction in which no field${id === null ? '' : ` of "${id}"`} is mapped`,
          )
        if (own[way].delete === 're-create' && !own[back].create)
          complain([...path, way, 'delete'], `needs ${back}/create: what was deleted is created anew in that direction`)
      }
  }
  const { fields } = context.value as { fields?: unknown }
  for (const [index, field] of (Array.isArray(fields) ? (fields as unknown[]) : []).entries())
    oneCounterpart(context, field, index)
}

function oneCounterpart(context: z.core.ParsePayload<unknown>, field: unknown, index: number): void {
  const parsed = z.array(valuePair).safeParse((field as { values?: unknown } | null)?.values ?? [])
  const first = new Map<string, number>()
  for (const [at, pair] of (parsed.success ? parsed.data : []).entries())
    for (const [from, direction] of [
      ['left', 'to-right'],
      ['right', 'to-left'],
    ] as const) {
      if (pair.direction !== 'both' && pair.direction !== direction) continue
      const key = `${from} ${pair[from]}`
      const earlier = first.get(key)
      if (earlier === undefined) first.set(key, at)
      else
        context.issues.push({
          code: 'custom',
          input: field,
          path: ['fields', index, 'values', at, from],
          message: `${pair[from]} has a counterpart in this direction already, in values[${earlier}]`,
        })
    }
}
