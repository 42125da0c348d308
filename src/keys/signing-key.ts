/** A signing key: made, sealed for its row, and opened from it again. The public half is derived, never stored. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { Value } from '@sinclair/typebox/value'
import type { Environment } from '../environment.ts'
import { isSigningAlgorithm, type SigningAlgorithm } from '../oauth/signing-algorithms.ts'
import { OperatorError } from '../operator-error.ts'
import type { SealedPlace, Sealer } from '../sealing/sealer.ts'
import { algorithms, type PublicMembers } from './algorithms.ts'
import type { KeyTimes } from './state.ts'
import type { NewSigningKey, SigningKeyRow } from './store.ts'

/** @see [RFC 7517 §4](https://www.rfc-editor.org/rfc/rfc7517.html#section-4) */
export type PublicJwk = PublicMembers & {
  readonly use: 'sig'
  readonly alg: SigningAlgorithm
  readonly kid: string
}

export interface SigningKey extends KeyTimes {
  readonly algorithm: SigningAlgorithm
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly publicJwk: PublicJwk
  readonly createdAt: Date
}

export interface SigningKeyWish {
  readonly environment: Environment
  readonly algorithm: SigningAlgorithm
  /** Only RSA keys have any. */
  readonly rsaModulusBits: number
  readonly activatesAt: Date
}

export type Seals = Pick<Sealer, 'seal'>

/** Makes a key, which takes a while. @returns what seals it for its row */
export async function makeSigningKey ({ environment, algorithm, rsaModulusBits }: Omit<SigningKeyWish, 'activatesAt'>): Promise<(activatesAt: Date, sealer: Seals) => NewSigningKey> {
  const { privateKey, publicKey } = await algorithms[algorithm].generate(rsaModulusBits)
  const kid = await calculateJwkThumbprint(exportPublic(publicKey, algorithm))
  return (activatesAt, sealer) => {
    const sealedPrivateKey = sealer.seal(placeOf(kid, environment, algorithm), privateKey.export({ type: 'pkcs8', format: 'der' }))
    return { kid, environment, algorithm, sealedPrivateKey, activatesAt }
  }
}

/** Makes a key, sealed for its row. */
export async function generateSigningKey (wish: SigningKeyWish, sealer: Seals): Promise<NewSigningKey> {
  return (await makeSigningKey(wish))(wish.activatesAt, sealer)
}

/** @throws OperatorError when the row does not open */
export function resealSigningKey ({ kid, environment, algorithm, sealedPrivateKey }: SigningKeyRow, from: Pick<Sealer, 'open'>, to: Seals): Pick<SigningKeyRow, 'kid' | 'sealedPrivateKey'> {
  const place = placeOf(kid, environment, algorithm)
  return { kid, sealedPrivateKey: to.seal(place, from.open(place, sealedPrivateKey)) }
}

/** @throws OperatorError for a wrong master key or a row that was altered or damaged */
export async function openSigningKey (row: SigningKeyRow, sealer: Pick<Sealer, 'open'>): Promise<SigningKey> {
  const { kid, environment, algorithm, createdAt, activatesAt, withdrawnAt, longestTokenSeconds } = row
  const der = sealer.open(placeOf(kid, environment, algorithm), row.sealedPrivateKey)
  if (!isSigningAlgorithm(algorithm)) {
    throw new OperatorError(`The signing key ${kid} is for the algorithm ${algorithm}, which this version does not have. Start the version that made it.`)
  }
  const privateKey = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
  const publicKey = createPublicKey(privateKey)
  const members = publicMembersOf(publicKey, algorithm)
  if (members === undefined || !algorithms[algorithm].isStrong(publicKey) || await calculateJwkThumbprint(members) !== kid) {
    throw new OperatorError(`The signing key ${kid} is not what its row says. Restore the table signing_keys from a backup.`)
  }
  return {
    kid, environment, algorithm, privateKey, publicKey, createdAt, activatesAt, withdrawnAt, longestTokenSeconds, publicJwk: { ...members, use: 'sig', alg: algorithm, kid }
  }
}

function exportPublic (key: KeyObject, algorithm: SigningAlgorithm): PublicMembers {
  return Value.Parse(algorithms[algorithm].publicMembers, key.export({ format: 'jwk' }))
}

/** @returns undefined for a key of another kind */
function publicMembersOf (key: KeyObject, algorithm: SigningAlgorithm): PublicMembers | undefined {
  return Value.Check(algorithms[algorithm].publicMembers, key.export({ format: 'jwk' })) ? exportPublic(key, algorithm) : undefined
}

/** The environment is part of the place: a row moved to the other issuer does not open. */
function placeOf (kid: string, environment: Environment, algorithm: string): SealedPlace {
  return { purpose: 'signing-key', row: kid, qualifier: `${environment} ${algorithm}` }
}
