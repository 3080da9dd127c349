import { CompactEncrypt, importJWK, type JWK } from 'jose'
import type { CredentialSecret } from '../core/endpoint.ts'

/**
 * Seals a secret to a bridge's public key as a compact JWE: the server keeps what only that bridge can open. The key says
 * its algorithm (`alg`); the header names the bridge (`kid`).
 */
export async function sealSecret(publicKey: JWK, bridgeId: string, secret: CredentialSecret): Promise<string> {
  const algorithm = publicKey.alg ?? 'ECDH-ES+A256KW'
  return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(secret)))
    .setProtectedHeader({ alg: algorithm, enc: 'A256GCM', kid: bridgeId })
    .encrypt(await importJWK(publicKey, algorithm))
}
