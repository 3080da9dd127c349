import type { CallOptions } from '../connectors/contract.ts'
import { proposeMapping } from '../core/auto-map.ts'
import { checkClocks } from '../core/check-clock.ts'
import { checkLink } from '../core/check-link.ts'
import { checkPlaces } from '../core/check-places.ts'
import { checkPhases, checkRecords, fieldsOfPattern } from '../core/check-records.ts'
import { checkHierarchy, checkReactions, checkStanding, type StandingInput } from '../core/check-standing.ts'
import { type LinkConfiguration, linkConfiguration } from '../core/link-config.ts'
import { entityTypes } from '../core/link-kinds.ts'
import { createLinkPlanner } from '../core/link-planner.ts'
import { fieldByName } from '../core/metadata.ts'
import { type ReviewItem, review } from '../core/review.ts'
import type { Finding } from '../core/run.ts'
import type { Question } from '../core/store.ts'
import { otherSide, type Side, sides } from '../core/values.ts'
import { clockOf } from './check-parts.ts'
import type { Connections } from './connections.ts'
import { sampleRecords } from './sample-records.ts'
import { standIns } from './stand-in.ts'

type PairQuestion = Extract<Question, { left: unknown }>

export interface ReviewReport {
  /** Records of the kind on each side, and how many of them were looked at. */
  records: Record<Side, { total: number; looked: number }>
  items: ReviewItem[]
}

/** So many records of a side are looked at: a person waits for the answer. */
const mostRecords = 300

/**
 * Reads both sides as a link of the kind would, with the mapping that would be proposed for it and records created both ways,
 * and tells what to adapt. Nothing is written, and nothing is kept.
 */
export async function reviewEndpoints(
  connections: Connections,
  question: PairQuestion,
  call: CallOptions,
): Promise<ReviewReport> {
  const { left, right, entityType } = question
  const ends = { left, right }
  const systems = { left: left.address.kind, right: right.address.kind }
  const typeOf = (side: Side) => entityTypes[entityType][systems[side]]
  const bothSides = async <T>(look: (side: Side) => Promise<T>): Promise<Record<Side, T>> => {
    const [one, two] = await Promise.all([look('left'), look('right')])
    return { left: one, right: two }
  }
  const metadata = await bothSides((side) => connections.describe(ends[side], typeOf(side), true))
  const connectors = await bothSides((side) => connections.connector(ends[side]))
  const standings = await bothSides((side) => connectors[side].inspect(typeOf(side), call))
  const proposed = proposeMapping({
    kind: entityType,
    ...(question.types === undefined ? {} : { askedTypes: question.types }),
    left: metadata.left.entity,
    leftKind: systems.left,
    right: metadata.right.entity,
    rightKind: systems.right,
  })
  const defaultUsers = await standIns(
    connections,
    {
      left: { endpoint: left, users: metadata.left.users },
      right: { endpoint: right, users: metadata.right.users },
    },
    call,
  )
  const configuration = configurationOf(question, proposed, defaultUsers)
  const planner = configuration === null ? null : createLinkPlanner({ configuration, ...metadata, users: [] })
  const samples = await bothSides((side) => {
    const mapped = planner?.fieldsToRead(side) ?? []
    const fields = [...new Set([...mapped, ...fieldsOfPattern(metadata[side])])]
    return sampleRecords(connectors[side], typeOf(side), fields, { scope: null, most: mostRecords }, call)
  })
  const findings: Finding[] = []
  if (configuration !== null && planner !== null) {
    findings.push(...checkLink({ configuration, ...metadata, users: [] }))
    for (const side of sides) {
      const standing: StandingInput = {
        configuration,
        side,
        standings: standings[side],
        compareAndSet: connectors[side].capabilities.compareAndSet,
        field: (name) => fieldByName(metadata[side].entity, name),
      }
      const { records, exact } = samples[side]
      const looked = { configuration, metadata, planner, kinds: [entityType], from: side, records, exact }
      findings.push(
        ...checkStanding(standing),
        ...checkHierarchy(standing),
        ...checkRecords(looked),
        ...checkPlaces(looked),
        ...checkPhases({ configuration, side, metadata: metadata[side], records }),
        ...checkReactions(standing, samples[otherSide(side)].total),
      )
    }
    const clocks = await bothSides((side) => clockOf(connectors[side], typeOf(side), call))
    findings.push(...checkClocks(configuration, clocks))
  }
  const items = review({
    kind: entityType,
    systems,
    metadata,
    proposed,
    configuration,
    findings,
    samples: { left: samples.left.records, right: samples.right.records },
  })
  const counted = ({ total, records }: (typeof samples)['left']) => ({ total, looked: records.length })
  return { records: { left: counted(samples.left), right: counted(samples.right) }, items }
}

/** What a new link would begin with, creating records both ways; null: the proposal makes no link. */
function configurationOf(
  { left, right, entityType }: PairQuestion,
  proposed: ReturnType<typeof proposeMapping>,
  defaultUsers: LinkConfiguration['defaultUsers'],
): LinkConfiguration | null {
  const both = { create: true, update: true }
  const parsed = linkConfiguration.safeParse({
    entityType,
    left: {
      endpointId: left.id,
      entityType: entityTypes[entityType][left.address.kind],
      crossReference: proposed.crossReference.left,
    },
    right: {
      endpointId: right.id,
      entityType: entityTypes[entityType][right.address.kind],
      crossReference: proposed.crossReference.right,
    },
    types: proposed.types,
    fields: proposed.fields,
    matchBy: proposed.matchBy,
    defaultUsers,
    rules: { toRight: both, toLeft: both },
  })
  return parsed.success ? parsed.data : null
}
