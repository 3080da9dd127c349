import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type ParsedMail, simpleParser } from 'mailparser'
import { createTransport } from 'nodemailer'
import { afterEach, describe, expect, it } from 'vitest'
import { createNotices } from '../activities/notices.ts'
import { approveBrake, listBrakes } from '../db/brakes.ts'
import { markChecked, saveLinkState, setLinkMode } from '../db/links.ts'
import { acceptRestored } from '../db/restored.ts'
import { type MailCatcher, startMailCatcher } from '../standalone/mail-catcher.ts'
import { freePort } from '../standalone/ports.ts'
import { deleting, fullRun, waitOver } from './deletions.ts'
import { createLab, type Lab, type LabOptions } from './lab.ts'

let lab: Lab | null = null
let catcher: MailCatcher | null = null
let folder = ''

afterEach(async () => {
  await catcher?.stop()
  await lab?.close()
  if (folder !== '') rmSync(folder, { recursive: true })
  lab = null
  catcher = null
})

async function open(options: LabOptions): Promise<Lab> {
  lab = await createLab(options)
  folder = mkdtempSync(path.join(tmpdir(), 'tandem-notices-'))
  catcher = await startMailCatcher({ folder, smtpPort: await freePort(), httpPort: 0 })
  return lab
}

/** Sends what is due, and answers all mails that have arrived so far. */
async function mails(here: Lab): Promise<ParsedMail[]> {
  const transport = createTransport(catcher?.smtp)
  await createNotices({
    database: here.database,
    transport,
    from: 'tandem@example.com',
    fallbackRecipient: 'admin@example.com',
    publicUrl: 'http://127.0.0.1:8700',
  }).sendDueNotices()
  transport.close()
  const files = readdirSync(folder).sort()
  return Promise.all(files.map((file) => simpleParser(readFileSync(path.join(folder, file)))))
}

/** As so many minutes would do to the outbox. */
const minutesPass = (here: Lab, minutes: number) =>
  here.database.sql`
    update outbox set created_at = created_at - make_interval(mins => ${minutes}),
      next_attempt_at = next_attempt_at - make_interval(mins => ${minutes}),
      sent_at = sent_at - make_interval(mins => ${minutes})`

const outbox = (here: Lab) =>
  here.database.sql<{ kind: string; state: string }[]>`select kind, state from outbox order by created_at, kind`

const health = (here: Lab, state: 'ok' | 'degraded') =>
  saveLinkState(here.database, here.linkId, {
    activity: 'idle',
    health: state,
    healthMessage: state === 'ok' ? null : 'Octane at 127.0.0.1 does not answer.',
    currentRun: null,
  })

