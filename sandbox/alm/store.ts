import type { SandboxClock } from '../common/clock.ts'
import { chooseSwitches } from '../common/switches.ts'
import type { TruthEntry, TruthLog } from '../common/truth-log.ts'
import { AlmAudits, type AuditRow } from './audits.ts'
import { storedMemo } from './memo.ts'
import { type AlmFieldModel, type AlmTypeModel, almLists, almTypes } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import { AlmRules, valuesOf } from './rules.ts'
import { almUsers } from './seed.ts'
import { type AlmSwitchValues, almSwitches } from './switches.ts'

export type AlmStored = string | readonly string[] | null
/** A record by field name. Texts only, as on the wire; sets as arrays. */
export type AlmRecord = Record<string, AlmStored>

export interface AlmWriter {
  user: string
  /** Session that holds locks; null: somebody in the desktop client. */
  session: string | null
  via: 'rest' | 'control' | 'seed'
}

/** A user as customization lists them. */
export interface AlmUser {
  name: string
  fullName: string
  email: string
  active: boolean
}

interface Lock {
  user: string
  session: string | null
  until: number
}

/** A project's state at one time. */
export interface AlmSnapshot {
  rows: ReadonlyMap<string, ReadonlyMap<number, AlmRecord>>
  texts: Map<string, Map<string, Set<number>>>
  nextId: ReadonlyMap<string, number>
  audits: readonly AuditRow[]
}

function refill<K, V>(map: Map<K, V>, from: ReadonlyMap<K, V>): void {
  map.clear()
  for (const [key, value] of from) map.set(key, value)
}

/** A project's records and the rules of writing them. */
export class AlmStore {
  readonly types = new Map<string, AlmTypeModel>(almTypes.map((type) => [type.name, type]))
  readonly switches: AlmSwitchValues
  readonly audits = new AlmAudits()
  readonly users = almUsers
  readonly #rows = new Map<string, Map<number, AlmRecord>>(almTypes.map((type) => [type.name, new Map()]))
  readonly #texts = new Map<string, Map<string, Set<number>>>()
  readonly #locks = new Map<string, Lock>()
  readonly #rules = new AlmRules(this)
  readonly #truth: TruthLog
  readonly #clock: SandboxClock
  readonly #nextId = new Map<string, number>()

  constructor(options: {
    truth: TruthLog
    clock: SandboxClock
    switches: Readonly<Record<string, string>>
  }) {
    this.#truth = options.truth
    this.#clock = options.clock
    this.switches = chooseSwitches(almSwitches, options.switches)
  }

  /** Server-local time without zone, to the second. */
  localTime(at = this.#clock.now()): string {
    return this.#clock.wallTime(at)
  }

  /** What `last-modified` says of a time. */
  modifiedTime(at = this.#clock.now()): string {
    return this.#clock.wallTime(at, this.switches.modifiedZone === 'utc')
  }

  model(type: string): AlmTypeModel {
    const model = this.types.get(type)
    if (model === undefined) throw new AlmRefusal(404, 'qccore.general-error', `Unknown entity type '${type}'`)
    return model
  }

  rows(type: string): Map<number, AlmRecord> {
    const rows = this.#rows.get(type)
    if (rows === undefined) throw new Error(`no such type ${type}`)
    return rows
  }

  get(type: string, id: string): AlmRecord {
    const record = /^\d+$/.test(id) ? this.rows(type).get(Number(id)) : undefined
    if (record === undefined)
      throw new AlmRefusal(404, 'qccore.entity-not-found', `Entity with ID '${id}' does not exist`)
    return record
  }

  /** Ids of a type's new records start here. */
  startIds(type: string, first: number): void {
    this.#nextId.set(type, first)
  }

  /** The text by which a reference shows. */
  nameOf(field: AlmFieldModel, id: string): string | undefined {
    const name = this.#rows.get(field.target ?? '')?.get(Number(id))?.name
    return typeof name === 'string' ? name : undefined
  }

  idsByText(type: string, field: string, value: string): ReadonlySet<number> | undefined {
    return this.#texts.get(`${type}.${field}`)?.get(value.toLowerCase())
  }

  /** Takes the next id of a type, for a record that is committed later. */
  reserveId(type: string): number {
    const id = this.#nextId.get(type) ?? 1
    this.#nextId.set(type, id + 1)
    return id
  }

