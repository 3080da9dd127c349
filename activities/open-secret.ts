import { compactDecrypt, importJWK, type JWK } from 'jose'
import { type CredentialSecret, credentialSecret } from '../core/endpoint.ts'

/**
 * Opens credentials that were sealed to this bridge. `privateKey` is the bridge's JWK with its `kid` and `alg`; a secret
 * sealed to another bridge's key is refused by name. Errors never hold any part of the secret.
 */
export function createSecretOpener(privateKey: JWK): (sealed: string) => Promise<CredentialSecret> {
  const key = importJWK(privateKey, privateKey.alg)
  return async (sealed) => {
    let plain: Uint8Array
    try {
      plain = (await compactDecrypt(sealed, await key)).plaintext
    } catch {
      throw new Error(
        'These credentials were not sealed for this bridge. Enter them again so that they are sealed with its current key.',
      )
    }
    const parsed = credentialSecret.safeParse(JSON.parse(new TextDecoder().decode(plain)))
    if (!parsed.success) throw new Error('The sealed credentials are of an unknown kind. Enter them again.')
    return parsed.data
  }
}
