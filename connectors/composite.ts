import type { EntityMetadata, FieldMetadata, RecordType } from '../core/metadata.ts'
import type { Problem } from '../core/problems.ts'
import type { RecordScope } from '../core/scope.ts'
import { secondsBetween } from '../core/server-time.ts'
import type { RecordSnapshot } from '../core/values.ts'
import {
  type CallOptions,
  type CarriesAttachments,
  type CarriesComments,
  type Connector,
  type DeleteResult,
  type FindOptions,
  type Foresees,
  type GoneEvidence,
  type ListsParts,
  noParts,
  type PartOfRecord,
  type RowResult,
  type ScanQuery,
  type ScanRow,
} from './contract.ts'
import { allEnded } from './limiter.ts'

/** An entity type of ours that stands for several of an endpoint's: Octane's epics, features and stories as one. */
export interface CompositeType {
  name: string
  /** The field that tells which member a record is of. */
  typeField: string
  members: readonly CompositeMember[]
  /**
   * The endpoint's own collection of all members, where their ids are of one sequence. Without it ids carry the member's
   * prefix, and listings go member by member.
   */
  aggregate?: string
}

export interface CompositeMember {
  /** The endpoint's entity type; also the value of the type field. */
  entityType: string
  label: string
  /** Stands before the member's ids: `release-`; empty where all ids are of one sequence. */
  prefix: string
  /** It is in scope when the record of another member is that a field of its own names: cycles go with their release. */
  follows?: { member: string; field: string }
}

type Plain = Omit<
  Connector,
  | 'foresee'
  | 'kind'
  | 'capabilities'
  | 'close'
  | 'testConnection'
  | 'places'
  | 'serverDate'
  | 'takePause'
  | 'users'
  | 'earlier'
>

/**
 * Adds composite entity types to a connector: each call is divided among the members that it concerns, and their records
 * carry their member's name in the type field. Everything else goes through as it is.
 */
export function withComposites(connector: Connector, composites: readonly CompositeType[]): Connector {
  const byName = new Map(composites.map((composite) => [composite.name, compositeCalls(connector, composite)]))
  const of = (entityType: string): Plain => byName.get(entityType) ?? connector
  return {
    ...connector,
    describe: (entityType, options) => of(entityType).describe(entityType, options),
    inspect: (entityType, options) => of(entityType).inspect(entityType, options),
    newest: (entityType, options) => of(entityType).newest(entityType, options),
    scan: (query, options) => of(query.entityType).scan(query, options),
    read: (entityType, ids, fields, options) => of(entityType).read(entityType, ids, fields, options),
    find: (entityType, field, values, fields, options) =>
      of(entityType).find(entityType, field, values, fields, options),
    lastEdits: (entityType, record, fields, options) => of(entityType).lastEdits(entityType, record, fields, options),
    matching: (entityType, ids, scope, options) => of(entityType).matching(entityType, ids, scope, options),
    inScope: (entityType, scope, options) => of(entityType).inScope(entityType, scope, options),
    foldersAbove: (entityType, ids, options) => of(entityType).foldersAbove(entityType, ids, options),
    favorites: (entityType, options) => of(entityType).favorites(entityType, options),
    count: (entityType, options) => of(entityType).count(entityType, options),
    recordUrl: (entityType, id) => of(entityType).recordUrl(entityType, id),
    create: (entityType, rows, fields, options) => of(entityType).create(entityType, rows, fields, options),
    update: (entityType, rows, fields, options) => of(entityType).update(entityType, rows, fields, options),
    confirmGone: (entityType, ids, siblings, options) => of(entityType).confirmGone(entityType, ids, siblings, options),
    delete: (entityType, rows, options) => of(entityType).delete(entityType, rows, options),
    ...(connector.attachments === undefined ? {} : { attachments: attachmentsOf(connector.attachments, composites) }),
    ...(connector.foresee === undefined ? {} : { foresee: foreseenBy(connector.foresee, composites) }),
    ...(connector.comments === undefined ? {} : { comments: commentsOf(connector.comments, composites) }),
  }
}