describe('a mail tells once', () => {
  it('that the brake holds changes, with what it holds, and nothing of what the records say', async () => {
    const here = await open({
      alm: { defects: 8 },
      link: (same) => ({
        ...same,
        brake: { changes: { count: 3, share: 0 }, deletions: { count: 0, share: 0 } },
      }),
    })
    await fullRun(here)
    await fullRun(here)
    expect(await outbox(here)).toEqual([{ kind: 'approval-needed', state: 'waiting' }])
    expect(await mails(here)).toEqual([])
    await minutesPass(here, 2)
    const [mail, ...more] = await mails(here)
    expect(more).toEqual([])
    expect(mail?.subject).toBe('[Tandem] The defect link waits for approval')
    for (const part of [String(mail?.html), mail?.text ?? '']) {
      expect(part).toContain('create-right')
      expect(part).toContain('tandem link approve')
      for (const record of here.alm.records('defect')) expect(part).not.toContain(String(record.name))
    }
    await minutesPass(here, 600)
    await fullRun(here)
    expect(await mails(here)).toHaveLength(1)
  })

  it('that deletions are held, and not at all where somebody agreed before it was sent', async () => {
    const here = await open({
      alm: { defects: 12 },
      link: (same) => ({
        ...deleting(same, 'delete'),
        brake: { changes: { count: 1_000, share: 1 }, deletions: { count: 1, share: 0 } },
      }),
    })
    await fullRun(here)
    await waitOver(here)
    for (const id of ['1', '2', '3', '4']) here.alm.remove('defect', id)
    for (let round = 0; round < 3; round++) await fullRun(here)
    expect(await outbox(here)).toEqual([{ kind: 'approval-needed', state: 'waiting' }])
    const [brake] = await listBrakes(here.database.sql, here.linkId)
    expect(brake).toMatchObject({ kind: 'deletions' })
    await approveBrake(here.database, {
      linkId: here.linkId,
      brakeId: brake?.id ?? '',
      held: brake?.held ?? 0,
      actor: 'ann',
      reason: 'meant',
    })
    await minutesPass(here, 2)
    expect(await mails(here)).toEqual([])
  })

  it('that an endpoint went back in time, once a time', async () => {
    const here = await open({ alm: { defects: 3 } })
    const stop = () =>
      here.store.markRestored({
        linkId: here.linkId,
        side: 'left',
        runId: null,
        message: 'alm went back in time: record 3 shows an older version than was seen before.',
      })
    await stop()
    await stop()
    const [mail, ...more] = await mails(here)
    expect(more).toEqual([])
    expect(mail?.subject).toBe('[Tandem] The defect link is stopped: an endpoint went back in time')
    expect(mail?.text).toContain('record 3 shows an older version')
    expect(mail?.text).toContain('tandem link accept-restored')
    await acceptRestored(here.database, { linkId: here.linkId, side: 'left', actor: 'ann', reason: 'a backup' })
    await stop()
    expect(await mails(here)).toHaveLength(2)
  })

  it('that the integrity check of an automatic link failed, once a version', async () => {
    const here = await open({ alm: { defects: 1 } })
    await markChecked(here.database, here.linkId, 1, false)
    expect(await mails(here)).toEqual([])
    await setLinkMode(here.database, {
      linkId: here.linkId,
      change: { mode: 'automatic' },
      actor: 'ann',
      command: 'automatic',
      callId: randomUUID(),
    })
    for (let time = 0; time < 3; time++) await markChecked(here.database, here.linkId, 1, false)
    const [mail, ...more] = await mails(here)
    expect(more).toEqual([])
    expect(mail?.subject).toBe('[Tandem] The defect link is stopped: its integrity check failed')
  })
})

describe('a link that flaps', () => {
  it('is told of as it is for people: trouble at once, its end once an hour, and what comes and goes not at all', async () => {
    const here = await open({ alm: { defects: 1 } })
    const subjects = async () => (await mails(here)).map((mail) => mail.subject?.replace(/ after .*/, ''))
    const [trouble, recovered] = ['[Tandem] The defect link is degraded', '[Tandem] The defect link works again']
    await health(here, 'degraded')
    expect(await subjects()).toEqual([trouble])
    await minutesPass(here, 5)
    await health(here, 'ok')
    expect(await subjects()).toEqual([trouble, recovered])
    // People take it for well: an outage soon afterwards is told at once.
    await minutesPass(here, 5)
    await health(here, 'degraded')
    expect(await subjects()).toEqual([trouble, recovered, trouble])
    const so = [trouble, recovered, trouble]
    for (let time = 0; time < 4; time++) {
      await minutesPass(here, 5)
      await health(here, 'ok')
      expect(await subjects()).toEqual(so)
      await health(here, 'degraded')
      expect(await subjects()).toEqual(so)
    }
    // Its end is told when the hour since the last one is over, with the time that people know of.
    await health(here, 'ok')
    await minutesPass(here, 34)
    expect(await subjects()).toEqual(so)
    const [first] = await here.database.sql<{ since: string }[]>`
      select data ->> 'since' as since from outbox where kind = 'link-trouble' order by created_at desc limit 1`
    await minutesPass(here, 2)
    expect(await subjects()).toEqual([...so, recovered])
    const told = (await mails(here)).at(-1)?.text
    expect(told).toContain(new Date(first?.since ?? '').toISOString().slice(0, 19).replace('T', ' '))
    // After an hour without trouble both are told at once again.
    await minutesPass(here, 61)
    await health(here, 'degraded')
    await health(here, 'ok')
    expect(await subjects()).toEqual([...so, recovered, recovered])
    // What was over before it could be told is not what people know of.
    await health(here, 'degraded')
    await health(here, 'ok')
    expect(await subjects()).toEqual([...so, recovered, recovered])
    await health(here, 'degraded')
    expect(await subjects()).toEqual([...so, recovered, recovered, trouble])
  })
})
