import type { SandboxClock } from '../common/clock.ts'
import type { Content } from '../common/contents.ts'
import { chooseSwitches } from '../common/switches.ts'
import type { TruthEntry, TruthLog } from '../common/truth-log.ts'
import { BusinessRules } from './business-rules.ts'
import { addSprints, defaultParent, ownerChange, ownerOf, releasePointing } from './dependents.ts'
import type { FieldModel, TypeModel } from './field-models.ts'
import { type HistoryEntry, OctaneHistory } from './history.ts'
import { OctaneTypes } from './model.ts'
import { notFound, Refusal } from './refusal.ts'
import { OctaneRules } from './rules.ts'
import { type OctaneSwitchValues, octaneSwitches } from './switches.ts'
import { emptyValue, storedValue } from './values.ts'
import { phases } from './workflow.ts'

export type Entity = Record<string, unknown> & { id: string; type: string }
export type Reference = { type: string; id: string }

export interface WriteContext {
  actor: string
  actorId: string
  via: 'rest' | 'control' | 'seed'
}

/** What a record has besides its fields: the bytes of an attachment, the script of a test. */
export type Extra = { content: Content } | { script: string }

/** A workspace's state at one time. */
export interface OctaneSnapshot {
  rows: ReadonlyMap<string, ReadonlyMap<string, Entity>>
  texts: Map<string, Map<string, Set<string>>>
  logical: ReadonlyMap<string, string>
  extras: ReadonlyMap<string, Extra>
  history: readonly HistoryEntry[]
  nextId: number
}

/** Where a new record gets something else than its own: the stamp, or an id that was taken before. */
export interface CreateOptions {
  at?: string | undefined
  id?: string | undefined
  extra?: Extra
}

/** The workspace's records and the rules of writing them. */
export class OctaneStore {
  readonly switches: OctaneSwitchValues
  readonly workspace: string
  readonly history = new OctaneHistory()
  readonly businessRules = new BusinessRules()
  readonly types = new OctaneTypes()
  readonly #rows = new Map<string, Map<string, Entity>>(this.types.all().map((type) => [type.name, new Map()]))
  /** Records by the text of a field, for exact look-ups. */
  readonly #texts = new Map<string, Map<string, Set<string>>>()
  /** Ids of list items, phases and metaphases by logical name, where those are other texts. */
  readonly #logical = new Map<string, string>()
  readonly #extras = new Map<string, Extra>()
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

