import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWK } from 'jose'
import { sealAlgorithm, signSeal } from '../core/ledger-seal.ts'
import type { Database } from '../db/connection.ts'
import { sealChains } from '../db/ledger-seals.ts'

export interface SealFolder {
  key: JWK
  /** One seal a line. */
  sealsFile: string
}

/**
 * Opens the folder of the installation's key, and makes the key where there is none. Public keys are only ever added: what
 * an earlier key has sealed stays sealed.
 */
export async function openSealFolder(folder: string): Promise<SealFolder> {
  mkdirSync(folder, { recursive: true })
  const [keyFile, publicFile] = [path.join(folder, 'seal-key.json'), path.join(folder, 'seal-public-keys.json')]
  if (!existsSync(keyFile)) {
    const { privateKey } = await generateKeyPair(sealAlgorithm, { crv: 'Ed25519', extractable: true })
    const about = { kid: randomUUID(), alg: sealAlgorithm, use: 'sig' }
    writeFileSync(keyFile, JSON.stringify({ ...(await exportJWK(privateKey)), ...about }), { mode: 0o600 })
  }
  const key = JSON.parse(readFileSync(keyFile, 'utf8')) as JWK
  const known: JSONWebKeySet = existsSync(publicFile)
    ? (JSON.parse(readFileSync(publicFile, 'utf8')) as JSONWebKeySet)
    : { keys: [] }
  if (!known.keys.some(({ kid }) => kid === key.kid)) {
    const { d: _secret, ...publicKey } = key
    writeFileSync(publicFile, JSON.stringify({ keys: [...known.keys, publicKey] }, null, 2))
  }
  return { key, sealsFile: path.join(folder, 'ledger-seals.txt') }
}

/** Makes today's seals where they are not made yet; answers how many. They reach the disk before the database. */
export async function sealLedger(database: Database, { key, sealsFile }: SealFolder): Promise<number> {
  return sealChains(database, {
    sign: (content) => signSeal(content, key),
    keep: async (seals) => {
      const file = await open(sealsFile, 'a')
      try {
        await file.appendFile(`${seals.join('\n')}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
    },
  })
}
