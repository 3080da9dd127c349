import type { AlmFieldModel, AlmTypeModel } from '../model.ts'
import { field, list, refer, versionFields } from './fields.ts'

const common = { history: false, lock: true, modified: true, attachments: 'attachment' } as const

const folderFields = (prefix: string, parent: string): readonly AlmFieldModel[] => [
  field('id', `${prefix}_ITEM_ID`, 'ID', 'Number', 10, 'FS'),
  field('name', `${prefix}_ITEM_NAME`, 'Name', 'String', 255, 'REF'),
  field('description', `${prefix}_DESCRIPTION`, 'Description', 'Memo', -1, 'E'),
  refer('parent-id', `${prefix}_FATHER_ID`, 'Parent', parent, 'REF'),
  field('hierarchical-path', `${prefix}_ABSOLUTE_PATH`, 'Path', 'String', 255, 'FS'),
  field('last-modified', `${prefix}_VTS`, 'Modified', 'DateTime', 19, 'FS'),
  field('attachment', `${prefix}_ATTACHMENT`, 'Attachment', 'String', 1, 'S'),
  field('ver-stamp', `${prefix}_VER_STAMP`, 'Version Stamp', 'Number', 10, ''),
]

export const testFolder: AlmTypeModel = {
  ...common,
  name: 'test-folder',
  collection: 'test-folders',
  label: 'Test Folder',
  table: 'ALL_LISTS',
  fields: folderFields('AL', 'test-folder'),
  parent: 'test-folder',
  root: { id: 2, name: 'Subject', parent: '0' },
  siblings: true,
}

export const test: AlmTypeModel = {
  ...common,
  name: 'test',
  collection: 'tests',
  label: 'Test',
  table: 'TEST',
  history: true,
  parent: 'test-folder',
  siblings: true,
  versioned: true,
  fields: [
    field('id', 'TS_TEST_ID', 'Test ID', 'Number', 10, 'FS'),
    field('name', 'TS_NAME', 'Test Name', 'String', 255, 'REF'),
    field('subtype-id', 'TS_TYPE', 'Type', 'String', 70, 'REF'),
    refer('parent-id', 'TS_SUBJECT', 'Subject', 'test-folder', 'REF'),
    field('description', 'TS_DESCRIPTION', 'Description', 'Memo', -1, 'E'),
    field('dev-comments', 'TS_DEV_COMMENTS', 'Comments', 'Memo', -1, 'E'),
    list('status', 'TS_STATUS', 'Status', 'Test Status', 'EFH'),
    field('owner', 'TS_RESPONSIBLE', 'Designer', 'UsersList', 60, 'EFHY'),
    list('exec-status', 'TS_EXEC_STATUS', 'Execution Status', 'Execution Status', 'FS'),
    field('creation-time', 'TS_CREATION_DATE', 'Creation Date', 'Date', 10, 'EF'),
    field('estimate-devtime', 'TS_ESTIMATE_DEVTIME', 'Estimated DevTime', 'Number', 10, 'EF'),
    field('last-modified', 'TS_VTS', 'Modified', 'DateTime', 19, 'FS'),
    field('attachment', 'TS_ATTACHMENT', 'Attachment', 'String', 1, 'FS'),
    field('ver-stamp', 'TS_TEST_VER_STAMP', 'Version Stamp', 'Number', 10, ''),
    ...versionFields('TS'),
    field('user-01', 'TS_USER_01', 'Octane ID', 'String', 255, 'EF', { user: true }),
  ],
}

export const testSetFolder: AlmTypeModel = {
  ...common,
  name: 'test-set-folder',
  collection: 'test-set-folders',
  label: 'Test Set Folder',
  table: 'CYCL_FOLD',
  fields: folderFields('CF', 'test-set-folder'),
  parent: 'test-set-folder',
  root: { id: 0, name: 'Root', parent: '-1' },
  siblings: true,
}

