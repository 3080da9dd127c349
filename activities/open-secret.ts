import { compactDecrypt, importJWK, type JWK } from 'jose'
import { ConnectorError } from '../connectors/contract.ts'
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
      throw notOpened('These credentials were not sealed for this bridge.')
    }
    const parsed = credentialSecret.safeParse(JSON.parse(new TextDecoder().decode(plain)))
    if (!parsed.success) throw notOpened('The sealed credentials are of an unknown kind.')
    return parsed.data
  }
}

/** Without its secret an endpoint refuses us as surely as with a wrong one; the remedy lies with the same people. */
function notOpened(message: string): ConnectorError {
  return new ConnectorError({
    class: 'auth',
    code: 'secret-not-opened',
    message,
    remedy: 'Enter the password or API key again, so that it is sealed with the current key of the bridge.',
  })
}
