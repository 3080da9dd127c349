import { Readable } from 'node:stream'
import type { Connector } from '../../connectors/contract.ts'
import type { Store } from '../../core/store.ts'
import type { Shell } from '../lab.ts'

/** Where a worker may die: before a call leaves it, or after the call was carried out and before its answer arrived. */
export interface DeathPoint {
  /** Counts calls of the store and of both connectors, from 1. */
  call: number
  /** Counts only calls of this name, such as `store.commit`. */
  of?: string
  when: 'before' | 'after'
}

export interface Mortal {
  shell: Shell
  calls(): number
  isDead(): boolean
  /** Names of the calls so far, in order: what a point is about. */
  trail(): readonly string[]
}

const storeCalls = new Set<string>([
  'link',
  'scanPosition',
  'recordScanPage',
  'finishScan',
  'claim',
  'twins',
  'recordIntents',
  'commit',
  'release',
  'extendLease',
  'queueForParts',
  'queueLostParts',
  'noteParts',
  'referred',
])
const fileCalls = new Set<string>(['listed', 'totals', 'open', 'add', 'replace', 'rename', 'remove'])
const commentCalls = new Set<string>(['listed', 'totals', 'write'])
const connectorCalls = new Set<string>(['newest', 'scan', 'read', 'find', 'create', 'update', 'delete'])

/**
 * A worker that dies at a chosen call: from then on every call of it fails without effect, as when its process is gone.
 * What was on its way is carried out by the server all the same. `inside` stands between the worker's calls and the world;
 * `around` sees each call with its number, for whoever kills a real process there.
 */
export function mortal(
  death: DeathPoint | null,
  inside?: Shell,
  around: <T>(call: number, name: string, start: () => Promise<T>) => Promise<T> = (_call, _name, start) => start(),
): Mortal {
  let count = 0
  let dead = false
  const trail: string[] = []
  const streams = new Set<Readable>()
  // The connectors share what dies: whoever calls next finds nobody.
  async function through<T>(name: string, call: () => Promise<T>): Promise<T> {
    if (dead) throw new Error('this worker is dead')
    const mine = ++count
    trail.push(name)
    const isLast =
      death !== null && death.call === (death.of === undefined ? mine : trail.filter((one) => one === name).length)
    const dying = isLast && (death.of ?? name) === name
    if (dying && death.when === 'before') {
      dead = true
      for (const one of streams) one.destroy()
      throw new Error(`died before ${name}`)
    }
    const answer = await around(mine, name, call)
    const dies = dying && !dead
    if (!dead && !dies) {
      if (answer instanceof Readable) streams.add(answer)
      return answer
    }
    // With the process its connections would be gone: what nobody reads any more must not stay open.
    for (const one of [...streams, answer]) if (one instanceof Readable) one.destroy()
    if (!dies) throw new Error('this worker is dead')
    dead = true
    throw new Error(`died after ${name}`)
  }
  function wrapped<T extends object>(target: T, label: string, names: ReadonlySet<string>): T {
    return new Proxy(target, {
      get(owner, property) {
        const value: unknown = Reflect.get(owner, property)
        if (property === 'attachments' && typeof value === 'object' && value !== null)
          return wrapped(value, `${label}.files`, fileCalls)
        if (property === 'comments' && typeof value === 'object' && value !== null)
          return wrapped(value, `${label}.comments`, commentCalls)
        if (typeof value !== 'function' || !names.has(String(property))) return value
        return (...parameters: unknown[]) =>
          through(`${label}.${String(property)}`, () => value.apply(owner, parameters) as Promise<unknown>)
      },
    })
  }
  return {
    shell: {
      store: (store: Store) => wrapped(inside === undefined ? store : inside.store(store), 'store', storeCalls),
      connector: (connector: Connector) =>
        wrapped(inside === undefined ? connector : inside.connector(connector), connector.kind, connectorCalls),
    },
    calls: () => count,
    isDead: () => dead,
    trail: () => trail,
  }
}
