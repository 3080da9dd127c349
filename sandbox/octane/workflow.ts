export const lists: Record<string, readonly string[]> = {
  'list_node.severity': ['Low', 'Medium', 'High', 'Very High', 'Urgent'],
  'list_node.priority': ['Low', 'Medium', 'High', 'Very High', 'Urgent'],
  'list_node.defect_type': ['Functional', 'Performance', 'Security'],
  'list_node.item_origin': ['Customer', 'Internal', 'Partner'],
  'list_node.release_agile_type': ['scrum', 'kanban'],
  'list_node.task_type': ['Development', 'Documentation', 'Testing'],
  'list_node.test_type': ['Acceptance', 'End to End', 'Regression', 'Sanity'],
  'list_node.business_impact': ['No impact', 'Low', 'Medium', 'High'],
  'list_node.run_native_status': ['Planned', 'In Progress', 'Passed', 'Failed', 'Blocked', 'Skipped', 'Not Completed'],
  'list_node.run_status': ['Planned', 'Passed', 'Failed', 'Skipped', 'Needs Attention'],
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
  quality_story: [
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
  task: [
    ['New', 'new', 'new'],
    ['In Progress', 'inprogress', 'inprogress'],
    ['Completed', 'completed', 'done'],
  ],
  requirement_document: [
    ['Draft', 'draft', 'new'],
    ['In Review', 'inreview', 'inprogress'],
    ['Approved', 'approved', 'done'],
  ],
  ...Object.fromEntries(
    ['test_manual', 'gherkin_test', 'test_automated', 'test_suite'].map((type) => [
      type,
      [
        ['New', 'new', 'new'],
        ['Awaiting Automation', 'awaitingautomation', 'inprogress'],
        ['Ready', 'ready', 'done'],
      ],
    ]),
  ),
}

/** What a record may stand below, by type; looked at where `parentRules` are on. */
export const parentsOf: Record<string, readonly string[]> = {
  epic: ['work_item_root'],
  feature: ['epic'],
  story: ['feature', 'work_item_root'],
  quality_story: ['feature', 'work_item_root'],
  defect: ['feature', 'work_item_root'],
  requirement_folder: ['requirement_root', 'requirement_folder'],
  requirement_document: ['requirement_root', 'requirement_folder'],
  product_area: ['product_area'],
}

/** The one record above all others of a tree, where a new record stands that names no parent; features have none. */
export const roots: Record<string, string> = {
  epic: 'work_item_root',
  story: 'work_item_root',
  quality_story: 'work_item_root',
  defect: 'work_item_root',
  requirement_folder: 'requirement_root',
  requirement_document: 'requirement_root',
}

const delivered = [
  ['new', 'inprogress'],
  ['inprogress', 'intesting'],
  ['intesting', 'done'],
  ['intesting', 'inprogress'],
  ['done', 'inprogress'],
] as const

/** There and back between three phases. */
const simple = (middle: string, last: string, first = 'new') =>
  [
    [first, middle],
    [middle, last],
    [middle, first],
    [last, middle],
  ] as const

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
  story: delivered,
  quality_story: delivered,
  feature: simple('inprogress', 'done'),
  epic: simple('inprogress', 'done'),
  task: simple('inprogress', 'completed'),
  requirement_document: simple('inreview', 'approved', 'draft'),
  test_manual: simple('awaitingautomation', 'ready'),
  gherkin_test: simple('awaitingautomation', 'ready'),
  test_automated: simple('awaitingautomation', 'ready'),
  test_suite: simple('awaitingautomation', 'ready'),
}
