import { createPublicKey, randomBytes } from 'node:crypto'
import { calculateJwkThumbprint, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { signJwt } from '../../src/keys/sign.ts'
import { generateSigningKey, openSigningKey } from '../../src/keys/signing-key.ts'
import type { SigningKeyRow } from '../../src/keys/store.ts'
import { signingAlgorithms, type SigningAlgorithm } from '../../src/oauth/signing-algorithms.ts'
import { createSealer } from '../../src/sealing/sealer.ts'

const sealer = createSealer({ id: 'test', bytes: randomBytes(32) })

async function rowOf (algorithm: SigningAlgorithm, rsaModulusBits = 2_048): Promise<SigningKeyRow> {
  const row = await generateSigningKey({ environment: 'live', algorithm, rsaModulusBits, activatesAt: new Date(0) }, sealer)
  return { ...row, createdAt: new Date(0), withdrawnAt: null, longestTokenSeconds: 90_000 }
}

describe('a signing key', () => {
  const published: Readonly<Record<SigningAlgorithm, readonly string[]>> = {
    RS256: ['alg', 'e', 'kid', 'kty', 'n', 'use'],
    PS256: ['alg', 'e', 'kid', 'kty', 'n', 'use'],
    ES256: ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    EdDSA: ['alg', 'crv', 'kid', 'kty', 'use', 'x']
  }
  it.each(signingAlgorithms)('RFC 7518 §3, RFC 8037 §3.1: signs %s as another library verifies it, and publishes exactly its public members', async (algorithm) => {
    const key = await openSigningKey(await rowOf(algorithm), sealer)
    const token = signJwt(key, 'at+jwt', { sub: 'x' })
    const { protectedHeader, payload } = await jwtVerify(token, createPublicKey({ key: key.publicJwk, format: 'jwk' }), { algorithms: [algorithm], typ: 'at+jwt' })
    expect({ protectedHeader, payload }).toEqual({ protectedHeader: { alg: algorithm, typ: 'at+jwt', kid: key.kid }, payload: { sub: 'x' } })
    expect(Object.keys(key.publicJwk).sort()).toEqual(published[algorithm])
    expect(key.kid).toBe(await calculateJwkThumbprint(key.publicJwk))
  })

  it.each([2_048, 3_072, 4_096])('has %i bits if it is an RSA key and that was asked for', async (bits) => {
    const key = await openSigningKey(await rowOf('PS256', bits), sealer)
    expect(key.publicKey.asymmetricKeyDetails?.modulusLength).toBe(bits)
  })

  it('does not open as a key for another algorithm, though its row says so', async () => {
    for (const algorithm of signingAlgorithms) {
      const row = await rowOf(algorithm)
      for (const other of signingAlgorithms.filter((each) => each !== algorithm)) await expect(openSigningKey({ ...row, algorithm: other }, sealer), `${algorithm} as ${other}`).rejects.toThrow(/altered or damaged/)
    }
  })

  it('does not open as a key for another algorithm, though it was sealed so; nor for one that there is not', async () => {
    const row = await rowOf('ES256')
    const place = (algorithm: string): { purpose: string, row: string, qualifier: string } => ({ purpose: 'signing-key', row: row.kid, qualifier: `live ${algorithm}` })
    const der = sealer.open(place('ES256'), row.sealedPrivateKey)
    for (const algorithm of ['RS256', 'PS256', 'EdDSA']) {
      await expect(openSigningKey({ ...row, algorithm, sealedPrivateKey: sealer.seal(place(algorithm), der) }, sealer), algorithm).rejects.toThrow(/not what its row says/)
    }
    await expect(openSigningKey({ ...row, algorithm: 'ES512', sealedPrivateKey: sealer.seal(place('ES512'), der) }, sealer)).rejects.toThrow(/ES512, which this version does not have/)
  })
})
