import type { AlmIndexes } from './indexes.ts'
import { type AlmTypeModel, isRoot } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmRecord, AlmStored } from './store.ts'
import type { AlmSwitchValues } from './switches.ts'

/** What trees need to know of the project. */
interface Forest {
  readonly switches: AlmSwitchValues
  readonly indexes: AlmIndexes
  model(type: string): AlmTypeModel
  rows(type: string): Map<number, AlmRecord>
}

const refused = (title: string) => new AlmRefusal(500, 'qccore.general-error', title)

/**
 * Trees of records: parents, order among siblings, and paths of three letters per level. What follows from a change (paths
 * and names of parents below, numbers of sons above) raises no stamps of its own, but for the parent's version stamp.
 */
export class AlmTrees {
  readonly #forest: Forest
  readonly #places = new Map<string, { path: number; order: number }>()

  constructor(forest: Forest) {
    this.#forest = forest
  }

  /** Refuses parents that are not there, below the record itself, or not allowed; and the name of a sibling. */
  check(model: AlmTypeModel, before: AlmRecord | null, after: AlmRecord): void {
    if (model.parent === undefined) return
    const moved = before === null || before['parent-id'] !== after['parent-id']
    if (moved) this.#checkParent(model, before, after)
    if (moved || before.name !== after.name) this.#checkSiblings(model, after)
  }

  #checkParent(model: AlmTypeModel, before: AlmRecord | null, after: AlmRecord): void {
    const parentType = this.#forest.model(model.parent ?? '')
    if (before !== null && isRoot(model, before))
      throw new AlmRefusal(403, 'qccore.operation-forbidden', 'The root cannot be moved')
    const parent = this.#parentOf(model, after)
    if (parent === undefined)
      throw refused(`Entity with key '${after['parent-id']}' does not exist in table '${parentType.table}'`)
    if (before !== null && model.parent === model.name)
      for (let above: AlmRecord | undefined = parent; above !== undefined; above = this.#parentOf(model, above))
        if (above.id === before.id) throw refused('An entity cannot be moved below itself')
    if (model.subtypes === undefined || this.#forest.switches.requirementParents === 'any') return
    // A folder stands in folders only, and what is no folder or group holds its own type only.
    const [own, above] = [Number(after['type-id']), Number(parent['type-id'])]
    if (own === 1 ? above !== 1 : above !== 1 && above !== 2 && above !== own)
      throw new AlmRefusal(
        403,
        'qccore.operation-forbidden',
        'The type of the requirement is not allowed below its parent',
      )
  }

  #checkSiblings(model: AlmTypeModel, after: AlmRecord): void {
    if (model.siblings !== true || this.#forest.switches.siblingNames === 'free') return
    const name = String(after.name).toLowerCase()
    const rows = this.#forest.rows(model.name)
    for (const id of this.#forest.indexes.childrenOf(model.name, Number(after['parent-id'])))
      if (String(id) !== after.id && String(rows.get(id)?.name).toLowerCase() === name)
        throw new AlmRefusal(
          Number(this.#forest.switches.existsStatus),
          'qccore.entity-already-exists',
          `An entity of type '${model.name}' with the name '${after.name}' already exists in this folder`,
        )
  }

  /** Fills in what the server keeps of a place in a tree: path, order, name of the parent. */
  place(model: AlmTypeModel, before: AlmRecord | null, after: AlmRecord): void {
    if (model.parent === undefined) return
    const moved = before === null || before['parent-id'] !== after['parent-id']
    const parent = this.#parentOf(model, after)
    const has = (name: string) => model.fields.some((field) => field.name === name)
    if (moved && has('father-name')) after['father-name'] = parent?.name ?? null
    if (moved && has('hierarchical-path')) after['hierarchical-path'] = this.#newPath(model, parent)
    if (!has('order-id')) return
    const last = this.#last(model, Number(after['parent-id']))
    if (moved && (before !== null || after['order-id'] === null)) after['order-id'] = String(last.order + 1)
    else if (before?.['order-id'] !== after['order-id']) this.#makeRoom(model, after)
    last.order = Math.max(last.order, Number(after['order-id']))
  }

  /** Forgets which places were given out. */
  clear(): void {
    this.#places.clear()
  }

  /** Carries a written record's change on to those above and below it. */
  follow(model: AlmTypeModel, before: AlmRecord | null, after: AlmRecord | null): void {
    if (before?.['parent-id'] !== after?.['parent-id'])
      for (const parentId of [before?.['parent-id'], after?.['parent-id']]) this.#raise(model, parentId)
    if (before === null || after === null) return
    if (before.name !== after.name && 'father-name' in after)
      for (const child of [...this.#childrenIn(model, Number(after.id))])
        this.#change(model, child, { 'father-name': after.name ?? null })
    if (before['hierarchical-path'] !== after['hierarchical-path']) this.#carryPath(model, after)
  }

  #carryPath(model: AlmTypeModel, parent: AlmRecord): void {
    for (const child of [...this.#childrenIn(model, Number(parent.id))]) {
      const own = String(child['hierarchical-path']).slice(-3)
      const path = { 'hierarchical-path': `${parent['hierarchical-path']}${own}` }
      this.#carryPath(model, this.#change(model, child, path))
    }
  }

  /** A child that comes, goes or moves raises the version stamp of the record above it, and nothing else there. */
  #raise(model: AlmTypeModel, parentId: AlmStored | undefined): void {
    if (model.parent === undefined || typeof parentId !== 'string') return
    const parent = this.#forest.rows(model.parent).get(Number(parentId))
    if (parent === undefined) return
    const sons = model.parent === model.name ? this.#forest.indexes.childrenOf(model.name, Number(parentId)).size : 0
    this.#change(this.#forest.model(model.parent), parent, {
      'ver-stamp': String(Number(parent['ver-stamp']) + 1),
      ...('no-of-sons' in parent ? { 'no-of-sons': String(sons) } : {}),
    })
  }

  #change(model: AlmTypeModel, record: AlmRecord, fields: AlmRecord): AlmRecord {
    const changed = { ...record, ...fields }
    this.#forest.rows(model.name).set(Number(record.id), changed)
    return changed
  }

  #makeRoom(model: AlmTypeModel, record: AlmRecord): void {
    const place = Number(record['order-id'])
    const siblings = [...this.#childrenIn(model, Number(record['parent-id']))].filter((one) => one.id !== record.id)
    if (!siblings.some((one) => Number(one['order-id']) === place)) return
    for (const one of siblings)
      if (Number(one['order-id']) >= place)
        this.#change(model, one, { 'order-id': String(Number(one['order-id']) + 1) })
  }

  #newPath(model: AlmTypeModel, parent: AlmRecord | undefined): string {
    if (parent === undefined) return 'AAA'
    const last = this.#last(model, Number(parent.id))
    last.path++
    return `${String(parent['hierarchical-path'] ?? '')}${numberToLetters(last.path)}`
  }

