import type { AlmTypeModel } from './model.ts'
import { type Clause, type Comparison, comparisonOf } from './query.ts'
import { type AlmRelation, relationsOf } from './relations.ts'
import type { AlmRecord, AlmStore } from './store.ts'

/**
 * Filters that reach through a reference: `{release.name['Release 4*']}`. Of several aliases to one entity type in a
 * request the first stands for all, as on the real server, which then finds the wrong rows without a word.
 */
export class CrossFilters {
  readonly #store: AlmStore
  readonly #model: AlmTypeModel

  constructor(store: AlmStore, model: AlmTypeModel) {
    this.#store = store
    this.#model = model
  }

  /** How `alias.field` is compared; undefined: there is no such alias or field. */
  comparisonOf(name: string): Comparison | undefined {
    const [alias = '', field = ''] = name.split('.')
    const relation = this.#relation(alias)
    if (relation === undefined) return undefined
    if (field === 'inclusive-filter') return 'text'
    return comparisonOf(this.#store.types.get(relation.target)?.fields.find((one) => one.name === field))
  }

  /** Whether a record has related ones that pass all clauses about them, or has none, where the filter is exclusive. */
  test(clauses: readonly Clause[]): (record: AlmRecord) => boolean {
    const byTarget = new Map<string, { relation: AlmRelation; clauses: Clause[]; inclusive: boolean }>()
    for (const clause of clauses) {
      const [alias = '', field = ''] = clause.field.split('.')
      const relation = this.#relation(alias)
      if (relation === undefined) continue
      const group = byTarget.get(relation.target) ?? { relation, clauses: [], inclusive: true }
      byTarget.set(relation.target, group)
      if (field === 'inclusive-filter') group.inclusive = clause.test('true')
      else group.clauses.push({ ...clause, field })
    }
    const groups = [...byTarget.values()]
    return (record) =>
      groups.every(
        ({ relation, clauses: own, inclusive }) =>
          this.#related(relation, record).some((one) =>
            own.every((clause) => clause.test(one[clause.field] ?? null)),
          ) === inclusive,
      )
  }

  #relation(alias: string): AlmRelation | undefined {
    return relationsOf(this.#model).find((one) => one.aliases.some(({ name }) => name === alias))
  }

  #related(relation: AlmRelation, record: AlmRecord): AlmRecord[] {
    const ids = [record[relation.field.name] ?? []].flat()
    const rows = this.#store.types.has(relation.target) ? this.#store.rows(relation.target) : null
    return ids.flatMap((id): AlmRecord[] => {
      const found = rows?.get(Number(id))
      return found === undefined ? [] : [found]
    })
  }
}
