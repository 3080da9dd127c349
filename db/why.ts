import type { Base } from '../core/base.ts'
import type { IntentField } from '../core/intents.ts'
import { linkConfiguration } from '../core/link-config.ts'
import type { CanonicalValue, Side } from '../core/values.ts'
import { explainField, type WhyAnswer, type WhyDecision, type WhyHeld, type WhyWrite } from '../core/why.ts'
import { type Database, named } from './connection.ts'
import { stoppedRecord } from './scope.ts'

/** A record with the story of its fields. */
export interface RecordStory {
  side: Side
  recordId: string
  twinId: string | null
  /** Since when both are a pair; null: they are none. */
  pairedSince: string | null
  fields: WhyAnswer[]
}

interface StoryRow extends Omit<WhyWrite, 'field' | 'version' | 'run' | 'kind'> {
  kind: 'write' | 'decision' | 'command'
  content: {
    fields?: (IntentField & { after?: CanonicalValue })[]
    mappingId?: string
    choose?: string
    value?: CanonicalValue
    reason?: string
  }
  version: number | null
  author: string | null
  comment: string | null
  savedAt: string | null
  runId: string | null
  runKind: string | null
  trigger: string | null
}

/** Rows of one record that a story goes back: one field has its own so many. */
const mostRows = 300

/**
 * Why fields of a record have their values: those asked for by name or mapping, or all that the link maps or ever wrote.
 * Null: there is no such link.
 */
