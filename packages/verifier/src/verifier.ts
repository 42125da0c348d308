/**
 * Is this request to be served? `verify` goes through everything that a resource server has to check, in the order in
 * which it is cheapest; it must not know of any framework.
 */
import { verifyAccessToken, type AccessToken } from './access-token.ts'
import { readAuthorization, type PresentedToken, type TokenRequest } from './authorization.ts'
import { requireBinding } from './binding.ts'
import type { DpopOptions } from './dpop.ts'
import { missingToken, toVerificationError, type Challenges } from './error.ts'
import { createIssuer } from './issuer.ts'
import { createKeys } from './keys.ts'
import { readOptions, type ReadOptions, type VerifierOptions } from './options.ts'
import { invalidToken, Refusal, Unavailable, type Scheme } from './refusal.ts'
import { createStatusLists } from './status-lists.ts'
import { createUsedProofs } from './used-proofs.ts'

export interface VerifyOptions {
  /** What the request needs: scopes, space-delimited, all of them. Without it, any token of this API's is good. */
  readonly scope?: string | undefined
  /** DER of the certificate that the client showed in TLS, for tokens that are bound to one. */
  readonly certificate?: Uint8Array | undefined
}

export interface Verifier {
  /**
   * @param input a request, or a bearer token by itself
   * @returns the claims of a token that is good for this API, was not revoked, and has the scope
   * @throws VerificationError
   * @see the README for what is not checked
   */
  verify (input: TokenRequest | string, options?: VerifyOptions): Promise<AccessToken>
}

export function createVerifier (given: VerifierOptions): Verifier {
  const options = readOptions(given)
  const { now, random, clockToleranceSeconds } = options
  const issuer = createIssuer(options)
  const keys = createKeys({ issuer, jwksUri: options.jwksUri, usableSeconds: options.keysUsableSeconds, now, random })
  const statusLists = createStatusLists({ issuer, keys, clockToleranceSeconds, now, random })
  const dpop = createDpop(options)
  const schemes: readonly Scheme[] = dpop === undefined ? ['Bearer'] : ['DPoP', 'Bearer']
  const challenges: Challenges = { realm: options.realm, takesProofs: dpop !== undefined }

  async function judge (presented: PresentedToken, input: TokenRequest | string, { scope, certificate }: VerifyOptions): Promise<AccessToken> {
    const accessToken = await verifyAccessToken(presented.token, { ...options, keys })
    await requireBinding(accessToken, { presented, request: typeof input === 'string' ? undefined : input, certificate }, dpop)
    await requireNotRevoked(accessToken)
    requireScope(accessToken, scope)
    return accessToken
  }

  /** @see [Token Status List §8.3](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-8.3) */
  async function requireNotRevoked ({ status: { status_list: { uri, idx } } }: AccessToken): Promise<void> {
    if (!issuer.owns(uri)) throw invalidToken('The access token is not one for this API.', { cause: new Error('its status list is not the issuer\'s') })
    try {
      const status = await statusLists.statusOf(uri, idx)
      if (status === 'no list') throw invalidToken('The access token is not good any more: get another one.', { cause: new Error('the issuer says that there is no such status list') })
      if (status === 'outside') throw invalidToken('The access token is not one for this API.', { cause: new Error('its index is outside the status list, which says nothing about it') })
      if (status !== 0) throw invalidToken('The access token was revoked: get another one.')
    } catch (error) {
      if (!(error instanceof Unavailable) || options.whenStatusUnavailable === 'refuse') throw error
      options.onStatusUnavailable?.(error)
    }
  }

  return {
    async verify (input, verifyOptions = {}) {
      let scheme: Scheme = 'Bearer'
      try {
        const presented: PresentedToken | undefined = typeof input === 'string' ? { scheme, token: input } : readAuthorization(input, schemes)
        if (presented === undefined) throw missingToken(challenges)
        scheme = presented.scheme
        return await judge(presented, input, verifyOptions)
      } catch (error) {
        throw toVerificationError(error, scheme, challenges)
      }
    }
  }
}

function createDpop ({ dpop, clockToleranceSeconds, now }: ReadOptions): DpopOptions | undefined {
  if (dpop === undefined) return undefined
  const { url, maxProofAgeSeconds, maxProofs } = dpop
  const used = createUsedProofs({ lifetimeSeconds: maxProofAgeSeconds + 2 * clockToleranceSeconds, maxProofs, now })
  return { url, maxProofAgeSeconds, clockToleranceSeconds, used, now }
}

/** @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1) */
function requireScope ({ scope: granted = '' }: AccessToken, needed = ''): void {
  const scopes = granted.split(' ')
  const missing = needed.split(' ').filter((scope) => scope !== '' && !scopes.includes(scope))
  if (missing.length === 0) return
  throw new Refusal('insufficient_scope', `The access token lacks the scope ${missing.join(' ')}.`, { scope: needed })
}
