import type { SandboxClock } from '../common/clock.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmWriter } from './store.ts'
import type { AlmSwitchValues } from './switches.ts'

interface Lock {
  /** Its number in the list of locks. */
  id: number
  at: string
  user: string
  session: string | null
  until: number
}

/** Who has which record open: a session, or somebody in the desktop client for a while. */
export class AlmLocks {
  readonly #locks = new Map<string, Lock>()
  #next = 1
  readonly #clock: SandboxClock
  readonly #switches: AlmSwitchValues

  constructor(clock: SandboxClock, switches: AlmSwitchValues) {
    this.#clock = clock
    this.#switches = switches
  }

  take(type: string, id: string, writer: AlmWriter, forMs = Number.POSITIVE_INFINITY): void {
    this.check(type, id, writer, true)
    this.#locks.set(`${type}:${id}`, {
      id: this.#next++,
      at: this.#clock.wallTime(this.#clock.now()),
      user: writer.user,
      session: writer.session,
      until: this.#clock.trueTime() + forMs,
    })
  }

  release(type: string, id: string, writer: AlmWriter): void {
    const lock = this.of(type, id)
    if (lock !== undefined && lock.session !== writer.session) throw this.#locked(lock)
    this.#locks.delete(`${type}:${id}`)
  }

  of(type: string, id: string): Lock | undefined {
    const lock = this.#locks.get(`${type}:${id}`)
    return lock === undefined || lock.until < this.#clock.trueTime() ? undefined : lock
  }

  /** All that are held now, as the flat generation lists them. */
  list(): { type: string; id: string; lock: Lock }[] {
    return [...this.#locks.keys()].flatMap((key) => {
      const [type = '', id = ''] = key.split(':')
      const lock = this.of(type, id)
      return lock === undefined ? [] : [{ type, id, lock }]
    })
  }

  /** Locks die with the session that took them. */
  sessionEnded(session: string): void {
    for (const [key, lock] of this.#locks) if (lock.session === session) this.#locks.delete(key)
  }

  gone(type: string, id: string): void {
    this.#locks.delete(`${type}:${id}`)
  }

  clear(): void {
    this.#locks.clear()
  }

  /** Throws where somebody else has the record open. */
  check(type: string, id: string, writer: AlmWriter, locking = false): void {
    const lock = this.of(type, id)
    if (lock === undefined || (lock.session !== null && lock.session === writer.session)) return
    if (writer.via === 'control' && lock.user === writer.user) return
    if (!locking && lock.user === writer.user && lock.session !== null) return
    throw this.#locked(lock)
  }

  #locked(lock: Lock): AlmRefusal {
    return new AlmRefusal(
      Number(this.#switches.lockedStatus),
      `qccore.${this.#switches.lockedId}`,
      `The entity is locked by user '${lock.user}'`,
    )
  }
}
