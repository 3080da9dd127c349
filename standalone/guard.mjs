// Ends processes and removes temporary folders when the process that started it is gone, also after SIGKILL: the parent
// holds its standard input open and says there, line by line, what to watch. Plain JavaScript without dependencies, so
// that nothing can keep it from starting.
//   watch PID SIGNAL | forget PID | remove FOLDER | keep FOLDER
import { readFileSync, rmSync } from 'node:fs'
import process from 'node:process'
import { createInterface } from 'node:readline'

const wards = new Map()
const folders = new Set()

/** Start time in the kernel's ticks: the same process id with another one is somebody else. Null where it cannot be told. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

function end(pid, signal) {
  if (startOf(pid) !== wards.get(pid)?.started) return false
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const [what, first = '', second = 'SIGTERM'] = line.split('\t')
  const pid = Number(first)
  if (what === 'watch') wards.set(pid, { signal: second, started: startOf(pid) })
  else if (what === 'forget') wards.delete(pid)
  else if (what === 'remove') folders.add(first)
  else if (what === 'keep') folders.delete(first)
})
process.stdin.on('error', () => {})
lines.on('close', () => {
  for (const [pid, { signal }] of wards) end(pid, signal)
  const asked = Date.now()
  const timer = setInterval(() => {
    const alive = [...wards.keys()].filter((pid) => end(pid, 0))
    const late = Date.now() - asked > 30_000
    if (late) for (const pid of alive) end(pid, 'SIGKILL')
    if (alive.length > 0 && !late) return
    clearInterval(timer)
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }, 100)
})
