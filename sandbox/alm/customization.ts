import type { SandboxAnswer } from '../common/http.ts'
import { type Encoding, xml } from './encode.ts'
import { type AlmFieldModel, type AlmTypeModel, almLists, almTypes } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmStore } from './store.ts'

interface CustomizationRequest {
  store: AlmStore
  /** Path below `customization`. */
  segments: readonly string[]
  query: URLSearchParams
  encoding: Encoding
  base: string
}

/** Everything below `customization`: entities, fields, lists, users, in both encodings, from one model. */
export function customization(request: CustomizationRequest): SandboxAnswer {
  const [what, name, part] = request.segments
  const { encoding, query, store } = request
  switch (what) {
    case 'entities': {
      if (name === undefined) return entities(almTypes, request)
      const model = almTypes.find((type) => type.name === name)
      if (model === undefined) throw new AlmRefusal(404, 'qccore.general-error', `Entity '${name}' does not exist`)
      if (part === undefined) return entities([model], request)
      if (part === 'fields') return fields(model, request)
      if (part === 'lists') return lists(new Set(model.fields.flatMap((field) => field.list ?? [])), encoding)
      if (part === 'relations') return answer(encoding, { Relations: { Relation: [] } }, { Relations: '' })
      if (part === 'types') return answer(encoding, { types: [] }, { types: '' })
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
      const users = store.users.filter((user) => name === undefined || user.name.toLowerCase() === name.toLowerCase())
      if (users.length === 0) throw new AlmRefusal(404, 'qccore.entity-not-found', `User '${name}' does not exist`)
      return answer(
        encoding,
        {
          users: users.map((user) => ({
            Name: user.name,
            FullName: user.fullName,
            email: user.email,
            phone: '',
            UserActive: user.active,
          })),
        },
        {
          Users: {
            User: users.map((user) => ({
              '@Name': user.name,
              '@FullName': user.fullName,
              email: user.email,
              phone: '',
              UserActive: String(user.active),
            })),
          },
        },
      )
    }
    case 'extensions':
      return answer(
        encoding,
        { Extensions: { Extension: [{ Name: 'QUALITY_CENTER' }] } },
        { Extensions: { Extension: [{ '@Name': 'QUALITY_CENTER' }] } },
      )
    default:
  }
  throw new AlmRefusal(404, 'qccore.general-error', 'The resource does not exist')
}

function answer(encoding: Encoding, json: unknown, asXml: Record<string, unknown>): SandboxAnswer {
  return encoding === 'json'
    ? { status: 200, headers: { 'content-type': 'application/json;charset=utf-8' }, body: JSON.stringify(json) }
    : { status: 200, headers: { 'content-type': 'application/xml;charset=utf-8' }, body: xml(asXml) }
}

function listId(field: AlmFieldModel): number | undefined {
  return almLists.find((list) => list.name === field.list)?.id
}

function fields(model: AlmTypeModel, { encoding, query }: CustomizationRequest): SandboxAnswer {
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
          : [{ relationName: `${model.name}To${field.target}`, referencedEntityType: field.target }],
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
              '@RelationName': `${model.name}To${field.target}`,
              '@ReferencedEntityType': field.target,
            },
          },
        }),
  }))
  return answer(encoding, { Fields: { Field: json } }, { Fields: { Field: asXml } })
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
          logicalName: list.logical === null ? '' : `${list.logical}.${value.toLowerCase()}`,
        })),
      })),
    },
    {
      Lists: {
        List: chosen.map((list) => ({
          Name: list.name,
          Id: String(list.id),
          LogicalName: list.logical ?? '',
          Items: { Item: list.items.map((value) => ({ '@value': value })) },
        })),
      },
    },
  )
}

function entities(types: readonly AlmTypeModel[], { encoding, base }: CustomizationRequest): SandboxAnswer {
  const json = types.map((type) => ({
    Name: type.name,
    Label: type.label,
    Table: type.table,
    collectionName: type.collection,
    baseUrl: base,
    SupportsHistory: type.history,
    SupportsLock: type.lock,
    SupportsVC: false,
    SupportsSubtypes: false,
    SupportsWorkflow: type.name === 'defect',
  }))
  const asXml = types.map((type) => ({
    '@collectionName': type.collection,
    '@baseUrl': base,
    Table: type.table,
    Name: type.name,
    Label: type.label,
    SupportsHistory: { '@url': `${type.collection}/{entity_id : [0-9]+}/audits`, '#': String(type.history) },
    SupportsLock: { '@url': `${type.collection}/{parent_entity_id: [0-9]+}/lock`, '#': String(type.lock) },
    SupportsMultiValue: 'false',
    SupportsWorkflow: String(type.name === 'defect'),
    SupportsTree: 'false',
    SupportsVC: 'false',
    SupportsSubtypes: 'false',
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
