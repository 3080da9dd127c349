import { canonicalMemo } from '../../core/memo.ts'
import { chooseSwitches, type SwitchValues } from '../common/switches.ts'
import type { TruthLog } from '../common/truth-log.ts'
import { people } from '../seed/people.ts'
import { createRandom } from '../seed/random.ts'
import { releases } from '../seed/releases.ts'
import { defectTitle, memoHtml } from '../seed/texts.ts'
import { type AlmFieldModel, type AlmTypeModel, almLists, almTransitions, almTypes } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import { almSwitches } from './switches.ts'

export type AlmStored = string | readonly string[] | null
/** A record by field name. Texts only, as on the wire; sets as arrays. */
export type AlmRecord = Record<string, AlmStored>

export interface AlmWriter {
  user: string
  /** Session that holds locks; null: somebody in the desktop client. */
  session: string | null
  via: 'rest' | 'control' | 'seed'
}

interface Lock {
  user: string
  session: string | null
  until: number
}

export interface AuditRow {
  id: number
  parentId: string
  type: string
  time: string
  user: string
  changes: { name: string; label: string; before: string; after: string }[]
}

/** A project's records and the rules of writing them. */
export class AlmStore {
  readonly types = new Map<string, AlmTypeModel>(almTypes.map((type) => [type.name, type]))
  readonly switches: SwitchValues<typeof almSwitches>
  readonly audits: AuditRow[] = []
  readonly users = people
    .filter((person) => person.in !== 'octane')
    .map((person) => ({
      name: person.login,
      fullName: person.fullName,
      email: person.email ?? '',
      active: person.active,
    }))
    .concat([
      { name: 'sync', fullName: 'Sync User', email: 'sync@example.com', active: true },
      { name: 'second', fullName: 'Second User', email: '', active: true },
    ])
  readonly #rows = new Map<string, Map<number, AlmRecord>>(almTypes.map((type) => [type.name, new Map()]))
  readonly #texts = new Map<string, Map<string, Set<number>>>()
  readonly #locks = new Map<string, Lock>()
  readonly #truth: TruthLog
  readonly #now: () => number
  readonly #clock: Intl.DateTimeFormat
  readonly #nextId = new Map<string, number>()

  constructor(options: {
    truth: TruthLog
    now: () => number
    switches: Readonly<Record<string, string>>
    timeZone: string
  }) {
    this.#truth = options.truth
    this.#now = options.now
    this.switches = chooseSwitches(almSwitches, options.switches)
    this.#clock = new Intl.DateTimeFormat('sv-SE', {
      timeZone: options.timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  }

