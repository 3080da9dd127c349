import { canonicalMemo } from '../../core/memo.ts'
import type { SandboxClock } from '../common/clock.ts'
import { chooseSwitches } from '../common/switches.ts'
import type { TruthEntry, TruthLog } from '../common/truth-log.ts'
import { type FieldModel, modelOf, phases, type TypeModel, typeModels } from './model.ts'
import { notFound, Refusal } from './refusal.ts'
import { OctaneRules } from './rules.ts'
import { type OctaneSwitchValues, octaneSwitches } from './switches.ts'

export type Entity = Record<string, unknown> & { id: string; type: string }
export type Reference = { type: string; id: string }

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
  readonly switches: OctaneSwitchValues
  readonly workspace: string
  readonly #rows = new Map<string, Map<string, Entity>>(typeModels.map((type) => [type.name, new Map()]))
  /** Records by the text of a field, for exact look-ups. */
  readonly #texts = new Map<string, Map<string, Set<string>>>()
  readonly #truth: TruthLog
  readonly #clock: SandboxClock
  readonly #rules = new OctaneRules(this)
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
    return modelOf(type)
  }

  /** Takes the next id, for a record that is committed later. */
  reserveId(): string {
    return String(this.#nextId++)
  }

  /** Ids go on from here, if they are not beyond it. */
  startIds(from: number): void {
    this.#nextId = Math.max(this.#nextId, from)
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
    this.#rules.checkBody(model, body, context, null)
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
    if (values.parent !== undefined) this.#rules.checkParent(type, values.parent as Reference | null)
    this.#rules.checkRequired(model, entity)
    this.#rules.checkUnique(model, entity)
    this.#rules.checkRules(entity)
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
    this.#rules.checkBody(model, body, context, before)
    const lock = body.client_lock_stamp
    if (lock !== undefined && lock !== null && Number(lock) !== before.client_lock_stamp)
      throw new Refusal(500, this.switches.lockMismatchCode, `The client_lock_stamp ${String(lock)} is out of date.`, {
        entity_type: type,
        entity_id: id,
      })
    const values = this.#values(model, body)
    const changed = Object.keys(values).filter((name) => JSON.stringify(values[name]) !== JSON.stringify(before[name]))
    if (changed.includes('phase'))
      this.#rules.checkTransition(type, before.phase as Reference, values.phase as Reference)
    if (changed.includes('parent')) this.#rules.checkParent(type, values.parent as Reference | null)
    const quiet = this.switches.quietFields === 'no' ? [] : this.switches.quietFieldNames.split(',')
    const loud = changed.some((name) => !quiet.includes(name))
    const after: Entity = {
      ...before,
      ...values,
      version_stamp: Number(before.version_stamp) + 1,
      client_lock_stamp: Number(before.client_lock_stamp) + (loud ? 1 : 0),
      last_modified: at ?? this.stamp(),
    }
    this.#rules.checkRequired(model, after)
    this.#rules.checkUnique(model, after)
    this.#rules.checkRules(after)
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
