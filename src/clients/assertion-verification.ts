/**
 * Is this client assertion the client's, for this server, of now, and used for the first time? In that order of cost; whose
 * signature it is comes before everything that depends on the client, so that the time of a refusal tells nothing about it.
 */
import type { Logger } from 'pino'
import { issuerOf } from '../environment.ts'
import type { ReplayGuard } from '../replay/guard.ts'
import type { AssertionCredential } from './credential.ts'
import type { GrantAssertionCredential } from './grant-assertion.ts'
import { methodOf, timesObjection, usableUntil, type AssertionMethod } from './client-assertion.ts'
import type { Client } from './client.ts'
import type { SignatureCheck } from './private-key-jwt.ts'
import { refused, type Verdict } from './verdict.ts'

type SignedCredential = AssertionCredential | GrantAssertionCredential

export interface AssertionVerification {
  /**
   * Does not look whether it was used before.
   * @param client nobody when there is none that may authenticate; the same work is done for the same form
   */
  verify (credential: SignedCredential, client: Client, now: number): Promise<Verdict>
  /**
   * The last step: what was verified is used up.
   * @returns whether it was not before
   * @throws OAuthError `temporarily_unavailable` when that cannot be stored
   */
  useUp (credential: SignedCredential): Promise<boolean>
}

interface AssertionVerificationDependencies {
  readonly issuer: string
  /** What old clients name as the audience, and what that of a grant may be. */
  readonly tokenEndpoint: string
  readonly signatures: Readonly<Record<AssertionMethod, SignatureCheck>>
  readonly replay: Pick<ReplayGuard, 'use'>
  readonly logger: Logger
}

/** @see [RFC 7523 §3.2](https://www.rfc-editor.org/rfc/rfc7523.html#section-3.2) */
export function createAssertionVerification ({ issuer, tokenEndpoint, signatures, replay, logger }: AssertionVerificationDependencies): AssertionVerification {
  /**
   * The issuer of the client's environment, and nothing else: what is meant for several would be good at each of them.
   * @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3) (point 3), as the next one changes it
   * @see [RFC 10070 §4](https://www.rfc-editor.org/rfc/rfc10070.html#section-4)
   * @see [RFC 8725 §3.9](https://www.rfc-editor.org/rfc/rfc8725.html#section-3.9)
   */
  function isForUs ({ kind, assertion: { claims: { aud } } }: SignedCredential, client: Client, now: number): boolean {
    const [audience, ...others] = typeof aud === 'string' ? [aud] : aud
    if (others.length > 0) return false
    if (audience === issuerOf(issuer, client.environment)) return true
    if (kind === 'grant assertion') return audience === tokenEndpoint
    const until = client.acceptsEndpointAudienceUntil
    if (audience !== tokenEndpoint || until === null || until.getTime() <= now) return false
    logger.warn({ clientId: client.id, until }, 'client.named_endpoint_as_audience')
    return true
  }

  return {
    async verify (credential, client, now) {
      const { assertion } = credential
      const objection = timesObjection(assertion.claims, now)
      if (objection !== undefined) return refused(objection)
      const verdict = await signatures[methodOf(assertion)](assertion, client, now)
      if ('refused' in verdict || isForUs(credential, client, now)) return verdict
      return refused('its aud is not the issuer of the client\'s environment alone')
    },

    async useUp ({ clientId, assertion: { claims } }) {
      return await replay.use(clientId, 'assertion', claims.jti, usableUntil(claims))
    }
  }
}
