import type { AlmTypeModel } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmRecord, AlmStore, AlmWriter } from './store.ts'

interface WorkingCopy {
  user: string
  record: AlmRecord
}

/** Everything that version control keeps beside the records. */
export interface VersionSnapshot {
  copies: ReadonlyMap<string, WorkingCopy>
  versions: ReadonlyMap<string, readonly AlmRecord[]>
}

type Operation = 'check-out' | 'check-in' | 'undo-check-out'

const nothingOut: AlmRecord = {
  'check-out-user-name': null,
  'vc-checkout-date': null,
  'vc-checkout-time': null,
  'vc-checkout-comments': null,
}

/**
 * Versions of requirements and tests, where the project is under version control. Who checks a record out works on a copy
 * that only they see; to all others the record stays as it was checked in last.
 */
export class AlmVersions {
  readonly #store: AlmStore
  readonly #copies = new Map<string, WorkingCopy>()
  readonly #versions = new Map<string, readonly AlmRecord[]>()

  constructor(store: AlmStore) {
    this.#store = store
  }

  isOn(model: AlmTypeModel): boolean {
    return model.versioned === true && this.#store.switches.versionControl === 'yes'
  }

  /** The record as somebody sees it. */
  seenBy(model: AlmTypeModel, record: AlmRecord, user: string): AlmRecord {
    if (this.#copies.size === 0) return record
    const copy = this.#copies.get(keyOf(model, record.id))
    return copy?.user === user ? copy.record : record
  }

  /** A new record is checked in, as version 1. */
  begin(model: AlmTypeModel, record: AlmRecord, user: string): void {
    if (this.isOn(model)) Object.assign(record, { 'vc-version-number': '1', ...this.#checkedIn(user, null) })
  }

  /** The copy that a write of this user goes to; null: it goes to the record itself. Throws where it may not be written. */
  copyFor(model: AlmTypeModel, id: string, writer: AlmWriter): AlmRecord | null {
    if (!this.isOn(model) || writer.trusted === true) return null
    const copy = this.#copies.get(keyOf(model, id))
    if (copy !== undefined) {
      if (copy.user === writer.user) return copy.record
      throw this.#heldBy(copy.user)
    }
    if (writer.via === 'rest' && this.#store.switches.updateWithoutCheckOut === 'refused')
      throw new AlmRefusal(403, 'qccore.operation-forbidden', 'The entity must be checked out before it is changed')
    return null
  }

  /** Throws where somebody else has the record checked out. */
  check(model: AlmTypeModel, id: string, writer: AlmWriter): void {
    const copy = this.#copies.get(keyOf(model, id))
    if (copy !== undefined && copy.user !== writer.user) throw this.#heldBy(copy.user)
  }

  setCopy(model: AlmTypeModel, record: AlmRecord): void {
    const copy = this.#copies.get(keyOf(model, record.id))
    if (copy !== undefined) copy.record = record
  }

  /** A write without check-out makes a version of its own, or none. */
  inPlace(model: AlmTypeModel, before: AlmRecord, after: AlmRecord, writer: AlmWriter): void {
    if (!this.isOn(model) || writer.trusted === true || this.#store.switches.updateWithoutCheckOut === 'unversioned')
      return
    this.#keepVersion(model, before)
    Object.assign(after, { 'vc-version-number': nextOf(before), ...this.#checkedIn(writer.user, null) })
  }

  checkOut(
    type: string,
    id: string,
    writer: AlmWriter,
    wanted: { comment?: string | undefined; version?: string | undefined } = {},
  ): AlmRecord {
    const model = this.#versioned(type, 'check-out')
    const before = this.#store.get(type, id)
    this.#store.locks.check(type, id, writer)
    const held = this.#copies.get(keyOf(model, id))
    if (held !== undefined) throw this.#failure('check-out', `The entity is checked out by user '${held.user}'`)
    const from = wanted.version === undefined ? before : this.version(model, id, wanted.version)
    const [day = '', time = ''] = this.#store.localTime().split(' ')
    const out = {
      'vc-status': 'Checked_Out',
      'vc-version-number': before['vc-version-number'] ?? '1',
      'check-out-user-name': writer.user,
      'vc-checkout-date': day,
      'vc-checkout-time': time,
      'vc-checkout-comments': wanted.comment ?? null,
    }
    const after = this.#store.replace(model, before, { ...before, ...out }, writer)
    const record = {
      ...from,
      ...out,
      'ver-stamp': after['ver-stamp'] ?? null,
      'last-modified': after['last-modified'] ?? null,
    }
    this.#copies.set(keyOf(model, id), { user: writer.user, record })
    return record
  }

  checkIn(
    type: string,
    id: string,
    writer: AlmWriter,
    wanted: { comment?: string | undefined; overrideLastVersion?: boolean } = {},
  ): AlmRecord {
    const model = this.#versioned(type, 'check-in')
    const before = this.#store.get(type, id)
    const copy = this.#own(model, id, writer, 'check-in')
    const number = wanted.overrideLastVersion === true ? (before['vc-version-number'] ?? '1') : nextOf(before)
    if (wanted.overrideLastVersion !== true) this.#keepVersion(model, before)
    this.#copies.delete(keyOf(model, id))
    const comment = wanted.comment ?? before['vc-checkout-comments'] ?? null
    return this.#store.settle(
      model,
      before,
      { ...copy, 'vc-version-number': number, ...this.#checkedIn(writer.user, comment as string | null) },
      writer,
    )
  }

  undo(type: string, id: string, writer: AlmWriter): AlmRecord {
    const model = this.#versioned(type, 'undo-check-out')
    const before = this.#store.get(type, id)
    this.#own(model, id, writer, 'undo-check-out')
    this.#copies.delete(keyOf(model, id))
    return this.#store.replace(model, before, { ...before, ...nothingOut, 'vc-status': 'Checked_In' }, writer)
  }

  /** All versions, the oldest first; the last one is the record as it was checked in last. */
  of(model: AlmTypeModel, id: string): AlmRecord[] {
    const now = this.#store.get(model.name, id)
    return [...(this.#versions.get(keyOf(model, id)) ?? []), now]
  }

  version(model: AlmTypeModel, id: string, number: string): AlmRecord {
    const found = this.of(model, id).find((one) => (one['vc-version-number'] ?? '1') === number)
    if (found === undefined) throw new AlmRefusal(404, 'qccore.entity-not-found', `Version '${number}' does not exist`)
    return found
  }

  gone(model: AlmTypeModel, id: string): void {
    this.#copies.delete(keyOf(model, id))
    this.#versions.delete(keyOf(model, id))
  }

  snapshot(): VersionSnapshot {
    return {
      copies: new Map([...this.#copies].map(([key, copy]) => [key, { ...copy }])),
      versions: new Map(this.#versions),
    }
  }

  restore(snapshot: VersionSnapshot): void {
    this.#copies.clear()
    for (const [key, copy] of snapshot.copies) this.#copies.set(key, { ...copy })
    this.#versions.clear()
    for (const [key, versions] of snapshot.versions) this.#versions.set(key, versions)
  }

  #checkedIn(user: string, comment: string | null): AlmRecord {
    const [day = '', time = ''] = this.#store.localTime().split(' ')
    return {
      ...nothingOut,
      'vc-status': 'Checked_In',
      'vc-checkin-user-name': user,
      'vc-checkin-date': day,
      'vc-checkin-time': time,
      'vc-checkin-comments': comment,
    }
  }

  #keepVersion(model: AlmTypeModel, record: AlmRecord): void {
    const key = keyOf(model, record.id)
    const kept = { ...record, ...nothingOut, 'vc-status': 'Checked_In' }
    this.#versions.set(key, [...(this.#versions.get(key) ?? []), kept])
  }

  #versioned(type: string, operation: Operation): AlmTypeModel {
    const model = this.#store.model(type)
    if (!this.isOn(model)) throw this.#failure(operation, `Entities of type '${type}' are not under version control`)
    return model
  }

  #own(model: AlmTypeModel, id: string, writer: AlmWriter, operation: Operation): AlmRecord {
    const copy = this.#copies.get(keyOf(model, id))
    if (copy?.user === writer.user) return copy.record
    throw this.#failure(
      operation,
      copy === undefined ? 'The entity is not checked out' : `The entity is checked out by user '${copy.user}'`,
    )
  }

  #heldBy(user: string): AlmRefusal {
    const { lockedStatus, lockedId } = this.#store.switches
    return new AlmRefusal(Number(lockedStatus), `qccore.${lockedId}`, `The entity is checked out by user '${user}'`)
  }

  #failure(operation: Operation, title: string): AlmRefusal {
    return new AlmRefusal(Number(this.#store.switches.versionFailureStatus), `qccore.${operation}-failure`, title)
  }
}

function keyOf(model: AlmTypeModel, id: AlmRecord[string] | undefined): string {
  return `${model.name}:${String(id)}`
}

function nextOf(record: AlmRecord): string {
  return String(Number(record['vc-version-number'] ?? '1') + 1)
}
