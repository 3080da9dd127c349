import { Context } from '@temporalio/activity'
import { valueHash } from '../core/hash.ts'
import type { CheckedPart, Finding } from '../core/run.ts'
import type { LinkContext, Store } from '../core/store.ts'
import { type Side, sides } from '../core/values.ts'
import { createParts, type Part, told } from './check-parts.ts'
import type { Connections } from './connections.ts'
import { guardedStep } from './failures.ts'
import { watchSchema } from './schema-watch.ts'

export interface CheckInput {
  linkId: string
  runId: string
  version: number
  /** True: parts that the last check has judged and that nothing has changed stand as they are. */
  affectedOnly?: boolean
}

export interface CheckResult {
  passed: boolean
  errors: number
  warnings: number
}

/** What was judged longer ago than this, in seconds, is judged again whether or not anything has changed here. */
const longestSeconds = 86_400
const heartbeatMs = 10_000

/** The integrity check: connections first, then part by part what the configuration, both systems and real records tell. */
export function createCheck({ store, connections }: { store: Store; connections: Connections }) {
  async function check({ linkId, runId, version, affectedOnly = false }: CheckInput): Promise<CheckResult> {
    return guardedStep(store, { runId, step: 'The integrity check' }, async () => {
      const context = Context.current()
      const signal = context.cancellationSignal
      const link = await store.link(linkId, version)
      const known = affectedOnly ? await store.lastCheck({ linkId, withinSeconds: longestSeconds }) : []
      const earlier = new Map(known.map((one) => [one.part.part, one]))
      const judged: { part: CheckedPart; findings: readonly Finding[] }[] = []

      async function judge({ name, depends, judge: look }: Part): Promise<void> {
        const before = earlier.get(name)
        const fingerprint = valueHash(JSON.stringify(depends ?? runId))
        const holds =
          before?.part.fingerprint === fingerprint && before.findings.every((finding) => finding.severity !== 'error')
        if (before !== undefined && holds) judged.push(before)
        else {
          const findings = await look()
          judged.push({ part: { part: name, fingerprint, findings: findings.length, runId }, findings })
        }
      }

      // A slow endpoint may take minutes over one part.
      const beat = setInterval(() => context.heartbeat(), heartbeatMs)
      try {
        await judgeAll()
      } finally {
        clearInterval(beat)
      }

      const findings = judged.flatMap((one) => one.findings)
      const errors = findings.filter((finding) => finding.severity === 'error').length
      const warnings = findings.filter((finding) => finding.severity === 'warning').length
      const parts = judged.map((one) => one.part)
      await store.saveFindings({ runId, linkId, findings, parts, passed: errors === 0 })
      return { passed: errors === 0, errors, warnings }

      async function judgeAll(): Promise<void> {
        for (const side of sides)
          await judge({
            name: `connection:${side}`,
            depends: null,
            judge: () => connectionFindings(link, side, signal),
          })
        const fine = () => judged.every(({ findings }) => findings.every((finding) => finding.severity !== 'error'))
        const described = (metadata: Parameters<typeof watchSchema>[1]['metadata']) =>
          watchSchema(store, { link, metadata }, runId)
        const { first, rest } = createParts({ link, store, connections, signal, described })
        if (fine()) for (const part of first) await judge(part)
        if (fine()) for (const part of rest) await judge(part)
      }
    })
  }

  function connectionFindings(link: LinkContext, side: Side, signal: AbortSignal): Promise<Finding[]> {
    const { name } = link[side]
    const pointer = `/${side}/endpointId`
    return told('connection', side, pointer, async () => {
      const report = await (await connections.connector(link[side])).testConnection({ signal })
      const message = `${name}: ${report.product} ${report.version}, ${report.place}, signed in as ${report.user}.`
      return [{ check: 'connection', severity: 'ok', side, message, remedy: null, pointer, records: null }]
    }).then((findings) =>
      findings.map((one) => (one.severity === 'error' ? { ...one, message: `${name}: ${one.message}` } : one)),
    )
  }

  return { check }
}
