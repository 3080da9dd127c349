import path from 'node:path'
import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { migrate } from '../db/migrate.ts'
import { removeFolder, startPostgres, temporaryFolder } from '../standalone/postgres.ts'
import { startTemporal } from '../standalone/temporal.ts'
import { temporalBinary } from '../standalone/temporal-binary.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Address of the server's maintenance database. */
    postgresUrl: string
    /** Migrated once; each test file clones it. */
    templateDatabase: string
    temporalAddress: string
  }
}

/** One PostgreSQL and one Temporal server for the run; both end with it, also when it is killed. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = temporaryFolder('tandem-test')
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const database = await startPostgres({ folder: path.join(folder, 'postgres'), port: 0, durable: false })
  const given = process.env.TEMPORAL_ADDRESS
  const temporal =
    given === undefined
      ? await startTemporal({
          binary: await temporalBinary(say),
          folder: path.join(folder, 'temporal'),
          port: 0,
          uiPort: null,
          inMemory: true,
        })
      : { address: given, stop: async () => undefined }
  const url = new URL(database.url)
  url.pathname = '/postgres'
  const templateDatabase = 'tandem_template'
  const admin = postgres(url.href, { max: 1, onnotice: () => undefined })
  await admin.unsafe(`create database ${templateDatabase}`)
  await admin.end()
  const template = new URL(url)
  template.pathname = `/${templateDatabase}`
  await migrate(template.href)
  project.provide('postgresUrl', url.href)
  project.provide('templateDatabase', templateDatabase)
  project.provide('temporalAddress', temporal.address)
  return async () => {
    await temporal.stop()
    await database.stop()
    removeFolder(folder)
  }
}
