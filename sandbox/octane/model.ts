import { Refusal } from './refusal.ts'

/** Describes one field as `metadata/fields` does. */
export interface FieldModel {
  name: string
  label: string
  type: 'string' | 'memo' | 'integer' | 'float' | 'boolean' | 'date_time' | 'date' | 'reference' | 'object'
  multiple?: boolean
  /** Type referred to; for lists `list_node` with the list's logical name. */
  target?: string
  list?: string
  required?: boolean
  final?: boolean
  editable?: boolean
  filterable?: boolean
  maxLength?: number
  userDefined?: boolean
}

export interface TypeModel {
  name: string
  collection: string
  label: string
  base: string | null
  fields: readonly FieldModel[]
  /** Creatable and changeable over REST. */
  writable: boolean
  uniqueName?: boolean
}

const text = (name: string, label: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'string',
  maxLength: 255,
  ...more,
})
const memo = (name: string, label: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'memo',
  ...more,
})
const whole = (name: string, label: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'integer',
  ...more,
})
const flag = (name: string, label: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'boolean',
  ...more,
})
const time = (name: string, label: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'date_time',
  ...more,
})
const reference = (name: string, label: string, target: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'reference',
  target,
  ...more,
})
const listOf = (name: string, label: string, list: string, more: Partial<FieldModel> = {}): FieldModel => ({
  name,
  label,
  type: 'reference',
  target: 'list_node',
  list,
  ...more,
})

const system: readonly FieldModel[] = [
  text('id', 'ID', { editable: false, filterable: true }),
  text('logical_name', 'Logical name', { editable: false }),
  whole('workspace_id', 'Workspace', { editable: false }),
  time('creation_time', 'Creation time', { editable: false }),
  time('last_modified', 'Last modified', { editable: false }),
  whole('version_stamp', 'Version stamp', { editable: false }),
  whole('client_lock_stamp', 'Client lock stamp'),
]

const workItem: readonly FieldModel[] = [
  ...system,
  text('name', 'Name', { required: true }),
  memo('description', 'Description'),
  text('subtype', 'Subtype', { editable: false }),
  reference('phase', 'Phase', 'phase', { required: true }),
  reference('parent', 'Parent', 'work_item'),
  reference('author', 'Author', 'workspace_user', { final: true }),
  reference('owner', 'Owner', 'workspace_user'),
  reference('team', 'Team', 'team'),
  reference('release', 'Release', 'release'),
  reference('sprint', 'Sprint', 'sprint'),
  reference('milestone', 'Milestone', 'milestone'),
  whole('story_points', 'Story points'),
  reference('product_areas', 'Application modules', 'product_area', { multiple: true }),
  reference('user_tags', 'Tags', 'user_tag', { multiple: true }),
  flag('blocked', 'Blocked'),
  memo('blocked_reason', 'Blocked reason'),
  listOf('item_origin', 'Item origin', 'list_node.item_origin'),
  flag('has_attachments', 'Has attachments', { editable: false }),
  flag('has_comments', 'Has comments', { editable: false }),
  { name: 'path', label: 'Path', type: 'string', editable: false },
  whole('rank', 'Rank'),
  { name: 'estimated_hours', label: 'Estimated hours', type: 'float' },
  { name: 'invested_hours', label: 'Invested hours', type: 'float' },
  { name: 'remaining_hours', label: 'Remaining hours', type: 'float' },
]

/** User-defined fields that the sandboxes' administrators made for the synchronization. */
const userDefined: readonly FieldModel[] = [
  text('alm_id_udf', 'ALM ID', { userDefined: true }),
  whole('alm_or_qc_id_udf', 'ALM or QC ID', { userDefined: true }),
  listOf('customer_impact_udf', 'Customer impact', 'list_node.customer_impact', { userDefined: true }),
  listOf('browsers_udf', 'Browsers', 'list_node.browsers', { userDefined: true, multiple: true }),
  memo('business_justification_udf', 'Business justification', { userDefined: true }),
]

