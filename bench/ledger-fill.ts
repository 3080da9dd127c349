import { linkConfiguration } from '../core/link-config.ts'
import { saveBridge } from '../db/bridges.ts'
import type { Database } from '../db/connection.ts'
import { createEndpoint } from '../db/endpoints.ts'
import { ensurePartitions } from '../db/ledger.ts'
import { createLink } from '../db/links.ts'
import { workspaceFor } from '../db/workspaces.ts'

export interface Fill {
  /** Pairs of the link. As many issues are resolved, and one in a hundred is open. */
  pairs: number
  /** Ledger rows, of which a tenth is of the first run and the others of runs with a hundred each. */
  rows: number
}

export interface FilledLink {
  linkId: string
  firstRun: string
  /** Runs in the order of time. */
  runs: string[]
}

const fieldNames = ['name', 'severity', 'priority', 'description', 'owner']

/** A link with a long past, by statements: what runs over months would have left behind. Nothing of it can be verified. */
export async function fillLink(database: Database, { pairs, rows }: Fill): Promise<FilledLink> {
  const { sql } = database
  await ensurePartitions(database)
  const alm = { kind: 'alm' as const, url: 'http://alm.invalid', domain: 'D', project: 'P' }
  const octane = { kind: 'octane' as const, url: 'http://octane.invalid', sharedSpace: '1', workspace: '2' }
  const endpoint = (name: string, address: typeof alm | typeof octane) =>
    createEndpoint(database, { name, address, sealed: {}, testReport: null, actor: 'bench' })
  const [left, right] = [await endpoint('alm', alm), await endpoint('octane', octane)]
  await saveBridge(database, { id: 'bench', name: 'Bench', publicKey: {} })
  const linkId = await createLink(database, {
    name: 'bench',
    description: '',
    workspaceId: await workspaceFor(database, octane),
    bridgeId: 'bench',
    configuration: linkConfiguration.parse({
      entityType: 'defect',
      left: { endpointId: left, entityType: 'defect', crossReference: 'user-01' },
      right: { endpointId: right, entityType: 'defect', crossReference: 'alm_id_udf' },
      fields: fieldNames.map((name) => ({ id: name, left: name, right: name, direction: 'both' })),
      rules: { toRight: { create: true, update: true }, toLeft: { create: true, update: true } },
    }),
    author: 'bench',
    comment: '',
  })
  const first = Math.round(rows / 10)
  const runs = Math.max(1, Math.round((rows - first) / 100))
  await sql`
    insert into pairs (endpoint_pair_id, entity_type, left_id, right_id, base)
    select l.endpoint_pair_id, 'defect', n, 1000000 + n, (
      select jsonb_object_agg(f, jsonb_build_object('left', jsonb_build_object('v', f || n), 'right', jsonb_build_object('v', f || n),
        'canonical', 2, 'fingerprint', 'bench')) from unnest(${sql.array(fieldNames)}::text[]) f)
    from links l cross join generate_series(1, ${pairs}::int) n where l.id = ${linkId}`
  await sql`
    insert into runs (id, link_id, kind, trigger, actor, version, status, counters, workflow_id, temporal_run_id, started_at, ended_at)
    select gen_random_uuid(), ${linkId}, 'incremental', 'schedule', 'tandem', 1,
      case when n % 1000 = 7 then 'with-errors' else 'passed' end, '{"examined": 100, "updatedRight": 100}', 'w', 'r', t, t + interval '30 seconds'
    from (select n, now() - interval '300 days' + n * (interval '300 days' / ${runs + 1}) as t from generate_series(0, ${runs}::int) n) r`
  await sql`
    insert into run_log (run_id, level, category, message, items)
    select id, 'info', 'records', 'A batch', (
      select jsonb_agg(jsonb_build_object('key', 'left:' || n, 'leftId', n::text, 'rightId', null, 'outcome', 'updated', 'level', 'info',
        'written', '["right"]'::jsonb)) from generate_series(1, 100) n)
    from runs`
  const ordered = await sql<{ id: string }[]>`select id from runs order by started_at`
  const ids = ordered.map(({ id }) => id)
  await sql`
    insert into ledger_entries (chain, seq, id, at, previous_hash, root, rows, hash)
    select ${`link:${linkId}`}, 1000 + n, gen_random_uuid(), r.t, '', '', 100, ''
    from generate_series(1, ${Math.ceil(rows / 100)}::int) n
    cross join lateral (select now() - interval '300 days' + n * (interval '300 days' / ${Math.ceil(rows / 100) + 1}) as t) r`
  await sql`
    with e as materialized (
      select id, at, row_number() over (order by seq) as n from ledger_entries where chain = ${`link:${linkId}`} and seq > 1000
    ), p as materialized (select id, left_id, right_id from pairs), f as (select ${sql.array(fieldNames)}::text[] as names)
    insert into ledger (id, at, entry_id, chain, position, kind, action, link_id, pair_id, key, side, left_id, right_id, content, actor,
      bridge, build, version, run_id, intent_id, workflow_id, temporal_run_id, salt, row_hash)
    select gen_random_uuid(), e.at, e.id, ${`link:${linkId}`}, w.n % 100, 'write', case when w.n <= ${first} then 'create' else 'update' end,
      ${linkId}, p.id, 'pair:' || p.id, 'right', p.left_id, p.right_id,
      jsonb_build_object('fields', jsonb_build_array(jsonb_build_object('mappingId', name, 'field', name, 'source', name || w.n,
        'before', null, 'sent', name || w.n, 'rule', 'changed')), 'stampBefore', null, 'stampAfter', null),
      'tandem', 'bench', 'bench', 1,
      (${sql.array(ids)}::uuid[])[case when w.n <= ${first} then 1 else 2 + (w.n - ${first} - 1) / 100 end], gen_random_uuid(), 'w', 'r', '', ''
    from (select n, f.names[1 + (n / ${pairs}::int) % ${fieldNames.length}] as name from generate_series(1, ${rows}::int) n, f) w
    join e on e.n = 1 + (w.n - 1) / 100
    join p on p.left_id = (1 + (w.n * 7919::bigint) % ${pairs}::int)::text`
  await sql`
    insert into issues (link_id, key, left_id, right_id, class, code, message, remedy, first_run_id, last_run_id, first_seen, last_seen, resolved_at)
    select ${linkId}, 'pair:' || p.id, p.left_id, p.right_id, 'mapping', case when n % 100 = 0 then 'user-gap' else 'value-gap' end,
      'It has no value.', 'Map it.', r.id, r.id, t, t, case when n > ${Math.ceil(pairs / 100)} then t end
    from (select *, row_number() over (order by left_id::int) as n from pairs) p
    cross join lateral (select (${sql.array(ids)}::uuid[])[1 + (n * ${ids.length}::bigint / (${pairs}::int + 1))::int] as id,
      now() - interval '200 days' + n * (interval '200 days' / ${pairs + 1}) as t) r`
  await sql`analyze`
  return { linkId, firstRun: ids[0] ?? '', runs: ids }
}
