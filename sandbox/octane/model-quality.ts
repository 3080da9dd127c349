import {
  type FieldModel,
  flag,
  listOf,
  memo,
  named,
  reference,
  system,
  type TypeModel,
  text,
  time,
  whole,
} from './field-models.ts'

const written: readonly FieldModel[] = [
  ...named,
  memo('description', 'Description'),
  text('subtype', 'Subtype', { editable: false }),
  reference('author', 'Author', 'workspace_user', { final: true }),
  reference('owner', 'Owner', 'workspace_user'),
  reference('product_areas', 'Application modules', 'product_area', { multiple: true }),
  reference('user_tags', 'Tags', 'user_tag', { multiple: true }),
  flag('has_attachments', 'Has attachments', { editable: false, served: true }),
  flag('has_comments', 'Has comments', { editable: false, served: true }),
  reference('attachments', 'Attachments', 'attachment', { multiple: true, editable: false, served: true }),
  reference('comments', 'Comments', 'comment', { multiple: true, editable: false, served: true }),
]

const requirement: readonly FieldModel[] = [...written, reference('parent', 'Parent', 'requirement')]

const testFields: readonly FieldModel[] = [
  ...written,
  reference('phase', 'Phase', 'phase', { required: true }),
  listOf('test_type', 'Test type', 'list_node.test_type', { multiple: true }),
  reference('covered_content', 'Covered items', 'work_item', { multiple: true }),
  whole('estimated_duration', 'Estimated duration (minutes)'),
]

const test = (name: string, collection: string, label: string, more: readonly FieldModel[] = []): TypeModel => ({
  name,
  collection,
  label,
  base: 'test',
  writable: true,
  fields: [...testFields, ...more],
})

const run = (name: string, collection: string, label: string, writable: boolean): TypeModel => ({
  name,
  collection,
  label,
  base: 'run',
  writable,
  fields: [
    ...written.filter((field) => field.name !== 'product_areas'),
    reference('test', 'Test', 'test', { required: true, final: true }),
    reference('release', 'Release', 'release'),
    listOf('native_status', 'Native status', 'list_node.run_native_status'),
    listOf('status', 'Status', 'list_node.run_status'),
    time('started', 'Started'),
    whole('duration', 'Duration (milliseconds)'),
    whole('steps_num', 'Steps'),
    flag('draft_run', 'Draft'),
    reference('run_by', 'Run by', 'workspace_user'),
  ],
})

/** What a comment or an attachment can belong to: one of these, and for good. */
const owners: readonly FieldModel[] = [
  reference('owner_work_item', 'Work item', 'work_item', { final: true }),
  reference('owner_requirement', 'Requirement', 'requirement', { final: true }),
  reference('owner_test', 'Test', 'test', { final: true }),
  reference('owner_task', 'Task', 'task', { final: true }),
  reference('owner_run', 'Run', 'run', { final: true }),
  reference('owner_bdd_spec', 'BDD specification', 'bdd_spec', { final: true }),
]

/** Requirements, tests, their runs, and what people add to records. */
export const qualityTypes: readonly TypeModel[] = [
  {
    name: 'requirement_root',
    collection: 'requirement_roots',
    label: 'Requirement root',
    base: 'requirement',
    writable: false,
    fields: requirement,
  },
  {
    name: 'requirement_folder',
    collection: 'requirement_folders',
    label: 'Requirement folder',
    base: 'requirement',
    writable: true,
    fields: requirement,
  },
  {
    name: 'requirement_document',
    collection: 'requirement_documents',
    label: 'Requirement document',
    base: 'requirement',
    writable: true,
    fields: [
      ...requirement,
      reference('phase', 'Phase', 'phase', { required: true }),
      reference('release', 'Release', 'release'),
    ],
  },
  test('test_manual', 'manual_tests', 'Manual test'),
  test('gherkin_test', 'gherkin_tests', 'Gherkin test'),
  test('test_automated', 'automated_tests', 'Automated test', [
    text('class_name', 'Class name'),
    text('package', 'Package'),
  ]),
  test('test_suite', 'test_suites', 'Test suite'),
  run('run_manual', 'manual_runs', 'Manual run', true),
  run('run_suite', 'suite_run', 'Suite run', true),
  run('run_automated', 'automated_runs', 'Automated run', false),
  {
    name: 'bdd_spec',
    collection: 'bdd_specs',
    label: 'BDD specification',
    base: null,
    writable: true,
    fields: written,
  },
  {
    name: 'comment',
    collection: 'comments',
    label: 'Comment',
    base: null,
    writable: true,
    dependent: true,
    fields: [
      ...system,
      memo('text', 'Text'),
      reference('author', 'Author', 'workspace_user', { editable: false }),
      reference('mention_user', 'Mentions', 'workspace_user', { multiple: true }),
      ...owners,
    ],
  },
  {
    name: 'attachment',
    collection: 'attachments',
    label: 'Attachment',
    base: null,
    writable: true,
    dependent: true,
    fields: [
      ...named,
      // No memo: it is kept as it was written.
      text('description', 'Description'),
      whole('size', 'Size', { editable: false }),
      reference('author', 'Author', 'workspace_user', { editable: false }),
      ...owners,
      reference('owner_release', 'Release', 'release', { final: true }),
    ],
  },
]
