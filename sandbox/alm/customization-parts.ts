import type { SandboxAnswer } from '../common/http.ts'
import { dataAnswer, type Encoding, methodNotAllowed } from './answers.ts'
import type { CustomizationRequest } from './customization.ts'
import type { AlmFieldModel, AlmTypeModel } from './model.ts'
import type { AlmListItem } from './picklists.ts'
import { AlmRefusal } from './refusal.ts'
import { relationsOf } from './relations.ts'
import type { AlmStore } from './store.ts'
import { parseXml, type XmlContent } from './xml.ts'

function answer(encoding: Encoding, json: unknown, asXml: Readonly<Record<string, XmlContent>>): SandboxAnswer {
  return dataAnswer(
    200,
    encoding,
    () => json,
    () => asXml,
  )
}

export function relationName(model: AlmTypeModel, field: AlmFieldModel): string {
  return `${model.name}-${field.name}-to-${field.target ?? ''}`
}

/** The references of types, with the aliases by which filters reach through them. */
export function relations(models: readonly AlmTypeModel[], encoding: Encoding): SandboxAnswer {
  const known = models.flatMap((model) => relationsOf(model).map((relation) => ({ ...relation, model })))
  return answer(
    encoding,
    {
      Relation: known.map(({ model, field, type, target, aliases }) => ({
        Label: `${model.label} to ${field.label}`,
        Name: relationName(model, field),
        SourceEntity: model.name,
        TargetEntity: target,
        StorageDescriptor: {
          customizationStorageDescriptor: {
            ReferenceStorage: {
              ReferenceIdColumn: field.name,
              ReferenceLocation: 'IN_SOURCE_ENTITY',
              ReferenceTypeColumn: null,
            },
          },
        },
        Type: type,
        TargetAliases: aliases.map(({ name, unique }) => ({ Name: name, Unique: unique })),
        Features: [],
      })),
      TotalResults: known.length,
    },
    {
      Relations: {
        '@TotalResults': String(known.length),
        Relation: known.map(({ model, field, type, target, aliases }) => ({
          '@Type': type,
          '@Name': relationName(model, field),
          Label: `${model.label} to ${field.label}`,
          SourceEntity: model.name,
          TargetEntity: target,
          TargetAliases: {
            Alias: aliases.map(({ name, unique }) => ({ '@Unique': String(unique), '@Name': name })),
          },
          Features: null,
          StorageDescriptor: {
            ReferenceStorage: { ReferenceIdColumn: field.name, ReferenceLocation: 'IN_SOURCE_ENTITY' },
          },
        })),
      },
    },
  )
}

/** The types within a type; most have none. */
export function subtypes(model: AlmTypeModel, encoding: Encoding): SandboxAnswer {
  const all = model.subtypes ?? []
  return answer(
    encoding,
    {
      types: all.map((one) => ({
        id: String(one.id),
        name: one.name,
        'has-direct-coverage': one.coverage ? 'Y' : 'N',
        'risk-analysis-type': '0',
        'default-child-type-id': String(one.defaultChild),
        'is-document-root': 'N',
        'icon-ref': null,
        Fields: null,
      })),
    },
    {
      types:
        all.length === 0
          ? null
          : {
              type: all.map((one) => ({
                '@name': one.name,
                '@id': String(one.id),
                'default-child-type-id': String(one.defaultChild),
                'has-direct-coverage': one.coverage ? 'Y' : 'N',
                'is-document-root': 'N',
                'risk-analysis-type': '0',
              })),
            },
    },
  )
}

/** Delivered items have names of their own: `hp.qc.severity.high` for `3-High`. */
function itemName(logical: string | null, value: string): string {
  return logical === null
    ? ''
    : `${logical}.${value
        .replace(/^\d+-/, '')
        .toLowerCase()
        .replace(/[\s_/]+/g, '-')}`
}

export function listsAnswer(
  store: AlmStore,
  names: ReadonlySet<string>,
  encoding: Encoding,
  status = 200,
): SandboxAnswer {
  const chosen = store.lists.all().filter((list) => names.has(list.name))
  const json = (logical: string | null, items: readonly AlmListItem[]): unknown[] =>
    items.map(({ value, items: below }) => ({
      value,
      logicalName: itemName(logical, value),
      ...(below === undefined ? {} : { Items: json(logical, below) }),
    }))
  const asXml = (logical: string | null, items: readonly AlmListItem[]): XmlContent[] =>
    items.map(({ value, items: below }) => ({
      '@value': value,
      '@logicalName': itemName(logical, value),
      ...(below === undefined ? {} : { Item: asXml(logical, below) }),
    }))
  return dataAnswer(
    status,
    encoding,
    () => ({
      lists: chosen.map((list) => ({
        Name: list.name,
        Id: list.id,
        LogicalName: list.logical ?? '',
        Items: json(list.logical, list.items),
      })),
    }),
    () => ({
      Lists: {
        List: chosen.map((list) => ({
          Name: list.name,
          Id: String(list.id),
          LogicalName: list.logical ?? '',
          Items: { Item: asXml(list.logical, list.items) },
        })),
      },
    }),
  )
}

