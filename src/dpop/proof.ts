/**
 * DPoP proofs: whoever asks for a token shows that it holds a key, and the token is bound to that key. This folder
 * judges proofs; it must not know what is granted, nor how an answer looks.
 */
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { Client } from '../clients/client.ts'
import type { Clock } from '../clock.ts'
import { invalidDpopProof, useDpopNonce } from '../oauth/errors.ts'
import { parseCompactJwt, type CompactJwt } from '../oauth/jwt.ts'
import type { ReplayGuard } from '../replay/guard.ts'
import type { Nonces } from './nonces.ts'
import { readProofKey } from './proof-key.ts'
import { normalizedTarget } from './target.ts'

export interface Dpop {
  /**
   * Looks at the headers, and asks for a nonce: all that can be said before anybody is authenticated, so that
   * nothing that may be used once, such as an assertion, is used up when the request has to be sent again.
   * @param headers each `DPoP` header of the request
   * @throws OAuthError `invalid_dpop_proof`, `use_dpop_nonce`
   */
  read (headers: readonly string[]): PresentedProof | undefined
  /**
   * Every check but the last: whether the proof is used for the first time.
   * @returns undefined when the client's token is not to be bound
   * @throws OAuthError `invalid_dpop_proof`
   */
  verify (presented: PresentedProof | undefined, client: Pick<Client, 'dpop'>): Proof | undefined
  /**
   * The last check; what was used is used up.
   * @throws OAuthError `invalid_dpop_proof`, `temporarily_unavailable`
   */
  use (proof: Proof): Promise<void>
  /** For the header `DPoP-Nonce` of an answer; undefined where no nonces are asked for. */
  nextNonce (): string | undefined
}

export interface PresentedProof {
  readonly jwt: CompactJwt
}

export interface Proof {
  /** RFC 7638 thumbprint of the key. */
  readonly thumbprint: string
  readonly identifier: string
  /** When it is refused as too old, in milliseconds since the epoch. */
  readonly expiresAt: number
}

interface DpopDependencies {
  /** The URL that clients send token requests to. */
  readonly tokenEndpoint: string
  /** Undefined: proofs need no nonce. */
  readonly nonces: Nonces | undefined
  readonly replay: Pick<ReplayGuard, 'use'>
  readonly clock: Clock
}

const maxProofLength = 8_192
/** How old a proof may be, and how far its maker's clock may be ahead. */
const windowSeconds = 60

/** @see [RFC 9449 §4.2](https://www.rfc-editor.org/rfc/rfc9449.html#section-4.2) */
const proofClaims = Type.Object({
  jti: Type.String({ minLength: 1, maxLength: 256 }),
  htm: Type.String({ minLength: 1, maxLength: 32 }),
  htu: Type.String({ minLength: 1, maxLength: 2_048 }),
  iat: Type.Number({ minimum: 0, maximum: 253_402_300_799 })
})

/** @see [RFC 9449 §4.3](https://www.rfc-editor.org/rfc/rfc9449.html#section-4.3) */
export function createDpop ({ tokenEndpoint, nonces, replay, clock }: DpopDependencies): Dpop {
  const target = normalizedTarget(tokenEndpoint)

  function requireClaims ({ htm, htu, iat }: Static<typeof proofClaims>, claims: CompactJwt['claims']): void {
    const now = clock() / 1000
    if (htm !== 'POST') throw invalidDpopProof('The htm of the DPoP proof is not POST.')
    if (target === undefined || normalizedTarget(htu) !== target) throw invalidDpopProof(`The htu of the DPoP proof is not ${tokenEndpoint}.`)
    if (iat < now - windowSeconds) throw invalidDpopProof(`The DPoP proof is older than ${windowSeconds} seconds by its iat: make a new one for each request.`)
    if (iat > now + windowSeconds) throw invalidDpopProof('The iat of the DPoP proof is in the future: set the clock of the client.')
    for (const [name, isPast] of [['exp', (time: number) => time <= now], ['nbf', (time: number) => time > now + windowSeconds]] as const) {
      const time = claims[name]
      if (time !== undefined && (typeof time !== 'number' || isPast(time))) throw invalidDpopProof(`The DPoP proof is not valid at this time by its ${name}.`)
    }
  }

  return {
    read (headers) {
      const [header, ...others] = headers
      if (header === undefined) return undefined
      if (others.length > 0) throw invalidDpopProof('The request has several DPoP headers: send one.')
      const jwt = parseCompactJwt(header, maxProofLength)
      if (jwt === undefined) throw invalidDpopProof('The DPoP header is not one signed JWT in compact form.')
      if (nonces !== undefined && !(typeof jwt.claims['nonce'] === 'string' && nonces.isFresh(jwt.claims['nonce']))) throw useDpopNonce(nonces.current())
      return { jwt }
    },

    verify (presented, { dpop }) {
      if (dpop === 'off') return undefined
      if (presented === undefined) {
        if (dpop === 'required') throw invalidDpopProof('The tokens of this client are bound to a key: send a DPoP header with a proof.')
        return undefined
      }
      const { header, claims, signingInput, signature } = presented.jwt
      if (header['typ'] !== 'dpop+jwt') throw invalidDpopProof('The typ of the DPoP proof is not dpop+jwt.')
      if ('crit' in header) throw invalidDpopProof('The DPoP proof has a crit, of which this server knows no extension.')
      if (!Value.Check(proofClaims, claims)) throw invalidDpopProof(`The DPoP proof has no usable ${Value.Errors(proofClaims, claims).First()?.path.slice(1) ?? 'claims'}.`)
      requireClaims(claims, claims)
      const key = readProofKey(header['alg'], header['jwk'])
      if ('refused' in key) throw invalidDpopProof(`The DPoP proof has no usable key: ${key.refused}.`)
      if (!key.verifies(signingInput, signature)) throw invalidDpopProof('The signature of the DPoP proof is not by the key in its jwk.')
      return { thumbprint: key.thumbprint, identifier: claims.jti, expiresAt: (claims.iat + windowSeconds) * 1000 }
    },

    async use ({ thumbprint, identifier, expiresAt }) {
      if (!await replay.use(thumbprint, 'proof', identifier, expiresAt)) throw invalidDpopProof('The DPoP proof was used before: make a new one, with another jti, for each request.')
    },

    nextNonce: () => nonces?.current()
  }
}
