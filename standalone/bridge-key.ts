import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { writePrivate } from './data-folder.ts'

const algorithm = 'ECDH-ES+A256KW'

/** The key pair of the built-in bridge, made once. The private half never leaves its file. */
export async function ensureBridgeKey(
  folder: string,
  bridgeId: string,
): Promise<{ privateFile: string; publicFile: string }> {
  const privateFile = path.join(folder, 'bridge-key.json')
  const publicFile = path.join(folder, 'bridge-public-key.json')
  // An existing private key is never replaced: it alone opens the credentials that were sealed so far.
  if (!existsSync(privateFile)) {
    const { privateKey } = await generateKeyPair(algorithm, { crv: 'P-256', extractable: true })
    const about = { kid: bridgeId, alg: algorithm, use: 'enc' }
    writePrivate(privateFile, JSON.stringify({ ...(await exportJWK(privateKey)), ...about }))
  }
  if (!existsSync(publicFile)) {
    const { d: _secret, ...publicKey } = JSON.parse(readFileSync(privateFile, 'utf8')) as JWK
    writeFileSync(publicFile, JSON.stringify(publicKey))
  }
  return { privateFile, publicFile }
}
