import type { FieldMapping, LinkConfiguration } from './link-config.ts'
import { fieldByName, type SideMetadata } from './metadata.ts'
import type { Finding } from './run.ts'
import type { Translator } from './translate.ts'
import { otherSide, type Side, sides } from './values.ts'

const namedAtMost = 5

/** Default users and lines of the user mapping that name nobody, and people who have no twin where a field carries them. */
export function checkUsers({
  configuration,
  translator,
  ...metadata
}: {
  configuration: LinkConfiguration
  left: SideMetadata
  right: SideMetadata
  translator: Translator
}): Finding[] {
  return [...sides.flatMap(defaultUser), ...linesOfNobody(), ...sides.flatMap(withoutTwin)]

  function finding(severity: Finding['severity'], side: Side | null, pointer: string | null) {
    return (message: string, remedy: string): Finding[] => [
      { check: 'users', severity, side, message, remedy, pointer, records: null },
    ]
  }

  function defaultUser(side: Side): Finding[] {
    const chosen = configuration.defaultUsers[side]
    if (chosen === null) return []
    const found = metadata[side].users.find((user) => user.key === chosen)
    const pointer = `/defaultUsers/${side}`
    if (found === undefined)
      return finding('error', side, pointer)(`The default user "${chosen}" does not exist.`, 'Choose another one.')
    if (!found.active)
      return finding(
        'warning',
        side,
        pointer,
      )(`The default user "${found.name}" is not active.`, 'Choose an active one.')
    return []
  }

  function linesOfNobody(): Finding[] {
    const lines = translator.unknownPairs.map(({ left, right }) => `${left ?? '*'} and ${right ?? '*'}`)
    if (lines.length === 0) return []
    return finding(
      'warning',
      null,
      null,
    )(
      `${lines.length} lines of the user mapping make somebody one who is not there: ${listed(lines)}. They do not count.`,
      'Correct them: tandem user-mapping export, then import.',
    )
  }

  function withoutTwin(from: Side): Finding[] {
    const to = otherSide(from)
    const holdsPeople = (side: Side, name: string | null) =>
      name !== null && fieldByName(metadata[side].entity, name)?.type === 'user'
    const index = configuration.fields.findIndex(
      (candidate: FieldMapping) => holdsPeople(from, candidate[from]) && holdsPeople(to, candidate[to]),
    )
    const mapping = configuration.fields[index]
    if (mapping === undefined) return []
    const without = metadata[from].users.filter((user) => {
      if (!user.active || user.machine) return false
      const translation = translator.translate(mapping, from, user.key)
      return !translation.ok || translation.warning !== undefined
    })
    if (without.length === 0) return []
    const becomes =
      translator.standIn(to) !== null
        ? 'Their fields get the default user'
        : configuration.unknownUsers === 'hold'
          ? 'Their fields wait, and new records that name them are not created'
          : 'Their fields stay empty'
    return finding(
      'warning',
      from,
      `/fields/${index}`,
    )(
      `${without.length} people have no twin on the other side: ${listed(without.map((user) => user.name))}. ${becomes}.`,
      'Map them (tandem user-mapping people shows all), or give both accounts the same e-mail address.',
    )
  }
}

function listed(names: readonly string[]): string {
  const more = names.length > namedAtMost ? ` and ${names.length - namedAtMost} more` : ''
  return `${names.slice(0, namedAtMost).join(', ')}${more}`
}
