import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../cli/bin.js', import.meta.url))

/** What a command of `tandem` says at the API of this address, on both of its outputs. */
export async function tandem(url: string, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { PATH: process.env.PATH, TANDEM_API: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      out += String(chunk)
    })
  await new Promise((resolve) => child.once('close', resolve))
  return out
}