export const testSet: AlmTypeModel = {
  ...common,
  name: 'test-set',
  collection: 'test-sets',
  label: 'Test Set',
  table: 'CYCLE',
  history: true,
  parent: 'test-set-folder',
  siblings: true,
  fields: [
    field('id', 'CY_CYCLE_ID', 'Test Set ID', 'Number', 10, 'FS'),
    field('name', 'CY_CYCLE', 'Name', 'String', 255, 'REF'),
    field('subtype-id', 'CY_SUBTYPE_ID', 'Type', 'String', 255, 'REF'),
    refer('parent-id', 'CY_FOLDER_ID', 'Test Set Folder', 'test-set-folder', 'REF'),
    field('comment', 'CY_COMMENT', 'Description', 'Memo', -1, 'E'),
    list('status', 'CY_STATUS', 'Status', 'Test Set Status', 'EFHY'),
    field('open-date', 'CY_OPEN_DATE', 'Open Date', 'Date', 10, 'EF'),
    field('close-date', 'CY_CLOSE_DATE', 'Close Date', 'Date', 10, 'EF'),
    refer('assign-rcyc', 'CY_ASSIGN_RCYC', 'Target Cycle', 'release-cycle', 'EF'),
    field('last-modified', 'CY_VTS', 'Modified', 'DateTime', 19, 'FS'),
    field('attachment', 'CY_ATTACHMENT', 'Attachment', 'String', 1, 'FS'),
    field('ver-stamp', 'CY_VER_STAMP', 'Version Stamp', 'Number', 10, ''),
  ],
}

export const testInstance: AlmTypeModel = {
  ...common,
  name: 'test-instance',
  collection: 'test-instances',
  label: 'Test Instance',
  table: 'TESTCYCL',
  fields: [
    field('id', 'TC_TESTCYCL_ID', 'Test Instance ID', 'Number', 10, 'FS'),
    field('subtype-id', 'TC_SUBTYPE_ID', 'Type', 'String', 255, 'REF'),
    refer('test-id', 'TC_TEST_ID', 'Test', 'test', 'REF'),
    refer('cycle-id', 'TC_CYCLE_ID', 'Test Set', 'test-set', 'REF'),
    field('test-order', 'TC_TEST_ORDER', 'Test Order', 'Number', 10, 'EF'),
    list('status', 'TC_STATUS', 'Status', 'Execution Status', 'EFY'),
    field('owner', 'TC_TESTER_NAME', 'Responsible Tester', 'UsersList', 60, 'EFY'),
    field('exec-date', 'TC_EXEC_DATE', 'Exec Date', 'Date', 10, 'EF'),
    field('last-modified', 'TC_VTS', 'Modified', 'DateTime', 19, 'FS'),
    field('attachment', 'TC_ATTACHMENT', 'Attachment', 'String', 1, 'FS'),
    field('ver-stamp', 'TC_TESTCYCLE_VER_STAMP', 'Version Stamp', 'Number', 10, ''),
  ],
}

export const run: AlmTypeModel = {
  ...common,
  name: 'run',
  collection: 'runs',
  label: 'Run',
  table: 'RUN',
  history: true,
  fields: [
    field('id', 'RN_RUN_ID', 'Run ID', 'Number', 10, 'FS'),
    field('name', 'RN_RUN_NAME', 'Run Name', 'String', 255, 'REF'),
    field('subtype-id', 'RN_SUBTYPE_ID', 'Type', 'String', 255, 'REF'),
    refer('test-id', 'RN_TEST_ID', 'Test', 'test', 'REF'),
    refer('testcycl-id', 'RN_TESTCYCL_ID', 'Test Instance', 'test-instance', 'REF'),
    refer('cycle-id', 'RN_CYCLE_ID', 'Test Set', 'test-set', 'EF'),
    list('status', 'RN_STATUS', 'Status', 'Execution Status', 'EFHY'),
    field('owner', 'RN_TESTER_NAME', 'Tester', 'UsersList', 60, 'REFY'),
    field('execution-date', 'RN_EXECUTION_DATE', 'Exec Date', 'Date', 10, 'EF'),
    field('execution-time', 'RN_EXECUTION_TIME', 'Exec Time', 'String', 8, 'EF'),
    field('duration', 'RN_DURATION', 'Duration', 'Number', 10, 'EF'),
    field('comments', 'RN_COMMENTS', 'Comments', 'Memo', -1, 'E'),
    field('last-modified', 'RN_VTS', 'Modified', 'DateTime', 19, 'FS'),
    field('attachment', 'RN_ATTACHMENT', 'Attachment', 'String', 1, 'FS'),
    field('ver-stamp', 'RN_RUN_VER_STAMP', 'Version Stamp', 'Number', 10, ''),
  ],
}
