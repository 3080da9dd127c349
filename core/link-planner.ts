import type { PlannedField } from './intents.ts'
import type { LinkConfiguration, TypePair } from './link-config.ts'
import type { EntityMetadata, FieldMetadata, SideMetadata } from './metadata.ts'
import { createPlanner, type PairPlan, type Planner, type PlannerContext } from './plan.ts'
import type { Problem } from './problems.ts'
import { otherSide, type RecordSnapshot, type Side, sides } from './values.ts'

/** Mapping id under which a record's type appears in intents and the ledger. */
export const recordTypeMappingId = 'record-type'

/** The planner of a whole link: each record is planned by the mappings and rules of its own type. */
export interface LinkPlanner extends Planner {
  /** Rules and type pair of a record; null: it is of a type that the link does not keep in step. */
  kindOf(side: Side, snapshot: RecordSnapshot): RecordKind | null
}

export interface RecordKind {
  /** Null where the link's entity types hold one type of record each. */
  type: TypePair | null
  rules: LinkConfiguration['rules']
}

/** Builds the planner of a link version. Throws nothing: a type that an endpoint has lost is a problem of its records. */
export function createLinkPlanner(context: PlannerContext): LinkPlanner {
  const { configuration } = context
  const { types } = configuration
  if (types.length === 0) {
    const only: RecordKind = { type: null, rules: configuration.rules }
    return { ...createPlanner(context), kindOf: () => only }
  }
  const kinds = new Map(
    types.map((type): [string, RecordKind] => [type.id, { type, rules: type.rules ?? configuration.rules }]),
  )
  const planners = new Map(types.map((type) => [type.id, createPlanner(contextOf(context, type))]))
  const whole = createPlanner(context)
  const typeFields = {
    left: context.left.entity.recordTypes?.field ?? null,
    right: context.right.entity.recordTypes?.field ?? null,
  }
  const byValue = {
    left: new Map(types.flatMap((type) => type.left.values.map((value) => [value, type.id]))),
    right: new Map(types.flatMap((type) => type.right.values.map((value) => [value, type.id]))),
  }

  function typeIdOf(side: Side, snapshot: RecordSnapshot): string | null {
    const field = typeFields[side]
    const value = field === null ? null : snapshot.fields[field]
    return value === null || value === undefined ? null : (byValue[side].get(String(value)) ?? null)
  }

  function kindOf(side: Side, snapshot: RecordSnapshot): RecordKind | null {
    const id = typeIdOf(side, snapshot)
    return id === null ? null : (kinds.get(id) ?? null)
  }

  function plannerOf(side: Side, snapshot: RecordSnapshot): Planner | undefined {
    const id = typeIdOf(side, snapshot)
    return id === null ? undefined : planners.get(id)
  }

  return {
    kindOf,
    fieldsToRead(side) {
      const field = typeFields[side]
      const names = whole.fieldsToRead(side)
      return field === null || names.includes(field) ? names : [...names, field]
    },
    planPair(input) {
      const planner = plannerOf('left', input.left)
      if (planner === undefined || planner !== plannerOf('right', input.right)) return changedType(input)
      return planner.planPair(input)
    },
    planCreate(from, source, references) {
      const to = otherSide(from)
      const kind = kindOf(from, source)
      const planner = plannerOf(from, source)
      const field = typeFields[to]
      if (planner === undefined || kind === null || kind.type === null || field === null)
        return { fields: [], unset: [], problems: [], blocked: true, parts: false, comments: [] }
      const plan = planner.planCreate(from, source, references)
      const type: PlannedField = {
        mappingId: recordTypeMappingId,
        field,
        source: source.fields[typeFields[from] ?? ''] ?? null,
        before: null,
        sent: kind.type[to].default,
        rule: 'type',
        group: null,
      }
      return { ...plan, fields: [...plan.fields, type] }
    },
    learn: whole.learn,
    translate: (mapping, from, source, value, references) =>
      (plannerOf(from, source) ?? whole).translate(mapping, from, source, value, references),
    ancestor: whole.ancestor,
  }

  /** A record that became one of another type on one side: held whole, since deleting and creating it anew loses its history. */
  function changedType(input: { left: RecordSnapshot; right: RecordSnapshot }): PairPlan {
    const label = (side: Side): string => {
      const { entity } = context[side]
      const value = String(input[side].fields[typeFields[side] ?? ''] ?? '')
      return entity.recordTypes?.types.find((type) => type.value === value)?.label ?? value
    }
    const problem: Problem = {
      class: 'mapping',
      code: 'type-changed',
      message: `One twin is of type "${label('left')}", the other of type "${label('right')}": these are not mapped to each other.`,
      remedy:
        'Set the type back or change it on the other side as well; map the types to each other; or stop synchronizing the record. It is never deleted and created anew.',
    }
    return {
      writes: { left: [], right: [] },
      agreed: {},
      problems: [problem],
      conflicts: [],
      deciding: [],
      consumed: [],
      impossible: [],
      wantsHistory: [],
      files: { operations: [], comparisons: [] },
      comments: [],
    }
  }
}

/** What the planner of one type sees: its own mappings and rules, and the fields that its records have. */
function contextOf(context: PlannerContext, type: TypePair): PlannerContext {
  const { configuration } = context
  const [left, right] = sides.map(
    (side): SideMetadata => ({ ...context[side], entity: entityOf(context[side].entity, type[side]) }),
  )
  return {
    ...context,
    ...(left === undefined ? {} : { left }),
    ...(right === undefined ? {} : { right }),
    type,
    configuration: configurationOf(configuration, type),
  }
}

/** A link's configuration as it holds for the records of one type pair. */
export function configurationOf(configuration: LinkConfiguration, type: TypePair): LinkConfiguration {
  return {
    ...configuration,
    fields: configuration.fields.filter((mapping) => mapping.types === undefined || mapping.types.includes(type.id)),
    rules: type.rules ?? configuration.rules,
  }
}

/** The fields that records of a type have, as new ones need them. Several types of one pair: what any of them has. */
export function entityOf(entity: EntityMetadata, { values, default: standard }: TypePair['left']): EntityMetadata {
  const { recordTypes } = entity
  if (recordTypes === undefined) return entity
  const first = (value: string) => (value === standard ? 0 : 1)
  const fields = new Map<string, FieldMetadata>()
  for (const value of [...values].sort((a, b) => first(a) - first(b)))
    for (const field of recordTypes.types.find((type) => type.value === value)?.fields ?? [])
      if (!fields.has(field.name))
        fields.set(field.name, {
          ...field,
          required: field.required && value === standard && field.name !== recordTypes.field,
        })
  return { ...entity, fields: [...fields.values()] }
}
