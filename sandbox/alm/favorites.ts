import type { SandboxAnswer } from '../common/http.ts'
import { bodyType, dataAnswer, methodNotAllowed, noSuchResource } from './answers.ts'
import { jsonEntity, parseEntities } from './encode.ts'
import { entitiesJson, entitiesXml, entityXml } from './entities.ts'
import type { EntityRequest } from './entity-routes.ts'
import { dialectOf } from './filter-dialect.ts'
import { AlmRefusal } from './refusal.ts'
import { selectPage } from './selection.ts'
import type { AlmRecord } from './store.ts'
import { parseXml, type XmlContent, xmlText } from './xml.ts'

/** Favorites: collection GET and POST, member GET, PUT and DELETE; typed XML by default, and taken in either form. */
export function favoriteRoutes(context: EntityRequest, [id, more]: readonly string[]): SandboxAnswer {
  const { store, model, request, writer, sight } = context
  if (more !== undefined) throw noSuchResource()
  switch (`${request.method}${id === undefined ? '' : ' one'}`) {
    case 'GET':
      return listed(context)
    case 'POST': {
      sight.check('create')
      const created = store.create(model.name, written(context), writer)
      return one(context, 201, created, { location: `${context.address}/${model.collection}/${String(created.id)}` })
    }
    case 'GET one':
      sight.check('read')
      sight.checkRecord(id ?? '')
      return one(context, 200, store.get(model.name, id ?? ''))
    case 'PUT one':
      sight.check('update')
      sight.checkRecord(id ?? '')
      return one(context, 200, store.update(model.name, id ?? '', written(context), writer))
    case 'DELETE one':
      sight.check('delete')
      sight.checkRecord(id ?? '')
      return one(context, 200, store.delete(model.name, id ?? '', writer))
    default:
      throw methodNotAllowed()
  }
}

/** Public ones and the user's own; those that others share come on request, from newer servers. */
function listed(context: EntityRequest): SandboxAnswer {
  const { store, model, request, encoding, sight, modern, writer } = context
  sight.check('read')
  if (request.query.has('fields') && isTyped(context))
    throw new AlmRefusal(400, 'qccore.general-error', 'The parameter fields is not supported on favorites')
  const sharedToo = modern && /^(y|true)$/i.test(request.query.get('include-shared-with-me') ?? '')
  const offered = [...store.rows(model.name).values()].filter(
    (record) => sharedToo || record['is-public'] === 'Y' || record.owner === writer.user,
  )
  const dialect = dialectOf(store, modern)
  const { only, page, total } = selectPage(store, model, request.query, dialect, sight, request.paging, offered)
  if (!isTyped(context))
    return dataAnswer(
      200,
      encoding,
      () => entitiesJson(model, page, only, total, modern),
      () => entitiesXml(store, model, page, only, total, modern),
    )
  return dataAnswer(
    200,
    encoding,
    () => ({ Favorites: { Favorite: page.map((record) => plain(typed(record))) } }),
    () => ({ Favorites: { Favorite: page.map(typed) } }),
  )
}

function one(
  context: EntityRequest,
  status: number,
  stored: AlmRecord,
  headers: Record<string, string> = {},
): SandboxAnswer {
  const { store, model, encoding, sight, modern } = context
  const record = sight.shown(stored) ?? stored
  return isTyped(context)
    ? dataAnswer(
        status,
        encoding,
        () => ({ Favorite: plain(typed(record)) }),
        () => ({ Favorite: typed(record) }),
        headers,
      )
    : dataAnswer(
        status,
        encoding,
        () => jsonEntity(model, record, null),
        () => entityXml(store, model, record, modern),
        headers,
      )
}

function isTyped({ store }: EntityRequest): boolean {
  return store.switches.favoriteForm === 'typed'
}

const texts = ['id', 'module-id', 'parent-id', 'name', 'owner'] as const

function typed(record: AlmRecord): Record<string, XmlContent> {
  return {
    ...Object.fromEntries(texts.map((name) => [name, String(record[name] ?? '')])),
    'is-public': String(record['is-public'] === 'Y'),
    ...inner(record.filter),
    ...inner(record.layout),
  }
}

/** The one element that a text holds; nothing where there is no text. */
function inner(text: AlmRecord[string] | undefined): Record<string, XmlContent> {
  return typeof text === 'string' ? (bare(parseXml(text) as XmlContent) as Record<string, XmlContent>) : {}
}

/** Elements without content as `<a/>`. */
function bare(content: XmlContent): XmlContent {
  if (content === '') return null
  if (content === null || content === undefined || typeof content === 'string') return content
  if (Array.isArray(content)) return content.map((one: XmlContent) => bare(one))
  return Object.fromEntries(
    Object.entries(content).map(([name, value]) => [name, name.startsWith('@') ? value : bare(value)]),
  )
}

/** The same for JSON: attributes and elements alike become keys. */
function plain(content: XmlContent): unknown {
  if (content === null || content === undefined || typeof content === 'string') return content ?? null
  if (Array.isArray(content)) return content.map((one: XmlContent) => plain(one))
  return Object.fromEntries(Object.entries(content).map(([name, value]) => [name.replace(/^[@#]/, ''), plain(value)]))
}

/** The fields of a body: a `Favorite` with elements of its own, or an entity whose filter and layout are texts. */
function written({ request }: EntityRequest): AlmRecord {
  const type = bodyType(request)
  const isXml = /xml/i.test(type)
  if (!(isXml ? /<Favorite[\s>]/ : /"Favorite"\s*:/).test(request.body)) {
    const fields = parseEntities(type, request.body, false)[0]?.fields ?? {}
    for (const [name, element] of elements) if (typeof fields[name] === 'string') checkElement(fields[name], element)
    return fields
  }
  const body = parsed(isXml, request.body)
  const fields: AlmRecord = {}
  for (const [name, value] of Object.entries(body)) {
    const element = elements.find(([, wanted]) => wanted === name)
    if (element !== undefined)
      fields[element[0]] = xmlText({ [name]: (isXml ? value : attributed(value)) as XmlContent })
    else if (name === 'is-public') fields[name] = String(value) === 'true' ? 'Y' : 'N'
    else if (name !== 'id' && typeof value !== 'object') fields[name] = String(value)
    else if (name !== 'id')
      throw new AlmRefusal(400, 'qccore.unknown-field-name', `The field '${name}' does not exist in entity 'favorite'`)
  }
  return fields
}

const elements = [
  ['filter', 'Filter'],
  ['layout', 'Layout'],
] as const

function parsed(isXml: boolean, text: string): Record<string, unknown> {
  try {
    const body = (isXml ? parseXml(text) : JSON.parse(text)) as { Favorite?: unknown }
    const { Favorite } = body
    if (Favorite !== null && typeof Favorite === 'object') return Favorite as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new AlmRefusal(400, 'qccore.general-error', `The body is not valid ${isXml ? 'XML' : 'JSON'}`)
}

function checkElement(text: string, name: string): void {
  try {
    if (text === '' || name in parseXml(text)) return
  } catch {
    // Told below.
  }
  throw new AlmRefusal(400, 'qccore.general-error', `The value holds no element '${name}'`)
}

/** Texts in JSON stand for attributes, as the typed form has them; objects for elements. */
function attributed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(attributed)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) =>
      one !== null && typeof one === 'object' ? [name, attributed(one)] : [`@${name}`, String(one ?? '')],
    ),
  )
}
