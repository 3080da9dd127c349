import type { ApiClient } from './api-client.ts'
import type { Output } from './output.ts'

export interface Context {
  api: ApiClient
  output: Output
  /** Set by commands whose outcome is no success: see the exit codes in main.ts. */
  exit(code: number): void
}
