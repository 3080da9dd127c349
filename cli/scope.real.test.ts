import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Service, startService } from '../test/service.ts'

let service: Service
const folder = mkdtempSync(path.join(tmpdir(), 'tandem-scope-'))
const bin = fileURLToPath(new URL('./bin.js', import.meta.url))

beforeAll(async () => {
  service = await startService({ alm: { defects: 0 }, octane: { defects: 0 } })
  for (const severity of ['1-Low', '5-Urgent'])
    service.alm.create('defect', {
      name: `${severity} "it's so"`,
      severity,
      status: 'Open',
      'creation-time': '2026-05-01',
      'detected-by': 'sync',
    })
  await service.addLink('Defects')
})
afterAll(async () => {
  await service.close()
  rmSync(folder, { recursive: true })
})

function tandem(...args: string[]): Promise<{ code: number | null; out: string }> {
  const env = { PATH: process.env.PATH, HOME: folder, TANDEM_DATA: folder, TANDEM_API: service.url }
  const child = spawn(process.execPath, [bin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      out += String(chunk)
    })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out })))
}

it('shows what a scope holds, keeps it on request, and takes single records out and in', async () => {
  const favorites = await tandem('link', 'scope', 'Defects', '--favorites')
  expect(favorites.out).toContain("severity['4-Very High' OR 5-Urgent]")
  const file = path.join(folder, 'filter.json')
  const condition = { field: 'name', operator: 'contains', values: [`"it's`] }
  writeFileSync(file, JSON.stringify({ match: 'all', conditions: [condition] }))
  const looked = await tandem('link', 'scope', 'Defects', '--favorite', '1001', '--filter', file)
  expect(looked.out).toContain('1 of 2 records of alm are in scope now.')
  expect(looked.out).toContain('Nothing is saved')
  const saved = await tandem('link', 'scope', 'Defects', '--favorite', '1001', '--when-leaving', 'stop', '--yes')
  expect(saved).toMatchObject({ code: 0, out: expect.stringContaining('Saved version 2 of Defects.') })
  expect((await tandem('link', 'run', 'Defects')).code).toBe(0)
  expect(service.octane.records('defect')).toHaveLength(1)
  const record = String(service.alm.records('defect').find((one) => one.severity === '5-Urgent')?.id)
  const stopped = await tandem('link', 'stop-record', 'Defects', record, '--reason', 'under review')
  expect(stopped.out).toContain(`Record ${record} is left alone`)
  expect((await tandem('link', 'stopped', 'Defects')).out).toContain('under review')
  expect((await tandem('link', 'resume-record', 'Defects', record, '--reason', 'reviewed')).code).toBe(0)
  expect((await tandem('link', 'stopped', 'Defects')).out).toContain('No record is stopped.')
  const all = await tandem('link', 'scope', 'Defects', '--everything')
  expect(all.out).toContain('2 of 2 records')
})
