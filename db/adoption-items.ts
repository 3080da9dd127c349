import type { AdoptedField, AdoptionDoubt, AdoptionMethod } from '../core/adoption.ts'
import type { AdoptedDifferences } from '../core/merge.ts'
import type { AdoptionSummary } from '../core/store.ts'
import { type Database, named } from './connection.ts'

export interface AdoptionRow {
  id: string
  linkId: string
  settings: AdoptionMethod
  status: 'asked' | 'ready' | 'accepted' | 'applied' | 'discarded'
  version: number | null
  actor: string
  runId: string | null
  differences: AdoptedDifferences | null
  summary: AdoptionSummary | null
  createdAt: string
  acceptedBy: string | null
  endedAt: string | null
}

/** Adoptions of a link, newest first; or the one with an id. */
export async function listAdoptions(
  { sql }: Database,
  input: { linkId?: string; adoptionId?: string; limit: number },
): Promise<AdoptionRow[]> {
  const time = 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
  return named(
    'list adoptions',
    () => sql<AdoptionRow[]>`
      select id, link_id as "linkId", settings, status, version, actor, run_id as "runId", differences, summary,
        to_char(created_at at time zone 'UTC', ${time}) as "createdAt", accepted_by as "acceptedBy",
        to_char(ended_at at time zone 'UTC', ${time}) as "endedAt"
      from adoptions
      where ${input.linkId === undefined ? sql`true` : sql`link_id = ${input.linkId}`}
        and ${input.adoptionId === undefined ? sql`true` : sql`id = ${input.adoptionId}`}
      order by adoptions.created_at desc, id desc limit ${input.limit}`,
  )
}

export async function getAdoption(database: Database, adoptionId: string): Promise<AdoptionRow | null> {
  const [row] = await listAdoptions(database, { adoptionId, limit: 1 })
  return row ?? null
}

export const adoptionStates = [
  'matched',
  'doubtful',
  'paired',
  'adopted',
  'missed',
  'unmatched-left',
  'unmatched-right',
] as const
export type AdoptionState = (typeof adoptionStates)[number]

export interface AdoptionItem {
  state: AdoptionState
  leftId: string | null
  leftTitle: string | null
  rightId: string | null
  rightTitle: string | null
  reason: AdoptionDoubt | null
  /** Line of the file. */
  line: number | null
  /** Mapped fields that are not equal. */
  fields: Record<string, AdoptedField>
}

/** What an adoption found, of one state, after the ids of the last item of the page before. */
export async function listAdoptionItems(
  { sql }: Database,
  input: { adoptionId: string; state: AdoptionState; limit: number; after?: { left: string; right: string } },
): Promise<AdoptionItem[]> {
  const { adoptionId, state, limit, after } = input
  if (state === 'unmatched-left' || state === 'unmatched-right') {
    const side = state === 'unmatched-left' ? 'left' : 'right'
    const last = after?.[side] ?? ''
    const rows = await named(
      'list unmatched',
      () => sql<{ id: string; title: string }[]>`
        select external_id as id, title from adoption_records
        where adoption_id = ${adoptionId} and side = ${side} and not named and not paired and external_id > ${last}
        order by external_id limit ${limit}`,
    )
    return rows.map(({ id, title }) => ({
      state,
      leftId: side === 'left' ? id : null,
      leftTitle: side === 'left' ? title : null,
      rightId: side === 'right' ? id : null,
      rightTitle: side === 'right' ? title : null,
      reason: null,
      line: null,
      fields: {},
    }))
  }
  return named(
    'list adoption items',
    () => sql<AdoptionItem[]>`
      select p.state, p.left_id as "leftId", l.title as "leftTitle", p.right_id as "rightId", r.title as "rightTitle",
        p.reason, p.line, coalesce(p.fields, '{}') as fields
      from adoption_pairs p
      left join adoption_records l on l.adoption_id = p.adoption_id and l.side = 'left' and l.external_id = p.left_id
      left join adoption_records r on r.adoption_id = p.adoption_id and r.side = 'right' and r.external_id = p.right_id
      where p.adoption_id = ${adoptionId} and p.state = ${state}
        and (p.left_id, p.right_id) > (${after?.left ?? ''}, ${after?.right ?? ''})
      order by p.left_id, p.right_id limit ${limit}`,
  )
}
