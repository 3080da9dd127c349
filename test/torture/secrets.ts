import type postgres from 'postgres'
import type { Lab } from '../lab.ts'

/** What nobody may ever find written down: every secret that the sandboxes know, in whatever form it may travel. */
export function plantedSecrets({ alm, octane }: Pick<Lab, 'alm' | 'octane'>): string[] {
  const { user, second, apiKey } = alm.credentials
  return [
    user.password,
    second.password,
    ...(apiKey === null ? [] : [apiKey.clientSecret]),
    octane.credentials.apiKey.clientSecret,
    octane.credentials.user.password,
  ]
}

/** The bare secret and what encodings make of it: percent, XML, JSON, hexadecimal, and base64 at each of its alignments. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const base64 = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The first and last characters depend on what stands beside the secret.
    const own = text.slice(Math.ceil((offset * 8) / 6), (offset + bytes.length) % 3 === 0 ? undefined : -1)
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const xml = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return [
    ...new Set([
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      xml,
      bytes.toString('hex'),
      ...base64,
    ]),
  ]
}

/** Where a text holds a secret: some words around it, with the secret itself left out. Null: nowhere. */
export function secretIn(text: string, secrets: readonly string[]): string | null {
  for (const secret of secrets)
    for (const form of formsOf(secret)) {
      const at = text.indexOf(form)
      if (at >= 0)
        return `${text.slice(Math.max(0, at - 80), at)}<secret>${text.slice(at + form.length, at + form.length + 40)}`
    }
  return null
}

/** Every row of every table as text. */
export async function dumpTables(sql: postgres.Sql): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`
    select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
    where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`
  const dumps = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await sql.unsafe<{ row: string }[]>(`select t::text as row from ${name} t`)
      return rows.map(({ row }) => `${name} ${row}`)
    }),
  )
  return dumps.flat()
}
