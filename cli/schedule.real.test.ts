import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Service, startService } from '../test/service.ts'

const bin = fileURLToPath(new URL('./bin.js', import.meta.url))
const timeZone = 'America/New_York'
let service: Service

beforeAll(async () => {
  service = await startService({ alm: { defects: 2 } })
  const { id } = await service.addLink('defects')
  expect((await service.runToEnd(id, 'run')).status).toBe('passed')
})
afterAll(() => service.close())

function tandem(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, TANDEM_API: service.url } })
  const ended = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    ended.out += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    ended.err += String(chunk)
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...ended })))
}

const wall = (fromNowMs: number) =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, timeStyle: 'short' }).format(Date.now() + fromNowMs)
const hourMs = 3_600_000

describe('the schedule of a link from the command line', () => {
  it('is changed by what is named, and shown with the next times in the zone of the link', async () => {
    const changed = await tandem(
      ...['link', 'schedule', 'defects', '--time-zone', timeZone, '--interval', '120', '--full', 'sun 03:30'],
      ...['--run', 'mon-fri 06:00,12:30', '--run', 'sat,sun 09:00', '--blackout', 'sat-mon 22:00-23:30'],
    )
    expect([changed.code, changed.err]).toEqual([0, ''])
    expect(changed.out).toContain('Saved version 2 of defects')
    for (const line of [
      'looks for changes every 120 s',
      'runs mon-fri at 06:00, 12:30; sat, sun at 09:00',
      'full scans sun at 03:30',
      'blackouts mon, sat, sun 22:00-23:30',
      'in manual mode: nothing runs by itself',
    ])
      expect(changed.out).toContain(line)

    expect((await tandem('link', 'auto', 'defects')).code).toBe(0)
    const { out } = await tandem('link', 'schedule', 'defects')
    expect(out).not.toContain('Saved')
    expect(out).toMatch(/next run: \d{4}-\d\d-\d\d (06:00|09:00|12:30) -0[45]:00/)
    expect(out).toMatch(/next full scan: \d{4}-\d\d-\d\d 03:30 -0[45]:00/)
    expect((await tandem('link', 'show', 'defects')).out).toContain('next full scan: ')

    const none = await tandem('--json', 'link', 'schedule', 'defects', '--run', 'none')
    expect(JSON.parse(none.out)).toMatchObject({
      schedule: { intervalSeconds: 120, runs: [], fullScans: [{ weekdays: ['sun'], times: ['03:30'] }], timeZone },
      now: { timeZone, nextRun: null },
    })
  })

  it('names every mistake with its place, and changes nothing', async () => {
    const wrong = await tandem(
      ...['link', 'schedule', 'defects', '--time-zone', 'Mars/Olympus', '--interval', '0'],
      ...['--full', '25:00', '--blackout', '00:00-24:00'],
    )
    expect(wrong.code).toBe(1)
    for (const place of ['timeZone', 'intervalSeconds', 'fullScans/0/times/0', 'blackouts'])
      expect(wrong.err).toContain(`/configuration/schedule/${place}`)
    expect((await tandem('link', 'schedule', 'defects')).out).toContain('full scans sun at 03:30')
    expect(await tandem('link', 'schedule', 'defects', '--run', 'someday 06:00')).toMatchObject({
      code: 2,
      err: expect.stringContaining('"someday" is no weekday'),
    })
  })

  it('says when a run starts that a blackout holds, and forces it where asked', async () => {
    const blackout = `${wall(-hourMs)}-${wall(2 * hourMs)}`
    const set = await tandem('link', 'schedule', 'defects', '--blackout', blackout)
    expect(set.out).toMatch(/Outside its schedule until .*-0[45]:00/)
    const held = await tandem('link', 'run', 'defects')
    expect(held.code).toBe(0)
    expect(held.out).toContain('defects is outside its schedule: the run waits and starts at ')
    expect(await tandem('sync', 'defects', '--left', '1')).toMatchObject({
      code: 0,
      out: expect.stringContaining('--force'),
    })
    const forced = await tandem('sync', 'defects', '--left', '1', '--force')
    expect([forced.code, forced.out]).toEqual([0, expect.stringContaining('unchanged')])
    const run = await tandem('link', 'run', 'defects', '--force')
    expect([run.code, run.out]).toEqual([0, expect.stringContaining('passed')])
  })

  it('asks for a full scan next', async () => {
    const asked = await tandem('link', 'full', 'defects', '--next')
    expect(asked).toMatchObject({ code: 0, out: expect.stringContaining('is a full scan') })
    expect((await tandem('link', 'schedule', 'defects')).out).toContain('the next run by itself is a full scan')
    expect((await tandem('link', 'full', 'defects', '--next', '--force')).code).toBe(1)
  })
})
