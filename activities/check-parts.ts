import type { CallOptions, Connector } from '../connectors/contract.ts'
import { ConnectorError } from '../connectors/contract.ts'
import { checkClocks, type SideClock } from '../core/check-clock.ts'
import { checkLink } from '../core/check-link.ts'
import { checkPlaces } from '../core/check-places.ts'
import { checkPhases, checkRecords, fieldsOfPattern, isReadable } from '../core/check-records.ts'
import { checkRefusals } from '../core/check-refusals.ts'
import { checkScope } from '../core/check-scope.ts'
import {
  checkHierarchy,
  checkOverwriting,
  checkReactions,
  checkStanding,
  type StandingInput,
} from '../core/check-standing.ts'
import { createLinkPlanner } from '../core/link-planner.ts'
import { fieldByName, type SideMetadata } from '../core/metadata.ts'
import type { Finding } from '../core/run.ts'
import { overlap } from '../core/scope-overlap.ts'
import type { LinkContext, Store } from '../core/store.ts'
import { otherSide, type Side, sides } from '../core/values.ts'
import type { Connections } from './connections.ts'
import { sampleRecords } from './sample-records.ts'
import { scopeOf } from './scope.ts'

/** So many records of a side are looked at. */
const mostRecords = 1_000

/** A part of the integrity check: what it depends on, and how it is judged. */
export interface Part {
  name: string
  /** Everything in the configuration, and of the endpoints' addresses, that decides about it; null: it is judged anew each time. */
  depends: unknown
  judge(): Promise<Finding[]>
}

interface Around {
  link: LinkContext
  store: Store
  connections: Connections
  signal: AbortSignal
  /** Told once the endpoints are described anew. */
  described(metadata: Readonly<Record<Side, SideMetadata>>): Promise<void>
}

/**
 * Parts that need both connections: first whether the endpoints describe what the link is about, then everything that relies
 * on that, in the order in which people read it.
 */
