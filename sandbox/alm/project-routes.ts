import type { SandboxAnswer, SandboxRequest } from '../common/http.ts'
import type { PermissionAction } from '../common/permissions.ts'
import { type Encoding, methodNotAllowed, noSuchResource } from './answers.ts'
import { projectAttachments, recordAttachments } from './attachment-routes.ts'
import type { AlmAttachments } from './attachments.ts'
import { customizationRoutes } from './customization.ts'
import { entityRoutes } from './entity-routes.ts'
import { favoriteRoutes } from './favorites.ts'
import { dialectOf } from './filter-dialect.ts'
import { flatLocks, flatRoutes } from './flat.ts'
import { auditsAnswer } from './history.ts'
import { type AlmTypeModel, almTypes } from './model.ts'
import type { AlmSight } from './sight.ts'
import type { AlmStore, AlmWriter } from './store.ts'

/** A request into a project, by somebody who may open it. */
interface ProjectRequest {
  store: AlmStore
  attachments: AlmAttachments
  request: SandboxRequest
  encoding: Encoding
  writer: AlmWriter
  modern: boolean
  /** Address of the project, as the client knows the server. */
  address: string
  /** Whether it came to the flat generation of the API. */
  flat: boolean
  /** The part of the path behind the project, and those behind it. */
  first: string
  rest: readonly string[]
  sightOf(model: AlmTypeModel): AlmSight
  may(type: string, action: PermissionAction): boolean
  hiddenFields(type: string): ReadonlySet<string> | null
}

const byCollection = new Map<string, AlmTypeModel>(almTypes.map((type) => [type.collection, type]))

/** Everything below a project. */
export function projectRoutes(context: ProjectRequest): SandboxAnswer {
  const { first, rest, flat, store, sightOf } = context
  const { attachments, request, encoding, writer, modern, address } = context
  const model = byCollection.get(first)
  if (!flat && first === 'customization')
    return customizationRoutes({
      store,
      segments: rest,
      request,
      encoding,
      modern,
      address,
      may: context.may,
      hiddenFields: context.hiddenFields,
    })
  if (!flat && first === 'audits' && rest.length === 0) return projectAudits(context)
  if (flat && first === 'locks' && rest.length === 0) return flatLocks(store, request)
  if (model === undefined) throw noSuchResource()
  const asked = { store, model, request, encoding, writer, modern, address, sight: sightOf(model) }
  const toAttachments = (type: AlmTypeModel) => ({
    ...asked,
    model: type,
    sight: sightOf(type),
    attachments,
    sightOf: (name: string) => sightOf(store.model(name)),
  })
  if (flat) return flatRoutes(toAttachments(model), rest)
  if (model.name === 'attachment') return projectAttachments(toAttachments(model), rest)
  if (model.name === 'favorite') return favoriteRoutes(asked, rest)
  const [id, part, ...below] = rest
  if (part === 'attachments' && id !== undefined && below.length < 2)
    return recordAttachments(toAttachments(store.model('attachment')), { type: model.name, id }, below)
  return entityRoutes(asked, rest)
}

/** The history of all records of those types that the user may read. */
function projectAudits({ store, request, encoding, modern, sightOf, may }: ProjectRequest): SandboxAnswer {
  if (request.method !== 'GET') throw methodNotAllowed()
  const readable = new Map(
    almTypes.flatMap((model): [string, { sight: AlmSight; model: AlmTypeModel }][] =>
      may(model.name, 'read') ? [[model.table, { sight: sightOf(model), model }]] : [],
    ),
  )
  return auditsAnswer(
    { store, request, encoding, dialect: dialectOf(store, modern), sightOf: (table) => readable.get(table) },
    store.audits.rows,
  )
}
