import type { SandboxClock } from '../common/clock.ts'
import { chooseSwitches } from '../common/switches.ts'
import type { TruthEntry, TruthLog } from '../common/truth-log.ts'
import { AlmAudits, type AuditRow } from './audits.ts'
import { withDefaults } from './defaults.ts'
import { AlmIndexes } from './indexes.ts'
import { AlmLinks } from './linkage.ts'
import { AlmLocks } from './locks.ts'
import { type AlmFieldModel, type AlmTypeModel, almTypes, isRoot } from './model.ts'
import { type AlmList, AlmLists } from './picklists.ts'
import { AlmRefusal } from './refusal.ts'
import { AlmRules } from './rules.ts'
import { almUsers } from './seed.ts'
import { type AlmSwitchValues, almSwitches } from './switches.ts'
import { AlmTrees } from './tree.ts'
import { requirementTypes } from './types/requirement.ts'
import { storedValue } from './values.ts'
import { AlmVersions, type VersionSnapshot } from './versions.ts'

export type AlmStored = string | readonly string[] | null
/** A record by field name. Texts only, as on the wire; sets as arrays. */
export type AlmRecord = Record<string, AlmStored>

export interface AlmWriter {
  user: string
  /** Session that holds locks; null: somebody in the desktop client. */
  session: string | null
  via: 'rest' | 'control' | 'seed'
  /** The server itself, on behalf of this user: what it keeps alone may be written. */
  trusted?: true
}

/** A user as customization lists them. */
export interface AlmUser {
  name: string
  fullName: string
  email: string
  active: boolean
  groups: readonly string[]
}

/** A project's state at one time. */
export interface AlmSnapshot {
  rows: ReadonlyMap<string, ReadonlyMap<number, AlmRecord>>
  nextId: ReadonlyMap<string, number>
  audits: readonly AuditRow[]
  lists: readonly AlmList[]
  versions: VersionSnapshot
}

/** A project's records and the rules of writing them. */
export class AlmStore {
  readonly types = new Map<string, AlmTypeModel>(almTypes.map((type) => [type.name, type]))
  readonly switches: AlmSwitchValues
  readonly audits = new AlmAudits()
  readonly users = almUsers
  readonly #rows = new Map<string, Map<number, AlmRecord>>(almTypes.map((type) => [type.name, new Map()]))
  readonly indexes = new AlmIndexes()
  readonly lists: AlmLists
  readonly locks: AlmLocks
  readonly versions = new AlmVersions(this)
  readonly #trees = new AlmTrees(this)
  readonly #links = new AlmLinks(this)
  readonly #rules = new AlmRules(this)
  readonly #truth: TruthLog
  readonly #clock: SandboxClock
  readonly #nextId = new Map<string, number>()

  constructor(options: {
    truth: TruthLog
    clock: SandboxClock
    switches: Readonly<Record<string, string>>
    /** How much higher ids of lists are than in other projects. */
    listIds?: number
  }) {
    this.lists = new AlmLists(options.listIds ?? 0)
    this.#truth = options.truth
    this.#clock = options.clock
    this.switches = chooseSwitches(almSwitches, options.switches)
    this.locks = new AlmLocks(options.clock, this.switches)
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
    if (field.target === 'requirement-type') return requirementTypes.find((one) => String(one.id) === id)?.name
    const name = this.#rows.get(field.target ?? '')?.get(Number(id))?.name
    return typeof name === 'string' ? name : undefined
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
      nextId: new Map(this.#nextId),
      audits: [...this.audits.rows],
      lists: this.lists.all(),
      versions: this.versions.snapshot(),
    }
  }

  /** Goes back to an earlier state: later records are gone and their ids are used again, stamps fall back, locks end. */
  restore(snapshot: AlmSnapshot, actor = 'restore'): void {
    this.indexes.clear()
    for (const [type, rows] of snapshot.rows) {
      this.#rows.set(type, new Map(rows))
      for (const record of rows.values()) this.indexes.follow(this.model(type), null, record)
    }
    this.#trees.clear()
    this.#nextId.clear()
    for (const [type, id] of snapshot.nextId) this.#nextId.set(type, id)
    this.locks.clear()
    this.audits.restore(snapshot.audits)
    this.lists.restore(snapshot.lists)
    this.versions.restore(snapshot.versions)
    this.#log({ user: actor, session: null, via: 'control' }, 'restore', '', null, null)
  }

