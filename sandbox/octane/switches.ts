import type { SwitchTable, SwitchValues } from '../common/switches.ts'

/** Points in which Octane servers differ, or which nobody outside has seen. */
export const octaneSwitches = {
  defaultLimit: { default: '100', values: 'number', description: 'Rows of a page when no limit is given.' },
  maximumLimit: { default: '1000', values: 'number', description: 'A higher limit is refused.' },
  limitCode: {
    default: 'platform.illegal_limit',
    values: ['platform.illegal_limit', 'platform.exceeds_max_total_count'],
    description: 'error_code of a limit that is too high or below 1.',
  },
  longestAddress: {
    default: '8192',
    values: 'number',
    description: 'A longer address is refused by the container (414, a web page); 0: any length is read.',
  },
  bulkErrorIndex: {
    default: 'index',
    values: ['index', 'entity_index', 'several'],
    description:
      'Errors of a bulk tell their row as index, as entity_index, or as entity_index where there are several errors and not at all where there is one.',
  },
  listFields: {
    default: 'keys',
    values: ['keys', 'all'],
    description: 'Items of lists are filtered between braces by id and logical_name alone, or by all their fields.',
  },
  metadataAlternatives: {
    default: 'yes',
    values: ['yes', 'no'],
    description: 'Queries of metadata/fields know ||, which the documentation denies and an SDK sends.',
  },
  countMaximum: {
    default: '0',
    values: 'number',
    description: 'total_count goes no further, and exceeds_total_count says so; 0: all are counted.',
  },
  idleSeconds: {
    default: '10800',
    values: 'number',
    description: 'A session that is not used for so long expires (401).',
  },
  globalSeconds: { default: '86400', values: 'number', description: 'A session that is this old expires (401).' },
  rotationSeconds: { default: '300', values: 'number', description: 'The session cookie is replaced this often.' },
  lockMismatchCode: {
    default: 'platform.client_lock_stamp_mismatch',
    values: ['platform.client_lock_stamp_mismatch', 'platform.general_error'],
    description: 'error_code of a client_lock_stamp that is out of date.',
  },
  lockMismatchStatus: {
    default: '500',
    values: ['500', '409', '400'],
    description: 'Status of a client_lock_stamp that is out of date.',
  },
  forbiddenCode: {
    default: 'platform.not_authorized',
    values: ['platform.not_authorized', 'platform.general_error'],
    description: 'error_code of what a role does not allow (403).',
  },
  foreignWorkspaceStatus: {
    default: '403',
    values: ['403', '401', '404'],
    description: 'Status of a request to a workspace the user may not open (platform.not_authorized).',
  },
  missingWorkspace: {
    default: 'address',
    values: ['address', 'entity'],
    description: 'A workspace that does not exist: unknown address, or platform.entity_not_found of the workspace.',
  },
  enforceTransitions: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'Refuse phase changes that the workflow does not know.',
  },
  transitionCode: {
    default: 'platform.transition_not_allowed',
    values: ['platform.transition_not_allowed', 'platform.illegal_field_value'],
    description: 'error_code of a refused phase change.',
  },
  transitionStatus: {
    default: '400',
    values: ['400', '403', '409'],
    description: 'Status of a refused phase change.',
  },
  requiredStatus: {
    default: '400',
    values: ['400', '409'],
    description: 'Status of a required field without value.',
  },
  requiredCode: {
    default: 'platform.required_field_missing',
    values: ['platform.required_field_missing', 'platform.missing_required_field'],
    description: 'error_code of a required field without value.',
  },
  commentsBumpItem: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'A comment that comes or goes changes the last_modified of its item.',
  },
  attachmentsBumpItem: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'An attachment that comes or goes changes the last_modified of its item.',
  },
  deleteParent: {
    default: 'move',
    values: ['move', 'refuse', 'delete'],
    description: 'What deleting a feature or epic does: its children go to the root, or it is refused, or they go too.',
  },
  parentRules: {
    default: 'yes',
    values: ['yes', 'no'],
    description:
      'Refuse a parent that the hierarchy does not know: epics stand below the root, features below epics, stories, quality stories and defects below features or the root.',
  },
  parentCode: {
    default: 'platform.illegal_field_value',
    values: ['platform.illegal_field_value', 'platform.general_error'],
    description: 'error_code of a refused parent.',
  },
  requestsPerSecond: {
    default: '0',
    values: 'number',
    description: 'More requests in a second are answered with 429; 0: no limit.',
  },
  throttleHint: {
    default: 'seconds',
    values: ['seconds', 'date', 'none'],
    description: 'What Retry-After of that 429 says.',
  },
  innerQuote: {
    default: 'text',
    values: ['text', 'error'],
    description: 'What an unescaped double quote inside ^...^ is.',
  },
  severityLabels: {
    default: 'delivered',
    values: ['delivered', 'customised'],
    description: 'Labels of the severity list.',
  },
  listIds: {
    default: 'logical',
    values: ['logical', 'numeric'],
    description: 'Ids of list items and phases: their logical names, or numbers as on older servers (both are taken).',
  },
  referenceNames: {
    default: 'no',
    values: ['no', 'yes'],
    description:
      'References carry the name (and index) of what they refer to without being asked, as on older servers.',
  },
  aggregateType: {
    default: 'work_item',
    values: ['work_item', 'concrete'],
    description: 'Type of rows of work_items, requirements and tests: the base with a subtype, or the concrete type.',
  },
  techPreview: {
    default: 'history',
    values: ['history', 'all', 'none'],
    description:
      'What needs the header ALM_OCTANE_TECH_PREVIEW: history_logs, history_records and audits; fields={...} as well; nothing.',
  },
  historyShape: {
    default: 'field',
    values: ['field', 'change'],
    description: 'Rows of history_logs: one for each field that changed, or one for each change with its fields.',
  },
  auditAccess: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'Whether the users of the sandbox are administrators and may read audits.',
  },
  sprintsOfRelease: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'A new scrum release with a sprint_duration (days) gets its sprints from the server.',
  },
  memoWrapper: {
    default: 'yes',
    values: ['yes', 'no'],
    description: 'Bare memo text is wrapped in <html><body>.',
  },
  memoStyles: { default: 'keep', values: ['keep', 'drop'], description: 'style and class attributes of memos.' },
  memoDataImages: {
    default: 'keep',
    values: ['keep', 'drop'],
    description: 'Pictures that stand in a memo as data: address.',
  },
  memoTags: {
    default: 'keep',
    values: ['keep', 'modern'],
    description: 'modern: <b> and <i> of memos become <strong> and <em>.',
  },
  memoEntities: {
    default: 'keep',
    values: ['keep', 'encode'],
    description: 'encode: letters beyond ASCII in memos become numeric entities.',
  },
  attachmentExtensions: {
    default: 'jpg,bmp,png,word,doc,docx,msg,pdf,xml,xls,xlsx,ppt,pptx,zip,txt,wmv,mp4,m4p,mkv,vob,log,wrf,fbr,jpeg',
    values: 'names',
    description: 'File extensions that are taken, separated by commas; empty: all.',
  },
  attachmentMaximum: {
    default: '104857600',
    values: 'number',
    description: 'A larger attachment is refused; bytes.',
  },
  attachmentContentCheck: {
    default: 'yes',
    values: ['yes', 'no'],
    description: 'The beginning of a file must fit its extension (pictures, pdf, zip and office files).',
  },
  attachmentSameName: {
    default: 'keep',
    values: ['keep', 'rename', 'refuse'],
    description: 'A second attachment of the same name: both are kept, it gets a number, or it is refused (409).',
  },
  legacyDefaultFields: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'Without fields= answer all fields, as before 15.x.',
  },
  apiKeysOnly: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'Users do not sign in to REST with name and password, only API keys do.',
  },
  basicAuthentication: { default: 'no', values: ['no', 'yes'], description: 'Accept Authorization: Basic.' },
  quietFields: {
    default: 'yes',
    values: ['yes', 'no'],
    description: 'Some fields do not raise client_lock_stamp: those of quietFieldNames.',
  },
  quietFieldNames: {
    default: 'rank',
    values: 'names',
    description: 'Fields, separated by commas, that do not raise client_lock_stamp; version_stamp rises always.',
  },
  closedNeedsDate: {
    default: 'no',
    values: ['no', 'yes'],
    description: 'Business rule: phase Closed requires "Closed on".',
  },
} as const satisfies SwitchTable

export type OctaneSwitchValues = SwitchValues<typeof octaneSwitches>
