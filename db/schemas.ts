import type postgres from 'postgres'
import type { NoteSchema, SchemaSeen } from '../core/store.ts'
import { type Database, named } from './connection.ts'
import { requeueForChange } from './requeue.ts'
import { addLines } from './run-log.ts'
import { loadLinkKeys } from './store-queue.ts'

export async function loadSchemaSeen({ sql }: Database, linkId: string): Promise<SchemaSeen | null> {
  const [row] = await named(
    'load schema seen',
    () => sql<SchemaSeen[]>`select version, hash, snapshot from link_schemas where link_id = ${linkId}`,
  )
  return row ?? null
}

/** One transaction; of several workers that see the same change one tells it. */
export async function noteSchema({ sql }: Database, input: NoteSchema): Promise<void> {
  const { linkId, runId, version, hash, seen } = input
  await named('note schema', () =>
    sql.begin(async (tx) => {
      const [mine] = await tx<{ notedAt: string }[]>`
        insert into link_schemas (link_id, version, hash, snapshot)
        values (${linkId}, ${version}, ${hash}, ${tx.json(input.snapshot as unknown as postgres.JSONValue)})
        on conflict (link_id) do update set version = excluded.version, hash = excluded.hash, snapshot = excluded.snapshot,
          noted_at = now()
        where link_schemas.hash is not distinct from ${seen}
        returning noted_at::text as "notedAt"`
      if (mine === undefined) return
      const problems = input.problems.map(({ class: kind, code, side, field, mappingId, message, remedy }) => ({
        ...{
          class: kind,
          code,
          side: side ?? null,
          field: field ?? '',
          mapping_id: mappingId ?? null,
          message,
          remedy,
        },
      }))
      if (problems.length > 0)
        await tx`
          insert into issues (link_id, key, class, code, side, field, mapping_id, message, remedy, first_run_id, last_run_id)
          select ${linkId}, 'link', class, code, min(side), field, min(mapping_id), string_agg(message, ' '), min(remedy), ${runId}::uuid, ${runId}::uuid
          from jsonb_to_recordset(${tx.json(problems as unknown as postgres.JSONValue)})
            as r(class text, code text, side text, field text, mapping_id text, message text, remedy text)
          group by class, code, field
          on conflict (link_id, key, code, field) where resolved_at is null do update set message = excluded.message,
            remedy = excluded.remedy, side = excluded.side, mapping_id = excluded.mapping_id, last_seen = now(),
            last_run_id = excluded.last_run_id`
      const over = await tx<{ mappingId: string | null; code: string; side: string | null }[]>`
        update issues set resolved_at = now()
        where link_id = ${linkId} and key = 'link' and class = 'schema' and resolved_at is null
          and (code, field) not in (select code, field
            from jsonb_to_recordset(${tx.json(problems as unknown as postgres.JSONValue)}) as r(code text, field text))
        returning mapping_id as "mappingId", code, side`
      const { endpointPairId, entityType } = await loadLinkKeys(tx as unknown as postgres.Sql, linkId)
      for (const { mappingId, code, side } of over)
        if (mappingId !== null && side !== null && code === 'schema-field-existence')
          await tx`
            update pairs set base = jsonb_set(base, array[${mappingId}, 'returned']::text[], to_jsonb(${side}::text))
            where endpoint_pair_id = ${endpointPairId} and entity_type = ${entityType} and jsonb_exists(base, ${mappingId})`
      // What a mapping could not do meanwhile is made up for: every pair is compared again.
      const remapped = [...new Set(over.flatMap(({ mappingId }) => mappingId ?? []))]
      const mappings = [...new Set([...input.eased, ...remapped])]
      if (mappings.length > 0)
        await requeueForChange(tx, linkId, {
          mappings,
          remapped,
          removed: [],
          values: [],
          creates: [],
          updates: [],
          scopes: [],
          standIns: false,
        })
      const lines = input.changes.map((message) => ({
        level: 'warning' as const,
        category: 'endpoint' as const,
        message,
      }))
      if (lines.length > 0) await addLines(tx, runId, lines)
      if (input.changes.length > 0)
        await tx`
          insert into outbox (kind, link_id, run_id, data, dedupe_key)
          values ('schema-changed', ${linkId}, ${runId}, ${tx.json({ changes: input.changes.join('\n') })},
            ${`schema:${linkId}:${mine.notedAt}`})
          on conflict (dedupe_key) do nothing`
    }),
  )
}
