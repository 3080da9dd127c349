import type { SandboxAnswer } from '../common/http.ts'
import type { PermissionAction } from '../common/permissions.ts'
import { dataAnswer } from './answers.ts'
import type { CustomizationRequest } from './customization.ts'
import type { AlmTypeModel } from './model.ts'

/** `customization/entities/{e}/permissions`: what the signed-in user may do with records of a type, and with each field. */
export function permissionsAnswer(
  model: AlmTypeModel,
  { encoding, may, hiddenFields }: CustomizationRequest,
): SandboxAnswer {
  const said = (action: PermissionAction) => (may(model.name, action) ? 'Yes' : 'No')
  const hidden = hiddenFields(model.name)
  const fields = model.fields
    .filter((field) => field.internal !== true)
    .map(({ name, editable }) => ({
      name,
      value: may(model.name, 'update') && editable === true && hidden?.has(name) !== true ? 'Yes' : 'No',
    }))
  const actions = model.lock ? [{ name: 'Lock', value: said('lock') }] : []
  const rows = (all: readonly { name: string; value: string }[]) =>
    all.map(({ name, value }) => ({ '@Name': name, '#': value }))
  return dataAnswer(
    200,
    encoding,
    () => ({
      Create: said('create'),
      Modify: said('update'),
      Delete: said('delete'),
      Actions: { Action: actions },
      Fields: { Field: fields },
    }),
    () => ({
      Permissions: {
        Create: said('create'),
        Modify: said('update'),
        Delete: said('delete'),
        Actions: { Action: rows(actions) },
        Fields: { Field: rows(fields) },
      },
    }),
  )
}
