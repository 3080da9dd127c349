import type { FieldMapping, LinkConfiguration } from './link-config.ts'
import { type FieldMetadata, fieldByName, type SideMetadata } from './metadata.ts'
import type { Finding } from './run.ts'
import type { Translator } from './translate.ts'
import { flowsTo, type Side } from './values.ts'

export interface CheckInput {
  configuration: LinkConfiguration
  left: SideMetadata
  right: SideMetadata
  translator: Translator
  /** Attachments are carried, and images in texts with them. */
  images?: boolean
}

/** What the checks of a configuration have in common: what they look at, and where they note what they find. */
export interface Look {
  input: CheckInput
  configuration: LinkConfiguration
  add(
    check: string,
    severity: Finding['severity'],
    side: Side | null,
    message: string,
    remedy: string | null,
    pointer: string | null,
  ): void
  /** Are records created, or updated, on this side? */
  creates(side: Side): boolean
  updates(side: Side): boolean
  flowsTo(mapping: FieldMapping, side: Side): boolean
  fieldOf(side: Side, name: string | null): FieldMetadata | undefined
}

export function createLook(input: CheckInput, findings: Finding[]): Look {
  const { configuration } = input
  const rules = (side: Side) => configuration.rules[side === 'right' ? 'toRight' : 'toLeft']
  return {
    input,
    configuration,
    add: (check, severity, side, message, remedy, pointer) =>
      findings.push({ check, severity, side, message, remedy, pointer, records: null }),
    creates: (side) => rules(side).create,
    updates: (side) => rules(side).update,
    flowsTo,
    fieldOf: (side, name) => (name === null ? undefined : fieldByName(input[side].entity, name)),
  }
}
