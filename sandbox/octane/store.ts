import { canonicalMemo } from '../../core/memo.ts'
import type { SandboxClock } from '../common/clock.ts'
import { chooseSwitches, type SwitchValues } from '../common/switches.ts'
import type { TruthEntry, TruthLog } from '../common/truth-log.ts'
import { people } from '../seed/people.ts'
import { createRandom } from '../seed/random.ts'
import { releases } from '../seed/releases.ts'
import { defectTitle, memoHtml } from '../seed/texts.ts'
import { type FieldModel, lists, parentsOf, phases, type TypeModel, transitions, typeModels } from './model.ts'
import { octaneSwitches } from './switches.ts'

export type Entity = Record<string, unknown> & { id: string; type: string }
export type Reference = { type: string; id: string }

/** A refusal, with what the product's error body needs. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly properties: Record<string, unknown> | null
  readonly business: boolean

  constructor(
    status: number,
    code: string,
    message: string,
    properties: Record<string, unknown> | null = null,
    business = false,
  ) {
    super(message)
    this.status = status
    this.code = code
    this.properties = properties
    this.business = business
  }
}

export interface WriteContext {
  actor: string
  actorId: string
  via: 'rest' | 'control' | 'seed'
}

/** A workspace's state at one time. */
export interface OctaneSnapshot {
  rows: ReadonlyMap<string, ReadonlyMap<string, Entity>>
  texts: Map<string, Map<string, Set<string>>>
  nextId: number
}

/** The workspace's records and the rules of writing them. */
export class OctaneStore {
  readonly types = new Map<string, TypeModel>(typeModels.map((type) => [type.name, type]))
  readonly switches: SwitchValues<typeof octaneSwitches>
  readonly workspace: string
  readonly #rows = new Map<string, Map<string, Entity>>(typeModels.map((type) => [type.name, new Map()]))
  /** Records by the text of a field, for exact look-ups. */
  readonly #texts = new Map<string, Map<string, Set<string>>>()
  readonly #truth: TruthLog
  readonly #clock: SandboxClock
  /** Called after every commit by REST or by a person. */
  onCommit: (entry: TruthEntry) => void = () => {}
  #nextId = 1001

  constructor(options: {
    truth: TruthLog
    clock: SandboxClock
    switches: Readonly<Record<string, string>>
    workspace: string
  }) {
    this.#truth = options.truth
    this.#clock = options.clock
    this.switches = chooseSwitches(octaneSwitches, options.switches)
    this.workspace = options.workspace
  }

  rows(type: string): Map<string, Entity> {
    const rows = this.#rows.get(type)
    if (rows === undefined) throw new Error(`no such type ${type}`)
    return rows
  }

  /** A record of a type or of one of its subtypes. */
  find(type: string, id: string): Entity | undefined {
    const own = this.#rows.get(type)?.get(id)
    if (own !== undefined) return own
    for (const model of typeModels)
      if (model.base === type) {
        const found = this.#rows.get(model.name)?.get(id)
        if (found !== undefined) return found
      }
    return undefined
  }

  idsByText(type: string, field: string, value: string): ReadonlySet<string> | undefined {
    return this.#texts.get(`${type}.${field}`)?.get(value.toLowerCase())
  }

  stamp(at = this.#clock.now()): string {
    return `${new Date(at).toISOString().slice(0, 19)}Z`
  }

  model(type: string): TypeModel {
    const model = this.types.get(type)
    if (model === undefined) throw new Refusal(404, 'platform.web_application', 'HTTP 404 Not Found')
    return model
  }