/** Items of lists are written by newer servers: `used-lists/{id}/items[/{item}]` with `{"value":"..."}`. */
export function writeItems({ store, request, segments, encoding, modern }: CustomizationRequest): SandboxAnswer {
  if (!modern) throw methodNotAllowed()
  const [, list, , item] = segments
  const id = Number(list)
  const changed = () => {
    switch (request.method) {
      case 'POST':
        if (item !== undefined) throw methodNotAllowed()
        return store.lists.add(id, writtenValue(request.headers['content-type'], request.body))
      case 'PUT':
        if (item === undefined) throw methodNotAllowed()
        return store.lists.rename(id, item, writtenValue(request.headers['content-type'], request.body))
      case 'DELETE':
        if (item === undefined) throw methodNotAllowed()
        return store.lists.remove(id, item)
      default:
        throw methodNotAllowed()
    }
  }
  return listsAnswer(store, new Set([changed().name]), encoding, request.method === 'POST' ? 201 : 200)
}

function writtenValue(contentType: string | undefined, body: string): string {
  try {
    const parsed: unknown = /xml/i.test(contentType ?? '') ? parseXml(body).Item : JSON.parse(body)
    const value =
      parsed !== null &&
      typeof parsed === 'object' &&
      ('value' in parsed ? parsed.value : '@value' in parsed && parsed['@value'])
    if (typeof value === 'string') return value
  } catch {
    // Told below.
  }
  throw new AlmRefusal(400, 'qccore.general-error', 'The body has no value')
}

/** Whether the collection itself takes PUT and DELETE, which are the forms for many records. */
function takesBulk(type: AlmTypeModel): boolean {
  return type.name !== 'attachment' && type.name !== 'favorite'
}

export function entities(
  types: readonly AlmTypeModel[],
  { encoding, address, store }: CustomizationRequest,
): SandboxAnswer {
  const multiple = (type: AlmTypeModel) => type.fields.some((field) => field.multiple === true)
  const versioned = (type: AlmTypeModel) => type.versioned === true && store.switches.versionControl === 'yes'
  const json = types.map((type) => ({
    Name: type.name,
    Label: type.label,
    Table: type.table,
    collectionName: type.collection,
    baseUrl: `${address}/`,
    SupportsHistory: type.history,
    SupportsAttachment: type.attachments !== undefined,
    SupportsLock: type.lock,
    SupportsGrouping: true,
    SupportsMultiValue: multiple(type),
    SupportsTree: type.parent === type.name,
    SupportsVC: versioned(type),
    SupportsSubtypes: type.subtypes !== undefined,
    SupportsWorkflow: type.name === 'defect',
    SupportsCopying: false,
  }))
  const asXml = types.map((type) => ({
    '@collectionName': type.collection,
    '@baseUrl': `${address}/`,
    Table: type.table,
    Name: type.name,
    Label: type.label,
    SupportsHistory: { '@url': `${type.collection}/{entity_id : [0-9]+}/audits`, '#': String(type.history) },
    SupportsAttachment: {
      '@url': `${type.collection}/{parent_entity_id: [0-9]+}/attachments`,
      '#': String(type.attachments !== undefined),
    },
    SupportsLock: { '@url': `${type.collection}/{parent_entity_id: [0-9]+}/lock`, '#': String(type.lock) },
    SupportsGrouping: { '@url': `${type.collection}/groups/{groupsFields}`, '#': 'true' },
    SupportsMultiValue: String(multiple(type)),
    SupportsWorkflow: String(type.name === 'defect'),
    SupportsTree: String(type.parent === type.name),
    SupportsVC: { '@url': `${type.collection}/{entity_id : [0-9]+}/versions`, '#': String(versioned(type)) },
    SupportsSubtypes: { '@url': `customization/entities/${type.name}/types`, '#': String(type.subtypes !== undefined) },
    SupportsCopying: { '@url': `${type.collection}/copy`, '#': 'false' },
    IsSiteEntity: 'false',
    IsFirstLevelResource: {
      '@supportsDELETE': String(takesBulk(type)),
      '@supportsPUT': String(takesBulk(type)),
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
