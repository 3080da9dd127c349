import type { AlmFieldModel, AlmFieldType } from '../model.ts'

type Flags = string

/** Flags as in the manuals: R required, E editable, F filterable, H history, V virtual, Y verified, M multi-value, S kept by the server, N needed to create. */
export function field(
  name: string,
  column: string,
  label: string,
  type: AlmFieldType,
  size: number,
  flags: Flags,
  more: Partial<AlmFieldModel> = {},
): AlmFieldModel {
  return {
    name,
    column,
    label,
    type,
    size,
    required: flags.includes('R'),
    editable: flags.includes('E'),
    filterable: flags.includes('F'),
    history: flags.includes('H'),
    virtual: flags.includes('V'),
    verify: flags.includes('Y'),
    multiple: flags.includes('M'),
    needed: flags.includes('N'),
    served: flags.includes('S') || flags.includes('V'),
    ...more,
  }
}

export const list = (
  name: string,
  column: string,
  label: string,
  listName: string,
  flags: Flags,
  size = 70,
  more: Partial<AlmFieldModel> = {},
) => field(name, column, label, 'LookupList', size, flags, { list: listName, ...more })
export const refer = (name: string, column: string, label: string, target: string, flags: Flags) =>
  field(name, column, label, 'Reference', 10, flags, { target })

/** The version stamp of types that show none on the wire. */
export const versionStamp = field('ver-stamp', '', 'Version Stamp', 'Number', 10, '', { internal: true })

/** What version control keeps of a record; empty where the project has none. */
export function versionFields(prefix: string): AlmFieldModel[] {
  return [
    list('vc-status', `${prefix}_VC_STATUS`, 'Version Status', 'Version Status', 'FS'),
    field('vc-version-number', `${prefix}_VC_VERSION_NUMBER`, 'Version Number', 'Number', 10, 'FS'),
    field('check-out-user-name', `${prefix}_VC_CHECKOUT_USER_NAME`, 'Checked Out By', 'UsersList', 60, 'FS'),
    field('vc-checkout-date', `${prefix}_VC_CHECKOUT_DATE`, 'Check Out Date', 'Date', 10, 'FS'),
    field('vc-checkout-time', `${prefix}_VC_CHECKOUT_TIME`, 'Check Out Time', 'String', 8, 'S'),
    field('vc-checkout-comments', `${prefix}_VC_CHECKOUT_COMMENTS`, 'Check Out Comments', 'Memo', -1, 'S'),
    field('vc-checkin-user-name', `${prefix}_VC_CHECKIN_USER_NAME`, 'Checked In By', 'UsersList', 60, 'FS'),
    field('vc-checkin-date', `${prefix}_VC_CHECKIN_DATE`, 'Check In Date', 'Date', 10, 'FS'),
    field('vc-checkin-time', `${prefix}_VC_CHECKIN_TIME`, 'Check In Time', 'String', 8, 'S'),
    field('vc-checkin-comments', `${prefix}_VC_CHECKIN_COMMENTS`, 'Check In Comments', 'Memo', -1, 'S'),
  ]
}
