/** `private_key_jwt`: the client signs with a key of which it registered, or publishes at its `jwks_uri`, the public half. */
import { generateKeyPairSync, createPublicKey, randomBytes, type KeyObject } from 'node:crypto'
import { isSigned } from '../oauth/signature.ts'
import { maxModulusBits, minModulusBits, readPublicJwk, type PublicKey } from '../oauth/public-jwk.ts'
import { signingAlgorithmNamed, type SigningAlgorithm } from '../oauth/signing-algorithms.ts'
import { isUsableKey, type Client, type ClientKey } from './client.ts'
import type { Assertion } from './client-assertion.ts'
import type { KeySets } from './key-sets.ts'

/** Is the assertion signed by the client? @returns `verified`, or why not, for the log */
export type SignatureCheck = (assertion: Assertion, client: Client | undefined, now: number) => Promise<string>

/** An assertion that names no key is tried with as many, always: two, so that a client can bring in a new one. */
export const keysTriedUnnamed = 2

/**
 * The algorithm is the registered one of the key, and as many signatures are verified as the assertion's form asks for,
 * with keys of nobody where the client has none that fit: the time tells nothing about the client.
 * @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3) (point 9)
 * @see [RFC 8725 §3.1](https://www.rfc-editor.org/rfc/rfc8725.html#section-3.1)
 */
export function createPrivateKeyJwt (keySets: KeySets): SignatureCheck {
  const imported = new WeakMap<ClientKey, PublicKey | undefined>()
  const nobodys = createNobodysKeys()

  function publicKeyOf (registered: ClientKey): PublicKey | undefined {
    if (imported.has(registered)) return imported.get(registered)
    const read = readPublicJwk(registered.jwk)
    const key = 'refused' in read || read.algorithm !== registered.algorithm ? undefined : { ...read, kid: registered.kid }
    imported.set(registered, key)
    return key
  }

  function publicKeysOf (registered: readonly ClientKey[]): readonly PublicKey[] {
    return registered.map(publicKeyOf).filter((key) => key !== undefined)
  }

  /** A registered key decides about its kid alone, usable or not; and what was revoked comes back by no way and under no other kid. */
  async function candidatesOf (client: Client | undefined, keyId: string | undefined, now: number): Promise<readonly PublicKey[]> {
    if (client === undefined) return []
    const all = [...client.keys.values()]
    const revoked = new Set(publicKeysOf(all.filter(({ revokedAt }) => revokedAt !== null)).map(({ thumbprint }) => thumbprint))
    const isAlive = ({ thumbprint }: PublicKey): boolean => !revoked.has(thumbprint)
    const registered = publicKeysOf(all.filter((key) => isUsableKey(key, now)).reverse()).filter(isAlive)
    if (client.jwksUri === null || (keyId !== undefined && client.keys.has(keyId))) return registered
    const published = await keySets.keysAt(client.jwksUri, keyId, now)
    return [...registered, ...published.filter((key) => !client.keys.has(key.kid) && isAlive(key))]
  }

  return async ({ algorithm: named, keyId, signingInput, signature }, client, now) => {
    const algorithm = signingAlgorithmNamed(named)
    if (algorithm === undefined) return 'its alg is none of this server\'s'
    const nobody = nobodys(algorithm, signature.length)
    if (nobody === undefined) return 'its signature has a length that no key gives'
    const fitting = (await candidatesOf(client, keyId, now)).filter((key) => key.algorithm === algorithm && (keyId === undefined || key.kid === keyId))
    const tries = keyId === undefined ? keysTriedUnnamed : 1
    const keys = Array.from({ length: tries }, (_, index) => {
      const key = fitting[index]?.key
      return key !== undefined && signatureOctets(key) === signature.length ? key : nobody
    })
    const right = keys.map((key) => isSigned(algorithm, key, signingInput, signature) && key !== nobody)
    if (right.includes(true)) return 'verified'
    return fitting.length === 0 ? `the client has no usable ${algorithm} key${keyId === undefined ? '' : ' of its kid'}` : 'its signature is wrong'
  }
}

const curveSignatureOctets = 64

function signatureOctets (key: KeyObject): number {
  const bits = key.asymmetricKeyDetails?.modulusLength
  return bits === undefined ? curveSignatureOctets : Math.ceil(bits / 8)
}

/** Keys that nobody has the private half of, one for each length of a signature. */
function createNobodysKeys (): (algorithm: SigningAlgorithm, octets: number) => KeyObject | undefined {
  const curves = {
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
    EdDSA: generateKeyPairSync('ed25519').publicKey
  }
  const moduli = new Map<number, KeyObject>()

  function ofModulus (octets: number): KeyObject {
    const known = moduli.get(octets)
    if (known !== undefined) return known
    const modulus = randomBytes(octets)
    modulus.writeUInt8(modulus.readUInt8(0) | 0x80, 0)
    modulus.writeUInt8(modulus.readUInt8(octets - 1) | 1, octets - 1)
    const key = createPublicKey({ key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' }, format: 'jwk' })
    moduli.set(octets, key)
    return key
  }

  return (algorithm, octets) => {
    if (algorithm === 'ES256' || algorithm === 'EdDSA') return octets === curveSignatureOctets ? curves[algorithm] : undefined
    return octets >= minModulusBits / 8 && octets <= maxModulusBits / 8 ? ofModulus(octets) : undefined
  }
}
