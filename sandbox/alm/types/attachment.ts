import type { AlmTypeModel } from '../model.ts'
import { field, versionStamp } from './fields.ts'

/** An attachment of any record; its content is elsewhere, by its hash. */
export const attachment: AlmTypeModel = {
  name: 'attachment',
  collection: 'attachments',
  label: 'Attachment',
  table: 'CROS_REF',
  history: false,
  lock: false,
  modified: true,
  fields: [
    field('id', 'CR_REF_ID', 'ID', 'Number', 10, 'FS'),
    field('name', 'CR_REFERENCE', 'Name', 'String', 255, 'REF'),
    field('description', 'CR_DESCRIPTION', 'Description', 'Memo', -1, 'E'),
    field('file-size', 'CR_FILE_SIZE', 'Size', 'Number', 10, 'FS'),
    field('parent-id', 'CR_KEY_1', 'Parent ID', 'Number', 10, 'FS'),
    field('parent-type', 'CR_ENTITY', 'Parent Type', 'String', 70, 'FS'),
    field('ref-type', 'CR_REF_TYPE', 'Reference Type', 'String', 70, 'FS'),
    field('ref-subtype', 'CR_REF_SUBTYPE', 'Reference Subtype', 'Number', 10, 'FS'),
    field('last-modified', 'CR_VTS', 'Modified', 'DateTime', 19, 'FS'),
    field('vc-cur-ver', 'CR_VC_CUR_VER', 'Current Version', 'String', 70, 'S'),
    field('vc-user-name', 'CR_VC_USER_NAME', 'User', 'UsersList', 60, 'S'),
    versionStamp,
    field('sha256', '', 'Content', 'String', 64, 'S', { internal: true }),
  ],
}
