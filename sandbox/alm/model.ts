import { attachment } from './types/attachment.ts'
import { defect } from './types/defect.ts'
import { favorite, favoriteFolder } from './types/favorites.ts'
import { defectLink, reqTrace, requirementCoverage } from './types/links.ts'
import { cycle, folder, milestone, release } from './types/releases.ts'
import { requirement } from './types/requirement.ts'
import { run, test, testFolder, testInstance, testSet, testSetFolder } from './types/tests.ts'

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
  /** Needed to create a record although customization does not say so. */
  needed?: boolean
  /** Of the sandbox alone: in its records and the truth log, never on the wire. */
  internal?: boolean
  /** A memo that is no HTML, and stays as it is. */
  verbatim?: boolean
  verify?: boolean
  multiple?: boolean
  user?: boolean
}

/** A type within a type: requirements have one each. */
export interface AlmSubtype {
  id: number
  name: string
  /** Whether tests can cover it. */
  coverage: boolean
  /** The subtype that a new child gets in the clients. */
  defaultChild: number
  /** Fields of the entity type that it does not have. */
  without?: readonly string[]
  /** Fields that only it requires. */
  requires?: readonly string[]
}

export interface AlmTypeModel {
  name: string
  collection: string
  label: string
  table: string
  fields: readonly AlmFieldModel[]
  /** Whether the type has a time of its last change. */
  modified: boolean
  /** The field that holds it, where that is not `last-modified`. */
  modifiedField?: string
  history: boolean
  lock: boolean
  /** The type whose id stands in `parent-id`. */
  parent?: string
  /** Id and name of the record above all others, whose parent is nobody: -1, or 0 where no record has that id. */
  root?: { id: number; name: string; parent: '-1' | '0' }
  /** Whether names are unique among the children of one parent. */
  siblings?: boolean
  /** The field that says whether there are attachments; not given: the type has none. */
  attachments?: 'attachment' | 'has-attachments'
  /** Somebody's own, unless it is public. */
  owned?: boolean
  /** Under version control, where the project is. */
  versioned?: boolean
  subtypes?: readonly AlmSubtype[]
}

export const almTypes: readonly AlmTypeModel[] = [
  defect,
  requirement,
  release,
  cycle,
  folder,
  milestone,
  testFolder,
  test,
  testSetFolder,
  testSet,
  testInstance,
  run,
  defectLink,
  reqTrace,
  requirementCoverage,
  attachment,
  favoriteFolder,
  favorite,
]

/** Whether a record stands above all others of its type: it is given with the project, or one of the roots of favorites. */
export function isRoot(model: AlmTypeModel, record: { id?: unknown; 'parent-id'?: unknown }): boolean {
  return record['parent-id'] === '-1' || (model.root !== undefined && record.id === String(model.root.id))
}

/** Whether records can be counted by a field's values: those that come from a list, a user or another record. */
export function isGroupable(field: AlmFieldModel): boolean {
  return field.type === 'LookupList' || field.type === 'UsersList' || field.type === 'Reference'
}

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
