export const permissionActions = ['read', 'create', 'update', 'delete', 'lock'] as const
export type PermissionAction = (typeof permissionActions)[number]

/** Whom and what a rule is about; what is left out stands for all. */
export interface PermissionRule {
  /** Login, or client id of an API key; upper and lower case are the same. */
  user?: string
  /** Entity type, such as `defect`. */
  type?: string
  action?: PermissionAction
}

/** Records of a type that a user is not shown, as by a data-hiding filter: lists leave them out, by id they do not exist. */
export interface HiddenRecords {
  user?: string
  type: string
  ids: readonly string[]
}

/** A field of a type that a user's roles do not show. */
export interface HiddenField {
  user?: string
  type: string
  field: string
}

interface Decision extends PermissionRule {
  allowed: boolean
}

/** Who may do what. Everything is allowed until something is denied; of the rules that fit, the last one counts. */
export class Permissions {
  readonly #rules: Decision[] = []
  readonly #fields: HiddenField[] = []
  readonly #records: (Omit<HiddenRecords, 'ids'> & { ids: ReadonlySet<string> })[] = []
  readonly #shutOut = new Set<string>()
  /** The whole project or workspace does not exist (any more), for anybody. */
  vanished = false

  deny(rule: PermissionRule): void {
    this.#rules.push({ ...rule, allowed: false })
  }

  /** Allows again, also a part of what an earlier rule denied. */
  allow(rule: PermissionRule): void {
    this.#rules.push({ ...rule, allowed: true })
  }

  hideField(hidden: HiddenField): void {
    this.#fields.push(hidden)
  }

  hideRecords({ ids, ...rest }: HiddenRecords): void {
    this.#records.push({ ...rest, ids: new Set(ids) })
  }

  /** Takes a user's access to the whole project or workspace away; signing in still works. */
  shutOut(user: string): void {
    this.#shutOut.add(user.toLowerCase())
  }

  /** Gives the access back. */
  letIn(user: string): void {
    this.#shutOut.delete(user.toLowerCase())
  }

  /** Everybody may do and see everything again, and the project is there. */
  clear(): void {
    this.#rules.length = 0
    this.#fields.length = 0
    this.#records.length = 0
    this.#shutOut.clear()
    this.vanished = false
  }

  /** What differs from "everything is allowed". */
  list(): {
    vanished: boolean
    shutOut: string[]
    rules: Decision[]
    hiddenFields: HiddenField[]
    hiddenRecords: HiddenRecords[]
  } {
    return {
      vanished: this.vanished,
      shutOut: [...this.#shutOut],
      rules: [...this.#rules],
      hiddenFields: [...this.#fields],
      hiddenRecords: this.#records.map((one) => ({ ...one, ids: [...one.ids] })),
    }
  }

  may(user: string, type: string, action: PermissionAction): boolean {
    const fitting = this.#rules.findLast(
      (rule) => isFor(rule, user) && (rule.type ?? type) === type && (rule.action ?? action) === action,
    )
    return fitting?.allowed ?? true
  }

  mayEnter(user: string): boolean {
    return !this.#shutOut.has(user.toLowerCase())
  }

  /** Fields of the type that the user is not shown; null: none, the usual case. */
  hiddenFields(user: string, type: string): ReadonlySet<string> | null {
    const names = this.#fields.filter((one) => one.type === type && isFor(one, user)).map((one) => one.field)
    return names.length === 0 ? null : new Set(names)
  }

  sees(user: string, type: string, id: string): boolean {
    return !this.#records.some((one) => one.type === type && isFor(one, user) && one.ids.has(id))
  }
}

function isFor(rule: { user?: string }, user: string): boolean {
  return rule.user === undefined || rule.user.toLowerCase() === user.toLowerCase()
}
