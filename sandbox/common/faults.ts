import { randomUUID } from 'node:crypto'

export const faultKinds = [
  'error-before',
  'error-after',
  'slow',
  'drop',
  'drop-after',
  'unauthorized',
  'throttle',
  'unavailable',
  'html',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** What goes wrong with which requests. `before` kinds answer without doing the work, `after` kinds commit first. */
export interface FaultRule {
  id?: string
  match: { method?: string; path?: string }
  kind: FaultKind
  status?: number
  retryAfter?: number | string
  delayMs?: number
  /** How many matching requests it strikes; default 1. */
  times?: number
  /** How many matching requests pass first. */
  skip?: number
}

interface ActiveRule extends FaultRule {
  id: string
  left: number
  toSkip: number
  path: RegExp | null
}

export class Faults {
  readonly #rules: ActiveRule[] = []
  /** Added to every answer. */
  latencyMs = 0

  add(rule: FaultRule): string {
    const id = rule.id ?? randomUUID()
    const path = rule.match.path === undefined ? null : new RegExp(rule.match.path)
    this.#rules.push({ ...rule, id, left: rule.times ?? 1, toSkip: rule.skip ?? 0, path })
    return id
  }

  clear(id?: string): void {
    if (id === undefined) this.#rules.length = 0
    else {
      const index = this.#rules.findIndex((rule) => rule.id === id)
      if (index >= 0) this.#rules.splice(index, 1)
    }
  }

  list(): (FaultRule & { id: string; left: number })[] {
    return this.#rules.map(({ path: _path, toSkip: _toSkip, ...rule }) => rule)
  }

  /** The fault that strikes this request, if any; counts it. */
  take(request: { method: string; path: string }): FaultRule | undefined {
    for (const rule of this.#rules) {
      if (rule.left <= 0) continue
      if (rule.match.method !== undefined && rule.match.method.toUpperCase() !== request.method) continue
      if (rule.path !== null && !rule.path.test(request.path)) continue
      if (rule.toSkip > 0) {
        rule.toSkip--
        continue
      }
      rule.left--
      return rule
    }
    return undefined
  }
}
