// Makes `npm run demo`, `npm start` and `npm test` work in a fresh clone: checks Node, installs what is missing, then
// starts the program proper. Uses nothing but Node itself.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const endWithParent = new URL('./end-with-parent.mjs', import.meta.url).href
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
  for (let told = false; ; ) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') fail(`The packages cannot be installed here: ${error.message}`)
      if (isGone(lock)) rmSync(lock, { force: true })
      else {
        if (!told) process.stdout.write('Another start is installing the packages; waiting for it\n')
        told = true
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
    }
  }
  let installed = true
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
      installed = false
  } finally {
    rmSync(lock, { force: true })
  }
  if (!installed)
    fail('The packages could not be installed. Check that this machine reaches the npm registry, then try again.')
}

/** True when whoever holds the lock does not live any more. */
function isGone(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    // Written a moment after it is made: an empty one is somebody's who has only just come.
    if (pid === 0) return Date.now() - statSync(lock).mtimeMs > 5_000
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

/** Runs a program in this one's place: same terminal, signals passed on, its exit code. */
function run(args) {
  return new Promise((resolve) => {
    // The channel tells the child when this process is gone, however it went.
    const child = spawn(process.execPath, ['--import', endWithParent, ...args], {
      cwd: root,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    })
    // Ctrl-C in a terminal reaches the child by itself as well; it takes repeats for the same wish.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)))
    child.once('error', () => resolve(1))
  })
}

async function test() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tandem-results-'))
  const file = path.join(folder, 'results.json')
  try {
    const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const code = await run([
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
    // A file that could not even be loaded holds no test that failed, and counts as one.
    const unloadable = (results.testResults ?? []).filter(
      (one) => one.status === 'failed' && one.assertionResults.every((test) => test.status !== 'failed'),
    ).length
    const failed = results.numFailedTests + unloadable
    process.stdout.write(`${results.numPassedTests} passed, ${failed} failed\n`)
    return failed > 0 || results.numTotalTests === 0 ? code || 1 : code
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

checkNode()
await install()
if (what === 'prepare') process.exit(0)
if (what === 'test') process.exit(await test())
process.exit(await run(['--import', 'tsx', path.join(root, 'standalone', `${what}.ts`), ...rest]))
