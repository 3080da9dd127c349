import type { SandboxAnswer } from '../common/http.ts'
import { bodyType, dataAnswer, methodNotAllowed, noSuchResource } from './answers.ts'
import { entitiesJson, entitiesXml } from './entities.ts'
import type { EntityRequest } from './entity-routes.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmRecord } from './store.ts'
import { parseXml } from './xml.ts'

/** Everything below `{collection}/{id}/versions`: checking out and in, and the versions there are. */
export function versionRoutes(
  context: EntityRequest,
  id: string,
  what: string | undefined,
  one: (status: number, record: AlmRecord) => SandboxAnswer,
): SandboxAnswer {
  const { store, model, request, writer, sight } = context
  if (model.versioned !== true) throw noSuchResource()
  sight.checkRecord(id)
  const posted = (): Record<string, unknown> => {
    if (request.method !== 'POST') throw methodNotAllowed()
    sight.check('update')
    return parameters(context)
  }
  switch (what) {
    case 'check-out': {
      const { Comment, Version } = posted()
      return one(
        200,
        store.versions.checkOut(model.name, id, writer, { comment: text(Comment), version: text(Version) }),
      )
    }
    case 'check-in': {
      const { Comment, OverrideLastVersion } = posted()
      store.versions.checkIn(model.name, id, writer, {
        comment: text(Comment),
        overrideLastVersion: String(OverrideLastVersion) === 'true',
      })
      return { status: 200 }
    }
    case 'undo-check-out':
      posted()
      return one(200, store.versions.undo(model.name, id, writer))
    case undefined:
      if (request.method !== 'GET') throw methodNotAllowed()
      return versions(context, id)
    default:
      if (request.method !== 'GET') throw methodNotAllowed()
      if (!/^\d+$/.test(what)) throw noSuchResource()
      return one(200, store.versions.version(model, id, what))
  }
}

function versions({ store, model, encoding, sight, modern }: EntityRequest, id: string): SandboxAnswer {
  const all = store.versions.of(model, id).map((record) => sight.visible(record) ?? record)
  return dataAnswer(
    200,
    encoding,
    () => entitiesJson(model, all, null, all.length, modern),
    () => entitiesXml(store, model, all, null, all.length, modern),
  )
}

/** `CheckInParameters` or `CheckOutParameters`, in either encoding; nothing at all is as good. */
function parameters({ request }: EntityRequest): Record<string, unknown> {
  if (request.body.trim() === '') return {}
  const type = bodyType(request)
  try {
    const parsed: unknown = /xml/i.test(type) ? parseXml(request.body) : JSON.parse(request.body)
    const [name, inner] = Object.entries(parsed ?? {}).find(([key]) => !key.startsWith('?')) ?? []
    if (/^Check(In|Out)Parameters$/.test(name ?? '')) return (inner ?? {}) as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new AlmRefusal(400, 'qccore.general-error', 'The body holds no parameters')
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined
}
