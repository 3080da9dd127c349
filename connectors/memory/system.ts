import { type EndpointUser, type EntityMetadata, type FieldMetadata, plainField } from '../../core/metadata.ts'
import type { CanonicalValue, FieldType, Stamp } from '../../core/values.ts'

export interface MemoryRecord {
  id: string
  stamp: Stamp
  created: string
  fields: Record<string, CanonicalValue>
}

export interface MemoryFault {
  kind: 'error-before' | 'error-after' | 'slow' | 'throttle'
  on: 'read' | 'create' | 'update' | 'delete'
  delayMs?: number
  times?: number
}

/** A tracker that lies in this process: one entity type, records, people, and whatever shall go wrong. */
export interface MemorySystem {
  readonly name: string
  readonly password: string
  readonly entity: EntityMetadata
  readonly users: readonly EndpointUser[]
  readonly records: Map<string, MemoryRecord>
  readonly faults: { add(fault: MemoryFault): void; take(on: MemoryFault['on']): MemoryFault | undefined }
  /** How often somebody signed in. */
  signIns: number
  /** Number of the session generation; `expire` raises it. */
  session: number
  expire(): void
  create(fields: Readonly<Record<string, CanonicalValue>>): MemoryRecord
  edit(id: string, fields: Readonly<Record<string, CanonicalValue>>): MemoryRecord
}

const field = (name: string, type: FieldType, more: Partial<FieldMetadata> = {}) => plainField(name, { type, ...more })

const levels = ['low', 'medium', 'high'].map((value) => ({ value, label: value, active: true }))

/** `now` is the system's own clock, in milliseconds since 1970. */
export function createMemorySystem(options: { name?: string; password?: string; now: () => number }): MemorySystem {
  const faults: (MemoryFault & { left: number })[] = []
  let nextId = 1
  const time = () => new Date(options.now()).toISOString().replace(/\.\d{3}Z$/, 'Z')
  const system: MemorySystem = {
    name: options.name ?? 'memory',
    password: options.password ?? 'open sesame',
    entity: {
      entityType: 'defect',
      label: 'Defect',
      fields: [
        field('name', 'string', { required: true, maxLength: 255 }),
        field('text', 'memo'),
        field('effort', 'integer'),
        field('level', 'list', { verified: true, options: levels }),
        field('labels', 'list', { multiple: true, options: levels }),
        field('owner', 'user'),
        field('due', 'date'),
        field('twin', 'string'),
      ],
    },
    users: [
      { key: 'ann', login: 'ann', name: 'Ann Archer', emails: ['ann@example.com'], active: true, machine: false },
    ],
    records: new Map(),
    faults: {
      add: (fault) => void faults.push({ ...fault, left: fault.times ?? 1 }),
      take: (on) => {
        const index = faults.findIndex((fault) => fault.on === on)
        const found = faults[index]
        if (found === undefined) return undefined
        found.left--
        if (found.left <= 0) faults.splice(index, 1)
        return found
      },
    },
    signIns: 0,
    session: 0,
    expire: () => void system.session++,
    create: (fields) => {
      const now = time()
      const record = { id: String(nextId++), stamp: { version: 1, modified: now }, created: now, fields: { ...fields } }
      system.records.set(record.id, record)
      return record
    },
    edit: (id, fields) => {
      const record = system.records.get(id)
      if (record === undefined) throw new Error(`There is no record ${id}.`)
      record.fields = { ...record.fields, ...fields }
      record.stamp = { version: (record.stamp.version ?? 0) + 1, modified: time() }
      return record
    },
  }
  return system
}
