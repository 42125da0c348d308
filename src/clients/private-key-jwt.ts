/** `private_key_jwt`: the client signs with a key of which it registered, or publishes at its `jwks_uri`, the public half. */
import { generateKeyPairSync, createPublicKey, randomBytes, type KeyObject } from 'node:crypto'
import { isSigned } from '../oauth/signature.ts'
import { maxModulusBits, minModulusBits, readPublicJwk, type PublicKey } from '../oauth/public-jwk.ts'
import { signingAlgorithmNamed, type SigningAlgorithm } from '../oauth/signing-algorithms.ts'
import { isUsableKey, type Client, type ClientKey } from './client.ts'
import type { Assertion } from './client-assertion.ts'
import { keyNamed } from './credential-name.ts'
import type { KeySets } from './key-sets.ts'
import { refused, type Verdict } from './verdict.ts'

/** Is the assertion signed by the client? */
export type SignatureCheck = (assertion: Assertion, client: Client, now: number) => Promise<Verdict>

/** An assertion that names no key is tried with as many, always: two, so that a client can bring in a new one. */
export const keysTriedUnnamed = 2

/**
 * The algorithm is the registered one of the key, and as many signatures are verified as the assertion's form asks for,
 * with keys of nobody where the client has none that fit: the time tells nothing about the client.
 * @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3) (point 9)
 * @see [RFC 8725 §3.1](https://www.rfc-editor.org/rfc/rfc8725.html#section-3.1)
 */
export function createPrivateKeyJwt (keySets: KeySets): SignatureCheck {
  const keyRings = new WeakMap<Client, KeyRing>()
  const nobodys = createNobodysKeys()

  function keyRingOf (client: Client): KeyRing {
    const known = keyRings.get(client)
    if (known !== undefined) return known
    const ring = createKeyRing(client)
    keyRings.set(client, ring)
    return ring
  }

  /** A registered key decides about its kid alone, usable or not; and what was revoked comes back by no way and under no other kid. */
  async function candidatesOf (client: Client, keyId: string | undefined, now: number): Promise<readonly PublicKey[]> {
    const { newestFirst, byKid, revoked } = keyRingOf(client)
    const registered = (keyId === undefined ? newestFirst : byKid.get(keyId) ?? []).filter(({ row }) => isUsableKey(row, now)).map(({ key }) => key)
    if (client.jwksUri === null || (keyId !== undefined && client.keys.has(keyId))) return registered
    const published = await keySets.keysAt(client.jwksUri, keyId, now)
    return [...registered, ...published.filter(({ kid, thumbprint }) => (keyId === undefined || kid === keyId) && !client.keys.has(kid) && !revoked.has(thumbprint))]
  }

  return async ({ algorithm: named, keyId, signingInput, signature }, client, now) => {
    const algorithm = signingAlgorithmNamed(named)
    if (algorithm === undefined) return refused('its alg is none of this server\'s')
    const nobodysKey = nobodys(algorithm, signature.length)
    if (nobodysKey === undefined) return refused('its signature has a length that no key gives')
    const fitting = (await candidatesOf(client, keyId, now)).filter((key) => key.algorithm === algorithm)
    const tries = keyId === undefined ? keysTriedUnnamed : 1
    const keys = Array.from({ length: tries }, (_, index): VerifyingKey => {
      const key = fitting[index]
      return key !== undefined && signatureOctets(key) === signature.length ? key : nobodysKey
    })
    const right = keys.map((key) => isSignedBy(key, algorithm, signingInput, signature) && key !== nobodysKey)
    const signing = fitting[right.indexOf(true)]
    if (signing !== undefined) return { verified: keyNamed(signing.kid) }
    return refused(fitting.length === 0 ? `the client has no usable ${algorithm} key${keyId === undefined ? '' : ' of its kid'}` : 'its signature is wrong')
  }
}

interface VerifyingKey {
  readonly key: KeyObject
  /** Of an RSA key. */
  readonly modulus?: Buffer | undefined
}

/**
 * A number that is not below the modulus is refused before anything is computed (RFC 8017 §5.2.2), and the modulus tells
 * one client's key from nobody's. So a smaller number is verified instead, which takes as long as any.
 */
function isSignedBy ({ key, modulus }: VerifyingKey, algorithm: SigningAlgorithm, input: string, signature: Buffer): boolean {
  const isInRange = modulus === undefined || signature.compare(modulus) < 0
  const number = isInRange ? signature : Buffer.concat([Buffer.alloc(1), signature.subarray(1)])
  return isSigned(algorithm, key, input, number) && isInRange
}

interface RegisteredKey {
  readonly row: ClientKey
  readonly key: PublicKey
}

/** The registered keys of a client, read once: what is looked up is found as fast however many there are. */
interface KeyRing {
  /** Without those that were revoked, under whatever kid. */
  readonly newestFirst: readonly RegisteredKey[]
  readonly byKid: ReadonlyMap<string, readonly RegisteredKey[]>
  /** Thumbprints. */
  readonly revoked: ReadonlySet<string>
}

function createKeyRing ({ keys }: Client): KeyRing {
  const all = [...keys.values()].flatMap((row): RegisteredKey[] => {
    const read = readPublicJwk(row.jwk)
    return 'refused' in read || read.algorithm !== row.algorithm ? [] : [{ row, key: { ...read, kid: row.kid } }]
  })
  const revoked = new Set(all.filter(({ row }) => row.revokedAt !== null).map(({ key }) => key.thumbprint))
  const newestFirst = all.filter(({ key }) => !revoked.has(key.thumbprint)).reverse()
  return { newestFirst, byKid: new Map(newestFirst.map((registered) => [registered.row.kid, [registered]])), revoked }
}

const curveSignatureOctets = 64

function signatureOctets ({ modulus }: VerifyingKey): number {
  return modulus?.length ?? curveSignatureOctets
}

/** Keys that nobody has the private half of, one for each length of a signature. */
function createNobodysKeys (): (algorithm: SigningAlgorithm, octets: number) => VerifyingKey | undefined {
  const curves = {
    ES256: { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey },
    EdDSA: { key: generateKeyPairSync('ed25519').publicKey }
  }
  const moduli = new Map<number, VerifyingKey>()

  function ofModulus (octets: number): VerifyingKey {
    const known = moduli.get(octets)
    if (known !== undefined) return known
    const modulus = randomBytes(octets)
    modulus.writeUInt8(modulus.readUInt8(0) | 0x80, 0)
    modulus.writeUInt8(modulus.readUInt8(octets - 1) | 1, octets - 1)
    const made = { key: createPublicKey({ key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' }, format: 'jwk' }), modulus }
    moduli.set(octets, made)
    return made
  }

  return (algorithm, octets) => {
    if (algorithm === 'ES256' || algorithm === 'EdDSA') return octets === curveSignatureOctets ? curves[algorithm] : undefined
    return octets >= minModulusBits / 8 && octets <= maxModulusBits / 8 ? ofModulus(octets) : undefined
  }
}
