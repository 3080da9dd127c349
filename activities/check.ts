import { Context } from '@temporalio/activity'
import { ConnectorError } from '../connectors/contract.ts'
import { checkLink } from '../core/check-link.ts'
import { checkScope } from '../core/check-scope.ts'
import type { Finding } from '../core/run.ts'
import type { Store } from '../core/store.ts'
import { type Side, sides } from '../core/values.ts'
import type { Connections } from './connections.ts'
import { guardedStep } from './failures.ts'
import { watchSchema } from './schema-watch.ts'
import { scopeOf } from './scope.ts'

export interface CheckInput {
  linkId: string
  runId: string
  version: number
}

export interface CheckResult {
  passed: boolean
  errors: number
  warnings: number
}

/** The integrity check: connections first, then everything that the endpoints' own descriptions tell about the mapping. */
export function createCheck({ store, connections }: { store: Store; connections: Connections }) {
  async function check({ linkId, runId, version }: CheckInput): Promise<CheckResult> {
    return guardedStep(store, { runId, step: 'The integrity check' }, async () => {
      const context = Context.current()
      const link = await store.link(linkId, version)
      const { configuration } = link
      const connected = await Promise.all(sides.map((side) => connectionFinding(side)))
      const findings: Finding[] = [...connected]
      if (connected.every((finding) => finding.severity !== 'error')) {
        const described = await Promise.all(
          sides.map((side) => connections.describe(link[side], configuration[side].entityType, true)),
        )
        const [left, right] = described
        if (left === undefined || right === undefined) throw new Error('a link has two sides')
        await watchSchema(store, { link, metadata: { left, right } }, runId)
        findings.push(...checkLink({ configuration, left, right, users: link.users }))
        const scopes = await Promise.all(
          sides.map(async (side) => {
            const wrong = checkScope(configuration, side, side === 'left' ? left : right)
            return wrong.length > 0 ? wrong : scopeFindings(side)
          }),
        )
        findings.push(...scopes.flat())
      }
      const errors = findings.filter((finding) => finding.severity === 'error').length
      const warnings = findings.filter((finding) => finding.severity === 'warning').length
      await store.saveFindings({ runId, linkId, findings, passed: errors === 0 })
      return { passed: errors === 0, errors, warnings }

      /** Is there a folder, a favorite, a record? Nothing is told of a side that takes up everything. */
      async function scopeFindings(side: Side): Promise<Finding[]> {
        const connector = await connections.connector(link[side])
        const scope = scopeOf({ link, connectors: { left: connector, right: connector } }, side)
        if (scope === null) return []
        const common = { check: 'scope', side, pointer: `/${side}/scope` }
        try {
          const call = { signal: context.cancellationSignal }
          const pages = connector.inScope(configuration[side].entityType, scope, call)[Symbol.asyncIterator]()
          const first = await pages.next()
          await pages.return?.()
          const some = first.done !== true && first.value.length > 0
          return [
            {
              ...common,
              severity: some ? 'ok' : 'warning',
              message: some
                ? 'There are records in scope.'
                : `No record of ${link[side].name} is in scope now, so none is taken up from there.`,
              remedy: some ? null : 'Look at the preview of the scope, or leave it if records are to come.',
              records: some ? null : 0,
            },
          ]
        } catch (error) {
          if (!(error instanceof ConnectorError)) throw error
          if (error.problem.class === 'unavailable' || error.problem.class === 'throttled') throw error
          return [
            {
              ...common,
              severity: 'error',
              message: error.problem.message,
              remedy: error.problem.remedy,
              records: null,
            },
          ]
        }
      }

      async function connectionFinding(side: Side): Promise<Finding> {
        const endpoint = link[side]
        const common = { check: 'connection', side, pointer: `/${side}/endpointId`, records: null }
        try {
          const connector = await connections.connector(endpoint)
          const report = await connector.testConnection({ signal: context.cancellationSignal })
          return {
            ...common,
            severity: 'ok',
            message: `${endpoint.name}: ${report.product} ${report.version}, ${report.place}, signed in as ${report.user}.`,
            remedy: null,
          }
        } catch (error) {
          if (!(error instanceof ConnectorError)) throw error
          // An endpoint that is down is no verdict on the link: the activity is retried, and fails the run in the end.
          if (error.problem.class === 'unavailable' || error.problem.class === 'throttled') throw error
          return {
            ...common,
            severity: 'error',
            message: `${endpoint.name}: ${error.problem.message}`,
            remedy: error.problem.remedy,
          }
        }
      }
    })
  }
  return { check }
}
