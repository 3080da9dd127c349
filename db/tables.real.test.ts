import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../test/database.ts'
import { type Database, openDatabase } from './connection.ts'

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

/** Tables named by statements that write: no other name can stand there. */
function written(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  return [...code.matchAll(/(?<![\w'])(?:insert into|delete from|(?<!for |do |no key )update)\s+([a-z_]+)/g)]
    .map(([, name]) => name ?? '')
    .filter((name) => name !== 'set')
}

it('every table that a statement writes to is there', async () => {
  const rows = await database.sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public'`
  const tables = new Set(rows.map((row) => row.name))
  const folder = new URL('.', import.meta.url)
  expect(tables.size).toBeGreaterThan(20)
  const missing = readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.includes('.test.'))
    .flatMap((file) => {
      const names = [...new Set(written(readFileSync(new URL(file, folder), 'utf8')))]
      return names.filter((name) => !tables.has(name)).map((name) => `${file}: ${name}`)
    })
  expect(missing).toEqual([])
})
