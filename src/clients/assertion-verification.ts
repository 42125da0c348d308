/**
 * Is this client assertion the client's, for this server, of now, and used for the first time? In that order of cost; whose
 * signature it is comes before everything that depends on the client, so that the time of a refusal tells nothing about it.
 */
import type { Logger } from 'pino'
import { issuerOf } from '../environment.ts'
import { invalidClient } from '../oauth/errors.ts'
import type { ReplayGuard } from '../replay/guard.ts'
import type { AssertionCredential } from './credential.ts'
import { timesObjection, usableUntil, type AssertionClaims } from './client-assertion.ts'
import type { Client } from './client.ts'
import type { SignatureCheck } from './private-key-jwt.ts'

export interface AssertionVerification {
  /**
   * Does not look whether it was used before.
   * @param client undefined when there is none that may authenticate; the same work is done for the same form
   * @returns `verified`, or why not, for the log
   */
  verify (credential: AssertionCredential, client: Client | undefined, now: number): Promise<string>
  /**
   * The last step: what was verified is used up.
   * @throws OAuthError `invalid_client` when it was before, `temporarily_unavailable` when that cannot be stored
   */
  useUp (credential: AssertionCredential): Promise<void>
}

interface AssertionVerificationDependencies {
  readonly issuer: string
  /** What old clients name as the audience. */
  readonly tokenEndpoint: string
  readonly signatures: Readonly<Record<AssertionCredential['method'], SignatureCheck>>
  readonly replay: Pick<ReplayGuard, 'use'>
  readonly logger: Logger
}

/** @see [RFC 7523 §3.2](https://www.rfc-editor.org/rfc/rfc7523.html#section-3.2) */
export function createAssertionVerification ({ issuer, tokenEndpoint, signatures, replay, logger }: AssertionVerificationDependencies): AssertionVerification {
  /**
   * The issuer of the client's environment, and nothing else: what is meant for several would be good at each of them.
   * @see [RFC 7523 §3](https://www.rfc-editor.org/rfc/rfc7523.html#section-3) (point 3), as RFC 10070 §4 changes it
   */
  function isForUs ({ aud }: AssertionClaims, client: Client, now: number): boolean {
    const [audience, ...others] = typeof aud === 'string' ? [aud] : aud
    if (others.length > 0) return false
    if (audience === issuerOf(issuer, client.environment)) return true
    const until = client.acceptsEndpointAudienceUntil
    if (audience !== tokenEndpoint || until === null || until.getTime() <= now) return false
    logger.warn({ clientId: client.id, until }, 'client.named_endpoint_as_audience')
    return true
  }

  return {
    async verify ({ method, assertion }, client, now) {
      const objection = timesObjection(assertion.claims, now)
      if (objection !== undefined) return objection
      const verdict = await signatures[method](assertion, client, now)
      if (client === undefined || verdict !== 'verified') return verdict
      return isForUs(assertion.claims, client, now) ? 'verified' : 'its aud is not the issuer of the client\'s environment alone'
    },

    async useUp ({ clientId, assertion: { claims } }) {
      if (!await replay.use(clientId, 'assertion', claims.jti, usableUntil(claims))) throw invalidClient('client assertion: its jti was used before')
    }
  }
}
