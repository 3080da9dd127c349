import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { writePrivate } from './data-folder.ts'

const algorithm = 'ECDH-ES+A256KW'

/** The key pair of the built-in bridge, made once. The private half never leaves its file. */
export async function ensureBridgeKey(
  folder: string,
  bridgeId: string,
): Promise<{ privateFile: string; publicFile: string }> {
  const privateFile = path.join(folder, 'bridge-key.json')
  const publicFile = path.join(folder, 'bridge-public-key.json')
  if (existsSync(privateFile) && existsSync(publicFile)) return { privateFile, publicFile }
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { crv: 'P-256', extractable: true })
  const about = { kid: bridgeId, alg: algorithm, use: 'enc' }
  writePrivate(privateFile, JSON.stringify({ ...(await exportJWK(privateKey)), ...about }))
  writeFileSync(publicFile, JSON.stringify({ ...(await exportJWK(publicKey)), ...about }))
  return { privateFile, publicFile }
}
