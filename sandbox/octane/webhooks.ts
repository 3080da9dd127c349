import { createHmac, randomUUID } from 'node:crypto'

export type WebhookEvent = 'create' | 'update' | 'delete'

/** A business rule with the action "Call URL". What a delivery meets is chosen: once, twice, or not at all; at once or late. */
export interface CallUrlRule {
  url: string
  type: string
  events?: readonly WebhookEvent[]
  headers?: Readonly<Record<string, string>>
  /** Adds the hexadecimal SHA-256 HMAC of the body under this header, as a relay before the receiver does. */
  hmac?: { header: string; secret: string }
  deliver?: 'once' | 'twice' | 'never'
  delayMs?: number
}

/** A committed change, as a rule tells of it. */
export interface WebhookChange {
  event: WebhookEvent
  type: string
  id: string
  user: string
  changes: Readonly<Record<string, { originalValue: unknown; newValue: unknown }>>
}

const deadlineMs = 10_000

/** Calls URLs when records change. A delivery is tried once: what fails is lost, as in the product. */
export class CallUrls {
  readonly #rules = new Map<string, CallUrlRule>()
  readonly #underWay = new Set<Promise<void>>()
  readonly #timers = new Set<NodeJS.Timeout>()
  /** What became of each delivery: the status answered, or null where nobody answered. */
  readonly deliveries: { rule: string; id: string; event: WebhookEvent; status: number | null }[] = []

  add(rule: CallUrlRule): string {
    const id = randomUUID()
    this.#rules.set(id, rule)
    return id
  }

  /** Ends one rule, or all of them. */
  clear(id?: string): void {
    if (id === undefined) this.#rules.clear()
    else this.#rules.delete(id)
  }

  /** The rules, without what must stay secret. */
  list(): { id: string; url: string; type: string }[] {
    return [...this.#rules].map(([id, { url, type }]) => ({ id, url, type }))
  }

  /** Settles when every delivery that has begun is over. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  /** Deliveries that have not begun are lost. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  tell(change: WebhookChange, about: { workspaceId: number; serverUrl: string }): void {
    for (const [id, rule] of this.#rules) {
      if (rule.type !== change.type || rule.events?.includes(change.event) === false) continue
      const body = JSON.stringify({
        entityType: change.type,
        entityId: change.id,
        userName: change.user,
        workspaceId: about.workspaceId,
        submissionMode: change.event,
        serverUrl: about.serverUrl,
        ...(Object.keys(change.changes).length === 0 ? {} : { changes: change.changes }),
      })
      const times = { never: 0, once: 1, twice: 2 }[rule.deliver ?? 'once']
      for (let time = 0; time < times; time++) {
        const call = () => this.#call(id, rule, change, body)
        if (rule.delayMs === undefined) call()
        else {
          const timer = setTimeout(() => {
            this.#timers.delete(timer)
            call()
          }, rule.delayMs).unref()
          this.#timers.add(timer)
        }
      }
    }
  }

  #call(id: string, rule: CallUrlRule, change: WebhookChange, body: string): void {
    const signature: Record<string, string> =
      rule.hmac === undefined
        ? {}
        : { [rule.hmac.header]: createHmac('sha256', rule.hmac.secret).update(body).digest('hex') }
    const call = fetch(rule.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...rule.headers, ...signature },
      body,
      signal: AbortSignal.timeout(deadlineMs),
    })
      .then(
        async (answer) => {
          await answer.body?.cancel()
          return answer.status
        },
        () => null,
      )
      .then((status) => {
        this.deliveries.push({ rule: id, id: change.id, event: change.event, status })
        this.#underWay.delete(call)
      })
    this.#underWay.add(call)
  }
}
