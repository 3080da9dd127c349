/** One committed write, whoever made it: the independent record that tests compare Tandem's ledger with. */
export interface TruthEntry {
  seq: number
  /** ISO time at which it was committed: the true time, whatever the server's clock and the record's stamps say. */
  at: string
  system: 'alm' | 'octane'
  actor: string
  /** `restore`: the whole store went back to an earlier state; type and id are empty. */
  action: 'create' | 'update' | 'delete' | 'restore'
  type: string
  id: string
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  changed: string[]
  version: number | null
  via: 'rest' | 'control' | 'seed'
}

export class TruthLog {
  readonly #entries: TruthEntry[] = []

  append(entry: Omit<TruthEntry, 'seq'>): TruthEntry {
    const full = { seq: this.#entries.length + 1, ...entry }
    this.#entries.push(full)
    return full
  }

  /** Entries with a sequence number above `since`. */
  entries(since = 0): TruthEntry[] {
    return this.#entries.slice(since)
  }
}
