import { randomUUID } from 'node:crypto'
import { pagingFaults } from './paging.ts'

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
  'commit-late',
  ...pagingFaults,
] as const
export type FaultKind = (typeof faultKinds)[number]

/**
 * What goes wrong with which requests. `before` kinds answer without doing the work, `after` kinds commit first.
 * `commit-late` drops the connection and keeps the request: it is carried out later, as by a server that went on without
 * its client. `page-` kinds strike reads alone.
 */
export interface FaultRule {
  id?: string
  match: { method?: string; path?: string }
  kind: FaultKind
  status?: number
  retryAfter?: number | string
  delayMs?: number
  /** `commit-late`: carried out so long after it came in; not given: by `releaseHeld`. */
  commitAfterMs?: number
  /** `commit-late`: the connection stays open without an answer until the client gives up. */
  hang?: boolean
  /** How many matching requests it strikes; default 1. */
  times?: number
  /** How many matching requests pass first. */
  skip?: number
}

/** A request that its client has given up, and that is still to be carried out. */
interface HeldRequest {
  id: string
  method: string
  path: string
  carryOut: () => { status: number }
  timer?: NodeJS.Timeout
}

interface ActiveRule extends FaultRule {
  id: string
  left: number
  toSkip: number
  path: RegExp | null
}

export class Faults {
  readonly #rules: ActiveRule[] = []
  readonly #held: HeldRequest[] = []
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

  /** Keeps an admitted request, for a while or until it is released. */
  hold(request: { method: string; path: string; carryOut: () => { status: number } }, afterMs?: number): void {
    const held: HeldRequest = { id: randomUUID(), ...request }
    this.#held.push(held)
    if (afterMs !== undefined) held.timer = setTimeout(() => this.#release(held), afterMs).unref()
  }

  /** Requests that are still to be carried out, oldest first. */
  held(): { id: string; method: string; path: string }[] {
    return this.#held.map(({ id, method, path }) => ({ id, method, path }))
  }

  /** Carries held requests out, oldest first, and tells the status that nobody received. */
  releaseHeld(count = this.#held.length): { method: string; path: string; status: number }[] {
    return this.#held.slice(0, count).map((held) => this.#release(held))
  }

  /** Forgets held requests: they are never carried out. */
  dropHeld(): void {
    for (const held of this.#held.splice(0)) clearTimeout(held.timer)
  }

  #release(held: HeldRequest): { method: string; path: string; status: number } {
    clearTimeout(held.timer)
    this.#held.splice(this.#held.indexOf(held), 1)
    return { method: held.method, path: held.path, status: held.carryOut().status }
  }

  /** The fault that strikes this request, if any; counts it. */
  take(request: { method: string; path: string }): FaultRule | undefined {
    for (const rule of this.#rules) {
      if (rule.left <= 0) continue
      if (rule.match.method !== undefined && rule.match.method.toUpperCase() !== request.method) continue
      if (rule.kind.startsWith('page-') && request.method !== 'GET') continue
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
