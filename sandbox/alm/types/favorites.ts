import type { AlmFieldModel, AlmTypeModel } from '../model.ts'
import { field, refer } from './fields.ts'

const common = { history: false, modified: false, owned: true } as const

const place: readonly AlmFieldModel[] = [
  field('id', 'FAV_ID', 'ID', 'Number', 10, 'FS'),
  field('name', 'FAV_NAME', 'Name', 'String', 255, 'REF'),
  field('module-id', 'FAV_MODULE_ID', 'Module', 'Number', 10, 'REF'),
  refer('parent-id', 'FAV_PARENT_ID', 'Folder', 'favorite-folder', 'REF'),
  field('owner', 'FAV_OWNER', 'Owner', 'UsersList', 60, 'FS'),
  field('is-public', 'FAV_IS_PUBLIC', 'Is public', 'String', 1, 'EF'),
  field('ver-stamp', 'FAV_VER_STAMP', 'Version Stamp', 'Number', 10, ''),
]

export const favoriteFolder: AlmTypeModel = {
  ...common,
  name: 'favorite-folder',
  collection: 'favorite-folders',
  label: 'Favorite Folder',
  table: 'FAVORITE_FOLDERS',
  lock: true,
  parent: 'favorite-folder',
  fields: place,
}

/** A filter that somebody saved; it has a form of its own on the wire. */
export const favorite: AlmTypeModel = {
  ...common,
  name: 'favorite',
  collection: 'favorites',
  label: 'Favorite',
  table: 'FAVORITES',
  lock: false,
  parent: 'favorite-folder',
  fields: [
    ...place,
    field('filter', 'FAV_FILTER_DATA', 'Filter', 'Memo', -1, 'E', { verbatim: true }),
    field('layout', 'FAV_LAYOUT_DATA', 'Layout', 'Memo', -1, 'E', { verbatim: true }),
    field('shared-with', '', 'Shared with', 'UsersList', 60, 'M', { internal: true }),
  ],
}