export function createParts({ link, store, connections, signal, described }: Around): { first: Part[]; rest: Part[] } {
  const { configuration } = link
  const { fields, types, rules, pastReleases, tuning } = configuration
  const call: CallOptions = { signal }
  const endpoint = (side: Side) => [link[side].id, link[side].revision, configuration[side].entityType]
  const scoped = (side: Side) => {
    const { scope, root } = configuration[side]
    return [endpoint(side), scope, root, types, pastReleases, configuration.schedule.timeZone]
  }
  // Whatever a later version adds to a configuration counts as a part of the mapping until it is known to have no say in it.
  const { schedule: _schedule, brake: _brake, tuning: _tuning, left: _left, right: _right, ...rest } = configuration
  const mapping = [
    sides.map((side) => [endpoint(side), configuration[side].crossReference]),
    rest,
    link.users,
    link.kinds,
  ]
  const connector = (side: Side): Promise<Connector> => connections.connector(link[side], tuning.writes)

  const describe = perSide((side) => connections.describe(link[side], configuration[side].entityType, true))
  const metadata = once(async () => {
    const [left, right] = await Promise.all([describe('left'), describe('right')])
    await described({ left, right })
    return { left, right }
  })
  const standing = perSide(async (side): Promise<StandingInput> => {
    const at = await connector(side)
    const [standings, all] = await Promise.all([at.inspect(configuration[side].entityType, call), metadata()])
    return {
      configuration,
      side,
      standings,
      compareAndSet: at.capabilities.compareAndSet,
      field: (name) => fieldByName(all[side].entity, name),
    }
  })
  const sample = perSide(async (side) => {
    const all = await metadata()
    const planner = createLinkPlanner({ configuration, ...all, users: link.users })
    const mapped = planner.fieldsToRead(side)
    const names = [...new Set([...mapped, ...fieldsOfPattern(all[side])])]
    const from = await connector(side)
    const which = { scope: scopeOf({ link, connectors: { left: from, right: from } }, side), most: mostRecords }
    return { planner, ...(await sampleRecords(from, configuration[side].entityType, names, which, call)) }
  })

  const ofSides = (name: string, depends: (side: Side) => unknown, judge: (side: Side) => Promise<Finding[]>): Part[] =>
    sides.map((side) => ({
      name: `${name}:${side}`,
      depends: depends(side),
      judge: () => told(name, side, `/${side}/endpointId`, () => judge(side)),
    }))
  const mine = (side: Side) => [
    endpoint(side),
    configuration[side].crossReference,
    rules,
    types,
    tuning.writes,
    fields.map((one) => [one[side], one.direction]),
  ]

  const first = ofSides('schema', endpoint, async (side) => {
    const { entity, users } = await describe(side)
    const kinds = entity.recordTypes === undefined ? '' : ` of ${entity.recordTypes.types.length} types`
    const people = users.filter((user) => user.active && !user.machine).length
    return [
      {
        check: 'schema',
        severity: 'ok',
        side,
        message: `${entity.fields.length} fields${kinds} and ${people} people were read.`,
        remedy: null,
        pointer: null,
        records: null,
      },
    ]
  })
  const others: Part[] = [
    ...ofSides('permissions', mine, async (side) => checkStanding(await standing(side))),
    {
      name: 'mapping',
      depends: mapping,
      judge: async () => checkLink({ configuration, ...(await metadata()), users: link.users }),
    },
    ...ofSides('hierarchy', mine, async (side) => checkHierarchy(await standing(side))),
    ...ofSides('scope', scoped, async (side) => {
      const wrong = checkScope(configuration, side, (await metadata())[side])
      return wrong.length > 0 ? wrong : scopeFindings(side)
    }),
    // Another link may have changed meanwhile.
    { name: 'scope-overlap', depends: null, judge: overlapFindings },
    ...ofSides(
      'records',
      (side) => [scoped(side), mapping],
      async (side) => {
        const all = await metadata()
        if (!isReadable(configuration, all)) return []
        const { planner, records, exact } = await sample(side)
        const looked = { configuration, metadata: all, planner, kinds: link.kinds, from: side, records, exact }
        return [
          ...checkRecords(looked),
          ...checkPlaces(looked),
          ...checkPhases({ configuration, side, metadata: all[side], records }),
        ]
      },
    ),
    {
      name: 'refusals',
      depends: null,
      judge: async () => checkRefusals(configuration, await store.refusedNow({ linkId: link.id })),
    },
    { name: 'clocks', depends: null, judge: clockFindings },
    {
      name: 'overwriting',
      depends: sides.map(mine),
      judge: async () => {
        const [left, right] = await Promise.all([connector('left'), connector('right')])
        return checkOverwriting(configuration, {
          left: left.capabilities.compareAndSet,
          right: right.capabilities.compareAndSet,
        })
      },
    },
    ...ofSides(
      'reactions',
      (side) => [mine(side), scoped(otherSide(side))],
      async (side) => checkReactions(await standing(side), await firstWrites(side)),
    ),
  ]
  return { first, rest: others }

  /** Records that a first run may create on a side: those in the other side's scope that have no pair. Null: none, or too many to count. */
  async function firstWrites(side: Side): Promise<number | null> {
    const from = otherSide(side)
    const creates = [rules, ...types.flatMap((type) => type.rules ?? [])].some(
      (one) => one[side === 'right' ? 'toRight' : 'toLeft'].create,
    )
    if (!creates || !isReadable(configuration, await metadata())) return null
    const [{ total }, paired] = await Promise.all([sample(from), store.pairCount({ linkId: link.id })])
    return Math.max(0, total - paired)
  }

  /** Is there a folder, a favorite, a record? Nothing is told of a side that takes up everything. */
  async function scopeFindings(side: Side): Promise<Finding[]> {
    const from = await connector(side)
    const scope = scopeOf({ link, connectors: { left: from, right: from } }, side)
    if (scope === null) return []
    const pages = from.inScope(configuration[side].entityType, scope, call)[Symbol.asyncIterator]()
    const first = await pages.next()
    await pages.return?.()
    const some = first.done !== true && first.value.length > 0
    return [
      {
        check: 'scope',
        side,
        pointer: `/${side}/scope`,
        severity: some ? 'ok' : 'warning',
        message: some
          ? 'There are records in scope.'
          : `No record of ${link[side].name} is in scope now, so none is taken up from there.`,
        remedy: some ? null : 'Look at the preview of the scope, or leave it if records are to come.',
        records: some ? null : 0,
      },
    ]
  }

  /** Saving refuses what overlaps; a folder that somebody moved since, or two saves at a time, are found here. */
  async function overlapFindings(): Promise<Finding[]> {
    const others = await store.linksBeside({ linkId: link.id, version: link.version })
    const findings: Finding[] = []
    for (const other of others)
      for (const side of other.shared) {
        const verdict = overlap(configuration, other.configuration, side)
        const [own, theirs] = [configuration[side].root, other.configuration[side].root]
        if (verdict === 'none') continue
        if (verdict === 'folders' && own !== null && theirs !== null) {
          const above = await (await connector(side)).foldersAbove(configuration[side].entityType, [own, theirs], call)
          if (above.get(own)?.includes(theirs) !== true && above.get(theirs)?.includes(own) !== true) continue
        }
        findings.push({
          check: 'scope-overlap',
          severity: 'error',
          side,
          message: `The link "${other.name}" takes up the same records of ${link[side].name}.`,
          remedy:
            'Give both links root folders that do not contain each other, filters that ask one field for different values, or other types; or switch off the creation of records in one of them.',
          pointer: `/${side}/${verdict === 'folders' ? 'root' : 'scope'}`,
          records: null,
        })
      }
    return findings
  }

  async function clockFindings(): Promise<Finding[]> {
    const clock = async (side: Side) => clockOf(await connector(side), configuration[side].entityType, call)
    const [left, right] = await Promise.all([clock('left'), clock('right')])
    return checkClocks(configuration, { left, right })
  }
}

/** What a side's clock shows. */
export async function clockOf(connector: Connector, entityType: string, call: CallOptions): Promise<SideClock> {
  const newest = await connector.newest(entityType, call)
  const header = connector.serverDate()
  return {
    date: header?.date ?? null,
    offsetMs: header?.offsetMs ?? 0,
    uncertaintyMs: header?.uncertaintyMs ?? 0,
    timesHaveZone: connector.capabilities.timesHaveZone,
    newest,
  }
}

/** What an endpoint refuses is a finding; one that is down is no verdict on the link, so that the activity is retried. */
export async function told(
  check: string,
  side: Side,
  pointer: string,
  body: () => Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    return await body()
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error
    const { message, remedy } = error.problem
    if (error.problem.class === 'unavailable' || error.problem.class === 'throttled') throw error
    const at = check === 'scope' ? `/${side}/scope` : pointer
    return [{ check, severity: 'error', side, message, remedy, pointer: at, records: null }]
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => {
    made ??= make()
    return made
  }
}

function perSide<T>(make: (side: Side) => Promise<T>): (side: Side) => Promise<T> {
  const made = { left: once(() => make('left')), right: once(() => make('right')) }
  return (side) => made[side]()
}
