import type { FieldModel } from './field-models.ts'
import { Refusal } from './refusal.ts'
import type { Entity, OctaneStore, Reference, WriteContext } from './store.ts'
import { namesRecord } from './values.ts'
import { roots } from './workflow.ts'

/** Where a record stands that names no parent: below the one root of its tree; null: nowhere. */
export function defaultParent(store: OctaneStore, type: string): Reference | null {
  if (type === 'product_area') {
    const root = [...store.rows(type).values()].find((area) => area.parent === null)
    return root === undefined ? null : { type, id: root.id }
  }
  const kind = roots[type]
  const [root] = kind === undefined ? [] : store.rows(kind).values()
  return root === undefined ? null : { type: root.type, id: root.id }
}

/** Nothing keeps pointing to what is deleted: children as the switch says, what belongs to it goes, references are cleared. */
export function releasePointing(store: OctaneStore, type: string, id: string, context: WriteContext): void {
  const bases = [type, store.model(type).base]
  const doomed = store.rows(type).get(id)
  if (type === 'product_area' && doomed?.parent === null)
    throw new Refusal(
      403,
      store.switches.forbiddenCode,
      'The root of the application modules cannot be deleted.',
      { entity_type: type, entity_id: id },
      true,
    )
  const pointing = store.types.all().flatMap((model) => {
    const fields = model.fields.filter(
      (field) => field.target !== undefined && field.served !== true && bases.includes(field.target),
    )
    if (fields.length === 0) return []
    return rowsAbout(store, model.name, doomed).flatMap((row) => {
      const named = fields.filter((field) => namesRecord(row[field.name], type, id))
      return named.length === 0 ? [] : [{ model, row, named }]
    })
  })
  const isChild = (named: readonly FieldModel[]) => named.some((field) => field.name === 'parent')
  const belongs = ({ model, named }: (typeof pointing)[number]) =>
    (model.dependent === true && named.some((field) => field.name === 'story' || field.name.startsWith('owner_'))) ||
    named.some((field) => field.final === true && field.required === true)
  if (store.switches.deleteParent === 'refuse' && pointing.some(({ named }) => isChild(named)))
    throw new Refusal(
      409,
      'platform.entity_has_children',
      `The entity '${type}' with id '${id}' has children and cannot be deleted.`,
      { entity_type: type, entity_id: id },
      true,
    )
  for (const one of pointing) {
    const { model, row, named } = one
    if (belongs(one) || (isChild(named) && store.switches.deleteParent === 'delete')) {
      if (store.rows(model.name).has(row.id)) store.delete(model.name, row.id, context)
      continue
    }
    const cleared = named.map((field) => [
      field.name,
      field.multiple === true
        ? { data: (row[field.name] as Reference[]).filter((one) => !(one.type === type && one.id === id)) }
        : field.name === 'parent'
          ? defaultParent(store, model.name)
          : null,
    ])
    store.update(model.name, row.id, Object.fromEntries(cleared), { ...context, via: 'control' })
  }
}

/** The rows of a type that may point to a record: those it lists itself, where it does, else all. */
function rowsAbout(store: OctaneStore, type: string, record: Entity | undefined): Entity[] {
  const listed = type === 'comment' || type === 'attachment' ? record?.[`${type}s`] : undefined
  if (!Array.isArray(listed)) return [...store.rows(type).values()]
  return (listed as Reference[]).flatMap((one) => store.rows(type).get(one.id) ?? [])
}

/** The record that a comment or attachment belongs to. */
export function ownerOf(store: OctaneStore, row: Entity): Entity | undefined {
  for (const [name, value] of Object.entries(row))
    if (name.startsWith('owner_') && value !== null) {
      const { type, id } = value as Reference
      return store.find(type, id)
    }
  return undefined
}

/** What the owner of a comment or attachment shows of it from now on; its stamps, too, where the switch says so. */
export function ownerChange(store: OctaneStore, owner: Entity, row: Entity, gone: boolean): Record<string, unknown> {
  const relation = row.type === 'comment' ? 'comments' : 'attachments'
  const others = ((owner[relation] ?? []) as Reference[]).filter((one) => one.id !== row.id)
  const those = gone ? others : [...others, { type: row.type, id: row.id }]
  const bumps = row.type === 'comment' ? store.switches.commentsBumpItem : store.switches.attachmentsBumpItem
  return {
    ...(relation in owner ? { [relation]: those } : {}),
    ...(`has_${relation}` in owner ? { [`has_${relation}`]: those.length > 0 } : {}),
    ...(bumps === 'yes' ? { last_modified: store.stamp(), version_stamp: Number(owner.version_stamp) + 1 } : {}),
  }
}

/** Makes the sprints of a new scrum release, each as long as it says, the last one to its end; where the switch says so. */
export function addSprints(store: OctaneStore, release: Entity, context: WriteContext): void {
  const type = release.agile_type as Reference | null | undefined
  const scrum = store.find('list_node', 'list_node.release_agile_type.scrum')
  const days = Number(release.sprint_duration ?? 0)
  if (store.switches.sprintsOfRelease === 'no' || type?.id !== scrum?.id || days < 1) return
  const end = Date.parse(String(release.end_date))
  let number = 1
  for (let from = Date.parse(String(release.start_date)); from < end; from += days * 86_400_000) {
    const body = {
      name: `Sprint ${number++}`,
      release: { type: 'release', id: release.id },
      start_date: store.stamp(from),
      end_date: store.stamp(Math.min(from + days * 86_400_000, end)),
    }
    store.create('sprint', body, { ...context, via: 'control' })
  }
}
