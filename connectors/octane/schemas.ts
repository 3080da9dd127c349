import type { EntityMetadata, FieldOption } from '../../core/metadata.ts'
import { type CallOptions, ConnectorError } from '../contract.ts'
import { quoted } from './codec.ts'
import type { OctaneCalls } from './connector.ts'
import { entityMetadata, listedTargets, type OctaneField, type WireField, wireField } from './schema.ts'

/** What the workspace's types are made of, read once and shared: fields, items of lists, phases, and short lists of records. */
export function createSchemas({ name, get, all }: Pick<OctaneCalls, 'name' | 'get' | 'all'>) {
  const schemas = new Map<string, Promise<ReadonlyMap<string, WireField>>>()
  const described = new Map<string, EntityMetadata>()

  async function loadSchema(entityType: string, call: CallOptions = {}): Promise<ReadonlyMap<string, WireField>> {
    const { data } = await get('/metadata/fields', { query: `"entity_name EQ '${entityType}'"` }, call)
    const fields = data as unknown as OctaneField[]
    if (fields.length === 0)
      throw new ConnectorError({
        class: 'schema',
        code: 'unknown-type',
        message: `${name} describes no fields of "${entityType}".`,
        remedy: 'Check that the user may read this type.',
      })
    const lists = new Set<string>()
    const targets = new Set<string>()
    for (const field of fields) {
      const [target] = field.field_type_data?.targets ?? []
      if (target?.type === 'list_node' && target.logical_name !== undefined) lists.add(target.logical_name)
      else if (target !== undefined && (target.type === 'phase' || target.type in listedTargets))
        targets.add(target.type)
    }
    const options = new Map<string, FieldOption[]>()
    const root = fields.some((field) => field.name === 'parent') ? await rootId(call) : null
    await Promise.all([
      ...[...lists].map(async (list) => {
        options.set(list, await listOptions(list, call))
      }),
      ...[...targets].map(async (target) => {
        options.set(
          target,
          target === 'phase' ? await phaseOptions(entityType, call) : await targetOptions(target, call),
        )
      }),
    ])
    const wired = fields.map((field) => {
      const [target] = field.field_type_data?.targets ?? []
      return wireField(entityType, field, options.get(target?.logical_name ?? target?.type ?? '') ?? null, root)
    })
    described.set(entityType, entityMetadata(entityType, entityType, wired))
    return new Map(wired.map((field) => [field.metadata.name, field]))
  }

  /** The one record above all work items; null: the workspace shows none. */
  async function rootId(call: CallOptions): Promise<string | null> {
    const { data } = await get('/work_item_roots', { fields: 'id', limit: '1' }, call)
    return data[0] === undefined ? null : String(data[0].id)
  }

  async function listOptions(list: string, call: CallOptions): Promise<FieldOption[]> {
    const rows = await all(
      '/list_nodes',
      {
        query: `"list_root EQ {logical_name EQ ${quoted(list)}}"`,
        fields: 'name,logical_name,index',
        order_by: 'index',
      },
      call,
    )
    return rows.map((row) => ({ value: String(row.id), label: String(row.name), active: true }))
  }

  async function phaseOptions(entityType: string, call: CallOptions): Promise<FieldOption[]> {
    const rows = await all(
      '/phases',
      { query: `"entity EQ ${quoted(entityType)}"`, fields: 'name,logical_name,index', order_by: 'index' },
      call,
    )
    return rows.map((row) => ({ value: String(row.id), label: String(row.name), active: true }))
  }

  async function targetOptions(target: string, call: CallOptions): Promise<FieldOption[]> {
    const known = listedTargets[target]
    if (known === undefined) return []
    const fields = known.parent === null ? 'name' : `name,${known.parent}`
    const [rows, parents] = await Promise.all([
      all(`/${known.collection}`, { fields, order_by: 'id' }, call),
      known.parent === null ? [] : targetOptions(known.parent, call),
    ])
    const parentLabels = new Map(parents.map((parent) => [parent.value, parent.label]))
    return rows.map((row) => {
      const parent = known.parent === null ? null : (row[known.parent] as { id?: string } | null)
      const parentLabel = parent?.id === undefined ? undefined : parentLabels.get(parent.id)
      return {
        value: String(row.id),
        label: String(row.name),
        active: true,
        ...(parentLabel === undefined ? {} : { parentLabel }),
      }
    })
  }

  function schema(entityType: string): Promise<ReadonlyMap<string, WireField>> {
    const known = schemas.get(entityType)
    if (known !== undefined) return known
    // Shared by everybody who asks meanwhile, so no caller's abort may end it.
    const loading = loadSchema(entityType)
    schemas.set(entityType, loading)
    loading.catch(() => schemas.delete(entityType))
    return loading
  }

  async function describe(entityType: string, call: CallOptions = {}): Promise<EntityMetadata> {
    const fresh = loadSchema(entityType, call)
    await fresh
    schemas.set(entityType, fresh)
    const metadata = described.get(entityType)
    if (metadata === undefined) throw new Error('a loaded schema has metadata')
    return metadata
  }

  return { schema, describe, metadata: (entityType: string) => described.get(entityType) }
}
