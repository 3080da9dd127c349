import {
  conditionsOf,
  dayOf,
  fieldsOfScope,
  matchesScope,
  type RecordScope,
  type Resolved,
  resolveFilter,
} from '../../core/scope.ts'
import { firstInstant } from '../../core/zone.ts'
import { type CallOptions, ConnectorError, type Scopes } from '../contract.ts'
import { snapshotOf } from './codec.ts'
import type { OctaneCalls } from './connector.ts'
import { mayFollow } from './pages.ts'
import { octaneQuery } from './scope-query.ts'

const pageSize = 1_000
const idsPerQuery = 100

/** Evaluates scopes by Octane's queries, and what these cannot say by the values of the rows. */
export function createScopes(
  calls: OctaneCalls,
  me: (call?: CallOptions) => Promise<string>,
  paged: (
    path: string,
    query: Record<string, string>,
    call: CallOptions,
    rows: number,
  ) => ReturnType<OctaneCalls['get']>,
): Scopes {
  async function filterOf(entityType: string, scope: RecordScope, call: CallOptions): Promise<Resolved | null> {
    if (scope.favorite !== null)
      throw new ConnectorError({
        class: 'schema',
        code: 'no-favorites',
        message: `${calls.name} has no favorites that its API tells.`,
        remedy: 'Build the filter in the link instead.',
      })
    const fields = await calls.schema(entityType)
    const asked = conditionsOf(scope.filter).flatMap((one) => one.values)
    const wants = (relative: string) => asked.some((value) => typeof value === 'object' && value.relative === relative)
    const parts: Resolved[] = []
    if (scope.filter !== null)
      parts.push(
        resolveFilter(scope.filter, {
          field: (name) => fields.get(name)?.metadata,
          constants: scope.constants ?? {},
          zone: scope.zone,
          now: scope.now,
          timesHaveZone: true,
          me: wants('me') ? await me(call) : '',
          currentReleases: wants('current-release') ? await currentReleases(scope, call) : [],
        }),
      )
    const end = fields.get('end_date')?.metadata
    if (entityType === 'release' && !scope.pastReleases && end !== undefined) {
      const field = { name: 'end_date', type: end.type, multiple: false }
      parts.push({ kind: 'compare', field, sign: '>=', value: startOfDay(scope) })
    }
    return parts.length === 0 ? null : { kind: 'all', of: parts }
  }

  async function currentReleases(scope: RecordScope, call: CallOptions): Promise<string[]> {
    const [from, to] = [startOfDay(scope), startOfDay(scope, 1)]
    const rows = await calls.all(
      '/releases',
      { fields: 'id', order_by: 'id', query: `"start_date LT ^${to}^;end_date GE ^${from}^"` },
      call,
    )
    return rows.map((row) => String(row.id))
  }

  /** Pages of ids that are in scope; `ids` narrows to these. */
  async function* found(
    entityType: string,
    scope: RecordScope,
    ids: readonly string[] | null,
    call: CallOptions,
  ): AsyncGenerator<string[]> {
    const fields = await calls.schema(entityType)
    const filter = await filterOf(entityType, scope, call)
    const said = filter === null ? { text: null, exact: true } : octaneQuery(filter, fields)
    const evaluated = filter === null || said.exact ? null : filter
    const wanted = evaluated === null ? [] : fieldsOfScope(evaluated)
    let after: string | null = null
    for (;;) {
      const clauses = [
        ...(ids === null ? [] : [`id IN ${ids.join(',')}`]),
        ...(after === null ? [] : [`id GT ${after}`]),
        ...(said.text === null ? [] : [said.text]),
      ]
      const page = await paged(
        `/${calls.collection(entityType)}`,
        {
          fields: [...new Set(['id', ...wanted])].join(','),
          order_by: 'id',
          ...(clauses.length === 0 ? {} : { query: `"${clauses.join(';')}"` }),
        },
        call,
        pageSize,
      )
      const rows = page.data.map((entity) => snapshotOf(fields, entity, wanted))
      const hits = evaluated === null ? rows : rows.filter((row) => matchesScope(evaluated, row.fields))
      if (hits.length > 0) yield hits.map(({ id }) => id)
      if (!mayFollow(page, rows.length)) return
      after = rows[rows.length - 1]?.id ?? null
    }
  }

  async function matching(
    entityType: string,
    ids: readonly string[],
    scope: RecordScope,
    call: CallOptions = {},
  ): Promise<string[]> {
    const hits: string[] = []
    for (let at = 0; at < ids.length; at += idsPerQuery)
      for await (const page of found(entityType, scope, ids.slice(at, at + idsPerQuery), call)) hits.push(...page)
    return hits
  }

  return {
    matching,
    inScope: (entityType, scope, call = {}) => found(entityType, scope, null, call),
    foldersAbove: async () => new Map(),
    favorites: async () => [],
  }
}

/** The first instant of the day of a scope's moment, or of one so many days later. */
function startOfDay({ zone, now }: RecordScope, days = 0): string {
  const wall = Date.parse(`${dayOf(zone, now, days)}T00:00:00Z`)
  return new Date(firstInstant(zone, wall)).toISOString().replace(/\.000Z$/, 'Z')
}
