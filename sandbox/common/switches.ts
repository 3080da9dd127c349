/** A behaviour that real servers differ in, or that nobody outside has seen: either answer can be chosen. */
export interface SwitchTable {
  [name: string]: { default: string; values: readonly string[] | 'number' | 'names'; description: string }
}

export type SwitchValues<T extends SwitchTable> = { [name in keyof T]: string }

/** The table's defaults with what was chosen; an unknown name or value is an error that names those there are. */
export function chooseSwitches<T extends SwitchTable>(
  table: T,
  chosen: Readonly<Record<string, string>>,
): SwitchValues<T> {
  const values = Object.fromEntries(Object.entries(table).map(([name, one]) => [name, one.default]))
  for (const [name, value] of Object.entries(chosen)) {
    const known = table[name]
    if (known === undefined)
      throw new Error(`There is no switch "${name}". There are: ${Object.keys(table).join(', ')}.`)
    const fits =
      known.values === 'number'
        ? /^\d+$/.test(value)
        : known.values === 'names'
          ? /^(\w+(,\w+)*)?$/.test(value)
          : known.values.includes(value)
    if (!fits)
      throw new Error(
        `The switch "${name}" takes ${known.values === 'number' ? 'a whole number' : known.values === 'names' ? 'names separated by commas' : known.values.join(' or ')}, not "${value}".`,
      )
    values[name] = value
  }
  return values as SwitchValues<T>
}
