import { Context } from '@temporalio/activity'
import { ConnectorError } from '../connectors/contract.ts'
import { proposeMapping } from '../core/auto-map.ts'
import { entityTypes } from '../core/link-kinds.ts'
import type { Problem } from '../core/problems.ts'
import { type Question, type Store, StoreError } from '../core/store.ts'
import type { Connections } from './connections.ts'
import { guarded, toFailure } from './failures.ts'
import { reviewEndpoints } from './review.ts'
import { previewScope } from './scope.ts'
import { standIns } from './stand-in.ts'

const unanswered: Problem = {
  class: 'internal',
  code: 'internal',
  message: 'The bridge could not answer.',
  remedy: 'Look at the log of the bridge.',
}

/**
 * Answers a question about an endpoint. Question and answer travel through the store, so that neither contents of records
 * nor secrets enter a workflow's history; a refusal of the endpoint is an answer too.
 */
export function createAnswer({ store, connections }: { store: Store; connections: Connections }) {
  async function answer({ askId }: { askId: string }): Promise<void> {
    await guarded(async () => {
      const question = await store.question(askId)
      try {
        await store.saveAnswer({ askId, answer: await find(question) })
      } catch (error) {
        const retried = Context.current().info.attempt > 1
        if (error instanceof ConnectorError && (retried || error.problem.class !== 'unavailable')) {
          await store.saveAnswer({ askId, problem: error.problem })
          return
        }
        // Whoever asked must not wait in vain; the failure itself stays visible in the history of the question.
        if (retried && !(error instanceof StoreError)) await store.saveAnswer({ askId, problem: unanswered })
        throw toFailure(error)
      }
    })
  }

  async function find(question: Question): Promise<unknown> {
    const signal = Context.current().cancellationSignal
    switch (question.kind) {
      case 'test-connection':
        return connections.withFreshConnector(question.endpoint, (connector) => connector.testConnection({ signal }))
      case 'places':
        return connections.withFreshConnector(question.endpoint, async (connector) => ({
          items: await connector.places({ signal }),
        }))
      case 'describe':
        return connections.describe(question.endpoint, question.entityType, true)
      case 'propose-mapping': {
        const [left, right] = await Promise.all([
          connections.describe(question.left, entityTypes[question.entityType][question.left.address.kind], true),
          connections.describe(question.right, entityTypes[question.entityType][question.right.address.kind], true),
        ])
        const proposed = proposeMapping({
          kind: question.entityType,
          ...(question.types === undefined ? {} : { askedTypes: question.types }),
          left: left.entity,
          leftKind: question.left.address.kind,
          right: right.entity,
          rightKind: question.right.address.kind,
        })
        const ends = {
          left: { endpoint: question.left, users: left.users },
          right: { endpoint: question.right, users: right.users },
        }
        const defaultUsers = await standIns(connections, ends, { signal })
        return { ...proposed, defaultUsers }
      }
      case 'review':
        return reviewEndpoints(connections, question, { signal })
      case 'favorites': {
        const connector = await connections.connector(question.endpoint)
        return { items: await connector.favorites(question.entityType, { signal }) }
      }
      case 'folders-above': {
        const connector = await connections.connector(question.endpoint)
        return Object.fromEntries(await connector.foldersAbove(question.entityType, question.ids, { signal }))
      }
      case 'preview-scope': {
        const connector = await connections.connector(question.endpoint)
        return previewScope(connector, question.entityType, question.scope, { signal })
      }
      case 'record': {
        const connector = await connections.connector(question.endpoint)
        const [snapshot] = await connector.read(question.entityType, [question.id], question.fields, { signal })
        return snapshot === undefined
          ? { found: false }
          : { found: true, snapshot, url: connector.recordUrl(question.entityType, question.id) }
      }
    }
  }

  return { answer }
}
