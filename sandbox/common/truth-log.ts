/** One committed write, whoever made it: the independent record that tests compare Tandem's ledger with. */
export interface TruthEntry {
  seq: number
  /** ISO time of the sandbox's clock. */
  at: string
  system: 'alm' | 'octane'
  actor: string
  action: 'create' | 'update' | 'delete'
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
