import { isDeepStrictEqual } from 'node:util'
import type { FieldMapping, LinkConfiguration } from './link-config.ts'

/** One step of a JSON patch (RFC 6902). */
export type PatchStep = { op: 'add' | 'replace'; path: string; value: unknown } | { op: 'remove'; path: string }

/** What turned one version of a configuration into another: for programs, and in words. */
export interface ConfigurationDifference {
  patch: PatchStep[]
  words: string[]
}

export function configurationDifference(before: LinkConfiguration, after: LinkConfiguration): ConfigurationDifference {
  return { patch: patchOf(before, after, ''), words: wordsOf(before, after) }
}

function patchOf(before: unknown, after: unknown, path: string): PatchStep[] {
  if (isDeepStrictEqual(before, after)) return []
  if (Array.isArray(before) && Array.isArray(after)) return listPatch(before, after, path)
  if (!isObject(before) || !isObject(after)) return [{ op: 'replace', path, value: after }]
  const steps: PatchStep[] = []
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const at = `${path}/${key.replace(/~/g, '~0').replace(/\//g, '~1')}`
    // What JSON does not carry is not there.
    if (after[key] === undefined) {
      if (before[key] !== undefined) steps.push({ op: 'remove', path: at })
    } else if (before[key] === undefined) steps.push({ op: 'add', path: at, value: after[key] })
    else steps.push(...patchOf(before[key], after[key], at))
  }
  return steps
}

/** Entries with an id are followed by it, so that taking one away is one step and not a change of all behind it. */
function listPatch(before: unknown[], after: unknown[], path: string): PatchStep[] {
  const ids = (list: unknown[]) => list.map((entry) => (isObject(entry) ? entry.id : undefined))
  const [old, next] = [ids(before), ids(after)]
  const whole: PatchStep[] = [{ op: 'replace', path, value: after }]
  if ([...old, ...next].some((id) => typeof id !== 'string')) return whole
  const kept = old.filter((id) => next.includes(id))
  if (
    !isDeepStrictEqual(
      kept,
      next.filter((id) => old.includes(id)),
    )
  )
    return whole
  const steps: PatchStep[] = []
  for (let index = old.length - 1; index >= 0; index--)
    if (!next.includes(old[index])) steps.push({ op: 'remove', path: `${path}/${index}` })
  for (const [index, id] of next.entries()) {
    const was = old.indexOf(id)
    if (was < 0) steps.push({ op: 'add', path: `${path}/${index}`, value: after[index] })
    else steps.push(...patchOf(before[was], after[index], `${path}/${index}`))
  }
  return steps
}

const arrows = { both: '<->', 'to-right': '->', 'to-left': '<-' } as const

function wordsOf(before: LinkConfiguration, after: LinkConfiguration): string[] {
  const words: string[] = []
  const old = new Map(before.fields.map((mapping) => [mapping.id, mapping]))
  for (const mapping of after.fields) {
    const was = old.get(mapping.id)
    old.delete(mapping.id)
    if (was === undefined) words.push(`Field mapping "${mapping.id}" is new: ${mappingWords(mapping)}.`)
    else words.push(...changes(was, mapping, '').map((change) => `Field mapping "${mapping.id}": ${change}.`))
  }
  for (const mapping of old.values())
    words.push(`Field mapping "${mapping.id}" is gone: it was ${mappingWords(mapping)}.`)
  const types = new Map(before.types.map((type) => [type.id, type]))
  for (const type of after.types) {
    const was = types.get(type.id)
    types.delete(type.id)
    if (was === undefined)
      words.push(`Types "${type.id}" are new: ${type.left.values.join(', ')} <-> ${type.right.values.join(', ')}.`)
    else words.push(...changes(was, type, '').map((change) => `Types "${type.id}": ${change}.`))
  }
  for (const type of types.values()) words.push(`Types "${type.id}" are gone.`)
  const names = {
    left: 'Scope of the left side',
    right: 'Scope of the right side',
    rules: 'Rules',
    schedule: 'Schedule',
    brake: 'Brake',
    tuning: 'Tuning',
    attachments: 'Attachments',
    comments: 'Comments',
    defaultUsers: 'Stand-ins for people without twin',
    unknownUsers: 'People without twin',
    matchBy: 'Matching',
    whenLeaving: 'Pairs that leave the scope',
    pastReleases: 'Releases that have ended',
    unanswered: 'Conflicts that nobody decides about',
    entityType: 'Kind',
  } as const satisfies Record<Exclude<keyof LinkConfiguration, 'fields' | 'types'>, string>
  for (const [key, name] of Object.entries(names) as [keyof typeof names, string][])
    words.push(...changes(before[key], after[key], '').map((change) => `${name}: ${change}.`))
  return words
}

function mappingWords(mapping: FieldMapping): string {
  if (mapping.constant !== undefined && mapping.constant !== null)
    return `${JSON.stringify(mapping.constant)} for ${mapping.left ?? mapping.right} of new records`
  return `${mapping.left} ${arrows[mapping.direction]} ${mapping.right}`
}

function changes(before: unknown, after: unknown, path: string): string[] {
  if (isDeepStrictEqual(before, after)) return []
  if (isObject(before) && isObject(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      changes(before[key], after[key], path === '' ? key : `${path}.${key}`),
    )
  const what = path === '' ? '' : `${path} `
  if (Array.isArray(before) && Array.isArray(after)) {
    const without = (list: unknown[], other: unknown[]) =>
      list.filter((entry) => !other.some((one) => isDeepStrictEqual(one, entry))).map((entry) => JSON.stringify(entry))
    const [added, gone] = [without(after, before), without(before, after)]
    if (added.length + gone.length > 0)
      return [
        `${what}${[...(added.length > 0 ? [`has ${added.join(', ')} now`] : []), ...(gone.length > 0 ? [`lost ${gone.join(', ')}`] : [])].join(' and ')}`,
      ]
  }
  return [`${what}was ${shown(before)} and is ${shown(after)}`]
}

function shown(value: unknown): string {
  return value === undefined || value === null ? 'none' : JSON.stringify(value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
