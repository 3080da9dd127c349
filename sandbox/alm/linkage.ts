import type { AlmTypeModel } from './model.ts'
import { AlmRefusal } from './refusal.ts'
import type { AlmRecord } from './store.ts'

interface Linked {
  readonly types: ReadonlyMap<string, AlmTypeModel>
  rows(type: string): ReadonlyMap<number, AlmRecord>
  keep(type: string, id: string, fields: AlmRecord): void
}

/** Keeps what records know of the links they are in (`has-linkage`, coverage), without a stamp of their own. */
export class AlmLinks {
  readonly #project: Linked

  constructor(project: Linked) {
    this.#project = project
  }

  /** Ids of the defect links whose second end is a record. */
  to(type: string, id: string): ReadonlySet<string> {
    const found = new Set<string>()
    for (const link of this.#project.rows('defect-link').values())
      if (link['second-endpoint-type'] === type && link['second-endpoint-id'] === id) found.add(String(link.id))
    return found
  }

  /** Fills in what a new link shows of its second end; throws where that is not there. */
  complete(model: AlmTypeModel, link: AlmRecord): void {
    if (model.name === 'requirement-coverage') {
      const covering = this.#project.rows('test').get(Number(link['test-id']))
      link['entity-name'] = covering?.name ?? null
      link.status = covering?.['exec-status'] ?? null
    }
    const [type, id] = [link['second-endpoint-type'], link['second-endpoint-id']]
    if (model.name !== 'defect-link' || typeof type !== 'string' || typeof id !== 'string') return
    const target = this.#project.types.get(type)
    if (target === undefined)
      throw new AlmRefusal(400, 'qccore.invalid-list-field-value', `The entity type '${type}' does not exist`)
    const end = this.#project.rows(type).get(Number(id))
    if (end === undefined)
      throw new AlmRefusal(
        500,
        'qccore.general-error',
        `Entity with key '${id}' does not exist in table '${target.table}'`,
      )
    link['second-endpoint-name'] = end.name ?? null
    link['second-endpoint-status'] = end.status ?? null
  }

  follow(model: AlmTypeModel, before: AlmRecord | null, after: AlmRecord | null): void {
    if (model.name === 'requirement-coverage')
      for (const link of [before, after]) if (link !== null) this.#covered(String(link['requirement-id']))
    if (model.name !== 'defect-link' && model.name !== 'req-trace') return
    for (const link of [before, after])
      if (link !== null) for (const [type, id] of ends(model.name, link)) this.#linked(type, id)
  }

  #linked(type: string, id: string): void {
    if (type !== 'defect' && type !== 'requirement') return
    const linked = ['defect-link', 'req-trace'].some((links) =>
      [...this.#project.rows(links).values()].some((link) =>
        ends(links, link).some(([kind, end]) => kind === type && end === id),
      ),
    )
    this.#project.keep(type, id, { 'has-linkage': linked ? 'Y' : 'N' })
  }

  #covered(requirementId: string): void {
    const covered = [...this.#project.rows('requirement-coverage').values()].some(
      (one) => one['requirement-id'] === requirementId,
    )
    this.#project.keep('requirement', requirementId, { status: covered ? 'No Run' : 'Not Covered' })
  }
}

function ends(links: string, link: AlmRecord): [string, string][] {
  return links === 'req-trace'
    ? [
        ['requirement', String(link['from-req-id'])],
        ['requirement', String(link['to-req-id'])],
      ]
    : [
        ['defect', String(link['first-endpoint-id'])],
        [String(link['second-endpoint-type']), String(link['second-endpoint-id'])],
      ]
}
