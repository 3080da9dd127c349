import { createHash } from 'node:crypto'
import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import { dataAnswer, type Encoding, methodNotAllowed, noSuchResource } from './answers.ts'
import { type AlmFieldModel, type AlmTypeModel, almLists, almTypes } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmStore, AlmUser } from './store.ts'
import type { XmlContent } from './xml.ts'

interface CustomizationRequest {
  store: AlmStore
  /** Path below `customization`. */
  segments: readonly string[]
  request: SandboxRequest
  encoding: Encoding
  modern: boolean
  /** Address of the project, as the client knows the server. */
  address: string
}

/** Answers that clients may keep for as long as their tag holds. */
const tagged = new Set(['entities', 'used-lists', 'users'])

/** Everything below `customization`: entities, fields, lists, users, in both encodings, from one model. */
export function customizationRoutes(context: CustomizationRequest): SandboxAnswer {
  const { request, segments } = context
  if (request.method !== 'GET') throw methodNotAllowed()
  const answer = describe(context)
  if (!tagged.has(segments[0] ?? '')) return answer
  const etag = `"${createHash('sha1')
    .update(answer.body ?? '')
    .digest('hex')}"`
  if (request.headers['if-none-match'] === etag) return { status: 304, headers: { etag } }
  return { ...answer, headers: { ...answer.headers, etag } }
}

function describe(context: CustomizationRequest): SandboxAnswer {
  const [what, name, part] = context.segments
  const { encoding, store } = context
  const { query } = context.request
  switch (what) {
    case 'entities': {
      if (name === undefined) return entities(almTypes, context)
      const model = almTypes.find((type) => type.name === name)
      if (model === undefined) throw new AlmRefusal(404, 'qccore.general-error', `Entity '${name}' does not exist`)
      if (part === undefined) return entities([model], context)
      if (part === 'fields') return fields(model, context)
      if (part === 'lists') return lists(new Set(model.fields.flatMap((field) => field.list ?? [])), encoding)
      if (part === 'relations') return relations(model, encoding)
      if (part === 'types') return answer(encoding, { types: [] }, { types: null })
      break
    }
    case 'used-lists': {
      const names = query.get('name')?.split(',')
      const ids = query.get('id')?.split(',')
      return lists(
        new Set(
          almLists.flatMap((list) =>
            (names?.includes(list.name) ?? true) && (ids?.includes(String(list.id)) ?? true) ? list.name : [],
          ),
        ),
        encoding,
      )
    }
    case 'lists':
      return lists(new Set(almLists.map((list) => list.name)), encoding)
    case 'users': {
      if (name === undefined)
        return answer(
          encoding,
          { users: store.users.map((user) => userJson(user, context.modern)) },
          { Users: { User: store.users.map((user) => userXml(user, context.modern)) } },
        )
      const user = store.users.find((one) => one.name.toLowerCase() === name.toLowerCase())
      if (user === undefined) throw new AlmRefusal(404, 'qccore.entity-not-found', `User '${name}' does not exist`)
      return answer(encoding, userJson(user, context.modern), { User: userXml(user, context.modern) })
    }
    case 'extensions':
      return answer(
        encoding,
        { Extensions: { Extension: [{ Name: 'QUALITY_CENTER' }] } },
        { Extensions: { Extension: [{ '@Name': 'QUALITY_CENTER' }] } },
      )
    default:
  }
  throw noSuchResource()
}

/** Whether a user is active, newer servers alone tell. */
function userJson(user: AlmUser, modern: boolean): unknown {
  return {
    Name: user.name,
    FullName: user.fullName,
    email: user.email,
    phone: '',
    ...(modern ? { UserActive: user.active } : {}),
  }
}

function userXml(user: AlmUser, modern: boolean): XmlContent {
  return {
    '@Name': user.name,
    '@FullName': user.fullName,
    email: user.email === '' ? null : user.email,
    phone: null,
    ...(modern ? { UserActive: String(user.active) } : {}),
  }
}

function answer(encoding: Encoding, json: unknown, asXml: Readonly<Record<string, XmlContent>>): SandboxAnswer {
  return dataAnswer(
    200,
    encoding,
    () => json,
    () => asXml,
  )
}

function listId(field: AlmFieldModel): number | undefined {
  return almLists.find((list) => list.name === field.list)?.id
}

