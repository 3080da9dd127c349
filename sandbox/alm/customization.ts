import { createHash } from 'node:crypto'
import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import type { PermissionAction } from '../common/permissions.ts'
import { dataAnswer, type Encoding, methodNotAllowed, noSuchResource } from './answers.ts'
import { entities, listsAnswer, relationName, relations, subtypes, writeItems } from './customization-parts.ts'
import { type AlmFieldModel, type AlmSubtype, type AlmTypeModel, almTypes, isGroupable } from './model.ts'
import { permissionsAnswer } from './permission-routes.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmStore, AlmUser } from './store.ts'
import type { XmlContent } from './xml.ts'

export interface CustomizationRequest {
  store: AlmStore
  /** Path below `customization`. */
  segments: readonly string[]
  request: SandboxRequest
  encoding: Encoding
  modern: boolean
  /** Address of the project, as the client knows the server. */
  address: string
  /** Whether the signed-in user may do something with records of a type. */
  may(type: string, action: PermissionAction): boolean
  /** Fields of a type that the signed-in user is not shown. */
  hiddenFields(type: string): ReadonlySet<string> | null
}

/** Answers that clients may keep for as long as their tag holds. */
const tagged = new Set(['entities', 'relations', 'used-lists', 'users'])

/** Everything below `customization`: entities, fields, lists, users, in both encodings, from one model. */
export function customizationRoutes(context: CustomizationRequest): SandboxAnswer {
  const { request, segments } = context
  if (segments[0] === 'used-lists' && segments[2] === 'items') return writeItems(context)
  if (request.method !== 'GET') throw methodNotAllowed()
  const answer = describe(context)
  if (!tagged.has(segments[0] ?? '')) return answer
  const etag = `"${createHash('sha1')
    .update(answer.body ?? '')
    .digest('hex')}"`
  if (holdsTag(request.headers['if-none-match'], etag)) return { status: 304, headers: { etag } }
  return { ...answer, headers: { ...answer.headers, etag } }
}

