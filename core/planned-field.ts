import type { IntentField } from './store.ts'

/** One value about to be written, with what the ledger will say about it. */
export interface PlannedField extends IntentField {
  group: string | null
}