  /** The last letters and order number given out below a parent: those of records that went do not come again. */
  #last(model: AlmTypeModel, parentId: number): { path: number; order: number } {
    const key = `${model.name}:${parentId}`
    const known = this.#places.get(key)
    if (known !== undefined) return known
    const last = { path: -1, order: 0 }
    for (const child of this.#childrenIn(model, parentId)) {
      last.path = Math.max(last.path, lettersToNumber(String(child['hierarchical-path'] ?? '').slice(-3)))
      last.order = Math.max(last.order, Number(child['order-id'] ?? 0))
    }
    this.#places.set(key, last)
    return last
  }

  *#childrenIn(model: AlmTypeModel, parentId: number): Iterable<AlmRecord> {
    if (model.parent !== model.name) return
    const rows = this.#forest.rows(model.name)
    for (const id of this.#forest.indexes.childrenOf(model.name, parentId)) {
      const record = rows.get(id)
      if (record !== undefined) yield record
    }
  }

  #parentOf(model: AlmTypeModel, record: AlmRecord): AlmRecord | undefined {
    const id = record['parent-id']
    return typeof id === 'string' && model.parent !== undefined
      ? this.#forest.rows(model.parent).get(Number(id))
      : undefined
  }
}

function lettersToNumber(letters: string): number {
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 65, 0)
}

function numberToLetters(number: number): string {
  return [676, 26, 1].map((unit) => String.fromCharCode(65 + (Math.floor(number / unit) % 26))).join('')
}
