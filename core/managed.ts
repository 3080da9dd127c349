import type { FieldMapping, LinkConfiguration, TypePair } from './link-config.ts'

/** Where records are managed: there they are created, and that side wins. `both`: records of either side are created on the other. */
export type Managed = 'left' | 'right' | 'both'

interface Preset {
  rules: LinkConfiguration['rules']
  types: TypePair[]
  fields: FieldMapping[]
  matchBy: string[]
}

function rulesOf(managed: Managed): LinkConfiguration['rules'] {
  const direction = (create: boolean) => ({ create, update: true, delete: 'nothing' as const })
  return { toRight: direction(managed !== 'right'), toLeft: direction(managed !== 'left') }
}

/**
 * Rules and winners by where records are managed, per type pair or for the whole link (`*`). Edits flow both ways in any case;
 * where one side manages, only its records are created on the other side, and its edit wins where both sides made one. A mapping
 * whose types are managed in different places becomes one mapping for each.
 */
export function managedPreset(
  proposed: { types: readonly TypePair[]; fields: readonly FieldMapping[]; matchBy: readonly string[] },
  managed: Readonly<Record<string, Managed>>,
): Preset {
  const whole = managed['*'] ?? 'both'
  const of = (type: TypePair): Managed => managed[type.id] ?? whole
  const copies = new Map<string, string[]>()
  const fields = proposed.fields.flatMap((mapping): FieldMapping[] => {
    const own = proposed.types.filter((type) => mapping.types?.includes(type.id) ?? true)
    const places = [...new Set(own.length === 0 ? [whole] : own.map(of))]
    return places.map((place, index) => {
      const id = index === 0 ? mapping.id : `${mapping.id}-${place}`
      copies.set(mapping.id, [...(copies.get(mapping.id) ?? []), id])
      return {
        ...mapping,
        id,
        ...(place === 'both' ? {} : { conflict: place }),
        ...(places.length === 1 ? {} : { types: own.filter((type) => of(type) === place).map((type) => type.id) }),
      }
    })
  })
  return {
    rules: rulesOf(whole),
    types: proposed.types.map((type) => (of(type) === whole ? { ...type } : { ...type, rules: rulesOf(of(type)) })),
    fields,
    matchBy: proposed.matchBy.flatMap((id) => copies.get(id) ?? [id]),
  }
}