  /** Takes the next id, for a record that is committed later. */
  reserveId(): string {
    return String(this.#nextId++)
  }

  /** The whole state as it is: records and the next id. */
  snapshot(): OctaneSnapshot {
    return {
      rows: new Map([...this.#rows].map(([type, rows]) => [type, new Map(rows)])),
      texts: structuredClone(this.#texts),
      nextId: this.#nextId,
    }
  }

  /** Goes back to an earlier state: later records are gone and their ids are used again, stamps fall back. */
  restore(snapshot: OctaneSnapshot, actor = 'restore'): void {
    const workspace_id = Number(this.workspace)
    for (const [type, rows] of snapshot.rows)
      this.#rows.set(type, new Map([...rows].map(([id, row]) => [id, { ...row, workspace_id }])))
    this.#texts.clear()
    for (const [key, value] of structuredClone(snapshot.texts)) this.#texts.set(key, value)
    this.#nextId = snapshot.nextId
    this.#log({ actor, actorId: '', via: 'control' }, 'restore', '', null, null)
  }

  create(type: string, body: Record<string, unknown>, context: WriteContext, at?: string, reserved?: string): Entity {
    const model = this.model(type)
    this.#checkBody(model, body, context, null)
    const values = this.#values(model, body)
    const now = at ?? this.stamp()
    if (model.fields.some((field) => field.name === 'phase') && values.phase === undefined) {
      const [start] = phases[type] ?? []
      if (start !== undefined) values.phase = { type: 'phase', id: `phase.${type}.${start[1]}` }
    }
    if (type === 'defect' && values.severity === undefined)
      values.severity = { type: 'list_node', id: 'list_node.severity.medium' }
    if (model.base === 'work_item' && values.parent === undefined) values.parent = this.#defaultParent(type)
    if (
      model.fields.some((field) => field.name === 'author') &&
      (values.author === undefined || values.author === null)
    )
      values.author = { type: 'workspace_user', id: context.actorId }
    const entity = {
      ...Object.fromEntries(model.fields.map((field) => [field.name, emptyValue(field)])),
      ...values,
      workspace_id: Number(this.workspace),
      creation_time: now,
      last_modified: now,
      version_stamp: 1,
      client_lock_stamp: 1,
      type,
      id: typeof body.id === 'string' && context.via === 'seed' ? body.id : (reserved ?? this.reserveId()),
    } as Entity
    entity.logical_name = entity.logical_name ?? `${type}.${entity.id}`
    if ('subtype' in entity) entity.subtype = type
    if (values.parent !== undefined) this.#checkParent(type, values.parent as Reference | null)
    this.#checkRequired(model, entity)
    this.#checkUnique(model, entity)
    this.#checkRules(entity)
    this.rows(type).set(entity.id, entity)
    this.#index(type, entity, true)
    if (type === 'comment') this.#commented(entity)
    if (context.via !== 'seed') this.#log(context, 'create', type, null, entity)
    return entity
  }

  update(type: string, id: string, body: Record<string, unknown>, context: WriteContext, at?: string): Entity {
    const model = this.model(type)
    const before = this.rows(type).get(id)
    if (before === undefined) throw notFound(type, id)
    this.#checkBody(model, body, context, before)
    const lock = body.client_lock_stamp
    if (lock !== undefined && lock !== null && Number(lock) !== before.client_lock_stamp)
      throw new Refusal(500, this.switches.lockMismatchCode, `The client_lock_stamp ${String(lock)} is out of date.`, {
        entity_type: type,
        entity_id: id,
      })
    const values = this.#values(model, body)
    const changed = Object.keys(values).filter((name) => JSON.stringify(values[name]) !== JSON.stringify(before[name]))
    if (changed.includes('phase')) this.#checkTransition(type, before.phase as Reference, values.phase as Reference)
    if (changed.includes('parent')) this.#checkParent(type, values.parent as Reference | null)
    const quiet = this.switches.quietFields === 'no' ? [] : this.switches.quietFieldNames.split(',')
    const loud = changed.some((name) => !quiet.includes(name))
    const after: Entity = {
      ...before,
      ...values,
      version_stamp: Number(before.version_stamp) + 1,
      client_lock_stamp: Number(before.client_lock_stamp) + (loud ? 1 : 0),
      last_modified: at ?? this.stamp(),
    }
    this.#checkRequired(model, after)
    this.#checkUnique(model, after)
    this.#checkRules(after)
    this.#index(type, before, false)
    this.rows(type).set(id, after)
    this.#index(type, after, true)
    this.#log(context, 'update', type, before, after, changed)
    return after
  }

  delete(type: string, id: string, context: WriteContext): Entity {
    this.model(type)
    const before = this.rows(type).get(id)
    if (before === undefined) throw notFound(type, id)
    this.#releaseChildren(type, id, context)
    this.rows(type).delete(id)
    this.#index(type, before, false)
    this.#log(context, 'delete', type, before, null)
    return before
  }

  /** Nothing keeps pointing to what is deleted: children as the switch says, other references are cleared. */
  #releaseChildren(type: string, id: string, context: WriteContext): void {
    const pointing = typeModels.flatMap((model) => {
      const bases = [type, this.model(type).base]
      const fields = model.fields.filter((field) => field.target !== undefined && bases.includes(field.target))
      if (fields.length === 0) return []
      return [...this.rows(model.name).values()].flatMap((row) => {
        const named = fields.filter((field) => namesRecord(row[field.name], type, id))
        return named.length === 0 ? [] : [{ model, row, named }]
      })
    })
    const isChild = (named: readonly FieldModel[]) => named.some((field) => field.name === 'parent')
    if (this.switches.deleteParent === 'refuse' && pointing.some(({ named }) => isChild(named)))
      throw new Refusal(
        409,
        'platform.entity_has_children',
        `The entity '${type}' with id '${id}' has children and cannot be deleted.`,
        { entity_type: type, entity_id: id },
        true,
      )
    for (const { model, row, named } of pointing) {
      const goesToo =
        model.name === 'comment' ||
        (isChild(named) && this.switches.deleteParent === 'delete') ||
        named.some((field) => field.final === true && field.required === true)
      if (goesToo) {
        if (this.rows(model.name).has(row.id)) this.delete(model.name, row.id, context)
        continue
      }
      const cleared = named.map((field) => [
        field.name,
        field.multiple === true
          ? { data: (row[field.name] as Reference[]).filter((one) => !(one.type === type && one.id === id)) }
          : field.name === 'parent'
            ? this.#defaultParent(model.name)
            : null,
      ])
      this.update(model.name, row.id, Object.fromEntries(cleared), { ...context, via: 'control' })
    }
  }

  #log(
    context: WriteContext,
    action: TruthEntry['action'],
    type: string,
    before: Entity | null,
    after: Entity | null,
    changed: string[] = [],
  ): void {
    const entry = this.#truth.append({
      at: new Date(this.#clock.trueTime()).toISOString(),
      system: 'octane',
      actor: context.actor,
      action,
      type,
      id: (after ?? before)?.id ?? '',
      before,
      after,
      changed: action === 'create' ? Object.keys(after ?? {}) : changed,
      version: after === null ? null : Number(after.version_stamp),
      via: context.via,
    })
    this.onCommit(entry)
  }

  #index(type: string, entity: Entity, add: boolean): void {
    for (const field of this.model(type).fields) {
      if (field.type !== 'string' || !field.userDefined) continue
      const value = entity[field.name]
      if (typeof value !== 'string') continue
      const key = `${type}.${field.name}`
      const byText = this.#texts.get(key) ?? new Map<string, Set<string>>()
      this.#texts.set(key, byText)
      const ids = byText.get(value.toLowerCase()) ?? new Set<string>()
      if (add) ids.add(entity.id)
      else ids.delete(entity.id)
      byText.set(value.toLowerCase(), ids)
    }
  }

