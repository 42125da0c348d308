/** `client_secret_jwt`, and the assertions of JWT clients: the client makes a MAC with its secret, which is kept sealed for that. */
import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import { isMac, isMacAlgorithm } from '../oauth/signature.ts'
import type { Sealer } from '../sealing/sealer.ts'
import { isUsable, type Client, type ClientSecret } from './client.ts'
import { secretNamed } from './credential-name.ts'
import type { SignatureCheck } from './private-key-jwt.ts'
import { maxUsableSecrets } from './registration.ts'
import { openSecret, sealSecret } from './sealed-secret.ts'
import { refused } from './verdict.ts'

interface ClientSecretJwtDependencies {
  readonly sealer: Sealer
  readonly logger: Logger
}

/**
 * `kid` may name the secret; without it every usable one is tried. As many envelopes are opened and MACs made as the assertion's form asks for, with a secret
 * of nobody where the client has none: the time tells nothing about the client.
 * @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3) (point 9)
 * @see [RFC 7518 §3.2](https://www.rfc-editor.org/rfc/rfc7518.html#section-3.2)
 */
export function createClientSecretJwt ({ sealer, logger }: ClientSecretJwtDependencies): SignatureCheck {
  const nobodys = { id: 'nobody', sealedSecret: sealSecret(sealer, 'nobody', 'nobody', randomBytes(48).toString('base64url')) }

  /** A row that does not open is as good as none. */
  function open (client: Client, secret: ClientSecret | undefined): Buffer | undefined {
    if (secret !== undefined) {
      try {
        return openSecret(sealer, client.id, secret)
      } catch (error) {
        logger.error({ err: error, clientId: client.id, secretId: secret.id }, 'secret.unreadable')
      }
    }
    openSecret(sealer, 'nobody', nobodys)
    return undefined
  }

  /** Does something only once the master key was rotated to one that this process does not have yet. */
  async function learn (envelope: string): Promise<void> {
    await sealer.learn(envelope).catch((error: unknown) => { logger.error({ err: error }, 'master_key.unreadable') })
  }

  return async ({ algorithm, keyId, signingInput, signature }, client, now) => {
    for (const { sealedSecret } of client.secrets.values()) if (sealedSecret !== null) await learn(sealedSecret)
    if (!isMacAlgorithm(algorithm)) return refused('its alg is none of this server\'s')
    const named = keyId === undefined ? [...client.secrets.values()].reverse() : [client.secrets.get(keyId) ?? []].flat()
    const fitting = named.filter((secret) => secret.sealedSecret !== null && isUsable(secret, now))
    const tries = keyId === undefined ? maxUsableSecrets : 1
    const right = Array.from({ length: tries }, (_, index) => {
      const key = open(client, fitting[index])
      return isMac(algorithm, key ?? Buffer.alloc(0), signingInput, signature) && key !== undefined
    })
    const signing = fitting[right.indexOf(true)]
    if (signing !== undefined) return { verified: secretNamed(signing.id) }
    return refused(fitting.length === 0 ? `the client has no usable secret for ${algorithm}${keyId === undefined ? '' : ' of its kid'}` : 'its signature is wrong')
  }
}