function fields(model: AlmTypeModel, { encoding, request: { query } }: CustomizationRequest): SandboxAnswer {
  const chosen = model.fields.filter(
    (field) =>
      (query.get('required') === null || String(field.required === true) === query.get('required')) &&
      (query.get('can-filter') === null || String(field.filterable === true) === query.get('can-filter')),
  )
  const json = chosen.map((field) => ({
    name: field.name,
    physicalName: field.column,
    label: field.label,
    type: field.type,
    size: field.size,
    ...(listId(field) === undefined ? {} : { listId: listId(field) }),
    required: field.required === true,
    system: field.user !== true,
    verify: field.verify === true,
    virtual: field.virtual === true,
    active: true,
    editable: field.editable === true,
    filterable: field.filterable === true,
    groupable: field.type === 'LookupList',
    history: field.history === true,
    supportsMultivalue: field.multiple === true,
    visible: true,
    visibleInWebUI: true,
    searchable: false,
    versionControlled: false,
    time: false,
    canChangeRequired: true,
    description: '',
    fieldRelationReferences: {
      referenceTypeField: null,
      references:
        field.target === undefined
          ? []
          : [{ relationName: relationName(model, field), referencedEntityType: field.target }],
    },
  }))
  const asXml = chosen.map((field) => ({
    '@PhysicalName': field.column,
    '@Name': field.name,
    '@Label': field.label,
    Size: String(field.size),
    History: String(field.history === true),
    ...(listId(field) === undefined ? {} : { 'List-Id': String(listId(field)) }),
    Required: String(field.required === true),
    System: String(field.user !== true),
    Type: field.type,
    Verify: String(field.verify === true),
    Virtual: String(field.virtual === true),
    Active: 'true',
    Editable: String(field.editable === true),
    Filterable: String(field.filterable === true),
    Groupable: String(field.type === 'LookupList'),
    SupportsMultivalue: String(field.multiple === true),
    Visible: 'true',
    Searchable: 'false',
    VersionControlled: 'false',
    ...(field.target === undefined
      ? {}
      : {
          References: {
            RelationReference: {
              '@RelationName': relationName(model, field),
              '@ReferencedEntityType': field.target,
            },
          },
        }),
  }))
  return answer(encoding, { Fields: { Field: json } }, { Fields: { Field: asXml } })
}

function relationName(model: AlmTypeModel, field: AlmFieldModel): string {
  return `${model.name}-${field.name}-to-${field.target ?? ''}`
}

/** The references of a type, by the names that its fields give them. */
function relations(model: AlmTypeModel, encoding: Encoding): SandboxAnswer {
  const known = model.fields.flatMap((field) =>
    field.target === undefined
      ? []
      : [{ Name: relationName(model, field), SourceEntity: model.name, TargetEntity: field.target, Field: field.name }],
  )
  return answer(
    encoding,
    { Relations: { Relation: known } },
    {
      Relations: {
        Relation: known.map(({ Name, ...rest }) => ({ '@Name': Name, ...rest })),
      },
    },
  )
}

/** Delivered items have names of their own: `hp.qc.severity.high` for `3-High`. */
function itemName(logical: string | null, value: string): string {
  return logical === null ? '' : `${logical}.${value.replace(/^\d+-/, '').toLowerCase().replace(/\s+/g, '-')}`
}

function lists(names: ReadonlySet<string>, encoding: Encoding): SandboxAnswer {
  const chosen = almLists.filter((list) => names.has(list.name))
  return answer(
    encoding,
    {
      lists: chosen.map((list) => ({
        Name: list.name,
        Id: list.id,
        LogicalName: list.logical ?? '',
        Items: list.items.map((value) => ({
          value,
          logicalName: itemName(list.logical, value),
        })),
      })),
    },
    {
      Lists: {
        List: chosen.map((list) => ({
          Name: list.name,
          Id: String(list.id),
          LogicalName: list.logical ?? '',
          Items: {
            Item: list.items.map((value) => ({ '@value': value, '@logicalName': itemName(list.logical, value) })),
          },
        })),
      },
    },
  )
}

function entities(types: readonly AlmTypeModel[], { encoding, address }: CustomizationRequest): SandboxAnswer {
  const json = types.map((type) => ({
    Name: type.name,
    Label: type.label,
    Table: type.table,
    collectionName: type.collection,
    baseUrl: `${address}/`,
    SupportsHistory: type.history,
    SupportsAttachment: false,
    SupportsLock: type.lock,
    SupportsGrouping: true,
    SupportsMultiValue: type.fields.some((field) => field.multiple === true),
    SupportsVC: false,
    SupportsSubtypes: false,
    SupportsWorkflow: type.name === 'defect',
  }))
  const asXml = types.map((type) => ({
    '@collectionName': type.collection,
    '@baseUrl': `${address}/`,
    Table: type.table,
    Name: type.name,
    Label: type.label,
    SupportsHistory: { '@url': `${type.collection}/{entity_id : [0-9]+}/audits`, '#': String(type.history) },
    SupportsAttachment: 'false',
    SupportsLock: { '@url': `${type.collection}/{parent_entity_id: [0-9]+}/lock`, '#': String(type.lock) },
    SupportsGrouping: { '@url': `${type.collection}/groups/{groupsFields}`, '#': 'true' },
    SupportsMultiValue: String(type.fields.some((field) => field.multiple === true)),
    SupportsWorkflow: String(type.name === 'defect'),
    SupportsTree: 'false',
    SupportsVC: 'false',
    SupportsSubtypes: 'false',
    SupportsCopying: 'false',
    IsSiteEntity: 'false',
    IsFirstLevelResource: {
      '@supportsDELETE': 'true',
      '@supportsPUT': 'true',
      '@supportsGET': 'true',
      '@supportsPOST': 'true',
      '@url': type.collection,
      '#': 'true',
    },
  }))
  return answer(
    encoding,
    { EntityResourceDescriptor: json },
    { EntityResourceDescriptors: { EntityResourceDescriptor: asXml } },
  )
}
