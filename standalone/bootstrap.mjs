// Makes `npm run demo`, `npm start` and `npm test` work in a fresh clone: checks Node, installs what is missing, then
// starts the program proper. Uses nothing but Node itself.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const [what = 'start', ...rest] = process.argv.slice(2)

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19))
    fail(
      `Tandem needs Node 20.19 or later; this is ${process.versions.node}. Install a newer one from https://nodejs.org.`,
    )
}

/** Packages with their versions, so that an installation of another lock file is noticed whatever npm added to it. */
function versions(file) {
  try {
    const { packages = {} } = JSON.parse(readFileSync(file, 'utf8'))
    return new Map(
      Object.entries(packages)
        .filter(([name]) => name !== '')
        .map(([name, one]) => [name, one]),
    )
  } catch {
    return null
  }
}

function isInstalled() {
  const wanted = versions(path.join(root, 'package-lock.json'))
  const found = versions(path.join(root, 'node_modules', '.package-lock.json'))
  if (wanted === null || found === null) return false
  for (const [name, { version, optional }] of wanted)
    if (found.get(name)?.version !== version && optional !== true) return false
  return true
}

async function install() {
  if (isInstalled()) return
  const lock = path.join(root, '.install-lock')
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch {
      if (existsSync(lock) && Date.now() - statSync(lock).mtimeMs > 15 * 60_000) unlinkSync(lock)
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
  try {
    if (isInstalled()) return
    process.stdout.write('Installing the packages Tandem is made of (once; takes a minute)\n')
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
    const options = { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' }
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
    if (
      spawnSync(npm, ['ci', ...quiet], options).status !== 0 &&
      spawnSync(npm, ['install', ...quiet], options).status !== 0
    )
      fail('The packages could not be installed. Check that this machine reaches the npm registry, then try again.')
  } finally {
    rmSync(lock, { force: true })
  }
}

/** Runs a program in this one's place: same terminal, signals passed on, its exit code. */
function run(command, args, environment = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } })
    const passOn = (signal) => child.kill(signal)
    // Ctrl-C reaches the child by itself; both must not end this process before the child has cleaned up.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', passOn)
    process.on('SIGHUP', passOn)
    child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)))
    child.once('error', () => resolve(1))
  })
}

async function test() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tandem-results-'))
  const file = path.join(folder, 'results.json')
  try {
    const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const code = await run(process.execPath, [
      vitest,
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
      ...rest,
    ])
    const results = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : { numPassedTests: 0, numFailedTests: 0, numTotalTests: 0 }
    process.stdout.write(`${results.numPassedTests} passed, ${results.numFailedTests} failed\n`)
    return code !== 0 || results.numTotalTests === 0 ? code || 1 : 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

checkNode()
await install()
if (what === 'prepare') process.exit(0)
if (what === 'test') process.exit(await test())
process.exit(await run(process.execPath, ['--import', 'tsx', path.join(root, 'standalone', `${what}.ts`), ...rest]))
