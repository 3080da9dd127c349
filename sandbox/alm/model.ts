export type AlmFieldType = 'String' | 'Memo' | 'Number' | 'Date' | 'DateTime' | 'LookupList' | 'UsersList' | 'Reference'

/** One field as customization describes it. */
export interface AlmFieldModel {
  name: string
  column: string
  label: string
  type: AlmFieldType
  size: number
  list?: string
  target?: string
  required?: boolean
  editable?: boolean
  filterable?: boolean
  history?: boolean
  virtual?: boolean
  /** Kept by the server alone. */
  served?: boolean
  verify?: boolean
  multiple?: boolean
  user?: boolean
}

export interface AlmTypeModel {
  name: string
  collection: string
  label: string
  table: string
  fields: readonly AlmFieldModel[]
  /** Whether the type has a time of its last change. */
  modified: boolean
  history: boolean
  lock: boolean
}

type Flags = string

/** Flags as in the manuals: R required, E editable, F filterable, H history, V virtual, Y verified, M multi-value, S kept by the server. */
function field(
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
    served: flags.includes('S') || flags.includes('V'),
    ...more,
  }
}

const list = (
  name: string,
  column: string,
  label: string,
  listName: string,
  flags: Flags,
  size = 70,
  more: Partial<AlmFieldModel> = {},
) => field(name, column, label, 'LookupList', size, flags, { list: listName, ...more })
const refer = (name: string, column: string, label: string, target: string, flags: Flags) =>
  field(name, column, label, 'Reference', 10, flags, { target })

const defect: readonly AlmFieldModel[] = [
  field('id', 'BG_BUG_ID', 'Defect ID', 'Number', 10, 'FS'),
  field('name', 'BG_SUMMARY', 'Summary', 'String', 255, 'REF'),
  field('description', 'BG_DESCRIPTION', 'Description', 'Memo', -1, 'E'),
  field('dev-comments', 'BG_DEV_COMMENTS', 'Comments', 'Memo', -1, 'E'),
  list('status', 'BG_STATUS', 'Status', 'Bug Status', 'EFHY'),
  list('severity', 'BG_SEVERITY', 'Severity', 'Severity', 'REFHY'),
  list('priority', 'BG_PRIORITY', 'Priority', 'Priority', 'EFY'),
  field('owner', 'BG_RESPONSIBLE', 'Assigned To', 'UsersList', 60, 'EFHY'),
  field('detected-by', 'BG_DETECTED_BY', 'Detected By', 'UsersList', 60, 'REFY'),
  field('creation-time', 'BG_DETECTION_DATE', 'Detected on Date', 'Date', 10, 'REF'),
  field('closing-date', 'BG_CLOSING_DATE', 'Closing Date', 'Date', 10, 'EF'),
  list('reproducible', 'BG_REPRODUCIBLE', 'Reproducible', 'YesNo', 'EFY', 1),
  list('detection-version', 'BG_DETECTION_VERSION', 'Detected in Version', 'Versions', 'EFY'),
  list('closing-version', 'BG_CLOSING_VERSION', 'Closed in Version', 'Versions', 'EFY'),
  list('planned-closing-ver', 'BG_PLANNED_CLOSING_VER', 'Planned Closing Version', 'Versions', 'EFY'),
  list('project', 'BG_PROJECT', 'Project', 'All Projects', 'EF'),
  field('subject', 'BG_SUBJECT', 'Subject', 'Number', 10, 'EFY'),
  refer('detected-in-rel', 'BG_DETECTED_IN_REL', 'Detected in Release', 'release', 'EFH'),
  refer('target-rel', 'BG_TARGET_REL', 'Target Release', 'release', 'EFH'),
  refer('detected-in-rcyc', 'BG_DETECTED_IN_RCYC', 'Detected in Cycle', 'release-cycle', 'EFH'),
  refer('target-rcyc', 'BG_TARGET_RCYC', 'Target Cycle', 'release-cycle', 'EFH'),
  field('actual-fix-time', 'BG_ACTUAL_FIX_TIME', 'Actual Fix Time', 'Number', 5, 'EF'),
  field('estimated-fix-time', 'BG_ESTIMATED_FIX_TIME', 'Estimated Fix Time', 'Number', 5, 'EF'),
  field('last-modified', 'BG_VTS', 'Modified', 'DateTime', 19, 'FS'),
  field('attachment', 'BG_ATTACHMENT', 'Attachment', 'String', 1, 'FS'),
  field('has-linkage', 'BG_HAS_LINKAGE', 'Has linkage', 'String', 1, 'V'),
  field('ver-stamp', 'BG_BUG_VER_STAMP', 'Version Stamp', 'Number', 10, ''),
  field('user-01', 'BG_USER_01', 'Octane ID', 'String', 255, 'EF', { user: true }),
  field('user-02', 'BG_USER_02', 'ALM Octane ID', 'Number', 10, 'EF', { user: true }),
  list('user-03', 'BG_USER_03', 'Customer impact', 'Customer impact', 'EFY', 70, { user: true }),
  list('user-04', 'BG_USER_04', 'Browsers', 'Browsers', 'EFYM', 255, { user: true }),
  field('user-05', 'BG_USER_05', 'Business justification', 'Memo', -1, 'E', { user: true }),
]

