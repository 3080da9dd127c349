import { defineConfig } from 'vitest/config'

/**
 * Two projects. `unit` is pure and fast. `real` needs PostgreSQL, Temporal or sandboxes: the global set-up starts one
 * PostgreSQL with a migrated template database and one Temporal server for the whole run; each file clones its own database.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{core,connectors,sandbox,templates,cli,standalone,api,db,activities,worker,test}/**/*.test.ts'],
          exclude: ['**/*.real.test.ts', '**/node_modules/**'],
          testTimeout: 30_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'real',
          include: ['**/*.real.test.ts'],
          exclude: ['**/node_modules/**'],
          globalSetup: ['test/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
