// Preloaded into our own child processes: when the parent is gone, its end of the channel closes, and the child ends as
// if it had been asked to.
import process from 'node:process'

if (process.channel) {
  process.channel.unref()
  process.on('disconnect', () => {
    if (!process.emit('SIGTERM')) process.exit(1)
    setTimeout(() => process.exit(1), 20_000).unref()
  })
}
