import { mkdirSync } from 'node:fs'
import process from 'node:process'
import { ensureBridgeKey } from './bridge-key.ts'

// Makes the key pair of a bridge in a folder, once: the program of the one-shot service of an installation in containers.
const [folder, bridgeId = 'built-in'] = process.argv.slice(2)
if (folder === undefined) {
  process.stderr.write('Name the folder for the keys: bridge-key-main FOLDER [BRIDGE-ID]\n')
  process.exit(2)
}
mkdirSync(folder, { recursive: true, mode: 0o700 })
const { privateFile, publicFile } = await ensureBridgeKey(folder, bridgeId)
process.stdout.write(`${privateFile}\n${publicFile}\n`)
