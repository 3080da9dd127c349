// Ends processes when the one that started them is gone, also after SIGKILL: reads the end of its standard input, which
// the parent holds open. Plain JavaScript without dependencies, so that nothing can keep it from starting.
// Arguments: pid:signal pairs, such as 4711:SIGINT.
import process from 'node:process'

const wards = process.argv.slice(2).map((ward) => {
  const [pid, signal] = ward.split(':')
  return { pid: Number(pid), signal: signal ?? 'SIGTERM' }
})

function end(pid, signal) {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})

process.stdin.resume()
process.stdin.on('error', () => {})
process.stdin.on('close', () => {
  for (const { pid, signal } of wards) end(pid, signal)
  const started = Date.now()
  const timer = setInterval(() => {
    const alive = wards.filter(({ pid }) => end(pid, 0))
    if (alive.length === 0) process.exit(0)
    if (Date.now() - started > 15_000) {
      for (const { pid } of alive) end(pid, 'SIGKILL')
      clearInterval(timer)
      process.exit(0)
    }
  }, 200)
})