  /** A record of a type or of one of its subtypes, by id or by the logical name of a list item or phase. */
  find(type: string, id: string): Entity | undefined {
    for (const model of this.types.under(type)) {
      const rows = this.#rows.get(model.name)
      const found = rows?.get(id) ?? rows?.get(this.#logical.get(id) ?? '')
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
    return this.types.of(type)
  }

  /** A field that an administrator adds or describes anew; the records there are have no value in a new one. */
  setField(type: string, field: FieldModel): void {
    const isNew = !this.model(type).fields.some((one) => one.name === field.name)
    this.types.setField(type, field)
    if (!isNew) return
    for (const row of this.rows(type).values()) this.rows(type).set(row.id, { ...row, [field.name]: emptyValue(field) })
  }

  /** Takes the next id, for a record that is committed later. */
  reserveId(): string {
    return String(this.#nextId++)
  }

  /** Ids go on from here, if they are not beyond it. */
  startIds(from: number): void {
    this.#nextId = Math.max(this.#nextId, from)
  }

  extra(id: string): Extra | undefined {
    return this.#extras.get(id)
  }

  /** The whole state as it is: records and the next id. */
  snapshot(): OctaneSnapshot {
    return {
      rows: new Map([...this.#rows].map(([type, rows]) => [type, new Map(rows)])),
      texts: structuredClone(this.#texts),
      logical: new Map(this.#logical),
      extras: new Map(this.#extras),
      history: [...this.history.entries()],
      nextId: this.#nextId,
    }
  }

  /** Goes back to an earlier state: later records are gone and their ids are used again, stamps fall back. */
  restore(snapshot: OctaneSnapshot, actor = 'restore'): void {
    const workspace_id = Number(this.workspace)
    for (const [type, rows] of snapshot.rows)
      this.#rows.set(type, new Map([...rows].map(([id, row]) => [id, { ...row, workspace_id }])))
    replace(this.#texts, structuredClone(snapshot.texts))
    replace(this.#logical, snapshot.logical)
    replace(this.#extras, snapshot.extras)
    this.history.keep(snapshot.history)
    this.#nextId = snapshot.nextId
    this.#log({ actor, actorId: '', via: 'control' }, 'restore', '', null, null)
  }

  create(type: string, body: Record<string, unknown>, context: WriteContext, options: CreateOptions = {}): Entity {
    const model = this.model(type)
    this.#rules.checkBody(model, body, context, null)
    const values = this.#values(model, body)
    const now = options.at ?? this.stamp()
    const has = (name: string) => model.fields.some((field) => field.name === name)
    const [start] = phases[type] ?? []
    if (has('phase') && values.phase === undefined && start !== undefined)
      values.phase = this.#reference('phase', `phase.${type}.${start[1]}`)
    if (type === 'defect' && values.severity === undefined)
      values.severity = this.#reference('list_node', 'list_node.severity.medium')
    if (has('parent') && values.parent === undefined) values.parent = defaultParent(this, type)
    if (has('author') && (values.author ?? null) === null)
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
      id: typeof body.id === 'string' && context.via === 'seed' ? body.id : (options.id ?? this.reserveId()),
    } as Entity
    entity.logical_name = entity.logical_name ?? `${type}.${entity.id}`
    if ('subtype' in entity) entity.subtype = type
    if (options.extra !== undefined && 'content' in options.extra) entity.size = options.extra.content.size
    const given = Object.keys(values)
    Object.assign(entity, this.#effects(model, entity, given))
    if (context.via !== 'seed') this.#rules.checkParent(entity)
    this.#rules.checkWhole(model, entity)
    if (context.via !== 'seed') this.businessRules.check(model, entity, given)
    this.#put(entity)
    if (options.extra !== undefined) this.#extras.set(entity.id, options.extra)
    if (context.via !== 'seed') this.#log(context, 'create', type, null, entity)
    this.#touchOwner(entity, context, false)
    if (type === 'release' && context.via !== 'seed') addSprints(this, entity, context)
    return entity
  }

  update(type: string, id: string, body: Record<string, unknown>, context: WriteContext, at?: string): Entity {
    const model = this.model(type)
    const before = this.rows(type).get(id)
    if (before === undefined) throw notFound(type, id)
    this.#rules.checkBody(model, body, context, before)
    const lock = body.client_lock_stamp
    if (lock !== undefined && lock !== null && Number(lock) !== before.client_lock_stamp)
      throw new Refusal(
        Number(this.switches.lockMismatchStatus),
        this.switches.lockMismatchCode,
        `The client_lock_stamp ${String(lock)} is out of date.`,
        { entity_type: type, entity_id: id },
      )
    const values = this.#values(model, body)
    const differs = (name: string) => JSON.stringify(values[name]) !== JSON.stringify(before[name])
    const asked = Object.keys(values).filter(differs)
    Object.assign(values, this.#effects(model, { ...before, ...values }, asked))
    const changed = Object.keys(values).filter(differs)
    if (changed.includes('phase'))
      this.#rules.checkTransition(type, before.phase as Reference | null, values.phase as Reference | null)
    const quiet = this.switches.quietFields === 'no' ? [] : this.switches.quietFieldNames.split(',')
    const loud = changed.some((name) => !quiet.includes(name))
    const after: Entity = {
      ...before,
      ...values,
      version_stamp: Number(before.version_stamp) + 1,
      client_lock_stamp: Number(before.client_lock_stamp) + (loud ? 1 : 0),
      last_modified: at ?? this.stamp(),
    }
    if (changed.includes('parent')) this.#rules.checkParent(after)
    this.#rules.checkWhole(model, after, before)
    this.businessRules.check(model, after, changed)
    this.#put(after, before)
    this.#log(context, 'update', type, before, after, changed)
    return after
  }

  /** Replaces what a record has besides its fields, as a change of the field that stands for it. */
  setExtra(type: string, id: string, extra: Extra, context: WriteContext): Entity {
    const before = this.rows(type).get(id)
    if (before === undefined) throw notFound(type, id)
    const after: Entity = {
      ...before,
      ...('content' in extra ? { size: extra.content.size } : {}),
      version_stamp: Number(before.version_stamp) + 1,
      client_lock_stamp: Number(before.client_lock_stamp) + 1,
      last_modified: this.stamp(),
    }
    this.#extras.set(id, extra)
    this.#put(after, before)
    this.#log(context, 'update', type, before, after, [...Object.keys(extra), ...('content' in extra ? ['size'] : [])])
    return after
  }

  delete(type: string, id: string, context: WriteContext): Entity {
    this.model(type)
    if (!this.rows(type).has(id)) throw notFound(type, id)
    releasePointing(this, type, id, context)
    const before = this.rows(type).get(id)
    if (before === undefined) throw notFound(type, id)
    this.rows(type).delete(id)
    this.#extras.delete(id)
    this.#index(before, false)
    this.#log(context, 'delete', type, before, null)
    this.#touchOwner(before, context, true)
    return before
  }

  /** A comment or attachment that comes or goes shows on its owner, silently or with new stamps, as the switch says. */
  #touchOwner(row: Entity, context: WriteContext, gone: boolean): void {
    if (row.type !== 'comment' && row.type !== 'attachment') return
    const owner = ownerOf(this, row)
    if (owner === undefined) return
    const change = ownerChange(this, owner, row, gone)
    const after = { ...owner, ...change }
    this.#put(after)
    const served = Object.keys(change).filter((name) => name !== 'last_modified' && name !== 'version_stamp')
    if ('version_stamp' in change && context.via !== 'seed')
      this.#log({ ...context, via: 'control' }, 'update', owner.type, owner, after, served)
  }

  #effects(model: TypeModel, after: Entity, changed: readonly string[]): Record<string, unknown> {
    return this.#values(model, this.businessRules.effects(model.name, after, changed))
  }

  #put(entity: Entity, before?: Entity): void {
    if (before !== undefined) this.#index(before, false)
    this.rows(entity.type).set(entity.id, entity)
    this.#index(entity, true)
    if (['list_node', 'phase', 'metaphase'].includes(entity.type) && entity.logical_name !== entity.id)
      this.#logical.set(String(entity.logical_name), entity.id)
  }

  #reference(type: string, id: string): Reference {
    return { type, id: this.find(type, id)?.id ?? id }
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
    this.history.append(entry, {
      timestamp: after === null ? this.stamp() : String(after.last_modified),
      userId: context.actorId,
    })
    this.onCommit(entry)
  }

  #index(entity: Entity, add: boolean): void {
    for (const field of this.model(entity.type).fields) {
      if (field.type !== 'string' || !field.userDefined) continue
      const value = entity[field.name]
      if (typeof value !== 'string') continue
      const key = `${entity.type}.${field.name}`
      const byText = this.#texts.get(key) ?? new Map<string, Set<string>>()
      this.#texts.set(key, byText)
      const ids = byText.get(value.toLowerCase()) ?? new Set<string>()
      if (add) ids.add(entity.id)
      else ids.delete(entity.id)
      byText.set(value.toLowerCase(), ids)
    }
  }

  #values(model: TypeModel, body: Record<string, unknown>): Record<string, unknown> {
    const values: Record<string, unknown> = {}
    for (const field of model.fields) {
      if (!(field.name in body) || field.name === 'client_lock_stamp' || field.name === 'id') continue
      values[field.name] = storedValue(field, body[field.name], this)
    }
    // Blanks around the name of a file are dropped, whoever sent them.
    if (model.name === 'attachment' && typeof values.name === 'string') values.name = values.name.trim()
    return values
  }
}

function replace<K, V>(map: Map<K, V>, by: ReadonlyMap<K, V>): void {
  map.clear()
  for (const [key, value] of by) map.set(key, value)
}
