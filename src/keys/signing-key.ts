/** A signing key: made, sealed for its row, and opened from it again. The public half is derived, never stored. */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint } from 'jose'
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { Environment } from '../environment.ts'
import { OperatorError } from '../operator-error.ts'
import type { SealedPlace, Sealer } from '../sealing/sealer.ts'
import type { SigningKeyRow } from './store.ts'

export const signingAlgorithm = 'RS256'
const modulusBits = 2048
const minModulusBits = 2048

/** @see [RFC 7517 §4](https://www.rfc-editor.org/rfc/rfc7517.html#section-4) */
export interface PublicJwk {
  readonly kty: 'RSA'
  readonly use: 'sig'
  readonly alg: string
  readonly kid: string
  readonly n: string
  readonly e: string
}

export interface SigningKey {
  readonly kid: string
  readonly environment: Environment
  readonly algorithm: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly publicJwk: PublicJwk
  readonly createdAt: Date
  readonly activatesAt: Date
  readonly withdrawnAt: Date | null
}

const rsaPublicKey = Type.Object({ kty: Type.Literal('RSA'), n: Type.String(), e: Type.String() })

/** Makes an RSA 2048 key for RS256, sealed for its row. */
export async function generateSigningKey (
  environment: Environment, activatesAt: Date, sealer: Sealer
): Promise<Omit<SigningKeyRow, 'createdAt' | 'withdrawnAt'>> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: modulusBits, publicExponent: 0x10001 })
  const kid = await calculateJwkThumbprint(exportPublic(publicKey))
  const sealedPrivateKey = sealer.seal(placeOf(kid, environment, signingAlgorithm), privateKey.export({ type: 'pkcs8', format: 'der' }))
  return { kid, environment, algorithm: signingAlgorithm, sealedPrivateKey, activatesAt }
}

/** @throws OperatorError for a wrong master key or a row that was altered or damaged */
export async function openSigningKey (row: SigningKeyRow, sealer: Sealer): Promise<SigningKey> {
  const der = sealer.open(placeOf(row.kid, row.environment, row.algorithm), row.sealedPrivateKey)
  const privateKey = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
  const publicKey = createPublicKey(privateKey)
  const { n, e } = exportPublic(publicKey)
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0
  if (row.algorithm !== signingAlgorithm || bits < minModulusBits || await calculateJwkThumbprint({ kty: 'RSA', n, e }) !== row.kid) {
    throw new OperatorError(`The signing key ${row.kid} is not what its row says. Restore the table signing_keys from a backup.`)
  }
  const { kid, environment, algorithm, createdAt, activatesAt, withdrawnAt } = row
  return {
    kid, environment, algorithm, privateKey, publicKey, createdAt, activatesAt, withdrawnAt, publicJwk: { kty: 'RSA', use: 'sig', alg: algorithm, kid, n, e }
  }
}

function exportPublic (key: KeyObject): Static<typeof rsaPublicKey> {
  return Value.Parse(rsaPublicKey, key.export({ format: 'jwk' }))
}

/** The environment is part of the place: a row moved to the other issuer does not open. */
function placeOf (kid: string, environment: Environment, algorithm: string): SealedPlace {
  return { purpose: 'signing-key', row: kid, qualifier: `${environment} ${algorithm}` }
}
