import { AlmRefusal } from './refusal.ts'

/** Item of a list; those of trees have items of their own. */
export interface AlmListItem {
  value: string
  items?: readonly AlmListItem[]
}

export interface AlmList {
  id: number
  name: string
  /** Delivered lists have one. */
  logical: string | null
  items: readonly AlmListItem[]
}

const items = (...values: string[]): AlmListItem[] => values.map((value) => ({ value }))

/** Lists with their ids, which differ from project to project. */
const deliveredLists: readonly AlmList[] = [
  { id: 1, name: 'YesNo', logical: 'hp.platform.yes-no', items: items('N', 'Y') },
  { id: 35, name: 'Versions', logical: 'hp.platform.versions', items: [] },
  { id: 36, name: 'All Projects', logical: 'hp.qc.all-projects', items: [] },
  {
    id: 270,
    name: 'Bug Status',
    logical: 'hp.qc.bug-status',
    items: items('Closed', 'Fixed', 'New', 'Open', 'Rejected', 'Reopen'),
  },
  {
    id: 279,
    name: 'Severity',
    logical: 'hp.qc.severity',
    items: items('1-Low', '2-Medium', '3-High', '4-Very High', '5-Urgent'),
  },
  {
    id: 280,
    name: 'Priority',
    logical: 'hp.qc.priority',
    items: items('1-Low', '2-Medium', '3-High', '4-Very High', '5-Urgent'),
  },
  {
    id: 1001,
    name: 'Customer impact',
    logical: null,
    items: items('None', 'Some customers', 'Key account', 'All customers'),
  },
  { id: 1002, name: 'Browsers', logical: null, items: items('Firefox', 'Chrome', 'Safari', 'Edge') },
  { id: 282, name: 'Review Status', logical: 'hp.qc.review-status', items: items('Not Reviewed', 'Reviewed') },
  {
    id: 283,
    name: 'Coverage Status',
    logical: 'hp.qc.coverage-status',
    items: items('Blocked', 'Failed', 'N/A', 'No Run', 'Not Completed', 'Not Covered', 'Passed'),
  },
  { id: 284, name: 'Version Status', logical: 'hp.platform.version-status', items: items('Checked_In', 'Checked_Out') },
  { id: 285, name: 'Test Status', logical: 'hp.qc.test-status', items: items('Design', 'Imported', 'Ready', 'Repair') },
  { id: 286, name: 'Test Set Status', logical: 'hp.qc.test-set-status', items: items('Closed', 'Open') },
  {
    id: 287,
    name: 'Execution Status',
    logical: 'hp.qc.execution-status',
    items: items('Blocked', 'Failed', 'N/A', 'No Run', 'Not Completed', 'Passed'),
  },
  {
    id: 1003,
    name: 'Components',
    logical: null,
    items: [
      { value: 'Web', items: items('Shop', 'Search') },
      { value: 'Mobile', items: items('iOS', 'Android') },
      ...items('Core'),
    ],
  },
  { id: 288, name: 'Link Type', logical: 'hp.qc.link-type', items: items('Duplicate', 'Related') },
  {
    id: 289,
    name: 'Coverage Mode',
    logical: 'hp.qc.coverage-mode',
    items: items('All Configurations', 'Selected Configurations'),
  },
  // No field takes its values from this one.
  { id: 1004, name: 'Regions', logical: null, items: items('North', 'South') },
]

/** The lists of one project, which people change. */
export class AlmLists {
  #lists: readonly AlmList[]
  readonly #values = new Map<string, readonly string[]>()

  /** Ids of lists are higher in one project than in another; those of the oldest lists are the same in all. */
  constructor(higher: number) {
    this.#lists = deliveredLists.map((list) => (list.id < 100 ? list : { ...list, id: list.id + higher }))
  }

  all(): readonly AlmList[] {
    return this.#lists
  }

  named(name: string | undefined): AlmList | undefined {
    return this.#lists.find((one) => one.name === name)
  }

  /** The values of a list, those below others too; none where there is no such list. */
  values(name: string | undefined): readonly string[] {
    const known = this.#values.get(name ?? '')
    if (known !== undefined) return known
    const flat = (all: readonly AlmListItem[]): string[] => all.flatMap((one) => [one.value, ...flat(one.items ?? [])])
    const values = flat(this.named(name)?.items ?? [])
    this.#values.set(name ?? '', values)
    return values
  }

  add(id: number, value: string): AlmList {
    return this.#change(id, (list) => {
      if (value === '') throw new AlmRefusal(400, 'qccore.required-field-missing', "The field 'value' is required.")
      if (list.items.some((one) => one.value === value))
        throw new AlmRefusal(409, 'qccore.entity-already-exists', `The list already has an item '${value}'`)
      return [...list.items, { value }]
    })
  }

  /** Gives an item another text; records keep the old one. */
  rename(id: number, from: string, to: string): AlmList {
    return this.#change(id, (list) =>
      itemsWith(list, from).map((one) => (one.value === from ? { ...one, value: to } : one)),
    )
  }

  remove(id: number, value: string): AlmList {
    return this.#change(id, (list) => itemsWith(list, value).filter((one) => one.value !== value))
  }

  restore(lists: readonly AlmList[]): void {
    this.#lists = lists
    this.#values.clear()
  }

  #change(id: number, change: (list: AlmList) => readonly AlmListItem[]): AlmList {
    const list = this.#lists.find((one) => one.id === id)
    if (list === undefined) throw new AlmRefusal(404, 'qccore.entity-not-found', `List with ID '${id}' does not exist`)
    const changed = { ...list, items: change(list) }
    this.restore(this.#lists.map((one) => (one === list ? changed : one)))
    return changed
  }
}

function itemsWith(list: AlmList, value: string): readonly AlmListItem[] {
  if (list.items.some((one) => one.value === value)) return list.items
  throw new AlmRefusal(404, 'qccore.entity-not-found', `The list has no item '${value}'`)
}
