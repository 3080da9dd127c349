import type { Held, TypeStanding } from '../../core/check-standing.ts'
import { type CallOptions, ConnectorError } from '../contract.ts'
import type { OctaneCalls } from './connector.ts'
import { errorsOf } from './errors.ts'
import type { OctaneReference } from './schema.ts'

interface EntityDescription {
  label?: string
  features?: { name: string; methods?: string[]; parent_types?: string[] }[]
}

/** No type has such a field: a request that names it is refused, whatever else it says. */
const noField = 'tandem_asks_what_it_may_do'

/**
 * What Octane tells about the user's rights. It has no resource that tells what a role allows, so creating and updating are
 * asked for with requests that are refused in any case, since they name a field that no type has: a refusal of the user
 * itself comes first. Deleting has no such question and stays `unknown`.
 */
export function createInspect(calls: OctaneCalls, whoAmI: (call?: CallOptions) => Promise<string>) {
  return async (entityType: string, call: CallOptions = {}): Promise<TypeStanding[]> => {
    const [visible, description, roles] = await Promise.all([
      visibleOf(entityType, call),
      descriptionOf(entityType, call),
      rolesOf(call),
    ])
    const features = description?.features ?? []
    const methods = features.find((feature) => feature.name === 'rest')?.methods
    const takes = (method: string): boolean => methods === undefined || methods.includes(method)
    const has = (name: string) => (description === null ? null : features.some((feature) => feature.name === name))
    const path = `/${calls.collection(entityType)}`
    const create = takes('POST') ? await asked('POST', path, { data: [{ [noField]: '' }] }, call) : 'no'
    const first = visible?.id === undefined ? null : `${path}/${visible.id}`
    const update: Held = !takes('PUT')
      ? 'no'
      : first === null
        ? 'unknown'
        : await asked('PUT', first, { [noField]: '' }, call)
    return [
      {
        entityType,
        label: description?.label ?? entityType,
        may: {
          // A type that may not be read looks empty.
          read: visible === null ? 'no' : visible.count > 0 ? 'yes' : 'unknown',
          create,
          update,
          delete: takes('DELETE') ? 'unknown' : 'no',
          lock: 'yes',
        },
        frozen: [],
        roles,
        visible: visible?.count ?? 0,
        standsUnder: features.find((feature) => feature.name === 'hierarchical_entity')?.parent_types ?? null,
        reacts: { mails: has('mailing'), rules: has('business_rules'), workflow: has('phases') },
      },
    ]
  }

  async function asked(method: 'POST' | 'PUT', path: string, body: unknown, call: CallOptions): Promise<Held> {
    const answer = await calls.send(method, path, {}, body, call)
    const errors = errorsOf(answer)
    if (errors.some((error) => error.error_code === 'platform.unknown_field')) return 'not-refused'
    if (
      answer.status !== 403 &&
      !errors.some((error) => /not_authorized|permission|forbidden/i.test(error.error_code ?? ''))
    )
      return 'unknown'
    return errors.some((error) => error.error_code === 'platform.modify_non_editable_field') ? 'not-refused' : 'no'
  }

  /** How many the user sees and the first of them; null: the server refuses to list them. */
  async function visibleOf(entityType: string, call: CallOptions): Promise<{ count: number; id?: string } | null> {
    const page = await unlessForbidden(() =>
      calls.get(`/${calls.collection(entityType)}`, { fields: 'id', order_by: 'id', limit: '1' }, call),
    )
    if (page === null) return null
    const [first] = page.data
    return { count: page.total_count ?? page.data.length, ...(first === undefined ? {} : { id: String(first.id) }) }
  }

  async function descriptionOf(entityType: string, call: CallOptions): Promise<EntityDescription | null> {
    const page = await unlessForbidden(() =>
      calls.get('/metadata/entities', { query: `"name EQ '${entityType}'"` }, call),
    )
    return (page?.data[0] as EntityDescription | undefined) ?? null
  }

  async function rolesOf(call: CallOptions): Promise<string[]> {
    const rows = await unlessForbidden(async () => {
      const query = `"id EQ ${await whoAmI(call)}"`
      return calls.get('/workspace_users', { fields: 'id,roles{name}', limit: '1', query }, call)
    })
    const roles = rows?.data[0]?.roles as { data?: OctaneReference[] } | OctaneReference[] | null | undefined
    return (Array.isArray(roles) ? roles : (roles?.data ?? [])).flatMap((role) => role.name ?? [])
  }
}

/** Null: the server refuses it. */
async function unlessForbidden<T>(body: () => Promise<T>): Promise<T | null> {
  try {
    return await body()
  } catch (error) {
    if (error instanceof ConnectorError && ['forbidden', 'refused'].includes(error.problem.class)) return null
    throw error
  }
}
