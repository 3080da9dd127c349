import type { TruthEntry } from '../common/truth-log.ts'
import type { Entity } from './store.ts'

/** One committed change with the server's time of it. */
export interface HistoryEntry {
  id: number
  timestamp: string
  action: 'create' | 'update' | 'delete'
  type: string
  entityId: string
  userId: string
  before: Entity | null
  after: Entity | null
  changed: readonly string[]
}

/** Fields whose change is no news of its own. */
const silent = new Set([
  'id',
  'type',
  'version_stamp',
  'client_lock_stamp',
  'last_modified',
  'creation_time',
  'workspace_id',
  'logical_name',
  'subtype',
])

/** What happened to every record, in order. What was seeded has no history. */
export class OctaneHistory {
  #entries: HistoryEntry[] = []

  append(truth: TruthEntry, about: { timestamp: string; userId: string }): void {
    if (truth.action === 'restore') return
    this.#entries.push({
      id: this.#entries.length + 1,
      timestamp: about.timestamp,
      action: truth.action,
      type: truth.type,
      entityId: truth.id,
      userId: about.userId,
      before: truth.before as Entity | null,
      after: truth.after as Entity | null,
      changed: truth.changed,
    })
  }

  entries(): readonly HistoryEntry[] {
    return this.#entries
  }

  /** Goes back to the first so many entries, as a restored server does. */
  keep(entries: readonly HistoryEntry[]): void {
    this.#entries = [...entries]
  }
}

/** The fields that an entry tells of; a deletion tells of none. */
export function changesOf(entry: HistoryEntry): { field: string; before: unknown; after: unknown }[] {
  if (entry.action === 'delete') return []
  return entry.changed
    .filter((field) => !silent.has(field))
    .map((field) => ({ field, before: entry.before?.[field] ?? null, after: entry.after?.[field] ?? null }))
    .filter(({ before, after }) => entry.action === 'update' || isGiven(after) || isGiven(before))
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== false && !(Array.isArray(value) && value.length === 0)
}
