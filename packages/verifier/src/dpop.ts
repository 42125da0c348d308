/** DPoP proofs: whoever sends a bound token shows, for this very request, that it holds the key. */
import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, jwtVerify, type JWTPayload } from 'jose'
import { knownAlgorithms } from './algorithms.ts'
import { headerValues, type TokenRequest } from './authorization.ts'
import { maxProofLength } from './limits.ts'
import { invalidDpopProof } from './refusal.ts'
import { normalizedTarget, targetOf } from './target.ts'
import type { UsedProofs } from './used-proofs.ts'

export interface DpopOptions {
  /** Of this API as its clients see it, without a slash at its end. */
  readonly url: string
  readonly maxProofAgeSeconds: number
  readonly clockToleranceSeconds: number
  readonly used: UsedProofs
  readonly now: () => number
}

const notAProof = 'The DPoP proof is not one signed JWT with the members that RFC 9449 section 4.2 names.'

interface ProofClaims {
  readonly jti: string
  readonly htm: string
  readonly htu: string
  readonly iat: number
  readonly ath: string
}

/**
 * @param thumbprint `cnf.jkt` of the token
 * @throws Refusal `invalid_dpop_proof`
 * @throws Unavailable when the proof cannot be remembered
 * @see [RFC 9449 §4.3](https://www.rfc-editor.org/rfc/rfc9449.html#section-4.3), [§7.1](https://www.rfc-editor.org/rfc/rfc9449.html#section-7.1). Not checked: a nonce, for none is given out.
 */
export async function requireProof (request: TokenRequest, token: string, thumbprint: string, options: DpopOptions): Promise<void> {
  const [header, ...others] = headerValues(request, 'dpop')
  if (header === undefined) throw invalidDpopProof('The request has no DPoP header: send a proof.')
  if (others.length > 0) throw invalidDpopProof('The request has several DPoP headers: send one.')
  if (header.length > maxProofLength) throw invalidDpopProof('The DPoP proof is too long.')
  // First, so that no signature is verified but by the key that the issuer has looked at.
  if (await thumbprintOf(header) !== thumbprint) throw invalidDpopProof('The DPoP proof is not by the key that the access token is bound to.')
  const claims = await readProof(header, options)
  requireTimes(claims, options)
  const target = targetOf(request, options.url)
  if (claims.htm !== request.method) throw invalidDpopProof('The htm of the DPoP proof is not the method of the request.')
  if (target === undefined || normalizedTarget(claims.htu) !== target) throw invalidDpopProof('The htu of the DPoP proof is not the URL of the request.')
  if (claims.ath !== createHash('sha256').update(token).digest('base64url')) throw invalidDpopProof('The ath of the DPoP proof is not the hash of the access token.')
  if (!options.used.use(thumbprint, claims.jti)) throw invalidDpopProof('The DPoP proof was used before: make a new one, with another jti, for each request.')
}

/** @see [RFC 7638 §3](https://www.rfc-editor.org/rfc/rfc7638.html#section-3) */
async function thumbprintOf (proof: string): Promise<string> {
  try {
    const { jwk } = decodeProtectedHeader(proof)
    if (jwk === undefined) throw new Error('the header has no jwk')
    return await calculateJwkThumbprint(jwk)
  } catch (error) {
    throw invalidDpopProof(notAProof, error)
  }
}

async function readProof (proof: string, { now, clockToleranceSeconds }: DpopOptions): Promise<ProofClaims> {
  try {
    const { payload } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...knownAlgorithms], typ: 'dpop+jwt', currentDate: new Date(now()), clockTolerance: clockToleranceSeconds
    })
    if (!isProof(payload)) throw new Error('a claim is missing, or of another type')
    return payload
  } catch (error) {
    throw invalidDpopProof(notAProof, error)
  }
}

function isProof (claims: JWTPayload): claims is JWTPayload & ProofClaims {
  const { jti, htm, htu, iat, ath } = claims
  return [htm, htu, ath].every((text) => typeof text === 'string') && typeof jti === 'string' && jti !== '' && typeof iat === 'number'
}

function requireTimes ({ iat }: ProofClaims, { now, maxProofAgeSeconds, clockToleranceSeconds }: DpopOptions): void {
  const age = now() / 1_000 - iat
  if (age > maxProofAgeSeconds + clockToleranceSeconds) throw invalidDpopProof(`The DPoP proof is older than ${maxProofAgeSeconds} seconds by its iat: make a new one for each request.`)
  if (age < -clockToleranceSeconds) throw invalidDpopProof('The iat of the DPoP proof is in the future: set the clock of the client.')
}
