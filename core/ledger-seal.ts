import { CompactSign, compactVerify, createLocalJWKSet, type JSONWebKeySet, type JWK } from 'jose'
import { z } from 'zod'

/** What a seal says: on that day the chain had so many entries and rows, and this was the hash of its last entry. */
const sealContent = z.object({
  chain: z.string(),
  day: z.string(),
  seq: z.number().int(),
  rows: z.number().int(),
  hash: z.string(),
  sealedAt: z.string(),
})
export type SealContent = z.infer<typeof sealContent>

/** A seal with what is wrong with it; null: nothing. */
export type CheckedSeal = SealContent & { fault: string | null }

/** Algorithm of the installation's key: Ed25519. */
export const sealAlgorithm = 'EdDSA'

/** Signs what a seal says: a compact JWS, which names the key. */
export async function signSeal(content: SealContent, key: JWK): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify(content)))
    .setProtectedHeader({ alg: sealAlgorithm, kid: key.kid ?? '', typ: 'ledger-seal' })
    .sign(key)
}

/**
 * Reads a seal and checks its signature by the public keys of the installation; `keys` null: they are not known here, so only
 * what it says is used. Null: it cannot be read at all.
 */
export async function checkSeal(seal: string, keys: JSONWebKeySet | null): Promise<CheckedSeal | null> {
  const content = sealContent.safeParse(readable(seal.split('.')[1] ?? ''))
  if (!content.success) return null
  if (keys === null) return { ...content.data, fault: null }
  try {
    await compactVerify(seal, createLocalJWKSet(keys), { algorithms: [sealAlgorithm] })
    return { ...content.data, fault: null }
  } catch {
    const { day, seq } = content.data
    return {
      ...content.data,
      fault: `the seal of ${day} over the entries up to ${seq} is not signed by a key of this installation`,
    }
  }
}

function readable(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
  } catch {
    return null
  }
}