const defect: readonly FieldModel[] = [
  ...workItem,
  listOf('severity', 'Severity', 'list_node.severity', { required: true }),
  listOf('priority', 'Priority', 'list_node.priority'),
  listOf('defect_type', 'Defect type', 'list_node.defect_type'),
  reference('detected_by', 'Detected by', 'workspace_user'),
  reference('detected_in_release', 'Detected in release', 'release'),
  time('closed_on', 'Closed on'),
  text('detected_in_build', 'Detected in build'),
  text('fixed_in_build', 'Fixed in build'),
  flag('is_draft', 'Draft'),
  whole('fixed_in_version', 'Fixed in version'),
  text('environment', 'Environment'),
  ...userDefined,
]

const named: readonly FieldModel[] = [...system, text('name', 'Name', { required: true })]

export const typeModels: readonly TypeModel[] = [
  { name: 'defect', collection: 'defects', label: 'Defect', base: 'work_item', fields: defect, writable: true },
  {
    name: 'story',
    collection: 'stories',
    label: 'User Story',
    base: 'work_item',
    fields: [...workItem, ...userDefined],
    writable: true,
  },
  {
    name: 'feature',
    collection: 'features',
    label: 'Feature',
    base: 'work_item',
    fields: [...workItem, ...userDefined],
    writable: true,
  },
  {
    name: 'epic',
    collection: 'epics',
    label: 'Epic',
    base: 'work_item',
    fields: [...workItem, ...userDefined],
    writable: true,
  },
  {
    name: 'work_item_root',
    collection: 'work_item_roots',
    label: 'Root',
    base: 'work_item',
    fields: workItem.map((field) => ({ ...field, required: false })),
    writable: false,
  },
  {
    name: 'release',
    collection: 'releases',
    label: 'Release',
    base: null,
    writable: true,
    uniqueName: true,
    fields: [
      ...named,
      memo('description', 'Description'),
      time('start_date', 'Start date', { required: true }),
      time('end_date', 'End date', { required: true }),
      flag('is_default', 'Default', { editable: false }),
      listOf('agile_type', 'Type', 'list_node.release_agile_type'),
      whole('sprint_duration', 'Sprint duration'),
      flag('has_attachments', 'Has attachments', { editable: false }),
    ],
  },
  {
    name: 'sprint',
    collection: 'sprints',
    label: 'Sprint',
    base: null,
    writable: true,
    fields: [
      ...named,
      reference('release', 'Release', 'release', { required: true, final: true }),
      time('start_date', 'Start date', { required: true }),
      time('end_date', 'End date', { required: true }),
    ],
  },
  {
    name: 'milestone',
    collection: 'milestones',
    label: 'Milestone',
    base: null,
    writable: true,
    fields: [...named, time('date', 'Date')],
  },
  {
    name: 'team',
    collection: 'teams',
    label: 'Team',
    base: null,
    writable: true,
    fields: [...named, whole('estimated_velocity', 'Velocity')],
  },
  {
    name: 'phase',
    collection: 'phases',
    label: 'Phase',
    base: null,
    writable: false,
    fields: [
      ...named,
      text('entity', 'Entity'),
      whole('index', 'Index'),
      flag('is_start_phase', 'Start phase'),
      flag('is_hidden', 'Hidden'),
      flag('is_system', 'System'),
      text('color_hex', 'Color'),
      reference('metaphase', 'Metaphase', 'metaphase'),
    ],
  },
  {
    name: 'metaphase',
    collection: 'metaphases',
    label: 'Metaphase',
    base: null,
    writable: false,
    fields: [...named, text('entity', 'Entity'), whole('index', 'Index')],
  },
  {
    name: 'transition',
    collection: 'transitions',
    label: 'Transition',
    base: null,
    writable: false,
    fields: [
      ...system,
      text('entity', 'Entity'),
      flag('is_primary', 'Primary'),
      reference('source_phase', 'Source phase', 'phase'),
      reference('target_phase', 'Target phase', 'phase'),
    ],
  },
  {
    name: 'list_node',
    collection: 'list_nodes',
    label: 'List',
    base: null,
    writable: true,
    fields: [...named, whole('index', 'Index'), reference('list_root', 'List root', 'list_node')],
  },
  {
    name: 'product_area',
    collection: 'product_areas',
    label: 'Application module',
    base: null,
    writable: true,
    fields: [...named, reference('parent', 'Parent', 'product_area')],
  },
  {
    name: 'user_tag',
    collection: 'user_tags',
    label: 'Tag',
    base: null,
    writable: true,
    uniqueName: true,
    fields: named,
  },
  {
    name: 'workspace_user',
    collection: 'workspace_users',
    label: 'User',
    base: null,
    writable: false,
    fields: [
      ...named,
      text('full_name', 'Full name'),
      text('first_name', 'First name'),
      text('last_name', 'Last name'),
      text('email', 'E-mail'),
      whole('activity_level', 'Activity level'),
      flag('is_api_key', 'API key'),
    ],
  },
  {
    name: 'comment',
    collection: 'comments',
    label: 'Comment',
    base: null,
    writable: true,
    fields: [
      ...system,
      memo('text', 'Text'),
      reference('author', 'Author', 'workspace_user', { editable: false }),
      reference('owner_work_item', 'Work item', 'work_item', { final: true }),
    ],
  },
]

