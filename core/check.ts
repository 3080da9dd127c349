import { checkMapping } from './check-fields.ts'
import { type CheckInput, createLook, type Look } from './check-look.ts'
import { checkRequired } from './check-required.ts'
import { checkUsers } from './check-users.ts'
import type { Finding } from './run.ts'
import { sides } from './values.ts'

/** Names of the checks, in the order in which people read them. */
const checks = [
  'cross-reference',
  'field-existence',
  'types',
  'companions',
  'lengths',
  'fidelity',
  'writable',
  'required',
  'rules',
  'values',
  'round-trip',
  'conflicts',
  'users',
  'constants',
] as const

const checkWords: Record<(typeof checks)[number], string> = {
  'cross-reference': 'A twin can be found again, by a field that names it or by what tells records apart.',
  'field-existence': 'All mapped fields exist.',
  types: 'Types of mapped fields can be converted.',
  companions: 'Cycles and sprints are mapped together with their releases.',
  lengths: 'Texts fit where they are written.',
  fidelity: 'Formatted text survives the way there and back.',
  writable: 'Fields that are written can be written.',
  required: 'Required fields have a source where records are created.',
  rules: 'Directions of the mapping agree with the rules.',
  values: 'List values have counterparts.',
  'round-trip': 'Values come back as they went.',
  conflicts: 'Conflicts can be settled as they are to be.',
  users: 'People have twins.',
  constants: 'Constants and defaults can be stored.',
}

/** Everything about a link's configuration that can be judged from the endpoints' own descriptions. */
export function checkConfiguration(input: CheckInput): Finding[] {
  const findings: Finding[] = []
  const look = createLook(input, findings)
  checkCrossReferences(look)
  look.configuration.fields.forEach((mapping, index) => {
    checkMapping(look, mapping, index)
  })
  for (const side of sides) if (look.creates(side)) checkRequired(look, side)
  findings.push(...checkUsers(input))

  return checks.flatMap((check): Finding[] => {
    const own = findings.filter((finding) => finding.check === check)
    const fine = own.every((finding) => finding.severity === 'info')
    return fine
      ? [
          { check, severity: 'ok', side: null, message: checkWords[check], remedy: null, pointer: null, records: null },
          ...own,
        ]
      : own
  })
}

function checkCrossReferences({ add, configuration, creates, fieldOf }: Look): void {
  for (const side of sides) {
    const name = configuration[side].crossReference
    const field = fieldOf(side, name)
    const pointer = `/${side}/crossReference`
    if (name === null) {
      if (creates(side) && configuration.matchBy.length === 0)
        add(
          'cross-reference',
          'error',
          side,
          'No field is set that names the twin, so records cannot be created there exactly once.',
          'Create a text field for it (255 characters) and set it here.',
          pointer,
        )
    } else if (field === undefined)
      add(
        'cross-reference',
        'error',
        side,
        `The field "${name}" that names the twin does not exist.`,
        'Set another field.',
        pointer,
      )
    else if (field.type !== 'string' || !field.filterable || !field.editable || (field.maxLength ?? 255) < 60)
      add(
        'cross-reference',
        'error',
        side,
        `"${field.label}" cannot name the twin: it must be a writable, filterable text of at least 60 characters.`,
        'Set another field, or change its type.',
        pointer,
      )
  }
}
