import type { Content } from '../common/contents.ts'
import { ownerOf } from './dependents.ts'
import { Refusal } from './refusal.ts'
import type { Entity, OctaneStore } from './store.ts'
import type { OctaneSwitchValues } from './switches.ts'

/** What files of a kind begin with, in hexadecimal; kinds that are not named can begin with anything. */
const beginnings: Readonly<Record<string, readonly string[]>> = {
  png: ['89504e470d0a1a0a'],
  jpg: ['ffd8ff'],
  jpeg: ['ffd8ff'],
  bmp: ['424d'],
  pdf: ['25504446'],
  ...Object.fromEntries(['zip', 'docx', 'xlsx', 'pptx'].map((kind) => [kind, ['504b0304', '504b0506']])),
  ...Object.fromEntries(['doc', 'xls', 'ppt', 'msg'].map((kind) => [kind, ['d0cf11e0']])),
}

function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot < 0 ? '' : name.slice(dot + 1).toLowerCase()
}

function refuse(code: string, message: string, field = 'name'): never {
  throw new Refusal(400, code, message, { entity_type: 'attachment', field_name: field })
}

/** Throws where a name cannot be that of an attachment, or would change what kind of file it is. */
export function checkName(switches: OctaneSwitchValues, name: string, before: string | null): void {
  if (/[/\\:*?"<>|]/.test(name) || name.startsWith('.'))
    refuse(
      'platform.illegal_field_value',
      `The name '${name}' of an attachment must not begin with a dot or contain / \\ : * ? " < > |`,
    )
  const extension = extensionOf(name)
  if (before !== null && extensionOf(before) !== extension)
    refuse('platform.illegal_field_value', `The extension of '${before}' cannot be changed.`)
  const taken = switches.attachmentExtensions.split(',').filter((one) => one !== '')
  if (before === null && taken.length > 0 && !taken.includes(extension))
    refuse('platform.attachment_extension_not_allowed', `Files with the extension '${extension}' are not allowed.`)
}

/** Throws where a file is larger than the server takes. */
export function checkSize(switches: OctaneSwitchValues, size: number): void {
  const maximum = Number(switches.attachmentMaximum)
  if (size > maximum) refuse('platform.attachment_too_large', `The file is larger than ${maximum} bytes.`, 'size')
}

/** Throws where a file is too large, or is none of its kind. */
export function checkContent(switches: OctaneSwitchValues, name: string, content: Content): void {
  checkSize(switches, content.size)
  const known = beginnings[extensionOf(name)]
  if (known === undefined || switches.attachmentContentCheck === 'no') return
  const found = content.beginning.toString('hex')
  if (!known.some((one) => found.startsWith(one)))
    refuse('platform.attachment_content_mismatch', `The content of '${name}' does not fit its extension.`, 'content')
}

/** The name of a new attachment beside those its owner has, as the switch says. */
export function settledName(store: OctaneStore, name: string, attachment: Record<string, unknown>): string {
  const way = store.switches.attachmentSameName
  const owner = way === 'keep' ? undefined : ownerOf(store, attachment as Entity)
  if (owner === undefined) return name
  const taken = new Set(
    [...store.rows('attachment').values()]
      .filter((one) => ownerOf(store, one) === owner)
      .map((one) => String(one.name).toLowerCase()),
  )
  if (!taken.has(name.toLowerCase())) return name
  if (way === 'refuse')
    throw new Refusal(
      409,
      'platform.duplicate_entity_error',
      `An attachment named '${name}' exists already.`,
      { entity_type: 'attachment', field_name: 'name' },
      true,
    )
  const dot = name.lastIndexOf('.')
  const [stem, rest] = dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)]
  let number = 1
  while (taken.has(`${stem}(${number})${rest}`.toLowerCase())) number++
  return `${stem}(${number})${rest}`
}