/** Whether one of the tags that a client keeps is the present one, by weak comparison. */
function holdsTag(kept: string | undefined, etag: string): boolean {
  const tags = (kept ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(etag)
}

function describe(context: CustomizationRequest): SandboxAnswer {
  const [what, name, part, subtype, last] = context.segments
  const { encoding, store } = context
  const { query } = context.request
  switch (what) {
    case 'entities': {
      if (name === undefined) return entities(almTypes, context)
      const model = almTypes.find((type) => type.name === name)
      if (model === undefined) throw new AlmRefusal(404, 'qccore.general-error', `Entity '${name}' does not exist`)
      if (part === undefined) return entities([model], context)
      if (part === 'fields') return fields(model, context)
      if (part === 'lists')
        return listsAnswer(store, new Set(model.fields.flatMap((field) => field.list ?? [])), encoding)
      if (part === 'relations') return relations([model], encoding)
      if (part === 'permissions' && store.switches.entityPermissions === 'yes') return permissionsAnswer(model, context)
      if (part !== 'types') break
      // Other entities without types of their own have an empty list; servers were seen to stumble over this one.
      if (model.name === 'defect') throw new AlmRefusal(500, 'qccore.general-error', 'General Error')
      if (subtype === undefined) return subtypes(model, encoding)
      const one = model.subtypes?.find((candidate) => String(candidate.id) === subtype)
      if (one === undefined) throw new AlmRefusal(404, 'qccore.entity-not-found', `Type '${subtype}' does not exist`)
      if (last === 'fields') return fields(model, context, one)
      break
    }
    case 'relations':
      if (name === undefined) return relations(almTypes, encoding)
      break
    case 'used-lists': {
      const names = query.get('name')?.split(',')
      const ids = query.get('id')?.split(',')
      return listsAnswer(
        store,
        new Set(
          store.lists
            .all()
            .flatMap((list) =>
              isUsed(list.name) && (names?.includes(list.name) ?? true) && (ids?.includes(String(list.id)) ?? true)
                ? list.name
                : [],
            ),
        ),
        encoding,
      )
    }
    case 'lists':
      return listsAnswer(store, new Set(store.lists.all().map((list) => list.name)), encoding)
    case 'users': {
      if (name === undefined)
        return answer(
          encoding,
          { users: store.users.map((user) => userJson(user, context.modern)) },
          { Users: { User: store.users.map((user) => userXml(user, context.modern)) } },
        )
      const groupsToo = query.get('show-user-groups-names') === 'true'
      const user = store.users.find((one) => one.name.toLowerCase() === name.toLowerCase())
      if (user === undefined) throw new AlmRefusal(404, 'qccore.entity-not-found', `User '${name}' does not exist`)
      return answer(
        encoding,
        { ...userJson(user, context.modern), ...(groupsToo ? { groups: { group: user.groups.map(named) } } : {}) },
        {
          User: {
            ...userXml(user, context.modern),
            ...(groupsToo ? { groups: { group: user.groups.map((group) => ({ '@name': group })) } } : {}),
          },
        },
      )
    }
    case 'groups': {
      const groups = [...new Set(store.users.flatMap((user) => user.groups))]
      return answer(
        encoding,
        { Groups: { Group: groups.map((Name) => ({ Name })) } },
        { Groups: { Group: groups.map((group) => ({ '@Name': group })) } },
      )
    }
    case 'extensions': {
      const version = context.modern ? '26.1' : '12.50'
      return answer(
        encoding,
        { Extensions: { Extension: [{ Name: 'QUALITY_CENTER', DisplayName: 'Quality Center', Version: version }] } },
        {
          Extensions: {
            Extension: [{ '@Name': 'QUALITY_CENTER', '@DisplayName': 'Quality Center', Version: version }],
          },
        },
      )
    }
    default:
  }
  throw noSuchResource()
}

/** Whether a field takes its values from a list. */
function isUsed(list: string): boolean {
  return almTypes.some((type) => type.fields.some((field) => field.list === list))
}

/** Whether a user is active, newer servers alone tell. */
function userJson(user: AlmUser, modern: boolean): object {
  return {
    Name: user.name,
    FullName: user.fullName,
    email: user.email,
    phone: '',
    ...(modern ? { UserActive: user.active } : {}),
  }
}

function userXml(user: AlmUser, modern: boolean): Record<string, XmlContent> {
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

const named = (name: string) => ({ name })

/** The fields of a type, or of a type within it: those have fewer, and require others. */
function fields(
  model: AlmTypeModel,
  { encoding, store, request: { query } }: CustomizationRequest,
  subtype?: AlmSubtype,
): SandboxAnswer {
  const listId = (field: AlmFieldModel) => store.lists.named(field.list)?.id
  const required = (field: AlmFieldModel) => field.required === true || subtype?.requires?.includes(field.name) === true
  const versioned = model.versioned === true && store.switches.versionControl === 'yes'
  const chosen = model.fields.filter(
    (field) =>
      field.internal !== true &&
      subtype?.without?.includes(field.name) !== true &&
      (query.get('required') === null || String(required(field)) === query.get('required')) &&
      (query.get('can-filter') === null || String(field.filterable === true) === query.get('can-filter')),
  )
  const json = chosen.map((field) => ({
    name: field.name,
    physicalName: field.column,
    label: field.label,
    type: field.type,
    size: field.size,
    ...(listId(field) === undefined ? {} : { listId: listId(field) }),
    required: required(field),
    system: field.user !== true,
    verify: field.verify === true,
    virtual: field.virtual === true,
    active: true,
    editable: field.editable === true,
    filterable: field.filterable === true,
    groupable: isGroupable(field),
    history: field.history === true,
    supportsMultivalue: field.multiple === true,
    visible: true,
    visibleInWebUI: true,
    searchable: false,
    versionControlled: versioned,
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
    Required: String(required(field)),
    System: String(field.user !== true),
    Type: field.type,
    Verify: String(field.verify === true),
    Virtual: String(field.virtual === true),
    Active: 'true',
    Editable: String(field.editable === true),
    Filterable: String(field.filterable === true),
    Groupable: String(isGroupable(field)),
    SupportsMultivalue: String(field.multiple === true),
    Visible: 'true',
    Searchable: 'false',
    VersionControlled: String(versioned),
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
