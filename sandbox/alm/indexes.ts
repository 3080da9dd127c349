import type { AlmTypeModel } from './model.ts'
import type { AlmRecord } from './store.ts'

/** Finds records by a user-defined text and by their parent, without looking at all of them. */
export class AlmIndexes {
  readonly #texts = new Map<string, Map<string, Set<number>>>()
  readonly #children = new Map<string, Map<number, Set<number>>>()

  /** Follows one write: a record that came, changed or went. */
  follow(model: AlmTypeModel, before: AlmRecord | null, after: AlmRecord | null): void {
    if (before !== null) this.#note(model, before, false)
    if (after !== null) this.#note(model, after, true)
  }

  byText(type: string, field: string, value: string): ReadonlySet<number> | undefined {
    return this.#texts.get(`${type}.${field}`)?.get(value.toLowerCase())
  }

  /** Ids of the records of a type below a parent. */
  childrenOf(type: string, parentId: number): ReadonlySet<number> {
    return this.#children.get(type)?.get(parentId) ?? none
  }

  /** Ids of the attachments of a record. */
  attachmentsOf(type: string, id: string): ReadonlySet<number> {
    return this.childrenOf(`attachment of ${type}`, Number(id))
  }

  clear(): void {
    this.#texts.clear()
    this.#children.clear()
  }

  #note(model: AlmTypeModel, record: AlmRecord, add: boolean): void {
    const id = Number(record.id)
    const turn = <K>(sets: Map<K, Set<number>>, key: K) => {
      const ids = sets.get(key) ?? new Set<number>()
      if (add) ids.add(id)
      else ids.delete(id)
      if (ids.size === 0) sets.delete(key)
      else sets.set(key, ids)
    }
    for (const field of model.fields) {
      if (field.user !== true || field.type !== 'String') continue
      const value = record[field.name]
      if (typeof value === 'string') turn(mapOf(this.#texts, `${model.name}.${field.name}`), value.toLowerCase())
    }
    const parent = record['parent-id']
    if (model.name === 'attachment')
      turn(mapOf(this.#children, `attachment of ${record['parent-type']}`), Number(parent))
    if (model.parent !== undefined && typeof parent === 'string')
      turn(mapOf(this.#children, model.name), Number(parent))
  }
}

const none: ReadonlySet<number> = new Set()

function mapOf<K>(maps: Map<string, Map<K, Set<number>>>, name: string): Map<K, Set<number>> {
  const map = maps.get(name) ?? new Map<K, Set<number>>()
  maps.set(name, map)
  return map
}
