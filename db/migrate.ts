import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate as migrateWith } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { named } from './connection.ts'

/** Any number; the same in every process that migrates this database. */
const migrationLock = 7_263_001

/** Brings the schema up to date. Several processes may call it at once: one works, the others wait for it. */
export async function migrate(url: string): Promise<void> {
  const client = postgres(url, { max: 1, onnotice: () => undefined })
  try {
    await named('migrate', async () => {
      await client`select pg_advisory_lock(${migrationLock})`
      const folder = fileURLToPath(new URL('./migrations', import.meta.url))
      await migrateWith(drizzle(client), { migrationsFolder: folder })
    })
  } finally {
    await client.end({ timeout: 5 })
  }
}
