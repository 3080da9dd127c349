import { Context } from '@temporalio/activity'
import { areAlike, isNotable, looseText } from '../core/adoption.ts'
import { fieldByName } from '../core/metadata.ts'
import { noReferences } from '../core/references.ts'
import type { Store } from '../core/store.ts'
import { listsParts, otherSide, type RecordSnapshot, type Side, sides } from '../core/values.ts'
import type { Connections, Workbench } from './connections.ts'
import { guardedStep } from './failures.ts'
import { outOfScope } from './scope.ts'

/** So many records of a side are compared, taken at random: enough to see a tenth, and a handful of requests. */
const sampleSize = 200
/** Names are searched for so many at a time. */
const namesAtOnce = 50

export interface LookAlikes {
  /** True: nothing may be written until somebody has looked. */
  stop: boolean
  side: Side
  looked: number
  alike: number
}

/**
 * Compares some of what a first run would create with what is there: records of the same name, without a twin, that hold the
 * same in another mapped field. Where that is a notable share, records exist on both sides already, and creating them would
 * double them.
 */
export function createLookAlikes({ store, connections }: { store: Store; connections: Connections }) {
  async function compareFirstRun(input: {
    linkId: string
    runId: string
    version: number
    /** True: the run is stopped by it; false: it is only told. */
    stop: boolean
  }): Promise<LookAlikes> {
    const { linkId, runId } = input
    return guardedStep(store, { runId, step: 'Comparing with what is there' }, async () => {
      const signal = Context.current().cancellationSignal
      const nothing: LookAlikes = { stop: false, side: 'right', looked: 0, alike: 0 }
      const sample = await store.firstRunSample({ linkId, runId, limit: sampleSize })
      if (sample === null) return nothing
      const bench = await connections.workbench(await store.link(linkId, input.version))
      const found = await Promise.all(sides.map((from) => alikeOf(bench, store, from, sample[from], { signal })))
      const worst = found.reduce((most, one) => (one.alike > most.alike ? one : most))
      const stop = isNotable(worst)
      if (input.stop) await store.noteLookAlikes({ linkId, runId, ...worst, stop })
      return { ...worst, stop: stop && input.stop }
    })
  }
  return { compareFirstRun }
}

async function alikeOf(
  bench: Workbench,
  store: Pick<Store, 'referred'>,
  from: Side,
  ids: readonly string[],
  call: { signal: AbortSignal },
): Promise<{ side: Side; looked: number; alike: number }> {
  const to = otherSide(from)
  const none = { side: to, looked: 0, alike: 0 }
  const { configuration } = bench.link
  const field = (side: Side, name: string | null) =>
    name === null ? undefined : fieldByName(bench.metadata[side].entity, name)
  const naming = configuration.fields.find((mapping) => mapping.left === 'name' && mapping.right === 'name')
  if (ids.length === 0 || naming === undefined) return none
  const compared = configuration.fields.filter((mapping) => {
    const [source, target] = [field(from, mapping[from]), field(to, mapping[to])]
    return mapping !== naming && source !== undefined && target !== undefined && !listsParts(target.type)
  })
  const [read, outside] = await Promise.all([
    bench.connectors[from].read(configuration[from].entityType, ids, bench.planner.fieldsToRead(from), call),
    outOfScope(bench, from, ids, call),
  ])
  const way = to === 'right' ? 'toRight' : 'toLeft'
  const reference = configuration[from].crossReference
  const created = read.filter(
    (source) =>
      !outside.has(source.id) &&
      bench.planner.kindOf(from, source)?.rules[way].create === true &&
      (reference === null || (source.fields[reference] ?? null) === null) &&
      looseText(source.fields.name ?? null) !== '',
  )
  if (created.length === 0) return none
  const names = [...new Set(created.map((source) => String(source.fields.name)))]
  const twins = new Map<string, RecordSnapshot[]>()
  for (let at = 0; at < names.length; at += namesAtOnce) {
    const some = await bench.connectors[to].find(
      configuration[to].entityType,
      'name',
      names.slice(at, at + namesAtOnce),
      bench.planner.fieldsToRead(to),
      call,
    )
    const states = await store.referred({
      linkId: bench.link.id,
      side: to,
      records: some.map(({ id }) => ({ kind: configuration.entityType, id })),
    })
    some.forEach((match, index) => {
      if (states[index]?.state === 'paired') return
      const name = looseText(match.fields.name ?? null)
      twins.set(name, [...(twins.get(name) ?? []), match])
    })
  }
  const isAlike = (source: RecordSnapshot): boolean => {
    const found = twins.get(looseText(source.fields.name ?? null)) ?? []
    if (found.length === 0) return false
    const values = compared.flatMap((mapping) => {
      const value = mapping[from] === null ? undefined : source.fields[mapping[from]]
      if (value === undefined || value === null || mapping[to] === null) return []
      const there = bench.planner.translate(mapping, from, source, value, noReferences)
      return there.ok ? [{ value: there.value, target: mapping[to] }] : []
    })
    return found.some((target) => areAlike(target, values))
  }
  return { side: to, looked: created.length, alike: created.filter(isAlike).length }
}
