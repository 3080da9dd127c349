import { type Store, StoreError } from '../core/store.ts'
import {
  beginAdoptionListing,
  finishAdoptionListing,
  loadAdoptionMatches,
  matchAdoption,
  saveAdoptionFields,
  saveAdoptionRecords,
} from './adoptions.ts'
import { answerAsk, loadQuestion } from './asks.ts'
import { noteThrottled } from './batch-slots.ts'
import { type Database, DatabaseError, named } from './connection.ts'
import { loadRefusals } from './issues.ts'
import { noteLookAlikes, sampleFirstRun } from './look-alikes.ts'
import { noteParts, queueForParts, queueLostParts } from './queue-parts.ts'
import { loadReferred } from './references.ts'
import { refusals, refusedItems, refusedRecords } from './refusals.ts'
import { loadRequestedRecords, noteUnknownRecords } from './requests.ts'
import { loadPeopleWaitedFor, requeuePeople } from './requeue.ts'
import { markRestored } from './restored.ts'
import { logRun } from './run-log.ts'
import { closeRun, loadLastCheck, openRun, replaceFindings } from './runs.ts'
import { loadScanPosition, noteClockStep, saveScanPosition } from './scan-positions.ts'
import { mayWork } from './schedule.ts'
import { loadSchemaSeen, noteSchema } from './schemas.ts'
import { countLeftOut, linksBeside, queueArrivals } from './scope.ts'
import { beginSimulation, finishSimulation, saveSimulationPage } from './simulations.ts'
import { commitBatch, writeIntents } from './store-commit.ts'
import { loadLinkContext, loadWatchState } from './store-links.ts'
import { beginListing, finishListing } from './store-listings.ts'
import {
  claimItems,
  countPairs,
  extendClaim,
  findKnownParts,
  findOpenCreates,
  findSiblings,
  findTwins,
  loadQueueState,
  peekItems,
  queueScanPage,
  releaseClaim,
} from './store-queue.ts'

/** The Store directly on PostgreSQL, for the central process and the built-in bridge. */
export function createStore(database: Database, { bridgeId }: { bridgeId: string }): Store {
  const { sql } = database
  const store: Store = {
    link: (linkId, version) => loadLinkContext(database, bridgeId, linkId, version),
    watchState: (linkId) => loadWatchState(database, linkId),
    recordWatch: async ({ linkId, outcome }) => {
      await named(
        'record watch',
        () => sql`
          insert into watch_hours (link_id, hour, ${sql(outcome)}, looked_at)
          values (${linkId}, date_trunc('hour', now()), 1, ${outcome === 'failed' ? null : sql`now()`})
          on conflict (link_id, hour) do update set ${sql(outcome)} = watch_hours.${sql(outcome)} + 1,
            looked_at = coalesce(excluded.looked_at, watch_hours.looked_at)`,
      )
    },
    beginRun: (input) => openRun(database, input),
    finishRun: (input) => closeRun(database, input),
    logRun: (input) => logRun(database, input),
    saveFindings: (input) => replaceFindings(database, input),
    lastCheck: (input) => loadLastCheck(database, input),
    refusedNow: ({ linkId }) => loadRefusals(database, linkId),
    pairCount: ({ linkId }) => countPairs(database, linkId),
    linksBeside: async ({ linkId, version }) =>
      linksBeside(database, linkId, (await loadLinkContext(database, bridgeId, linkId, version)).configuration),
    schemaSeen: (linkId) => loadSchemaSeen(database, linkId),
    noteSchema: (input) => noteSchema(database, input),
    beginSimulation: (input) => beginSimulation(database, input),
    saveSimulation: (input) => saveSimulationPage(database, input),
    finishSimulation: (input) => finishSimulation(database, input),
    refusals: (input) => refusals(database, input),
    refusedRecords: (input) => refusedRecords(database, input),
    refusedItems: (input) => refusedItems(database, input),
    scanPosition: (linkId, side) => loadScanPosition(database, linkId, side),
    beginListing: (input) => beginListing(database, input),
    finishListing: (input) => finishListing(database, input),
    queueForParts: (input) => queueForParts(database, input),
    queueLostParts: (input) => queueLostParts(database, input),
    noteParts: (input) => noteParts(database, input),
    leftOut: (input) => countLeftOut(database, input),
    queueArrivals: (input) => queueArrivals(database, input),
    recordScanPage: (input) => queueScanPage(database, input),
    finishScan: (input) => saveScanPosition(database, input),
    noteClockStep: (input) => noteClockStep(database, input),
    queueState: (linkId, runId) => loadQueueState(database, linkId, runId),
    requestedRecords: (runId) => loadRequestedRecords(database, runId),
    noteUnknown: (input) => noteUnknownRecords(database, input),
    mayWork: (input) => mayWork(database, input),
    claim: async (request) =>
      (await mayWork(database, request)) ? claimItems(database, request) : { token: '', items: [], closed: true },
    peek: (input) => peekItems(database, input),
    extendLease: (input) => extendClaim(database, input),
    noteThrottled: (input) => noteThrottled(database, input),
    release: ({ token }) => releaseClaim(database, token),
    siblings: (input) => findSiblings(database, input),
    partsKnown: (input) => findKnownParts(database, input),
    markRestored: (input) => markRestored(database, input),
    twins: (input) => findTwins(database, input),
    openCreates: (input) => findOpenCreates(database, input),
    referred: (input) => loadReferred(database, input),
    recordIntents: (input) => writeIntents(database, input),
    commit: (request) => commitBatch(database, request),
    peopleWaitedFor: (linkId) => loadPeopleWaitedFor(database, linkId),
    requeuePeople: async ({ linkId, keys }) => {
      await named('requeue people', () => database.sql.begin((tx) => requeuePeople(tx, linkId, keys)))
    },
    beginAdoptionListing: (input) => beginAdoptionListing(database, input),
    saveAdoptionRecords: (input) => saveAdoptionRecords(database, input),
    matchAdoption: (input) => matchAdoption(database, input),
    adoptionMatches: (input) => loadAdoptionMatches(database, input),
    saveAdoptionFields: (input) => saveAdoptionFields(database, input),
    finishAdoptionListing: (input) => finishAdoptionListing(database, input),
    firstRunSample: (input) => sampleFirstRun(database, input),
    noteLookAlikes: (input) => noteLookAlikes(database, input),
    question: (askId) => loadQuestion(database, bridgeId, askId),
    saveAnswer: (input) => answerAsk(database, input),
  }
  return guarded(store)
}

/** A database that cannot be reached is the store being unavailable; its own refusals keep their words. */
function guarded(store: Store): Store {
  const wrapped = Object.fromEntries(
    Object.entries(store).map(([name, call]) => [
      name,
      async (...parameters: unknown[]) => {
        try {
          return await (call as (...all: unknown[]) => Promise<unknown>)(...parameters)
        } catch (error) {
          if (error instanceof DatabaseError && error.unavailable)
            throw new StoreError('unavailable', 'The database does not answer.', { cause: error })
          throw error
        }
      },
    ]),
  )
  return wrapped as unknown as Store
}