/** The member that a record's id tells; of several with ids of one sequence any will do. */
function plainRecord(
  composites: readonly CompositeType[],
  entityType: string,
  recordId: string,
): [entityType: string, recordId: string] {
  const members = composites.find((composite) => composite.name === entityType)?.members ?? []
  const member = members.find((one) => recordId.startsWith(one.prefix))
  return member === undefined ? [entityType, recordId] : [member.entityType, recordId.slice(member.prefix.length)]
}

/** Listings of all members, one after the other, with their prefixes before the ids of records. */
function partsOf(inner: ListsParts, composites: readonly CompositeType[]): ListsParts {
  const membersOf = (entityType: string) => composites.find((composite) => composite.name === entityType)?.members
  return {
    async listed(entityType, since, after, options) {
      const members = membersOf(entityType)
      if (members === undefined) return inner.listed(entityType, since, after, options)
      const asked = askedOf(members)
      const [at, mark] = after === null ? [0, null] : (JSON.parse(after) as [number, string | null])
      const member = asked[at]
      if (member === undefined) return noParts
      const { prefix } = member
      const page = await inner.listed(member.entityType, since, mark, options)
      const next: [number, string | null] | null =
        page.next !== null ? [at, page.next] : at + 1 < asked.length ? [at + 1, null] : null
      return {
        parts: page.parts.map((part) => ({ ...part, recordId: `${prefix}${part.recordId}` })),
        ids: page.ids.map((id) => `${prefix}${id}`),
        range: page.range === null ? null : { ...page.range, prefix },
        next: next === null ? null : JSON.stringify(next),
      }
    },
    async totals(entityType, above, options) {
      const members = membersOf(entityType)
      if (members === undefined) return inner.totals(entityType, above, options)
      // Parts have numbers of one sequence, whatever they belong to.
      const each = await Promise.all(askedOf(members).map((one) => inner.totals(one.entityType, above, options)))
      return each.reduce((sum, one) => {
        if (sum === null || one === null) return sum ?? one
        const highest = Number(one.highest ?? 0) > Number(sum.highest ?? 0) ? one.highest : sum.highest
        return { count: sum.count + one.count, highest, above: sum.above + one.above }
      }, null)
    },
  }
}

function commentsOf(inner: CarriesComments, composites: readonly CompositeType[]): CarriesComments {
  return {
    ...partsOf(inner, composites),
    oneText: inner.oneText,
    ...(inner.confirmGone === undefined ? {} : { confirmGone: confirmPartsGone(inner.confirmGone, composites) }),
    write: (entityType, recordId, ...rest) => inner.write(...plainRecord(composites, entityType, recordId), ...rest),
  }
}

/** Files or comments of each member are looked up as its own. */
function confirmPartsGone(
  inner: CarriesAttachments['confirmGone'],
  composites: readonly CompositeType[],
): CarriesAttachments['confirmGone'] {
  return async (entityType, parts, siblings, options) => {
    const all = (wanted: readonly PartOfRecord[]) =>
      wanted.map((part) => {
        const [member, recordId] = plainRecord(composites, entityType, part.recordId)
        return { member, part: { ...part, recordId } }
      })
    const [mine, others] = [all(parts), all(siblings)]
    const of = (member: string, some: typeof mine) => some.flatMap((one) => (one.member === member ? [one.part] : []))
    const found = await Promise.all(
      [...new Set(mine.map(({ member }) => member))].map((member) =>
        inner(member, of(member, mine), of(member, others), options),
      ),
    )
    const byId = new Map(found.flat().map((one) => [one.id, one]))
    return parts.flatMap(({ id }) => byId.get(id) ?? [])
  }
}