  /** Server-local time without zone, to the second. */
  localTime(at = this.#now()): string {
    return this.#clock.format(new Date(at)).replace(',', '')
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

  idsByText(type: string, field: string, value: string): ReadonlySet<number> | undefined {
    return this.#texts.get(`${type}.${field}`)?.get(value.toLowerCase())
  }

  create(type: string, body: AlmRecord, writer: AlmWriter, at?: string): AlmRecord {
    const model = this.model(type)
    this.#checkBody(model, body, writer, null)
    const id = this.#nextId.get(type) ?? 1
    const record: AlmRecord = Object.fromEntries(model.fields.map((field) => [field.name, null]))
    for (const [name, value] of Object.entries(body)) record[name] = this.#stored(model, name, value)
    record.id = String(id)
    if (model.modified) record['last-modified'] = at ?? this.localTime()
    record['ver-stamp'] = '1'
    this.#checkRequired(model, record)
    this.#checkDates(model, record)
    this.#nextId.set(type, id + 1)
    this.rows(type).set(id, record)
    this.#index(model, record, true)
    if (writer.via !== 'seed') {
      this.#raiseParent(model, record)
      this.#log(writer, 'create', type, null, record)
    }
    return record
  }

  update(type: string, id: string, body: AlmRecord, writer: AlmWriter): AlmRecord {
    const model = this.model(type)
    const before = this.get(type, id)
    this.#checkLock(type, id, writer)
    this.#checkBody(model, body, writer, before)
    const after: AlmRecord = { ...before }
    for (const [name, value] of Object.entries(body)) if (name !== 'id') after[name] = this.#stored(model, name, value)
    this.#checkRequired(model, after)
    this.#checkDates(model, after)
    const changed = model.fields.filter(
      (field) => JSON.stringify(before[field.name]) !== JSON.stringify(after[field.name]),
    )
    after['ver-stamp'] = String(Number(before['ver-stamp']) + 1)
    if (model.modified) after['last-modified'] = this.localTime()
    this.#index(model, before, false)
    this.rows(type).set(Number(id), after)
    this.#index(model, after, true)
    this.#audit(model, id, writer, before, after, changed)
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

  delete(type: string, id: string, writer: AlmWriter): AlmRecord {
    const model = this.model(type)
    const before = this.get(type, id)
    this.#checkLock(type, id, writer)
    this.rows(type).delete(Number(id))
    this.#index(model, before, false)
    this.#locks.delete(`${type}:${id}`)
    this.#raiseParent(model, before)
    this.#log(writer, 'delete', type, before, null)
    return before
  }

  /** Locks a record for a session, or for somebody in the desktop client for a while. */
  lock(type: string, id: string, writer: AlmWriter, forMs = Number.POSITIVE_INFINITY): AlmRecord {
    const record = this.get(type, id)
    this.#checkLock(type, id, writer, true)
    this.#locks.set(`${type}:${id}`, { user: writer.user, session: writer.session, until: this.#now() + forMs })
    return record
  }

  unlock(type: string, id: string, writer: AlmWriter): void {
    const lock = this.#locks.get(`${type}:${id}`)
    if (lock !== undefined && lock.session === writer.session) this.#locks.delete(`${type}:${id}`)
  }

  lockOf(type: string, id: string): Lock | undefined {
    const lock = this.#locks.get(`${type}:${id}`)
    return lock === undefined || lock.until < this.#now() ? undefined : lock
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
    throw new AlmRefusal(
      Number(this.switches.lockedStatus),
      'qccore.lock-failure',
      `The entity is locked by user '${lock.user}'`,
    )
  }

  #checkBody(model: AlmTypeModel, body: AlmRecord, writer: AlmWriter, before: AlmRecord | null): void {
    for (const [name, value] of Object.entries(body)) {
      const field = model.fields.find((candidate) => candidate.name === name)
      if (field === undefined)
        throw new AlmRefusal(
          400,
          'qccore.unknown-field-name',
          `The field '${name}' does not exist in entity '${model.name}'`,
        )
      if (writer.via !== 'rest') continue
      if (name === 'id' && before !== null) continue
      const values = Array.isArray(value) ? (value as readonly string[]) : value === null ? [] : [value as string]
      if (
        field.virtual === true ||
        ['id', 'last-modified'].includes(name) ||
        (name === 'attachment' && values.length > 0)
      )
        throw new AlmRefusal(403, 'qccore.operation-forbidden', `The field '${field.label}' is read-only`)
      // A version stamp is taken and ignored: it is no optimistic lock.
      if (name === 'ver-stamp') continue
      if (values.length > 1 && field.multiple !== true)
        throw new AlmRefusal(500, 'qccore.general-error', `The field '${field.label}' does not support several values`)
      for (const one of values) this.#checkValue(field, one)
      if (name === 'status' && this.switches.workflow === 'enforced')
        this.#checkTransition(String(before?.status ?? ''), values[0] ?? '', field)
    }
  }

  #checkValue(field: AlmFieldModel, value: string): void {
    if (value === '') return
    const wrongType = () => {
      throw new AlmRefusal(
        400,
        'qccore.invalid-value-type-for-field',
        `Invalid value '${value.slice(0, 60)}' for field '${field.label}' of type ${field.type}`,
      )
    }
    switch (field.type) {
      case 'String':
        if (field.size > 0 && value.length > field.size)
          throw new AlmRefusal(
            400,
            'qccore.general-error',
            `The value of field '${field.label}' exceeds the maximum length of ${field.size}`,
          )
        return
      case 'Number':
        if (!/^-?\d+$/.test(value)) wrongType()
        return
      case 'Date':
        if (!/^\d{4}-\d{2}-\d{2}$/.test(value) || Number.isNaN(Date.parse(value))) wrongType()
        return
      case 'DateTime':
        if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(value)) wrongType()
        return
      case 'LookupList': {
        if (field.verify !== true) return
        const list = almLists.find((one) => one.name === field.list)
        if (list !== undefined && !list.items.includes(value))
          throw new AlmRefusal(
            400,
            'qccore.invalid-list-field-value',
            `The value '${value}' is not in the list of field '${field.label}'`,
          )
        return
      }
      case 'UsersList':
        if (field.verify === true && !this.users.some((user) => user.name.toLowerCase() === value.toLowerCase()))
          throw new AlmRefusal(
            400,
            'qccore.invalid-list-field-value',
            `The user '${value}' of field '${field.label}' does not exist`,
          )
        return
      case 'Reference': {
        if (!/^\d+$/.test(value)) wrongType()
        const target = this.#rows.get(field.target ?? '')
        if (target !== undefined && !target.has(Number(value)))
          throw new AlmRefusal(
            500,
            'qccore.general-error',
            `Entity with key '${value}' does not exist in table of field '${field.label}'`,
          )
        return
      }
      default:
    }
  }

  #checkTransition(from: string, to: string, field: AlmFieldModel): void {
    if (from === to || (almTransitions[from] ?? []).includes(to)) return
    throw new AlmRefusal(
      403,
      'qccore.operation-forbidden',
      `The transition of field '${field.label}' from '${from}' to '${to}' is not allowed`,
    )
  }

  #checkRequired(model: AlmTypeModel, record: AlmRecord): void {
    for (const field of model.fields) {
      if (field.required !== true) continue
      const value = record[field.name]
      if (value === null || value === '' || value === undefined)
        throw new AlmRefusal(400, 'qccore.required-field-missing', `The field '${field.label}' is required.`)
    }
  }

  #checkDates(model: AlmTypeModel, record: AlmRecord): void {
    const [start, end] = [String(record['start-date'] ?? ''), String(record['end-date'] ?? '')]
    if (start === '' || end === '') return
    if (start > end) throw new AlmRefusal(500, 'qccore.general-error', 'The start date is after the end date')
    if (model.name !== 'release-cycle') return
    const release = this.rows('release').get(Number(record['parent-id']))
    if (release !== undefined && (start < String(release['start-date']) || end > String(release['end-date'])))
      throw new AlmRefusal(500, 'qccore.general-error', 'The dates of the cycle are outside the dates of its release')
  }

  #stored(model: AlmTypeModel, name: string, value: AlmStored): AlmStored {
    const field = model.fields.find((candidate) => candidate.name === name)
    const values = Array.isArray(value) ? (value as readonly string[]) : value === null ? [] : [value as string]
    const filled = values.filter((one) => one !== '')
    if (field?.multiple === true) return filled.length === 0 ? null : [...new Set(filled)]
    const [first] = filled
    if (first === undefined) return null
    if (field?.type === 'Memo') return storedMemo(first)
    if (field?.type === 'UsersList')
      return this.users.find((user) => user.name.toLowerCase() === first.toLowerCase())?.name ?? first
    return first
  }

  #raiseParent(model: AlmTypeModel, record: AlmRecord): void {
    const target = model.fields.find((field) => field.name === 'parent-id')?.target
    const parent = target === undefined ? undefined : this.rows(target).get(Number(record['parent-id']))
    if (parent !== undefined) parent['ver-stamp'] = String(Number(parent['ver-stamp']) + 1)
  }

  #audit(
    model: AlmTypeModel,
    id: string,
    writer: AlmWriter,
    before: AlmRecord,
    after: AlmRecord,
    changed: readonly AlmFieldModel[],
  ): void {
    if (!model.history) return
    const changes = changed
      .filter((field) => field.history === true)
      .map((field) => ({
        name: field.name,
        label: field.label,
        before: String(before[field.name] ?? ''),
        after: String(after[field.name] ?? ''),
      }))
    if (changes.length > 0)
      this.audits.push({
        id: 900 + this.audits.length + 1,
        parentId: id,
        type: model.table,
        time: this.localTime(),
        user: writer.user,
        changes,
      })
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
    action: 'create' | 'update' | 'delete',
    type: string,
    before: AlmRecord | null,
    after: AlmRecord | null,
    changed: string[] = [],
  ): void {
    this.#truth.append({
      at: new Date(this.#now()).toISOString(),
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

  seed(options: { seed: number; defects: number }): void {
    const writer: AlmWriter = { user: 'seed', session: null, via: 'seed' }
    const at = '2025-01-02 03:00:00'
    this.#nextId.set('release', 1001)
    this.#nextId.set('release-cycle', 1001)
    this.create('release-folder', { name: 'Releases', 'parent-id': '0' }, writer, at)
    for (const release of releases) {
      const created = this.create(
        'release',
        { name: release.name, 'start-date': release.start, 'end-date': release.end, 'parent-id': '1' },
        writer,
        at,
      )
      for (const cycle of release.cycles)
        this.create(
          'release-cycle',
          { name: cycle, 'start-date': release.start, 'end-date': release.end, 'parent-id': created.id ?? null },
          writer,
          at,
        )
    }
    this.seedDefects(options.seed, options.defects)
  }

  seedDefects(seed: number, count: number): void {
    const random = createRandom(seed)
    const writer: AlmWriter = { user: 'seed', session: null, via: 'seed' }
    const logins = this.users.filter((user) => user.name !== 'second').map((user) => user.name)
    const all = [...this.rows('release').values()]
    const cycles = [...this.rows('release-cycle').values()]
    const item = (name: string) => random.pick(almLists.find((list) => list.name === name)?.items ?? [''])
    const start = Date.UTC(2025, 0, 6)
    for (let number = 1; number <= count; number++) {
      const created = start + random.between(0, 600 * 24 * 3_600) * 1_000
      const release = random.chance(0.6) ? random.pick(all) : null
      const own = release === null ? [] : cycles.filter((cycle) => cycle['parent-id'] === release.id)
      const status = random.chance(0.02) ? null : item('Bug Status')
      this.create(
        'defect',
        {
          name: defectTitle(random, number),
          description: memoHtml(random),
          'dev-comments': null,
          status,
          severity: item('Severity'),
          priority: random.chance(0.2) ? null : item('Priority'),
          owner: random.chance(0.15) ? null : random.pick(logins),
          'detected-by': random.pick(logins),
          'creation-time': this.localTime(created).slice(0, 10),
          'closing-date': status === 'Closed' ? this.localTime(created + 30 * 86_400_000).slice(0, 10) : null,
          reproducible: random.chance(0.5) ? 'Y' : null,
          'target-rel': release?.id ?? null,
          'target-rcyc': own.length > 0 && random.chance(0.5) ? (random.pick(own).id ?? null) : null,
          'estimated-fix-time': random.chance(0.4) ? String(random.between(1, 13)) : null,
          'user-03': random.chance(0.3) ? item('Customer impact') : null,
          'user-04': random.chance(0.3) ? [item('Browsers'), item('Browsers')] : null,
          'user-05': random.chance(0.2) ? memoHtml(random) : null,
        },
        writer,
        this.localTime(created + random.between(0, 90 * 86_400) * 1_000),
      )
    }
  }
}

const memos = new Map<string, string>()

/** As ALM stores memos: inside its document wrapper, active content removed, line breaks around block tags. */
export function storedMemo(html: string): string {
  const known = memos.get(html)
  if (known !== undefined) return known
  const canonical = canonicalMemo(html.replace(/<img([^>]*?)src=(["'])(?!https?:|data:)[^"']*\2/gi, '<img$1')) ?? ''
  const pretty = canonical
    .replace(/<table([^>]*)>(?!<tbody>)/g, '<table$1>\n<tbody>')
    .replace(/<\/table>/g, '</tbody>\n</table>')
    .replace(/<br>/g, '<br />')
    .replace(/(<\/(?:p|div|ul|ol|li|tr)>)(?=<)/g, '$1\n')
  const stored = `<html><body>\n${pretty}\n</body></html>`
  if (memos.size > 5_000) memos.clear()
  memos.set(html, stored)
  return stored
}
