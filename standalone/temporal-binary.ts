import { execFile, spawn } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The last release that can be built from its module alone; later ones replace a dependency by a local path. */
const cliVersion = '1.5.1'
const module = `github.com/temporalio/cli/cmd/temporal@v${cliVersion}`

/** Builds take minutes; a lock older than this belongs to somebody who died. */
const staleLockMs = 20 * 60_000

/**
 * Finds the Temporal server, which is in no npm package: on the PATH, in our cache, by the SDK's own download, or built
 * with Go. `say` gets a line about whatever takes time. Throws with the ways out when there is none.
 */
export async function temporalBinary(say: (line: string) => void): Promise<string> {
  const name = process.platform === 'win32' ? 'temporal.exe' : 'temporal'
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, name)
    if (folder === '' || !isExecutable(candidate)) continue
    if (await isRecent(candidate)) return candidate
    say(`${candidate} is older than what Tandem needs (server 1.28) and is left alone`)
  }
  const cache = path.join(process.env.TANDEM_CACHE ?? path.join(homedir(), '.cache', 'tandem'), 'bin')
  const cached = path.join(cache, `temporal-${cliVersion}${process.platform === 'win32' ? '.exe' : ''}`)
  if (isExecutable(cached)) return cached
  mkdirSync(cache, { recursive: true })
  return locked(path.join(cache, 'temporal.lock'), say, async () => {
    if (isExecutable(cached)) return cached
    if (await download(cached, say)) return cached
    if (await build(cached, cache, say)) return cached
    throw new Error(
      [
        'There is no Temporal server. Any one of these helps:',
        '  - set TEMPORAL_ADDRESS to a server that runs already (host:port);',
        '  - put the `temporal` command on the PATH (https://docs.temporal.io/cli);',
        '  - let this machine reach temporal.download, from where it is fetched;',
        '  - install Go 1.24 or later, with which it is built here once.',
      ].join('\n'),
    )
  })
}

/** Commands of the line Tandem speaks exist from server 1.28 on. */
async function isRecent(binary: string): Promise<boolean> {
  try {
    const { stdout } = await run(binary, ['--version'])
    const [, major = '0', minor = '0'] = /Server (\d+)\.(\d+)/i.exec(stdout) ?? []
    return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 28)
  } catch {
    return false
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** The same archive that the SDK's test environment downloads. */
async function download(target: string, say: (line: string) => void): Promise<boolean> {
  const platform = { linux: 'linux', darwin: 'darwin', win32: 'windows' }[process.platform as string]
  const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch as string]
  if (platform === undefined || architecture === undefined || platform === 'windows') return false
  const folder = mkdtempSync(`${target}-`)
  try {
    const answer = await fetch(
      `https://temporal.download/cli/archive/v${cliVersion}?platform=${platform}&arch=${architecture}`,
      {
        signal: AbortSignal.timeout(120_000),
      },
    )
    if (!answer.ok || answer.body === null) return false
    say('Downloading the Temporal server (once)')
    const archive = path.join(folder, 'temporal.tar.gz')
    writeFileSync(archive, new Uint8Array(await answer.arrayBuffer()))
    await run('tar', ['-xzf', archive, '-C', folder])
    const unpacked = path.join(folder, 'temporal')
    if (!isExecutable(unpacked)) return false
    renameSync(unpacked, target)
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function build(target: string, cache: string, say: (line: string) => void): Promise<boolean> {
  try {
    await run('go', ['version'])
  } catch {
    return false
  }
  say('Building the Temporal server with Go: this takes a few minutes and happens once')
  const folder = mkdtempSync(path.join(cache, 'build-'))
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn('go', ['install', module], {
        env: { ...process.env, GOBIN: folder },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let words = ''
      child.stderr.on('data', (chunk: Buffer) => {
        words = (words + chunk.toString('utf8')).slice(-2_000)
      })
      child.once('error', reject)
      child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(words))))
    })
    renameSync(path.join(folder, 'temporal'), target)
    return true
  } catch (error) {
    say(
      `The build failed: ${error instanceof Error ? error.message.trim().split('\n').slice(-3).join(' ') : String(error)}`,
    )
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Only one process fetches or builds at a time; the others wait and find the result. */
async function locked<T>(lock: string, say: (line: string) => void, body: () => Promise<T>): Promise<T> {
  let told = false
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch {
      if (existsSync(lock) && Date.now() - statSync(lock).mtimeMs > staleLockMs) unlinkSync(lock)
      else {
        if (!told) say('Another process is fetching the Temporal server; waiting for it')
        told = true
        await new Promise((resolve) => setTimeout(resolve, 1_000))
      }
    }
  }
  try {
    return await body()
  } finally {
    rmSync(lock, { force: true })
  }
}
