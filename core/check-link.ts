import { checkConfiguration } from './check.ts'
import type { LinkConfiguration, TypePair } from './link-config.ts'
import { configurationOf, entityOf } from './link-planner.ts'
import type { SideMetadata } from './metadata.ts'
import type { Finding } from './run.ts'
import type { LinkContext } from './store.ts'
import { createTranslator } from './translate.ts'
import { sides } from './values.ts'

interface CheckedLink {
  configuration: LinkConfiguration
  left: SideMetadata
  right: SideMetadata
  users: LinkContext['users']
}

/**
 * Everything about a link that can be judged from the endpoints' own descriptions. Where it holds several types of records
 * each is judged by itself; what is wrong with all of them alike is told once.
 */
export function checkLink(link: CheckedLink): Finding[] {
  const { configuration } = link
  const { types } = configuration
  if (types.length === 0)
    return checkConfiguration({ ...link, translator: createTranslator(link), images: carriesImages(configuration) })
  const unknown = types.flatMap((type, index) => unknownTypes(link, type, index))
  const byType = types.map((type) => ({ type, findings: findingsOf(link, type) }))
  const all = byType.flatMap(({ findings }) => findings)
  const isBad = (finding: Finding) => finding.severity !== 'ok' && finding.severity !== 'info'
  const told = new Map<string, Finding>()
  for (const { type, findings } of byType)
    for (const finding of findings) {
      if (finding.severity === 'ok' && all.some((other) => other.check === finding.check && isBad(other))) continue
      const key = keyOf(finding)
      const shared = byType.every((other) => other.findings.some((one) => keyOf(one) === key))
      const shown = shared ? finding : { ...finding, message: `Type pair "${type.id}": ${finding.message}` }
      told.set(keyOf(shown), shown)
    }
  return [...unknown, ...told.values()]
}

function keyOf({ check, severity, side, message, pointer }: Finding): string {
  return JSON.stringify([check, severity, side, message, pointer])
}

/** Findings about one type pair, with pointers into the whole configuration. */
function findingsOf({ configuration, users, ...metadata }: CheckedLink, type: TypePair): Finding[] {
  const own = configurationOf(configuration, type)
  const left = { ...metadata.left, entity: entityOf(metadata.left.entity, type.left) }
  const right = { ...metadata.right, entity: entityOf(metadata.right.entity, type.right) }
  const translator = createTranslator({ configuration: own, left, right, users, type })
  const images = carriesImages(own)
  return checkConfiguration({ configuration: own, left, right, translator, images }).map((finding) => {
    const at = /^\/fields\/(\d+)/.exec(finding.pointer ?? '')
    const mapping = at === null ? undefined : own.fields[Number(at[1])]
    if (finding.pointer === null || at === null || mapping === undefined) return finding
    const index = configuration.fields.findIndex((candidate) => candidate.id === mapping.id)
    return { ...finding, pointer: `/fields/${index}${finding.pointer.slice(at[0].length)}` }
  })
}

/** Attached images of texts go along with the files themselves. */
function carriesImages({ fields, attachments }: LinkConfiguration): boolean {
  return attachments.method === 'value' && fields.some(({ left, right }) => left === 'attachments' && right === left)
}

function unknownTypes(link: CheckedLink, type: TypePair, index: number): Finding[] {
  return sides.flatMap((side) => {
    const known = link[side].entity.recordTypes?.types ?? []
    return type[side].values.flatMap((value, position): Finding[] =>
      known.some((one) => one.value === value)
        ? []
        : [
            {
              check: 'record-types',
              severity: 'error',
              side,
              message: `There is no type "${value}": it has ${known.map((one) => `"${one.label}" (${one.value})`).join(', ')}.`,
              remedy: 'Name another type, or take it out of the link.',
              pointer: `/types/${index}/${side}/values/${position}`,
              records: null,
            },
          ],
    )
  })
}