  create(type: string, body: AlmRecord, writer: AlmWriter, at?: string, reserved?: number): AlmRecord {
    const model = this.model(type)
    const counting = this.#rules.checkBody(model, body, writer, null)
    const id = reserved ?? this.#nextId.get(type) ?? 1
    const record: AlmRecord = Object.fromEntries(model.fields.map((field) => [field.name, null]))
    for (const [name, value] of Object.entries(counting)) record[name] = this.#stored(model, name, value)
    record.id = String(id)
    if (model.modified) record[model.modifiedField ?? 'last-modified'] = at ?? this.modifiedTime()
    record['ver-stamp'] = '1'
    this.#links.complete(model, record)
    this.#withFlags(record)
    withDefaults(model, record, { user: writer.user, at: this.localTime() })
    this.versions.begin(model, record, writer.user)
    this.#rules.checkRequired(model, record)
    this.#rules.checkDates(model, record)
    if (writer.via !== 'seed' || !isRoot(model, record)) this.#trees.check(model, null, record)
    this.#trees.place(model, null, record)
    if (reserved === undefined) this.#nextId.set(type, id + 1)
    this.#put(model, null, record)
    if (writer.via !== 'seed') {
      if (this.switches.auditActions === 'all') this.audits.cameOrWent(model, this.#stamp(String(id), writer), 'INSERT')
      this.#log(writer, 'create', type, null, record)
    }
    return record
  }

  update(type: string, id: string, body: AlmRecord, writer: AlmWriter, at?: string): AlmRecord {
    const model = this.model(type)
    const record = this.get(type, id)
    this.locks.check(type, id, writer)
    const copy = this.versions.copyFor(model, id, writer)
    const before = copy ?? record
    const counting = this.#rules.checkBody(model, body, writer, before)
    const after: AlmRecord = { ...before }
    for (const [name, value] of Object.entries(counting))
      if (name !== 'id') after[name] = this.#stored(model, name, value)
    this.#withFlags(after)
    this.#rules.checkRequired(model, after)
    this.#rules.checkDates(model, after)
    this.#trees.check(model, before, after)
    if (copy === null) {
      this.versions.inPlace(model, before, after, writer)
      return this.settle(model, before, after, writer, at)
    }
    const changed = this.#stamped(model, before, after, at)
    this.versions.setCopy(model, after)
    this.#log(
      writer,
      'update',
      type,
      before,
      after,
      changed.map((field) => field.name),
    )
    return after
  }

  /** Writes a record that has been checked, at its place in the tree. */
  settle(model: AlmTypeModel, before: AlmRecord, after: AlmRecord, writer: AlmWriter, at?: string): AlmRecord {
    this.#trees.place(model, before, after)
    return this.replace(model, before, after, writer, at)
  }

  /** Writes a record as it is to be. Every write raises the version stamp, also one that changes nothing. */
  replace(model: AlmTypeModel, before: AlmRecord, after: AlmRecord, writer: AlmWriter, at?: string): AlmRecord {
    const id = String(before.id)
    const changed = this.#stamped(model, before, after, at)
    this.#put(model, before, after)
    this.audits.changed(model, this.#stamp(id, writer, at), before, after, changed)
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

  /** Sets the stamps of a write, and tells which fields it changes. */
  #stamped(model: AlmTypeModel, before: AlmRecord, after: AlmRecord, at?: string): AlmFieldModel[] {
    const changed = model.fields.filter(
      (field) => JSON.stringify(before[field.name]) !== JSON.stringify(after[field.name]),
    )
    after['ver-stamp'] = String(Number(before['ver-stamp']) + 1)
    if (model.modified) after[model.modifiedField ?? 'last-modified'] = at ?? this.modifiedTime()
    return changed
  }

  /** Sets a field that the server keeps by itself: no stamp, no history, no write of anybody. */
  keep(type: string, id: string, fields: AlmRecord): void {
    const before = this.rows(type).get(Number(id))
    if (before !== undefined) this.rows(type).set(Number(id), { ...before, ...fields })
  }

  /** Deletes a record. What stands below it goes too, or out of a folder into "Unattached"; references to it are cleared. */
  delete(type: string, id: string, writer: AlmWriter, forceChildren = false): AlmRecord {
    const model = this.model(type)
    const before = this.get(type, id)
    this.locks.check(type, id, writer)
    this.versions.check(model, id, writer)
    if (isRoot(model, before))
      throw new AlmRefusal(403, 'qccore.operation-forbidden', 'The root folder cannot be deleted')
    for (const [kind, child] of this.#below(type, id))
      if (forceChildren || model.root === undefined) this.delete(kind.name, String(child.id), writer, forceChildren)
      else this.#move(kind, child, this.#unattached(model, writer), writer)
    for (const attached of [...this.indexes.attachmentsOf(type, id)])
      this.delete('attachment', String(attached), writer)
    for (const [kind, { id: other }, names] of this.#pointingTo(type, id)) {
      // It may have gone with another one meanwhile.
      const record = this.rows(kind.name).get(Number(other))
      if (record === undefined) continue
      if (names.some((name) => kind.fields.some((field) => field.name === name && field.required === true)))
        this.delete(kind.name, String(record.id), writer)
      else
        this.replace(
          kind,
          record,
          { ...record, ...Object.fromEntries(names.map((name) => [name, without(record[name], id)])) },
          writer,
        )
    }
    const last = this.get(type, id)
    this.#put(model, last, null)
    this.locks.gone(type, id)
    this.versions.gone(model, id)
    if (this.switches.auditActions === 'all') this.audits.cameOrWent(model, this.#stamp(id, writer), 'DELETE')
    this.#log(writer, 'delete', type, last, null)
    return last
  }

  /** The one place where rows change: everything that follows from it follows. */
  #put(model: AlmTypeModel, before: AlmRecord | null, after: AlmRecord | null): void {
    const id = Number((after ?? before)?.id)
    if (after === null) this.rows(model.name).delete(id)
    else this.rows(model.name).set(id, after)
    this.indexes.follow(model, before, after)
    this.#trees.follow(model, before, after)
    this.#links.follow(model, before, after)
  }

  #move(model: AlmTypeModel, record: AlmRecord, parentId: string, writer: AlmWriter): void {
    const after = { ...record, 'parent-id': parentId }
    this.#trees.place(model, record, after)
    this.replace(model, record, after, writer)
  }

  #below(type: string, id: string): [AlmTypeModel, AlmRecord][] {
    return almTypes.flatMap((kind) =>
      kind.parent !== type
        ? []
        : [...this.indexes.childrenOf(kind.name, Number(id))].map((child): [AlmTypeModel, AlmRecord] => [
            kind,
            this.get(kind.name, String(child)),
          ]),
    )
  }

