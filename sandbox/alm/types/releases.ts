import type { AlmFieldModel, AlmTypeModel } from '../model.ts'
import { field, refer } from './fields.ts'

const releaseFields: readonly AlmFieldModel[] = [
  field('id', 'REL_ID', 'Release ID', 'Number', 10, 'FS'),
  field('name', 'REL_NAME', 'Name', 'String', 255, 'REF'),
  field('description', 'REL_DESCRIPTION', 'Description', 'Memo', -1, 'E'),
  field('start-date', 'REL_START_DATE', 'Start Date', 'Date', 10, 'REF'),
  field('end-date', 'REL_END_DATE', 'End Date', 'Date', 10, 'REF'),
  refer('parent-id', 'REL_PARENT_ID', 'Release Folder', 'release-folder', 'REF'),
  field('last-modified', 'REL_VTS', 'Modified', 'DateTime', 19, 'FS'),
  field('has-attachments', 'REL_HAS_ATTACHMENTS', 'Has attachments', 'String', 1, 'S'),
  field('req-count', 'REL_REQ_COUNT', 'Requirements Count', 'Number', 10, 'V'),
  field('scope-items-count', 'REL_SCOPE_ITEMS_COUNT', 'Scope Items Count', 'Number', 10, 'V'),
  field('milestones-count', 'REL_MILESTONES_COUNT', 'Milestones Count', 'Number', 10, 'V'),
  field('ver-stamp', 'REL_VER_STAMP', 'Version Stamp', 'Number', 10, ''),
]

const cycleFields: readonly AlmFieldModel[] = [
  field('id', 'RCYC_ID', 'Cycle ID', 'Number', 10, 'FS'),
  field('name', 'RCYC_NAME', 'Name', 'String', 255, 'REF'),
  field('description', 'RCYC_DESCRIPTION', 'Description', 'Memo', -1, 'E'),
  field('start-date', 'RCYC_START_DATE', 'Start Date', 'Date', 10, 'REF'),
  field('end-date', 'RCYC_END_DATE', 'End Date', 'Date', 10, 'REF'),
  refer('parent-id', 'RCYC_PARENT_ID', 'Release', 'release', 'REF'),
  field('last-modified', 'RCYC_VTS', 'Modified', 'DateTime', 19, 'FS'),
  field('has-attachments', 'RCYC_HAS_ATTACHMENTS', 'Has attachments', 'String', 1, 'S'),
  field('req-count', 'RCYC_REQ_COUNT', 'Requirements Count', 'Number', 10, 'V'),
  field('cf-count', 'RCYC_CF_COUNT', 'Content Count', 'Number', 10, 'V'),
  field('ver-stamp', 'RCYC_VER_STAMP', 'Version Stamp', 'Number', 10, ''),
]

const folderFields: readonly AlmFieldModel[] = [
  field('id', 'RF_ID', 'Folder ID', 'Number', 10, 'FS'),
  field('name', 'RF_NAME', 'Name', 'String', 255, 'REF'),
  field('description', 'RF_DESCRIPTION', 'Description', 'Memo', -1, 'E'),
  refer('parent-id', 'RF_PARENT_ID', 'Parent', 'release-folder', 'REF'),
  field('hierarchical-path', 'RF_PATH', 'Path', 'String', 255, 'FS'),
  field('has-attachments', 'RF_HAS_ATTACHMENTS', 'Has attachments', 'String', 1, 'S'),
  field('ver-stamp', 'RF_VER_STAMP', 'Version Stamp', 'Number', 10, ''),
]

const milestoneFields: readonly AlmFieldModel[] = [
  field('id', 'MS_ID', 'Milestone ID', 'Number', 10, 'FS'),
  field('name', 'MS_NAME', 'Name', 'String', 255, 'REF'),
  field('description', 'MS_DESCRIPTION', 'Description', 'Memo', -1, 'E'),
  field('start-date', 'MS_START_DATE', 'Start Date', 'Date', 10, 'REF'),
  field('end-date', 'MS_END_DATE', 'End Date', 'Date', 10, 'REF'),
  refer('parent-id', 'MS_RELEASE_ID', 'Release', 'release', 'REF'),
  field('vts', 'MS_VTS', 'Modified', 'DateTime', 19, 'FS'),
  field('has-attachments', 'MS_HAS_ATTACHMENTS', 'Has attachments', 'String', 1, 'S'),
  field('ver-stamp', 'MS_VER_STAMP', 'Version Stamp', 'Number', 10, ''),
]

const common = { history: false, lock: true, attachments: 'has-attachments', siblings: true } as const

export const release: AlmTypeModel = {
  ...common,
  name: 'release',
  collection: 'releases',
  label: 'Release',
  table: 'RELEASES',
  fields: releaseFields,
  modified: true,
  parent: 'release-folder',
}

export const cycle: AlmTypeModel = {
  ...common,
  name: 'release-cycle',
  collection: 'release-cycles',
  label: 'Cycle',
  table: 'RELEASE_CYCLES',
  fields: cycleFields,
  modified: true,
  parent: 'release',
}

/** The only one of these without a time of its last change. */
export const folder: AlmTypeModel = {
  ...common,
  name: 'release-folder',
  collection: 'release-folders',
  label: 'Release Folder',
  table: 'RELEASE_FOLDERS',
  fields: folderFields,
  modified: false,
  parent: 'release-folder',
  root: { id: 1, name: 'Releases', parent: '-1' },
}

export const milestone: AlmTypeModel = {
  ...common,
  name: 'milestone',
  collection: 'milestones',
  label: 'Milestone',
  table: 'MILESTONES',
  fields: milestoneFields,
  modified: true,
  modifiedField: 'vts',
  parent: 'release',
}