  /** The whole state as it is: records, ids, history. */
  snapshot(): AlmSnapshot {
    return {
      rows: new Map([...this.#rows].map(([type, rows]) => [type, new Map(rows)])),
      texts: structuredClone(this.#texts),
      nextId: new Map(this.#nextId),
      audits: [...this.audits.rows],
    }
  }

  /** Goes back to an earlier state: later records are gone and their ids are used again, stamps fall back, locks end. */
  restore(snapshot: AlmSnapshot, actor = 'restore'): void {
    for (const [type, rows] of snapshot.rows) this.#rows.set(type, new Map(rows))
    refill(this.#texts, structuredClone(snapshot.texts))
    refill(this.#nextId, snapshot.nextId)
    this.#locks.clear()
    this.audits.restore(snapshot.audits)
    this.#log({ user: actor, session: null, via: 'control' }, 'restore', '', null, null)
  }

  create(type: string, body: AlmRecord, writer: AlmWriter, at?: string, reserved?: number): AlmRecord {
    const model = this.model(type)
    const counting = this.#rules.checkBody(model, body, writer, null)
    const id = reserved ?? this.#nextId.get(type) ?? 1
    const record: AlmRecord = Object.fromEntries(model.fields.map((field) => [field.name, null]))
    for (const [name, value] of Object.entries(counting)) record[name] = this.#stored(model, name, value)
    record.id = String(id)
    if (model.modified) record['last-modified'] = at ?? this.modifiedTime()
    record['ver-stamp'] = '1'
    this.#rules.checkRequired(model, record)
    this.#rules.checkDates(model, record)
    if (reserved === undefined) this.#nextId.set(type, id + 1)
    this.rows(type).set(id, record)
    this.#index(model, record, true)
    if (writer.via !== 'seed') {
      this.#raiseParent(model, record['parent-id'])
      if (this.switches.auditActions === 'all') this.audits.cameOrWent(model, this.#stamp(String(id), writer), 'INSERT')
      this.#log(writer, 'create', type, null, record)
    }
    return record
  }

  update(type: string, id: string, body: AlmRecord, writer: AlmWriter, at?: string): AlmRecord {
    const model = this.model(type)
    const before = this.get(type, id)
    this.#checkLock(type, id, writer)
    const counting = this.#rules.checkBody(model, body, writer, before)
    const after: AlmRecord = { ...before }
    for (const [name, value] of Object.entries(counting))
      if (name !== 'id') after[name] = this.#stored(model, name, value)
    this.#rules.checkRequired(model, after)
    this.#rules.checkDates(model, after)
    if (before['parent-id'] !== after['parent-id']) this.#raiseParent(model, after['parent-id'])
    return this.#replace(model, before, after, writer, at)
  }

  /** Every write raises the version stamp, also one that changes nothing. */
  #replace(model: AlmTypeModel, before: AlmRecord, after: AlmRecord, writer: AlmWriter, at?: string): AlmRecord {
    const id = String(before.id)
    const changed = model.fields.filter(
      (field) => JSON.stringify(before[field.name]) !== JSON.stringify(after[field.name]),
    )
    after['ver-stamp'] = String(Number(before['ver-stamp']) + 1)
    if (model.modified) after['last-modified'] = at ?? this.modifiedTime()
    this.#index(model, before, false)
    this.rows(model.name).set(Number(id), after)
    this.#index(model, after, true)
    this.audits.changed(model, this.#stamp(id, writer), before, after, changed)
    this.#log(
      writer,
      'update',
      model.name,
      before,
      after,
      changed.map((field) => field.name),
    )
    return after
  }

  /** Deletes a record. What stands below it goes too, or out of a folder into "Unattached"; references to it are cleared. */
  delete(type: string, id: string, writer: AlmWriter, forceChildren = false): AlmRecord {
    const model = this.model(type)
    const before = this.get(type, id)
    this.#checkLock(type, id, writer)
    if (before['parent-id'] === '-1')
      throw new AlmRefusal(403, 'qccore.operation-forbidden', 'The root folder cannot be deleted')
    for (const [kind, child] of this.#pointingTo(type, id, true))
      if (forceChildren || type === 'release') this.delete(kind.name, String(child.id), writer, forceChildren)
      else this.#replace(kind, child, { ...child, 'parent-id': this.#unattached(writer) }, writer)
    for (const [kind, record, names] of this.#pointingTo(type, id, false))
      this.#replace(kind, record, { ...record, ...Object.fromEntries(names.map((name) => [name, null])) }, writer)
    this.rows(type).delete(Number(id))
    this.#index(model, before, false)
    this.#locks.delete(`${type}:${id}`)
    this.#raiseParent(model, before['parent-id'])
    if (this.switches.auditActions === 'all') this.audits.cameOrWent(model, this.#stamp(id, writer), 'DELETE')
    this.#log(writer, 'delete', type, before, null)
    return before
  }

  /** Records that name this one, as their parent or in another reference, with the fields that do. */
  #pointingTo(type: string, id: string, asParent: boolean): [AlmTypeModel, AlmRecord, string[]][] {
    return almTypes.flatMap((kind) => {
      const names = kind.fields
        .filter((field) => field.target === type && (field.name === 'parent-id') === asParent)
        .map((field) => field.name)
      if (names.length === 0) return []
      return [...this.rows(kind.name).values()].flatMap((record): [AlmTypeModel, AlmRecord, string[]][] => {
        const those = names.filter((name) => record[name] === id)
        return those.length === 0 ? [] : [[kind, record, those]]
      })
    })
  }

  #unattached(writer: AlmWriter): string {
    const folders = [...this.rows('release-folder').values()]
    const root = folders.find((folder) => folder['parent-id'] === '-1')?.id ?? null
    const found = folders.find((folder) => folder.name === 'Unattached' && folder['parent-id'] === root)
    return String((found ?? this.create('release-folder', { name: 'Unattached', 'parent-id': root }, writer)).id)
  }

  /** Locks a record for a session, or for somebody in the desktop client for a while. */
  lock(type: string, id: string, writer: AlmWriter, forMs = Number.POSITIVE_INFINITY): AlmRecord {
    const record = this.get(type, id)
    this.#checkLock(type, id, writer, true)
    this.#locks.set(`${type}:${id}`, {
      user: writer.user,
      session: writer.session,
      until: this.#clock.trueTime() + forMs,
    })
    return record
  }

  unlock(type: string, id: string, writer: AlmWriter): void {
    const lock = this.lockOf(type, id)
    if (lock !== undefined && lock.session !== writer.session) throw this.#locked(lock)
    this.#locks.delete(`${type}:${id}`)
  }

  lockOf(type: string, id: string): Lock | undefined {
    const lock = this.#locks.get(`${type}:${id}`)
    return lock === undefined || lock.until < this.#clock.trueTime() ? undefined : lock
  }

  /** Locks die with the session that took them. */
  sessionEnded(session: string): void {
    for (const [key, lock] of this.#locks) if (lock.session === session) this.#locks.delete(key)
  }

  #checkLock(type: string, id: string, writer: AlmWriter, locking = false): void {
    const lock = this.lockOf(type, id)
    if (lock === undefined || (lock.session !== null && lock.session === writer.session)) return
    if (writer.via === 'control' && lock.user === writer.user) return
    if (!locking && lock.user === writer.user && lock.session !== null) return
    throw this.#locked(lock)
  }

  #locked(lock: Lock): AlmRefusal {
    return new AlmRefusal(
      Number(this.switches.lockedStatus),
      `qccore.${this.switches.lockedId}`,
      `The entity is locked by user '${lock.user}'`,
    )
  }

  #stored(model: AlmTypeModel, name: string, value: AlmStored): AlmStored {
    const field = model.fields.find((candidate) => candidate.name === name)
    const filled = valuesOf(field, value).filter((one) => one !== '')
    if (field?.multiple === true) return filled.length === 0 ? null : inListOrder(field, new Set(filled))
    const [first] = filled
    if (first === undefined) return null
    if (field?.type === 'Memo') return storedMemo(first)
    if (field?.type === 'UsersList')
      return this.users.find((user) => user.name.toLowerCase() === first.toLowerCase())?.name ?? first
    return first
  }

  /** A child that comes, goes or moves raises the version stamp of the record above it, and nothing else there. */
  #raiseParent(model: AlmTypeModel, parentId: AlmStored | undefined): void {
    const target = model.fields.find((field) => field.name === 'parent-id')?.target
    const parent = target === undefined ? undefined : this.rows(target).get(Number(parentId))
    if (target === undefined || parent === undefined) return
    this.rows(target).set(Number(parent.id), { ...parent, 'ver-stamp': String(Number(parent['ver-stamp']) + 1) })
  }

  /** Who writes a record and when, as its history says. */
  #stamp(id: string, writer: AlmWriter): { id: string; user: string; time: string } {
    return { id, user: writer.user, time: this.localTime() }
  }

  #index(model: AlmTypeModel, record: AlmRecord, add: boolean): void {
    for (const field of model.fields) {
      if (field.user !== true || field.type !== 'String') continue
      const value = record[field.name]
      if (typeof value !== 'string') continue
      const key = `${model.name}.${field.name}`
      const byText = this.#texts.get(key) ?? new Map<string, Set<number>>()
      this.#texts.set(key, byText)
      const ids = byText.get(value.toLowerCase()) ?? new Set<number>()
      if (add) ids.add(Number(record.id))
      else ids.delete(Number(record.id))
      byText.set(value.toLowerCase(), ids)
    }
  }

  #log(
    writer: AlmWriter,
    action: TruthEntry['action'],
    type: string,
    before: AlmRecord | null,
    after: AlmRecord | null,
    changed: string[] = [],
  ): void {
    this.#truth.append({
      at: new Date(this.#clock.trueTime()).toISOString(),
      system: 'alm',
      actor: writer.user,
      action,
      type,
      id: String((after ?? before)?.id ?? ''),
      before,
      after,
      changed: action === 'create' ? Object.keys(after ?? {}) : changed,
      version: after === null ? null : Number(after['ver-stamp']),
      via: writer.via,
    })
  }
}

/** Sets lose the order they were written in. */
function inListOrder(field: AlmFieldModel, values: ReadonlySet<string>): string[] {
  const items = almLists.find((list) => list.name === field.list)?.items ?? []
  return [...values].sort((a, b) => items.indexOf(a) - items.indexOf(b))
}