/** Files of a composite's records are those of the member that the id tells. */
function attachmentsOf(inner: CarriesAttachments, composites: readonly CompositeType[]): CarriesAttachments {
  const plain = (entityType: string, recordId: string) => plainRecord(composites, entityType, recordId)
  return {
    ...partsOf(inner, composites),
    transfers: inner.transfers,
    confirmGone: confirmPartsGone(inner.confirmGone, composites),
    renames: inner.renames,
    address: (entityType, recordId, entry) => inner.address(...plain(entityType, recordId), entry),
    open: (entityType, recordId, ...rest) => inner.open(...plain(entityType, recordId), ...rest),
    add: (entityType, recordId, ...rest) => inner.add(...plain(entityType, recordId), ...rest),
    replace: (entityType, recordId, ...rest) => inner.replace(...plain(entityType, recordId), ...rest),
    rename: (entityType, recordId, ...rest) => inner.rename(...plain(entityType, recordId), ...rest),
    remove: (entityType, recordId, ...rest) => inner.remove(...plain(entityType, recordId), ...rest),
  }
}

/** Each row is asked about as a write to its member. */
function foreseenBy(inner: Foresees, composites: readonly CompositeType[]): Foresees {
  return async (entityType, rows, options) => {
    const composite = composites.find(({ name }) => name === entityType)
    if (composite === undefined) return inner(entityType, rows, options)
    const answers: (readonly Problem[])[] = rows.map(() => [])
    await Promise.all(
      composite.members.map(async (member) => {
        const mine = rows.flatMap((row, index) =>
          (row.recordType ?? row.fields[composite.typeField]) === member.entityType ? [{ row, index }] : [],
        )
        if (mine.length === 0) return
        const plain = mine.map(({ row: { recordType: _type, ...row } }) => {
          const { [composite.typeField]: _own, ...fields } = row.fields
          return { ...row, fields, id: row.id === null ? null : row.id.slice(member.prefix.length) }
        })
        const told = await inner(member.entityType, plain, options)
        mine.forEach(({ index }, position) => {
          answers[index] = told[position] ?? []
        })
      }),
    )
    return answers
  }
}

/** Of ids of one sequence the first member tells all; else each tells its own. */
function askedOf(members: readonly CompositeMember[]): readonly CompositeMember[] {
  return members[0]?.prefix === '' ? members.slice(0, 1) : members
}