/** The type of a name; throws the product's refusal where there is none. */
export function modelOf(type: string): TypeModel {
  const model = typeModels.find((one) => one.name === type)
  if (model === undefined) throw new Refusal(404, 'platform.web_application', 'HTTP 404 Not Found')
  return model
}

export const lists: Record<string, readonly string[]> = {
  'list_node.severity': ['Low', 'Medium', 'High', 'Very High', 'Urgent'],
  'list_node.priority': ['Low', 'Medium', 'High', 'Very High', 'Urgent'],
  'list_node.defect_type': ['Functional', 'Performance', 'Security'],
  'list_node.item_origin': ['Customer', 'Internal', 'Partner'],
  'list_node.release_agile_type': ['scrum', 'kanban'],
  'list_node.customer_impact': ['None', 'Some customers', 'Key account', 'Everybody'],
  'list_node.browsers': ['Firefox', 'Chrome', 'Safari', 'Edge'],
}

/** Phases of each type in order: name and logical name behind `phase.<type>.`; the first is the start. */
export const phases: Record<string, readonly [name: string, logical: string, metaphase: string][]> = {
  defect: [
    ['New', 'new', 'new'],
    ['Opened', 'opened', 'inprogress'],
    ['Fixed', 'fixed', 'inprogress'],
    ['Proposed Closed', 'proposedclosed', 'inprogress'],
    ['Closed', 'closed', 'done'],
    ['Deferred', 'deferred', 'done'],
    ['Duplicate', 'duplicate', 'done'],
    ['Rejected', 'rejected', 'done'],
  ],
  story: [
    ['New', 'new', 'new'],
    ['In Progress', 'inprogress', 'inprogress'],
    ['In Testing', 'intesting', 'inprogress'],
    ['Done', 'done', 'done'],
  ],
  feature: [
    ['New', 'new', 'new'],
    ['In Progress', 'inprogress', 'inprogress'],
    ['Done', 'done', 'done'],
  ],
  epic: [
    ['New', 'new', 'new'],
    ['In Progress', 'inprogress', 'inprogress'],
    ['Done', 'done', 'done'],
  ],
}

/** What a work item may stand below, by type; looked at where `parentRules` are on. */
export const parentsOf: Record<string, readonly string[]> = {
  epic: ['work_item_root'],
  feature: ['epic'],
  story: ['feature', 'work_item_root'],
  quality_story: ['feature', 'work_item_root'],
  defect: ['feature', 'work_item_root'],
}

/** Moves the workflow allows, by logical name; used where transitions are enforced. */
export const transitions: Record<string, readonly (readonly [from: string, to: string])[]> = {
  defect: [
    ['new', 'opened'],
    ['new', 'deferred'],
    ['new', 'duplicate'],
    ['new', 'rejected'],
    ['opened', 'fixed'],
    ['opened', 'deferred'],
    ['opened', 'duplicate'],
    ['opened', 'rejected'],
    ['fixed', 'proposedclosed'],
    ['fixed', 'opened'],
    ['proposedclosed', 'closed'],
    ['proposedclosed', 'opened'],
    ['closed', 'opened'],
    ['deferred', 'opened'],
    ['duplicate', 'opened'],
    ['rejected', 'opened'],
  ],
  story: [
    ['new', 'inprogress'],
    ['inprogress', 'intesting'],
    ['intesting', 'done'],
    ['intesting', 'inprogress'],
    ['done', 'inprogress'],
  ],
}
