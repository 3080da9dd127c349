import type { FieldMetadata } from '../../core/metadata.ts'
import {
  conditionsOf,
  dayOf,
  type Favorite,
  fieldsOfScope,
  matchesScope,
  type RecordScope,
  type Resolved,
  resolveFilter,
} from '../../core/scope.ts'
import type { RecordSnapshot } from '../../core/values.ts'
import { type CallOptions, ConnectorError, type Scopes } from '../contract.ts'
import { type AlmEntity, snapshotOf } from './codec.ts'
import type { AlmCalls } from './connector.ts'
import { clausesOfFavorite, favoriteGone, favoriteModules, favoritesOf } from './favorites.ts'
import { asArray } from './schema.ts'
import { type AlmClause, almFilter, almQuery } from './scope-filter.ts'

/** What a scope comes to on this server, at this moment. */
interface Plan {
  filter: Resolved | null
  favorite: readonly AlmClause[]
  folder: Folder | null
}

/** Which records stand below a folder, told by a field of theirs. */
interface Folder {
  field: string
  /** Narrows a listing; evaluated nevertheless. */
  clause: AlmClause | null
  holds(snapshot: RecordSnapshot): boolean
}

const pageSize = 2_000
const idsPerFilter = 100

/** Evaluates scopes by queries of the Core filter language, and what that cannot say by the values of the rows. */
export function createScopes(calls: AlmCalls, me: (call?: CallOptions) => Promise<string>): Scopes {
  const textOf = (entity: AlmEntity, wanted: string) =>
    asArray(asArray(entity.Fields).find((field) => field.Name === wanted)?.values)[0]?.value ?? ''

  async function plan(entityType: string, scope: RecordScope, call: CallOptions): Promise<Plan> {
    const fields = await calls.schema(entityType)
    const asked = conditionsOf(scope.filter).flatMap((one) => one.values)
    const wants = (relative: string) => asked.some((value) => typeof value === 'object' && value.relative === relative)
    const own = scope.filter
    const resolved =
      own === null
        ? null
        : resolveFilter(own, {
            field: (name) => fields.get(name),
            constants: scope.constants ?? {},
            zone: scope.zone,
            now: scope.now,
            timesHaveZone: false,
            me: wants('me') ? await me(call) : '',
            currentReleases: wants('current-release') ? await currentReleases(dayOf(scope.zone, scope.now), call) : [],
          })
    const ended = entityType === 'release' && !scope.pastReleases ? current(dayOf(scope.zone, scope.now)) : null
    const all = [resolved, ended].filter((one) => one !== null)
    return {
      filter: all.length === 0 ? null : { kind: 'all', of: all },
      favorite: scope.favorite === null ? [] : await favoriteClauses(entityType, scope.favorite.id, call),
      folder: scope.root === null ? null : await folderOf(entityType, scope.root, call),
    }
  }

  function current(today: string): Resolved {
    const field = { name: 'end-date', type: 'date' as const, multiple: false }
    return { kind: 'compare', field, sign: '>=', value: today }
  }

  async function currentReleases(today: string, call: CallOptions): Promise<string[]> {
    const query = `{start-date[<= "${today}"];end-date[>= "${today}"]}`
    const page = await calls.list('release', { fields: 'id', query, 'page-size': '1000' }, call)
    return page.entities.map((entity) => textOf(entity, 'id'))
  }

  async function favoriteClauses(entityType: string, id: string, call: CallOptions): Promise<AlmClause[]> {
    const found = (await listed(entityType, call)).find((one) => one.id === id)
    if (found === undefined) throw favoriteGone(id, calls.name)
    return clausesOfFavorite(found, await me(call))
  }

  /** Public ones and the integration user's own: what the collection shows. */
  async function listed(entityType: string, call: CallOptions) {
    const module = favoriteModules[entityType]
    if (module === undefined) return []
    const found: ReturnType<typeof favoritesOf> = []
    for (;;) {
      const query = { query: `{module-id[${module}]}`, 'page-size': '200', 'start-index': String(found.length + 1) }
      const page = favoritesOf(await calls.get('/favorites', query, call)).filter(
        (one) => !found.some((known) => known.id === one.id),
      )
      found.push(...page)
      if (page.length === 0) return found.filter((one) => one.entityType === '' || one.entityType === entityType)
    }
  }

  async function favorites(entityType: string, call: CallOptions = {}): Promise<Favorite[]> {
    const user = await me(call)
    return (await listed(entityType, call))
      .map((one): Favorite => {
        try {
          const conditions = clausesOfFavorite(one, user).map(({ field, expression }) => `${field}[${expression}]`)
          return { id: one.id, name: one.name, owner: one.owner, public: one.public, conditions, problem: null }
        } catch (error) {
          if (!(error instanceof ConnectorError)) throw error
          const { message } = error.problem
          return { id: one.id, name: one.name, owner: one.owner, public: one.public, conditions: [], problem: message }
        }
      })
      .sort((a, b) => a.name.localeCompare(b.name))
  }

  async function folderOf(entityType: string, root: string, call: CallOptions): Promise<Folder | null> {
    if (!/^\d+$/.test(root)) throw rootGone(root)
    if (entityType === 'requirement') {
      const query = { fields: 'id,hierarchical-path', query: `{id[${root}]}`, 'page-size': '1' }
      const [entity] = (await calls.list('requirement', query, call)).entities
      if (entity === undefined) throw rootGone(root)
      const path = textOf(entity, 'hierarchical-path')
      if (path === '') return null
      return {
        field: 'hierarchical-path',
        clause: { field: 'hierarchical-path', expression: `"${path}*"` },
        holds: ({ id, fields }) => id !== root && String(fields['hierarchical-path'] ?? '').startsWith(path),
      }
    }
    if (entityType === 'release') {
      const folders = await allFolders(call)
      if (!folders.some((folder) => folder.id === root)) throw rootGone(root)
      const below = new Set([root])
      // Folders are few and in no order: repeated until nothing is added.
      for (let before = 0; before < below.size; ) {
        before = below.size
        for (const { id, parent } of folders) if (below.has(parent)) below.add(id)
      }
      return { field: 'parent-id', clause: null, holds: ({ fields }) => below.has(String(fields['parent-id'] ?? '')) }
    }
    return null
  }

  async function foldersAbove(
    entityType: string,
    ids: readonly string[],
    call: CallOptions = {},
  ): Promise<Map<string, readonly string[]>> {
    const parents = new Map<string, string>()
    if (entityType === 'release') for (const { id, parent } of await allFolders(call)) parents.set(id, parent)
    else if (entityType === 'requirement')
      // One request a level, for all of them together.
      for (let level = ids.filter((id) => /^\d+$/.test(id)); level.length > 0; ) {
        const query = {
          fields: 'id,parent-id',
          query: `{id[${level.join(' OR ')}]}`,
          'page-size': String(level.length),
        }
        const { entities } = await calls.list('requirement', query, call)
        for (const entity of entities) parents.set(textOf(entity, 'id'), textOf(entity, 'parent-id'))
        const above = entities.map((entity) => textOf(entity, 'parent-id'))
        level = [...new Set(above)].filter((id) => /^\d+$/.test(id) && !parents.has(id))
      }
    return new Map(
      ids.flatMap((id) => {
        const path: string[] = []
        for (
          let at: string | undefined = id;
          at !== undefined && parents.has(at) && !path.includes(at);
          at = parents.get(at)
        )
          path.push(at)
        return path.length === 0 ? [] : [[id, path] as const]
      }),
    )
  }

  async function allFolders(call: CallOptions): Promise<{ id: string; parent: string }[]> {
    const rows: { id: string; parent: string }[] = []
    for (;;) {
      const query = {
        fields: 'id,parent-id',
        'order-by': '{id[ASC]}',
        'page-size': '1000',
        'start-index': String(rows.length + 1),
      }
      const page = await calls.list('release-folder', query, call)
      rows.push(...page.entities.map((one) => ({ id: textOf(one, 'id'), parent: textOf(one, 'parent-id') })))
      if (page.entities.length === 0 || rows.length >= page.total) return rows
    }
  }

  function rootGone(root: string): ConnectorError {
    return new ConnectorError({
      class: 'schema',
      code: 'root-gone',
      message: `${calls.name} has no folder ${root}, or the integration user may not see it.`,
      remedy: 'Name another root folder in the link.',
    })
  }

  /** Pages of ids that are in scope; `ids` narrows to these. A record that several alternatives find comes once. */
  async function* found(
    entityType: string,
    scope: RecordScope,
    ids: readonly string[] | null,
    call: CallOptions,
  ): AsyncGenerator<string[]> {
    const metadata = await calls.schema(entityType)
    const { filter, favorite, folder } = await plan(entityType, scope, call)
    const said = filter === null ? { alternatives: [[]], exact: true } : almFilter(filter)
    const isMultiple = (field: string) => metadata.get(field)?.multiple === true
    const wanted = [
      ...(filter === null || said.exact ? [] : fieldsOfScope(filter)),
      ...(folder === null ? [] : [folder.field]),
    ].filter((name) => metadata.has(name))
    const told = new Set<string>()
    for (const clauses of said.alternatives) {
      let after: string | null = null
      for (;;) {
        const all: AlmClause[] = [
          ...favorite,
          ...clauses,
          ...(ids === null && folder?.clause != null ? [folder.clause] : []),
          ...(ids === null ? [] : [{ field: 'id', expression: ids.join(' OR ') }]),
          ...(after === null ? [] : [{ field: 'id', expression: `> ${after}` }]),
          ...(scope.types === null || entityType !== 'requirement'
            ? []
            : [{ field: 'type-id', expression: scope.types.join(' OR ') }]),
        ]
        const page = await calls.list(
          entityType,
          {
            fields: [...new Set(['id', ...wanted])].join(','),
            'order-by': '{id[ASC]}',
            'page-size': String(pageSize),
            ...(all.length === 0 ? {} : { query: almQuery(all, isMultiple) }),
          },
          call,
        )
        const rows = page.entities.map((entity) =>
          snapshotOf(metadata as ReadonlyMap<string, FieldMetadata>, entity, wanted),
        )
        const hits = rows.filter(
          (row) =>
            !told.has(row.id) &&
            (folder === null || folder.holds(row)) &&
            (filter === null || said.exact || matchesScope(filter, row.fields)),
        )
        if (said.alternatives.length > 1) for (const { id } of hits) told.add(id)
        if (hits.length > 0) yield hits.map(({ id }) => id)
        if (rows.length === 0 || rows.length >= page.total) break
        after = rows[rows.length - 1]?.id ?? null
      }
    }
  }

  async function matching(
    entityType: string,
    ids: readonly string[],
    scope: RecordScope,
    call: CallOptions = {},
  ): Promise<string[]> {
    const hits: string[] = []
    for (let at = 0; at < ids.length; at += idsPerFilter)
      for await (const page of found(entityType, scope, ids.slice(at, at + idsPerFilter), call)) hits.push(...page)
    return hits
  }

  return {
    matching,
    inScope: (entityType, scope, call = {}) => found(entityType, scope, null, call),
    foldersAbove,
    favorites,
  }
}
