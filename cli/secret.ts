import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** Asks without echo. A secret never stands in the command's arguments, where every user of the machine could read it. */
export function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process
  if (stdin.isTTY !== true)
    throw new Error(
      'There is no terminal to ask for the secret. Use --secret-stdin, --secret-env NAME or --secret-file FILE.',
    )
  return new Promise((resolve, reject) => {
    let typed = ''
    const done = (finish: () => void) => {
      stdin.setRawMode(false)
      stdin.pause()
      stdin.off('data', onData)
      stderr.write('\n')
      finish()
    }
    const onData = (chunk: Buffer) => {
      for (const char of chunk.toString('utf8')) {
        if (char === '\r' || char === '\n') return done(() => resolve(typed))
        if (char === '\u0003') return done(() => reject(new Error('Cancelled.')))
        if (char === '\u007f' || char === '\b') typed = typed.slice(0, -1)
        else typed += char
      }
    }
    // Asked only once nothing is echoed any more: who types at once would have the secret shown.
    stdin.setRawMode(true)
    stdin.on('data', onData)
    stdin.resume()
    stderr.write(question)
  })
}

/** First line of the standard input. */
export async function readSecret(): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line
  throw new Error('The standard input is empty; the secret was expected there.')
}

/** First line of a file, however it ends. */
export function secretOfFile(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new Error(`The secret cannot be read from ${file}.`)
  }
  const [line = ''] = text.split(/\r?\n/)
  if (line === '') throw new Error(`The first line of ${file} is empty; the secret was expected there.`)
  return line
}
