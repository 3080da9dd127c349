import { parseArgs } from 'node:util'
import { createChecklist } from './checklist.ts'
import { FolderInUse } from './data-folder.ts'
import { listenForEnd, StartCancelled, startStack } from './stack.ts'

const usage = `Starts Tandem with everything it needs on this machine.

  npm start -- [--data FOLDER] [--fresh]

  --data FOLDER   where everything lies (default .tandem, or TANDEM_DATA)
  --fresh         throw away what lies there and start over
`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { data: { type: 'string' }, fresh: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help === true) {
    process.stdout.write(usage)
    return 0
  }
  const checklist = createChecklist()
  const end = listenForEnd()
  checklist.say('Tandem is starting')
  const stack = await startStack({
    data: values.data ?? process.env.TANDEM_DATA ?? '.tandem',
    fresh: values.fresh ?? false,
    checklist,
    stopRequested: end.signal,
  })
  checklist.say(
    [
      '',
      `  API and its page   ${stack.api}`,
      ...(stack.temporalUi === null ? [] : [`  Temporal UI        ${stack.temporalUi}`]),
      `  Mail               ${stack.mail}`,
      '',
      '  Next:   npm run tandem -- endpoint add --help',
      '  Stop:   Ctrl-C',
      '',
    ].join('\n'),
  )
  await end.asked
  checklist.say('Stopping')
  await stack.stop()
  return 0
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof StartCancelled) process.exit(130)
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(error instanceof FolderInUse ? 3 : 2)
  },
)