  /** Records that name this one in a reference other than their parent, with the fields that do. */
  #pointingTo(type: string, id: string): [AlmTypeModel, AlmRecord, string[]][] {
    return almTypes.flatMap((kind) => {
      const names = kind.fields
        .filter((field) => field.target === type && field.name !== 'parent-id')
        .map((field) => field.name)
      const linked = kind.name === 'defect-link' ? this.#links.to(type, id) : undefined
      if (names.length === 0 && linked === undefined) return []
      return [...this.rows(kind.name).values()].flatMap((record): [AlmTypeModel, AlmRecord, string[]][] => {
        if (linked?.has(String(record.id)) === true) return [[kind, record, ['second-endpoint-id']]]
        const those = names.filter((name) => holds(record[name], id))
        return those.length === 0 ? [] : [[kind, record, those]]
      })
    })
  }

  /** The folder below the root where the children of deleted folders go. */
  #unattached(model: AlmTypeModel, writer: AlmWriter): string {
    const root = String(model.root?.id)
    for (const id of this.indexes.childrenOf(model.name, Number(root)))
      if (this.get(model.name, String(id)).name === 'Unattached') return String(id)
    const type = model.subtypes === undefined ? {} : { 'type-id': '1' }
    return String(this.create(model.name, { name: 'Unattached', 'parent-id': root, ...type }, writer).id)
  }

  /** Locks a record for a session, or for somebody in the desktop client for a while. */
  lock(type: string, id: string, writer: AlmWriter, forMs?: number): AlmRecord {
    const record = this.get(type, id)
    this.locks.take(type, id, writer, forMs)
    return record
  }

  unlock(type: string, id: string, writer: AlmWriter): void {
    this.locks.release(type, id, writer)
  }

  /** Flags that follow another field of the same record. */
  #withFlags(record: AlmRecord): void {
    if ('has-rich-content' in record) record['has-rich-content'] = record['req-rich-content'] === null ? 'N' : 'Y'
  }

  #stored(model: AlmTypeModel, name: string, value: AlmStored): AlmStored {
    return storedValue(
      this,
      model.fields.find((field) => field.name === name),
      value,
    )
  }

  /** Who writes a record and when, as its history says. */
  #stamp(id: string, writer: AlmWriter, at?: string): { id: string; user: string; time: string } {
    return { id, user: writer.user, time: at ?? this.localTime() }
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

function holds(value: AlmStored | undefined, id: string): boolean {
  return Array.isArray(value) ? value.includes(id) : value === id
}

/** A reference or a set of them, less one. */
function without(value: AlmStored | undefined, id: string): AlmStored {
  const left = Array.isArray(value) ? value.filter((one) => one !== id) : []
  return left.length === 0 ? null : left
}