export async function recordStory(
  { sql }: Pick<Database, 'sql'>,
  input: { linkId: string; side: Side; recordId: string; field?: string },
): Promise<RecordStory | null> {
  const { linkId, side, recordId } = input
  const time = (column: ReturnType<typeof sql>) =>
    sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`
  return named('record story', async () => {
    const [link] = await sql<
      { version: number; configuration: unknown; endpointPairId: string; left: string; right: string }[]
    >`
      select l.version, v.configuration, l.endpoint_pair_id as "endpointPairId", a.name as left, b.name as right
      from links l join link_versions v on v.link_id = l.id and v.version = l.version
      join endpoint_pairs p on p.id = l.endpoint_pair_id join endpoints a on a.id = p.left_id join endpoints b on b.id = p.right_id
      where l.id = ${linkId}`
    if (link === undefined) return null
    const configuration = linkConfiguration.parse(link.configuration)
    const [pair] = await sql<{ id: string; leftId: string; rightId: string; base: Base; since: string }[]>`
      select id, left_id as "leftId", right_id as "rightId", base, ${time(sql`created_at`)} as since from pairs
      where endpoint_pair_id = ${link.endpointPairId} and entity_type = ${configuration.entityType}
        and ${side === 'left' ? sql`left_id` : sql`right_id`} = ${recordId}`
    const mapped = configuration.fields.filter(
      (mapping) =>
        mapping[side] !== null &&
        (input.field === undefined || mapping[side] === input.field || mapping.id === input.field),
    )
    const about = input.field === undefined ? null : (mapped[0]?.id ?? null)
    // One field of a record that was written thousands of times still has its own story.
    const only =
      input.field === undefined
        ? sql`true`
        : about !== null
          ? sql`(content @> ${sql.json({ fields: [{ mappingId: about }] })} or content ->> 'mappingId' = ${about})`
          : sql`(content @> ${sql.json({ fields: [{ field: input.field }] })} or content @> ${sql.json({ fields: [{ mappingId: input.field }] })})`
    const own = side === 'left' ? sql`left_id` : sql`right_id`
    const rows = await sql<StoryRow[]>`
      with own as (
        (select * from ledger where pair_id = ${pair?.id ?? null} and ${only} order by at desc, position desc limit ${mostRows})
        union all
        (select * from ledger where link_id = ${linkId} and ${own} = ${recordId} and pair_id is null and ${only}
          order by at desc, position desc limit ${mostRows})
      )
      select o.id as "ledgerId", to_char(o.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, o.kind, o.action, o.side,
        o.left_id as "leftId", o.right_id as "rightId", o.content, o.actor, o.bridge, o.build, o.version, v.author, v.comment,
        ${time(sql`v.created_at`)} as "savedAt", o.run_id as "runId", r.kind as "runKind", r.trigger, o.workflow_id as "workflowId",
        o.temporal_run_id as "temporalRunId", o.found_by_looking as "foundByLooking", o.possible_overwrite as "possibleOverwrite",
        o.chain, (select e.seq::int from ledger_entries e where e.id = o.entry_id) as seq
      from own o left join link_versions v on v.link_id = o.link_id and v.version = o.version left join runs r on r.id = o.run_id
      order by o.at desc, o.position desc`
    const issues = await sql<(WhyHeld & { mappingId: string | null; field: string })[]>`
      select ${time(sql`first_seen`)} as since, message, remedy, mapping_id as "mappingId", field from issues
      where link_id = ${linkId} and resolved_at is null
        and key in (${`${side}:${recordId}`}, ${pair === undefined ? '' : `pair:${pair.id}`}) order by first_seen`
    const conflicts = await sql<{ mappingId: string; since: string }[]>`
      select mapping_id as "mappingId", ${time(sql`first_seen`)} as since from conflicts
      where pair_id = ${pair?.id ?? null} and resolved_at is null`

    const twinId = pair === undefined ? null : side === 'left' ? pair.rightId : pair.leftId
    const stopped = await stoppedRecord({ sql }, { linkId, side, id: recordId, twinId })

    const byMapping = new Map<string, { field: string; writes: WhyWrite[] }>()
    for (const mapping of mapped) byMapping.set(mapping.id, { field: mapping[side] ?? '', writes: [] })
    for (const row of rows)
      for (const field of row.content.fields ?? []) {
        const known = byMapping.get(field.mappingId)
        const wanted = input.field === undefined || field.field === input.field || field.mappingId === input.field
        if (known === undefined && (!wanted || row.side !== side)) continue
        const entry = known ?? { field: field.field, writes: [] }
        byMapping.set(field.mappingId, entry)
        entry.writes.push(writeOf(row, field))
      }
    if (byMapping.size === 0 && input.field !== undefined)
      byMapping.set(input.field, { field: input.field, writes: [] })
    const fields = [...byMapping].map(([mappingId, { field, writes }]) => {
      const mapping = configuration.fields.find((one) => one.id === mappingId) ?? null
      const held: WhyHeld[] = issues
        .filter((issue) =>
          issue.mappingId === null
            ? issue.field === '' || issue.field === mapping?.left || issue.field === mapping?.right
            : issue.mappingId === mappingId,
        )
        .map(({ since, message, remedy }) => ({ since, message, remedy }))
      for (const one of conflicts)
        if (one.mappingId === mappingId && !issues.some((issue) => issue.mappingId === mappingId))
          held.push({ since: one.since, message: 'It waits for a decision.', remedy: 'See: tandem conflict list.' })
      if (stopped !== null)
        held.push({
          since: stopped.stoppedAt,
          message: `${stopped.actor} has taken the record out: "${stopped.reason}".`,
          remedy: 'See: tandem link stopped; back with: tandem link resume-record.',
        })
      return explainField({
        side,
        recordId,
        field,
        mappingId,
        mapping,
        version: link.version,
        endpoints: { left: link.left, right: link.right },
        pair: pair ?? null,
        base: pair?.base[mappingId] ?? null,
        writes,
        decisions: rows.flatMap((row) => decisionOf(row, mappingId)),
        held,
      })
    })
    return { side, recordId, twinId, pairedSince: pair?.since ?? null, fields }
  })
}

function writeOf(row: StoryRow, field: WhyWrite['field']): WhyWrite {
  const { content: _content, version, author, comment, savedAt, runId, runKind, trigger, kind, ...rest } = row
  return {
    ...rest,
    kind: kind === 'write' ? 'write' : 'decision',
    field,
    version: version === null ? null : { number: version, author, comment, savedAt },
    run: runId === null ? null : { id: runId, kind: runKind, trigger },
  }
}

function decisionOf({ kind, content, at, actor }: StoryRow, mappingId: string): WhyDecision[] {
  if (kind !== 'decision' || content.mappingId !== mappingId) return []
  const { choose = '', value = null, reason = '' } = content
  return [{ at, actor, choose, value, reason }]
}