function compositeCalls(inner: Connector, composite: CompositeType): Plain {
  const { members, aggregate, typeField } = composite
  const described = new Map<string, Promise<EntityMetadata>>()

  function describeMember(member: CompositeMember, options?: CallOptions, fresh = false): Promise<EntityMetadata> {
    const known = described.get(member.entityType)
    if (known !== undefined && !fresh) return known
    const asked = inner.describe(member.entityType, options)
    described.set(member.entityType, asked)
    asked.catch(() => described.delete(member.entityType))
    return asked
  }

  async function describe(_entityType: string, options?: CallOptions): Promise<EntityMetadata> {
    const types = await Promise.all(
      members.map(async (member): Promise<RecordType> => {
        const { fields } = await describeMember(member, options, true)
        return { value: member.entityType, label: member.label, fields: [...fields.filter(isNotType), typeMetadata()] }
      }),
    )
    const fields = new Map<string, FieldMetadata>()
    for (const type of types)
      for (const field of type.fields) if (!fields.has(field.name)) fields.set(field.name, field)
    return {
      entityType: composite.name,
      label: members.map((member) => member.label).join(', '),
      fields: [...fields.values()],
      recordTypes: { field: typeField, types },
    }
  }

  const isNotType = (field: FieldMetadata) => field.name !== typeField

  function typeMetadata(): FieldMetadata {
    return {
      name: typeField,
      label: 'Type',
      type: 'list',
      multiple: false,
      required: true,
      creatable: true,
      editable: false,
      filterable: true,
      maxLength: null,
      verified: true,
      options: members.map(({ entityType, label }) => ({ value: entityType, label, active: true })),
      target: null,
      userDefined: false,
      customized: false,
    }
  }

  /** Of the fields asked for, those that the member has: another one's would be refused. */
  async function fieldsOf(member: CompositeMember, fields: readonly string[]): Promise<string[]> {
    const own = new Set((await describeMember(member)).fields.map((field) => field.name))
    return fields.filter((field) => field !== typeField && own.has(field))
  }

  function shown(member: CompositeMember, snapshot: RecordSnapshot): RecordSnapshot {
    return {
      ...snapshot,
      id: `${member.prefix}${snapshot.id}`,
      fields: { ...snapshot.fields, [typeField]: member.entityType },
    }
  }

  /** Ids of a member without its prefix; where all share one sequence any of them may be the member's. */
  function own(member: CompositeMember, ids: readonly string[]): string[] {
    return member.prefix === ''
      ? [...ids]
      : ids.flatMap((id) => (id.startsWith(member.prefix) ? [id.slice(member.prefix.length)] : []))
  }

  async function newest(_entityType: string, options?: CallOptions): Promise<string | null> {
    if (aggregate !== undefined) return inner.newest(aggregate, options)
    const times = await Promise.all(members.map((member) => inner.newest(member.entityType, options)))
    return times.reduce<string | null>(
      (latest, time) => (latest === null || (time !== null && secondsBetween(latest, time) > 0) ? time : latest),
      null,
    )
  }

  async function scan(query: ScanQuery, options?: CallOptions): Promise<{ rows: readonly ScanRow[]; last: boolean }> {
    if (aggregate !== undefined)
      return inner.scan(
        { ...query, entityType: aggregate, types: query.types ?? members.map((member) => member.entityType) },
        options,
      )
    const { types, ...plain } = query
    const wanted = members.filter((member) => types === undefined || types.includes(member.entityType))
    const { afterId } = query
    const at = afterId === null ? 0 : wanted.findIndex((member) => afterId.startsWith(member.prefix))
    for (const [index, member] of wanted.entries()) {
      if (index < at) continue
      const after = index === at && afterId !== null ? afterId.slice(member.prefix.length) : null
      const page = await inner.scan({ ...plain, entityType: member.entityType, afterId: after }, options)
      const last = page.last && index === wanted.length - 1
      if (page.rows.length > 0 || last)
        return { rows: page.rows.map((row) => ({ ...row, id: `${member.prefix}${row.id}` })), last }
    }
    return { rows: [], last: true }
  }

  async function read(
    _entityType: string,
    ids: readonly string[],
    fields: readonly string[],
    options?: CallOptions,
  ): Promise<RecordSnapshot[]> {
    const found = await Promise.all(
      members.map(async (member) => {
        const mine = own(member, ids)
        if (mine.length === 0) return []
        const snapshots = await inner.read(member.entityType, mine, await fieldsOf(member, fields), options)
        return snapshots.map((snapshot) => shown(member, snapshot))
      }),
    )
    return found.flat()
  }

  async function find(
    _entityType: string,
    field: string,
    values: readonly string[],
    fields: readonly string[],
    options?: FindOptions,
  ): Promise<RecordSnapshot[]> {
    const found = await Promise.all(
      members.map(async (member) => {
        if ((await fieldsOf(member, [field])).length === 0) return []
        const wanted = await fieldsOf(member, fields)
        const snapshots = await inner.find(member.entityType, field, values, wanted, options)
        return snapshots.map((snapshot) => shown(member, snapshot))
      }),
    )
    return found.flat()
  }

  /** Members that the scope takes in at all, with the scope as it reads for each. */
  function scoped(scope: RecordScope): { member: CompositeMember; own: RecordScope }[] {
    return members
      .filter((member) => scope.types === null || scope.types.includes(member.entityType))
      .map((member) => ({ member, own: scopeOf(member, scope) }))
  }

  function scopeOf(member: CompositeMember, scope: RecordScope): RecordScope {
    return { ...scope, types: null, constants: { ...scope.constants, [typeField]: member.entityType } }
  }

  async function matching(
    _entityType: string,
    ids: readonly string[],
    scope: RecordScope,
    options?: CallOptions,
  ): Promise<string[]> {
    const found = await Promise.all(
      scoped(scope).map(async ({ member, own: asked }) => {
        const mine = own(member, ids)
        if (mine.length === 0) return []
        const hits =
          member.follows === undefined
            ? await inner.matching(member.entityType, mine, asked, options)
            : await following(member, member.follows, mine, scope, options)
        return hits.map((id) => `${member.prefix}${id}`)
      }),
    )
    return found.flat()
  }

  /** Of a member's ids those whose record above is in scope. */
  async function following(
    member: CompositeMember,
    { member: above, field }: NonNullable<CompositeMember['follows']>,
    ids: readonly string[],
    scope: RecordScope,
    options?: CallOptions,
  ): Promise<string[]> {
    const leader = members.find((one) => one.entityType === above)
    if (leader === undefined) return [...ids]
    const snapshots = await inner.read(member.entityType, ids, [field], options)
    const aboveOf = new Map(snapshots.map((one) => [one.id, String(one.fields[field] ?? '')]))
    const asked = [...new Set(aboveOf.values())].filter((id) => id !== '')
    const hits = new Set(await inner.matching(above, asked, scopeOf(leader, scope), options))
    return ids.filter((id) => hits.has(aboveOf.get(id) ?? ''))
  }

  async function* inScope(
    _entityType: string,
    scope: RecordScope,
    options?: CallOptions,
  ): AsyncGenerator<readonly string[]> {
    for (const { member, own: asked } of scoped(scope)) {
      if (member.follows === undefined) {
        for await (const page of inner.inScope(member.entityType, asked, options))
          yield page.map((id) => `${member.prefix}${id}`)
        continue
      }
      let afterId: string | null = null
      for (;;) {
        const page: Awaited<ReturnType<typeof inner.scan>> = await inner.scan(
          { entityType: member.entityType, since: null, afterId, limit: inner.capabilities.maxScanPage },
          options,
        )
        const ids = page.rows.map((row) => row.id)
        const hits = await following(member, member.follows, ids, scope, options)
        if (hits.length > 0) yield hits.map((id) => `${member.prefix}${id}`)
        if (page.last) break
        afterId = ids[ids.length - 1] ?? null
      }
    }
  }

  async function foldersAbove(_entityType: string, ids: readonly string[], options?: CallOptions) {
    const leader = members.find((member) => member.follows === undefined)
    return inner.foldersAbove(leader?.entityType ?? composite.name, ids, options)
  }

  async function favorites(_entityType: string, options?: CallOptions) {
    const found = await Promise.all(members.map((member) => inner.favorites(member.entityType, options)))
    return found.flat()
  }

  async function count(_entityType: string, options?: CallOptions): Promise<number> {
    const counts = await Promise.all(members.map((member) => inner.count(member.entityType, options)))
    return counts.reduce((sum, one) => sum + one, 0)
  }

  function memberOf(type: unknown): CompositeMember | undefined {
    return members.find((member) => member.entityType === type)
  }

  /** Divides rows among the members, and puts the results back in the order of the rows. */
  async function divided<Row, Result>(
    rows: readonly Row[],
    typeOf: (row: Row) => unknown,
    refuse: (row: Row) => Result,
    call: (member: CompositeMember, rows: readonly Row[]) => Promise<readonly Result[]>,
  ): Promise<Result[]> {
    const results: (Result | undefined)[] = rows.map((row) =>
      memberOf(typeOf(row)) === undefined ? refuse(row) : undefined,
    )
    await allEnded(
      members.map(async (member) => {
        const indexes = rows.flatMap((row, index) => (memberOf(typeOf(row)) === member ? [index] : []))
        if (indexes.length === 0) return
        const answered = await call(
          member,
          indexes.flatMap((index) => rows[index] ?? []),
        )
        indexes.forEach((index, position) => {
          results[index] = answered[position]
        })
      }),
    )
    return results as Result[]
  }

  function untyped(type: unknown): Extract<RowResult, { outcome: 'refused' }> {
    return {
      outcome: 'refused',
      problem: {
        class: 'schema',
        code: 'unknown-type',
        message: `"${String(type)}" is none of ${members.map((member) => member.entityType).join(', ')}.`,
        remedy: 'Correct the types of the link, then run the integrity check.',
        field: typeField,
      },
    }
  }

  const lastEdits: Plain['lastEdits'] = async (_entityType, record, fields, options) => {
    const member = memberOf(record.fields[typeField])
    if (member === undefined) return {}
    const plain = { ...record, id: record.id.slice(member.prefix.length) }
    return inner.lastEdits(member.entityType, plain, await fieldsOf(member, fields), options)
  }

  const shownResult =
    (member: CompositeMember) =>
    (result: RowResult): RowResult =>
      result.outcome === 'done' ? { ...result, snapshot: shown(member, result.snapshot) } : result

  return {
    describe,
    inspect: async (_entityType, options) =>
      (await Promise.all(members.map((member) => inner.inspect(member.entityType, options)))).flat(),
    newest,
    scan,
    read,
    find,
    lastEdits,
    matching,
    inScope,
    foldersAbove,
    favorites,
    count,
    recordUrl: (_entityType, id) => {
      const member = members.find((one) => one.prefix !== '' && id.startsWith(one.prefix)) ?? members[0]
      return inner.recordUrl(member?.entityType ?? composite.name, id.slice(member?.prefix.length ?? 0))
    },
    create: (_entityType, rows, returnFields, options) =>
      divided(
        rows,
        (row) => row.fields[typeField],
        (row) => untyped(row.fields[typeField]),
        async (member, mine) => {
          const plain = mine.map((row) => {
            const { [typeField]: _type, ...fields } = row.fields
            return { fields }
          })
          const results = await inner.create(member.entityType, plain, await fieldsOf(member, returnFields), options)
          return results.map(shownResult(member))
        },
      ),
    update: (_entityType, rows, returnFields, options) =>
      divided(
        rows,
        (row) => row.recordType,
        (row) => untyped(row.recordType),
        async (member, mine) => {
          const plain = mine.map(({ recordType: _type, ...row }) => ({
            ...row,
            id: row.id.slice(member.prefix.length),
          }))
          const results = await inner.update(member.entityType, plain, await fieldsOf(member, returnFields), options)
          return results.map(shownResult(member))
        },
      ),
    async confirmGone(_entityType, ids, siblings, options): Promise<readonly GoneEvidence[]> {
      if (aggregate !== undefined) return inner.confirmGone(aggregate, ids, siblings, options)
      const evidence = await Promise.all(
        members.map(async (member) => {
          const mine = own(member, ids)
          if (mine.length === 0) return []
          const found = await inner.confirmGone(member.entityType, mine, own(member, siblings), options)
          return found.map((one) => ({ ...one, id: `${member.prefix}${one.id}` }))
        }),
      )
      const byId = new Map(evidence.flat().map((one) => [one.id, one]))
      return ids.map((id) => byId.get(id) ?? { id, outcome: 'unknown', reason: 'its type is not known' })
    },
    delete: (_entityType, rows, options) =>
      divided(
        rows,
        (row) => row.recordType,
        (row): DeleteResult => untyped(row.recordType),
        (member, mine) =>
          inner.delete(
            member.entityType,
            mine.map(({ recordType: _type, ...row }) => ({ ...row, id: row.id.slice(member.prefix.length) })),
            options,
          ),
      ),
  }
}
