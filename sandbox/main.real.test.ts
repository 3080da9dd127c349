import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'

const bin = path.join(import.meta.dirname, '..', 'cli', 'bin.js')
let running: ChildProcess[] = []

afterEach(async () => {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
  running = []
})

interface Ready {
  alm: {
    url: string
    domain: string
    project: string
    credentials: {
      user: { user: string; password: string }
      apiKey: { clientId: string; clientSecret: string } | null
    }
  }
  octane: {
    url: string
    sharedSpace: string
    workspace: string
    credentials: { user: { user: string; password: string }; apiKey: { clientId: string; clientSecret: string } }
  }
  control: string
}

/** `tandem sandbox ... --json`, as somebody would start it for tests of a client of theirs. */
async function start(...args: string[]): Promise<Ready> {
  const child = spawn(
    process.execPath,
    [bin, 'sandbox', '--json', '--alm-port', '0', '--octane-port', '0', '--control-port', '0', ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  running.push(child)
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)))
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${errors}`)))
  })
}

const tandem = (...args: string[]) => spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' })

describe('tandem sandbox', () => {
  it('says where it is and which credentials it takes, and they work', async () => {
    const { alm, octane } = await start('--alm-version', '26.1', '--defects', '4', '--seed', '7')
    for (const body of [
      { client_id: octane.credentials.apiKey.clientId, client_secret: octane.credentials.apiKey.clientSecret },
      octane.credentials.user,
    ]) {
      const answer = await fetch(`${octane.url}/authentication/sign_in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(answer.status).toBe(200)
    }
    const { user, password } = alm.credentials.user
    const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    const signedIn = await fetch(`${alm.url}/authentication-point/authenticate`, { headers: { authorization: basic } })
    expect(signedIn.status).toBe(200)
    const key = alm.credentials.apiKey
    const withKey = await fetch(`${alm.url}/rest/oauth2/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ clientId: key?.clientId, secret: key?.clientSecret }),
    })
    expect(withKey.status).toBe(200)
  })

  it('is the same for the same number, and another for another', async () => {
    const [one, same, other] = await Promise.all([
      start('--defects', '20', '--seed', '5'),
      start('--defects', '20', '--seed', '5'),
      start('--defects', '20', '--seed', '6'),
    ])
    const records = async (ready: Ready) => {
      const answer = await fetch(`${ready.control}/records?system=alm&type=defect`)
      expect(answer.status).toBe(200)
      const rows = (await answer.json()) as Record<string, unknown>[] | { records: Record<string, unknown>[] }
      return (Array.isArray(rows) ? rows : rows.records).map((row) => row.name)
    }
    expect(await records(one)).toEqual(await records(same))
    expect(await records(one)).not.toEqual(await records(other))
  })

  it('lets a record be changed as a person would, and keeps the truth of it', async () => {
    const { control } = await start('--defects', '3')
    const edited = tandem(
      'sandbox',
      'edit',
      '--control',
      control,
      '--system',
      'alm',
      '--id',
      '2',
      '--set',
      'name=by hand',
    )
    expect(edited.stderr).toBe('')
    expect(edited.status).toBe(0)
    const truth = tandem('sandbox', 'truth', '--control', control)
    expect(truth.stdout).toContain('by hand')
  })

  it('refuses options that make no sense, with the word that is wrong', () => {
    for (const [args, word] of [
      [['--alm-version', '9'], '9'],
      [['--defects', 'many'], 'whole number'],
      [['--set', 'nosuchswitch=1'], 'nosuchswitch'],
      [['--set', 'lockedStatus=999'], '999'],
    ] as const) {
      const { status, stderr } = tandem('sandbox', ...args)
      expect(status, args.join(' ')).toBe(2)
      expect(stderr).toContain(word)
    }
  })
})