  #commented(comment: Entity): void {
    const owner = comment.owner_work_item as Reference | null
    const item = owner === null ? undefined : this.find('work_item', owner.id)
    if (item === undefined) return
    const bumped = {
      last_modified: this.stamp(),
      version_stamp: Number(item.version_stamp) + 1,
    }
    this.rows(item.type).set(item.id, {
      ...item,
      has_comments: true,
      ...(this.switches.commentsBumpItem === 'yes' ? bumped : {}),
    })
  }

  #defaultParent(type: string): Reference | null {
    const [root] = this.rows('work_item_root').values()
    return type === 'feature' || root === undefined ? null : { type: 'work_item_root', id: root.id }
  }

  /** Unknown, read-only and wrongly typed fields are refused before anything is done. */
  #checkBody(model: TypeModel, body: Record<string, unknown>, context: WriteContext, before: Entity | null): void {
    for (const [name, value] of Object.entries(body)) {
      if (name === 'type' || (name === 'id' && (before !== null || context.via === 'seed'))) continue
      const field = model.fields.find((candidate) => candidate.name === name)
      if (field === undefined)
        throw new Refusal(
          400,
          'platform.unknown_field',
          `The entity type '${model.name}' does not have a field/s by name/s '${name}'`,
          {
            entity_type: model.name,
            field_name: name,
          },
        )
      if (context.via !== 'rest') continue
      const frozen = field.editable === false || (field.final === true && before !== null)
      if (frozen)
        throw new Refusal(
          403,
          'platform.modify_non_editable_field',
          `The field '${name}' of '${model.name}' cannot be modified.`,
          {
            entity_type: model.name,
            field_name: name,
          },
        )
      this.#checkValue(model, field, value)
    }
  }

  #checkValue(model: TypeModel, field: FieldModel, value: unknown): void {
    if (value === null || value === undefined) return
    const refuse: (why: string) => never = (why) => {
      throw new Refusal(
        400,
        'platform.illegal_field_value',
        `The value of the field '${field.name}' is illegal: ${why}`,
        {
          entity_type: model.name,
          field_name: field.name,
        },
      )
    }
    switch (field.type) {
      case 'string':
      case 'memo':
        if (typeof value !== 'string') refuse('a text is expected')
        if (field.type === 'string' && field.maxLength !== undefined && String(value).length > field.maxLength)
          throw new Refusal(
            400,
            'platform.field_too_long',
            `The value of the field '${field.name}' exceeds the maximum length of ${field.maxLength}.`,
            {
              entity_type: model.name,
              field_name: field.name,
            },
          )
        return
      case 'integer':
      case 'float':
        if (typeof value !== 'number' || (field.type === 'integer' && !Number.isInteger(value)))
          refuse('a number is expected')
        return
      case 'boolean':
        if (typeof value !== 'boolean') refuse('true or false is expected')
        return
      case 'date_time':
        if (
          typeof value !== 'string' ||
          !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/.test(value) ||
          Number.isNaN(Date.parse(value))
        )
          refuse('a time such as 2026-05-04T09:15:00Z is expected')
        return
      case 'reference': {
        const items = field.multiple === true ? (value as { data?: unknown }).data : [value]
        if (!Array.isArray(items)) refuse('{"data":[...]} is expected')
        for (const item of (items ?? []) as (Partial<Reference> | null)[]) {
          const id = item?.id
          if (id === undefined) refuse('{"type":..., "id":...} is expected')
          const target = this.find(field.target ?? '', String(id))
          if (target === undefined) refuse(`there is no ${field.target} ${String(id)}`)
          if (field.list !== undefined && (target?.list_root as Reference | null)?.id !== this.#listRoot(field.list))
            refuse(`${String(id)} is no item of ${field.list}`)
          if (field.target === 'phase' && target?.entity !== model.name)
            refuse(`${String(id)} is no phase of ${model.name}`)
        }
        return
      }
      default:
    }
  }

  #listRoot(list: string): string | undefined {
    return this.rows('list_node').get(list)?.id
  }

  #values(model: TypeModel, body: Record<string, unknown>): Record<string, unknown> {
    const values: Record<string, unknown> = {}
    for (const field of model.fields) {
      if (!(field.name in body) || field.name === 'client_lock_stamp' || field.name === 'id') continue
      values[field.name] = this.#stored(field, body[field.name])
    }
    return values
  }

  #stored(field: FieldModel, value: unknown): unknown {
    if (value === null || value === undefined || value === '') return field.multiple === true ? [] : null
    if (field.type === 'memo') return storedMemo(String(value))
    if (field.type === 'date_time') return `${new Date(String(value)).toISOString().slice(0, 19)}Z`
    if (field.type === 'reference') {
      const reference = (item: Reference): Reference => ({
        type: this.find(field.target ?? '', String(item.id))?.type ?? field.target ?? item.type,
        id: String(item.id),
      })
      if (field.multiple !== true) return reference(value as Reference)
      const data = Array.isArray(value) ? value : ((value as { data?: Reference[] }).data ?? [])
      const unique = new Map((data as Reference[]).map((item) => [String(item.id), reference(item)]))
      return [...unique.values()]
    }
    return value
  }

  #checkRequired(model: TypeModel, entity: Entity): void {
    for (const field of model.fields) {
      if (field.required !== true || field.editable === false) continue
      const value = entity[field.name]
      if (value === null || value === undefined || value === '')
        throw new Refusal(400, this.switches.requiredCode, `The field '${field.label}' is required.`, {
          entity_type: model.name,
          field_name: field.name,
        })
    }
  }

  #checkUnique(model: TypeModel, entity: Entity): void {
    if (model.uniqueName !== true) return
    for (const other of this.rows(model.name).values())
      if (other.id !== entity.id && String(other.name).toLowerCase() === String(entity.name).toLowerCase())
        throw new Refusal(
          409,
          'platform.duplicate_entity_error',
          `A ${model.label} named '${String(entity.name)}' exists already.`,
          { entity_type: model.name },
          true,
        )
  }

  #checkRules(entity: Entity): void {
    const closed = (entity.phase as Reference | null)?.id === 'phase.defect.closed'
    if (this.switches.closedNeedsDate === 'yes' && closed && entity.closed_on === null)
      throw new Refusal(
        400,
        'platform.business_rule',
        "Business rule 'Closed needs a date': the field 'Closed on' is required in phase 'Closed'.",
        { field_name: 'closed_on' },
        true,
      )
  }

  #checkParent(type: string, parent: Reference | null): void {
    const allowed = parentsOf[type]
    if (this.switches.parentRules === 'no' || parent === null || allowed === undefined) return
    if (!allowed.includes(parent.type))
      throw new Refusal(
        400,
        this.switches.parentCode,
        `A ${this.model(type).label} can't stand below a ${this.model(parent.type).label}.`,
        { entity_type: type, field_name: 'parent' },
        true,
      )
  }

  #checkTransition(type: string, from: Reference, to: Reference): void {
    if (this.switches.enforceTransitions === 'no') return
    const logical = (phase: Reference) => phase.id.split('.').pop() ?? ''
    const allowed = (transitions[type] ?? []).some(
      ([source, target]) => source === logical(from) && target === logical(to),
    )
    if (!allowed)
      throw new Refusal(
        400,
        this.switches.transitionCode,
        `The transition from '${logical(from)}' to '${logical(to)}' is not allowed.`,
        { entity_type: type, field_name: 'phase' },
        true,
      )
  }

  /** Fills the workspace: lists, phases, people, releases, and so many defects from the number. */
  seed(options: { seed: number; defects: number }): void {
    const context: WriteContext = { actor: 'seed', actorId: '1001', via: 'seed' }
    const at = '2025-01-02T08:00:00Z'
    const put = (type: string, body: Record<string, unknown>) => this.create(type, body, context, at)
    for (const [list, items] of Object.entries(lists)) {
      put('list_node', { id: list, name: list.replace('list_node.', ''), logical_name: list })
      const labels =
        list === 'list_node.severity' && this.switches.severityLabels === 'customised'
          ? ['Trivial', 'Minor', 'Major', 'Critical', 'Blocker']
          : items
      labels.forEach((name, index) => {
        const logical = `${list}.${name.toLowerCase().replace(/\s+/g, '_')}`
        put('list_node', {
          id: logical,
          name,
          logical_name: logical,
          index,
          list_root: { type: 'list_node', id: list },
        })
      })
    }
    for (const meta of ['new', 'inprogress', 'done'])
      put('metaphase', {
        id: `metaphase.work_item.${meta}`,
        name: meta,
        logical_name: `metaphase.work_item.${meta}`,
        entity: 'work_item',
      })
    for (const [type, rows] of Object.entries(phases)) {
      rows.forEach(([name, logical, meta], index) => {
        const id = `phase.${type}.${logical}`
        put('phase', {
          id,
          name,
          logical_name: id,
          entity: type,
          index,
          is_start_phase: index === 0,
          is_hidden: false,
          is_system: true,
          color_hex: '#00a982',
          metaphase: { type: 'metaphase', id: `metaphase.work_item.${meta}` },
        })
      })
      for (const [from, to] of transitions[type] ?? [])
        put('transition', {
          entity: type,
          is_primary: true,
          source_phase: { type: 'phase', id: `phase.${type}.${from}` },
          target_phase: { type: 'phase', id: `phase.${type}.${to}` },
        })
    }
    put('workspace_user', {
      id: '1001',
      name: 'sync_api_key',
      full_name: 'Synchronization key',
      email: null,
      activity_level: 0,
      is_api_key: true,
    })
    let userId = 1002
    for (const person of people) {
      if (person.in === 'alm') continue
      const [first = '', ...last] = person.fullName.split(' ')
      put('workspace_user', {
        id: String(userId++),
        name: person.email ?? person.login,
        full_name: person.fullName,
        first_name: first,
        last_name: last.join(' '),
        email: person.email,
        activity_level: person.active ? 0 : 1,
        is_api_key: false,
      })
    }
    put('workspace_user', {
      id: String(userId),
      name: 'sync@example.com',
      full_name: 'Sync User',
      email: 'sync@example.com',
      activity_level: 0,
      is_api_key: false,
    })
    put('product_area', { id: '1001', name: 'Application modules', parent: null })
    put('work_item_root', { id: '1001', name: 'Backlog', phase: null })
    for (const team of ['Team Blue', 'Team Green']) put('team', { name: team })
    put('milestone', { name: 'General availability', date: '2026-12-18T12:00:00Z' })
    const noon = (date: string) => `${date}T12:00:00Z`
    for (const release of [
      ...releases,
      { name: 'Octane only 9.9', start: '2026-07-01', end: '2026-12-31', cycles: [] as string[] },
    ]) {
      const created = put('release', {
        name: release.name,
        start_date: noon(release.start),
        end_date: noon(release.end),
      })
      for (const cycle of release.cycles)
        put('sprint', {
          name: cycle,
          release: { type: 'release', id: created.id },
          start_date: noon(release.start),
          end_date: noon(release.end),
        })
    }
    // Numbers of defects begin round, so that demonstrations read well and ids sort as text.
    this.#nextId = Math.max(this.#nextId, 2001)
    this.seedDefects(options.seed, options.defects)
  }

  seedDefects(seed: number, count: number): void {
    const random = createRandom(seed + 7)
    const humans = [...this.rows('workspace_user').values()].filter((user) => user.is_api_key === false)
    const all = [...this.rows('release').values()].filter((release) => !String(release.name).includes('only'))
    const sprints = [...this.rows('sprint').values()]
    const person = () => (random.chance(0.15) ? null : { type: 'workspace_user', id: random.pick(humans).id })
    const item = (list: string) => ({
      type: 'list_node',
      id: `${list}.${random
        .pick(lists[list] ?? ['x'])
        .toLowerCase()
        .replace(/\s+/g, '_')}`,
    })
    for (let number = 1; number <= count; number++) {
      const release = random.chance(0.6) ? random.pick(all) : null
      const own = release === null ? [] : sprints.filter((sprint) => (sprint.release as Reference).id === release.id)
      const phase = random.pick((phases.defect ?? []).map(([, logical]) => logical))
      const created = new Date(Date.UTC(2025, 0, 6) + random.between(0, 500 * 24 * 3_600) * 1_000)
        .toISOString()
        .slice(0, 19)
      this.create(
        'defect',
        {
          name: defectTitle(random, number).trim(),
          description: memoHtml(random),
          phase: { type: 'phase', id: `phase.defect.${phase}` },
          severity:
            this.switches.severityLabels === 'customised'
              ? { type: 'list_node', id: 'list_node.severity.major' }
              : item('list_node.severity'),
          priority: random.chance(0.2) ? null : item('list_node.priority'),
          owner: person(),
          detected_by: person(),
          release: release === null ? null : { type: 'release', id: release.id },
          sprint: own.length > 0 && random.chance(0.5) ? { type: 'sprint', id: random.pick(own).id } : null,
          story_points: random.chance(0.5) ? random.between(1, 13) : null,
          customer_impact_udf: random.chance(0.4) ? item('list_node.customer_impact') : null,
          browsers_udf: random.chance(0.3) ? [item('list_node.browsers'), item('list_node.browsers')] : [],
        },
        { actor: 'seed', actorId: '1001', via: 'seed' },
        `${created}Z`,
      )
    }
  }
}

function emptyValue(field: FieldModel): unknown {
  if (field.multiple === true) return []
  return field.type === 'boolean' ? false : null
}

/** A clean wrapped document is kept byte for byte; anything else is sanitised and wrapped. */
function storedMemo(html: string): string | null {
  if (/^<html><body>\n[\s\S]*\n<\/body><\/html>$/.test(html) && !/<script|\son\w+\s*=|javascript:/i.test(html))
    return html
  const clean = canonicalMemo(html)
  return clean === null ? null : `<html><body>\n${clean}\n</body></html>`
}

function namesRecord(value: unknown, type: string, id: string): boolean {
  const named = (Array.isArray(value) ? value : [value]) as (Reference | null | undefined)[]
  return named.some((one) => one?.id === id && one.type === type)
}

function notFound(type: string, id: string): Refusal {
  return new Refusal(404, 'platform.entity_not_found', `The entity '${type}' with id '${id}' does not exist.`, {
    entity_type: type,
    entity_id: id,
  })
}