const release: readonly AlmFieldModel[] = [
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

const cycle: readonly AlmFieldModel[] = [
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

const folder: readonly AlmFieldModel[] = [
  field('id', 'RF_ID', 'Folder ID', 'Number', 10, 'FS'),
  field('name', 'RF_NAME', 'Name', 'String', 255, 'REF'),
  field('description', 'RF_DESCRIPTION', 'Description', 'Memo', -1, 'E'),
  refer('parent-id', 'RF_PARENT_ID', 'Parent', 'release-folder', 'REF'),
  field('hierarchical-path', 'RF_PATH', 'Path', 'String', 255, 'FS'),
  field('has-attachments', 'RF_HAS_ATTACHMENTS', 'Has attachments', 'String', 1, 'S'),
  field('ver-stamp', 'RF_VER_STAMP', 'Version Stamp', 'Number', 10, ''),
]

export const almTypes: readonly AlmTypeModel[] = [
  {
    name: 'defect',
    collection: 'defects',
    label: 'Defect',
    table: 'BUG',
    fields: defect,
    modified: true,
    history: true,
    lock: true,
  },
  {
    name: 'release',
    collection: 'releases',
    label: 'Release',
    table: 'RELEASES',
    fields: release,
    modified: true,
    history: false,
    lock: true,
  },
  {
    name: 'release-cycle',
    collection: 'release-cycles',
    label: 'Cycle',
    table: 'RELEASE_CYCLES',
    fields: cycle,
    modified: true,
    history: false,
    lock: true,
  },
  {
    name: 'release-folder',
    collection: 'release-folders',
    label: 'Release Folder',
    table: 'RELEASE_FOLDERS',
    fields: folder,
    modified: false,
    history: false,
    lock: true,
  },
]

/** Lists with their ids, which differ from project to project. */
export const almLists: readonly { id: number; name: string; logical: string | null; items: readonly string[] }[] = [
  { id: 1, name: 'YesNo', logical: 'hp.qc.yesno', items: ['N', 'Y'] },
  { id: 35, name: 'Versions', logical: null, items: [] },
  { id: 36, name: 'All Projects', logical: null, items: [] },
  {
    id: 270,
    name: 'Bug Status',
    logical: 'hp.qc.bug-status',
    items: ['Closed', 'Fixed', 'New', 'Open', 'Rejected', 'Reopen'],
  },
  {
    id: 279,
    name: 'Severity',
    logical: 'hp.qc.severity',
    items: ['1-Low', '2-Medium', '3-High', '4-Very High', '5-Urgent'],
  },
  {
    id: 280,
    name: 'Priority',
    logical: 'hp.qc.priority',
    items: ['1-Low', '2-Medium', '3-High', '4-Very High', '5-Urgent'],
  },
  {
    id: 1001,
    name: 'Customer impact',
    logical: null,
    items: ['None', 'Some customers', 'Key account', 'All customers'],
  },
  { id: 1002, name: 'Browsers', logical: null, items: ['Firefox', 'Chrome', 'Safari', 'Edge'] },
]

/** Status changes that the workflow scripts of the sandbox know; used where the workflow is enforced. */
export const almTransitions: Record<string, readonly string[]> = {
  '': ['New'],
  New: ['Open', 'Rejected'],
  Open: ['Fixed', 'Rejected'],
  Fixed: ['Closed', 'Reopen'],
  Closed: ['Reopen'],
  Rejected: ['Reopen'],
  Reopen: ['Fixed', 'Rejected'],
}
