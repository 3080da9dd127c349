import type { AlmTypeModel } from '../model.ts'
import { field, list, refer, versionStamp } from './fields.ts'

const common = { history: false, lock: false } as const

export const defectLink: AlmTypeModel = {
  ...common,
  modified: true,
  name: 'defect-link',
  collection: 'defect-links',
  label: 'Defect Linkage',
  table: 'LINK',
  fields: [
    field('id', 'LN_LINK_ID', 'Link ID', 'Number', 10, 'FS'),
    refer('first-endpoint-id', 'LN_BUG_ID', 'Defect ID', 'defect', 'REF'),
    field('second-endpoint-id', 'LN_ENTITY_ID', 'Linked Entity ID', 'Number', 10, 'REF'),
    field('second-endpoint-type', 'LN_ENTITY_TYPE', 'Linked Entity Type', 'String', 70, 'REF'),
    field('second-endpoint-name', 'LN_ENTITY_NAME', 'Linked Entity Name', 'String', 255, 'V'),
    field('second-endpoint-status', 'LN_ENTITY_STATUS', 'Linked Entity Status', 'String', 70, 'V'),
    list('link-type', 'LN_LINK_TYPE', 'Link Type', 'Link Type', 'EF'),
    field('comment', 'LN_LINK_COMMENT', 'Comment', 'String', 255, 'E'),
    field('owner', 'LN_CREATED_BY', 'Created By', 'UsersList', 60, 'FS'),
    field('creation-time', 'LN_CREATION_DATE', 'Creation Date', 'Date', 10, 'FS'),
    field('last-modified', 'LN_VTS', 'Modified', 'DateTime', 19, 'FS'),
    versionStamp,
  ],
}

export const reqTrace: AlmTypeModel = {
  ...common,
  modified: false,
  name: 'req-trace',
  collection: 'req-traces',
  label: 'Requirement Traceability',
  table: 'REQ_TRACE',
  fields: [
    field('id', 'RT_TRACE_ID', 'Trace ID', 'Number', 10, 'FS'),
    refer('from-req-id', 'RT_FROM_REQ_ID', 'From Requirement', 'requirement', 'REF'),
    refer('to-req-id', 'RT_TO_REQ_ID', 'To Requirement', 'requirement', 'REF'),
    field('comment', 'RT_COMMENT', 'Comment', 'String', 255, 'E'),
    field('owner', 'RT_CREATED_BY', 'Created By', 'UsersList', 60, 'FS'),
    field('creation-date', 'RT_CREATION_DATE', 'Creation Date', 'Date', 10, 'FS'),
    // Empty in what servers answer.
    field('last-modified', 'RT_VTS', 'Modified', 'DateTime', 19, 'FS'),
    versionStamp,
  ],
}

export const requirementCoverage: AlmTypeModel = {
  ...common,
  modified: true,
  name: 'requirement-coverage',
  collection: 'requirement-coverages',
  label: 'Requirement Coverage',
  table: 'REQ_COVER',
  fields: [
    field('id', 'RC_ITEM_ID', 'Coverage ID', 'Number', 10, 'FS'),
    refer('requirement-id', 'RC_REQ_ID', 'Requirement', 'requirement', 'REF'),
    refer('test-id', 'RC_ENTITY_ID', 'Test', 'test', 'REF'),
    field('entity-type', 'RC_ENTITY_TYPE', 'Entity Type', 'String', 70, 'REF'),
    field('entity-name', 'RC_ENTITY_NAME', 'Entity Name', 'String', 255, 'V'),
    list('coverage-mode', 'RC_COVERAGE_MODE', 'Coverage Mode', 'Coverage Mode', 'EF'),
    field('status', 'RC_STATUS', 'Coverage Status', 'String', 70, 'V'),
    field('modified-count', 'RC_MODIFIED_COUNT', 'Modified Count', 'Number', 10, 'S'),
    field('last-modified', 'RC_VTS', 'Modified', 'DateTime', 19, 'FS'),
    versionStamp,
  ],
}
