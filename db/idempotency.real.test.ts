import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../test/database.ts'
import { type Database, openDatabase } from './connection.ts'
import { reserveKey, settleKey } from './idempotency.ts'

let testDatabase: TestDatabase
let database: Database

beforeAll(async () => {
  testDatabase = await createTestDatabase()
  database = openDatabase(testDatabase.url)
})
afterAll(async () => {
  await database.close()
  await testDatabase.drop()
})

it('a repeat that comes as the first request fails and frees its key is a first one, never another request', async () => {
  const told = new Set<string>()
  async function client(): Promise<void> {
    for (let round = 0; round < 150; round++) {
      const { kind } = await reserveKey(database, 'key', 'hash')
      told.add(kind)
      if (kind === 'first') await settleKey(database, 'key', null)
    }
  }
  await Promise.all(Array.from({ length: 8 }, client))
  expect([...told].sort()).toEqual(['first', 'running'])
})
