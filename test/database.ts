import { randomBytes } from 'node:crypto'
import postgres from 'postgres'

export interface TestDatabase {
  url: string
  drop(): Promise<void>
}

/** A database of its own, cloned from the migrated template. */
export async function createTestDatabase(): Promise<TestDatabase> {
  // Loaded late: programs outside of vitest bring databases of their own.
  const { inject } = await import('vitest')
  const name = `test_${randomBytes(6).toString('hex')}`
  const base = inject('postgresUrl')
  const admin = postgres(base, { max: 1, onnotice: () => undefined })
  await admin.unsafe(`create database ${name} template ${inject('templateDatabase')}`)
  await admin.end()
  const url = new URL(base)
  url.pathname = `/${name}`
  return {
    url: url.href,
    drop: async () => {
      const again = postgres(base, { max: 1, onnotice: () => undefined })
      await again.unsafe(`drop database if exists ${name} with (force)`)
      await again.end()
    },
  }
}
