import type { SandboxAnswer } from '../common/http.ts'
import { answer, bodyOf } from './answers.ts'
import type { EntityCall } from './entity-routes.ts'
import { methodNotAllowed, notFound, Refusal } from './refusal.ts'

/** `tests/{id}/script`: the steps of a manual test, the scenario of a Gherkin test, the code of an automated one; a text. */
export function scriptRoutes(call: EntityCall, id: string): SandboxAnswer {
  const { request, store, sight, context, models } = call
  const model = models.find((one) => sight.find(one, id) !== undefined)
  if (model === undefined) throw notFound(call.type, id)
  if (request.method === 'GET') return answer(200, { script: scriptOf(call, id) })
  if (request.method !== 'PUT') throw methodNotAllowed('GET', 'PUT')
  sight.check(model, 'update')
  const { script } = bodyOf(request)
  if (typeof script !== 'string')
    throw new Refusal(400, 'platform.illegal_field_value', "The value of 'script' is illegal: a text is expected", {
      entity_type: model.name,
      field_name: 'script',
    })
  store.setExtra(model.name, id, { script }, context)
  return answer(200, { script })
}

function scriptOf({ store }: EntityCall, id: string): string {
  const extra = store.extra(id)
  return extra !== undefined && 'script' in extra ? extra.script : ''
}
