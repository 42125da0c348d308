/**
 * The single mint: every access token is made here. It writes nothing, but may have to wait for a block of status indexes;
 * where that tells it that it is behind, it catches up and begins again, with the key and the cut-offs of then.
 */
import { randomBytes } from 'node:crypto'
import { nowSeconds, type Clock } from '../clock.ts'
import type { Client } from '../clients/client.ts'
import type { ClientDirectory } from '../clients/directory.ts'
import { issuerOf, type Environment } from '../environment.ts'
import { newExchangedTokenId } from '../exchanged-tokens/exchanged-token.ts'
import { badSubjectToken } from '../exchanged-tokens/refusals.ts'
import type { KeyRing } from '../keys/ring.ts'
import { signJwt } from '../keys/sign.ts'
import type { SigningKey } from '../keys/signing-key.ts'
import { accessTokenType, defaultAccessTokenTtlSeconds, tokenTypeOf, type AccessTokenClaims, type Actor, type Confirmation, type TokenType } from '../oauth/claims.ts'
import { invalidScope, invalidTarget, temporarilyUnavailable } from '../oauth/errors.ts'
import type { Organization, OrganizationDirectory } from '../organizations/organization.ts'
import type { Resource } from '../resources/resource.ts'
import type { Allocate } from '../status-lists/allocate.ts'
import { statusListUri, type StatusReference } from '../status-lists/status-list.ts'
import { earliestIssue } from './cut-off.ts'
import { stoppedMeanwhile } from './stopped-meanwhile.ts'

export interface Grant {
  readonly client: Client
  readonly organization: Organization
  /** What the client authenticated with. */
  readonly credential: string
  readonly scopes: readonly string[]
  /** Those that the scopes belong to: one, unless each allows being mixed. */
  readonly resources: readonly Resource[]
  /** What a token that is not about the client itself says besides. */
  readonly subject?: Subject
  /** The key or certificate that the token is bound to. */
  readonly confirmation?: Confirmation
}

export interface Subject {
  readonly sub: string
  readonly playerId?: string
  readonly actor?: Actor
  /** Of the subject, where that is not the client's. */
  readonly organizationId?: string
  /** Of a token that is derived from another: the seconds since the epoch that it does not outlive. */
  readonly expiresBy?: number
}

export interface AccessToken {
  /** JWS compact serialization. */
  readonly token: string
  readonly expiresInSeconds: number
  readonly type: TokenType
  readonly jti: string
  readonly status: StatusReference
  /** Seconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: Date
}

/** @returns a promise only where the database has to be waited for */
export type Mint = (grant: Grant) => AccessToken | Promise<AccessToken>

interface MintDependencies {
  readonly issuer: string
  readonly keys: Pick<KeyRing, 'active'>
  readonly clock: Clock
  readonly allocate: Allocate
  readonly clients: Pick<ClientDirectory, 'get'>
  readonly organizations: Pick<OrganizationDirectory, 'get'>
  /** Until what was committed before is known here. */
  readonly catchUp: () => Promise<void>
}

const maxTokenBytes = 4_096
const mostTimesBehind = 3

/**
 * @see [RFC 9068 §2](https://www.rfc-editor.org/rfc/rfc9068.html#section-2)
 * @see [Token Status List §6.2](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list#section-6.2)
 * @see [RFC 6749 §10.10](https://www.rfc-editor.org/rfc/rfc6749.html#section-10.10) (nobody guesses a token)
 * @see [RFC 6750 §5.2](https://www.rfc-editor.org/rfc/rfc6750.html#section-5.2) (nobody makes one, nor changes it)
 */
export function createMint ({ issuer, keys, clock, allocate, clients, organizations, catchUp }: MintDependencies): Mint {
  /** @returns undefined where this process is behind the database */
  function attempt ({ client, organization, credential, scopes, resources, subject, confirmation }: Grant): AccessToken | Promise<AccessToken | undefined> {
    const key = signingKeyOf(resources, client.environment, keys)
    const iat = issuedAt(nowSeconds(clock), client, organization)
    const expiresInSeconds = Math.min(lifetimeSeconds(client, resources), (subject?.expiresBy ?? Infinity) - iat)
    if (expiresInSeconds < 1) throw badSubjectToken('it has expired meanwhile')
    const exp = iat + expiresInSeconds

    function make (status: StatusReference): AccessToken {
      const jti = subject?.expiresBy === undefined ? randomBytes(16).toString('base64url') : newExchangedTokenId()
      const claims: AccessTokenClaims = {
        iss: issuerOf(issuer, client.environment),
        sub: subject?.sub ?? client.id,
        aud: audienceOf(resources),
        exp,
        iat,
        jti,
        client_id: client.id,
        scope: scopes.join(' '),
        org: subject?.organizationId ?? organization.id,
        env: client.environment,
        status: { status_list: { idx: status.index, uri: statusListUri(issuer, client.environment, status.listId) } },
        ...(subject?.playerId === undefined ? {} : { player_id: subject.playerId }),
        ...(subject?.actor === undefined ? {} : { act: subject.actor }),
        ...(confirmation === undefined ? {} : { cnf: confirmation })
      }
      const token = signJwt(key, accessTokenType, claims)
      if (token.length > maxTokenBytes) throw invalidScope(`The token would be larger than ${maxTokenBytes} bytes: ask for fewer scopes.`)
      return { token, expiresInSeconds, type: tokenTypeOf(confirmation), jti, status, issuedAt: iat, expiresAt: new Date(exp * 1000) }
    }

    const status = allocate({
      clientId: client.id, organizationId: organization.id, credential, kid: key.kid, clientCutOff: client.tokensRevokedBefore, organizationCutOff: organization.tokensRevokedBefore
    }, client.environment, exp * 1000)
    return status instanceof Promise ? status.then((allocated) => allocated === undefined ? undefined : make(allocated)) : make(status)
  }

  async function insist (grant: Grant, first: Promise<AccessToken | undefined>): Promise<AccessToken> {
    let token = await first
    for (let times = 0; token === undefined; times += 1) {
      if (times === mostTimesBehind) throw stoppedMeanwhile('the lease was refused again and again')
      await catchUp().catch((error: unknown) => { throw stoppedMeanwhile(`the lease was refused, and the database is away: ${String(error)}`) })
      const [client, organization] = [clients.get(grant.client.id), organizations.get(grant.organization.id)]
      if (organization === undefined || client?.organizationId !== organization.id) throw stoppedMeanwhile('it was deleted or moved meanwhile')
      token = await attempt({ ...grant, client, organization })
    }
    return token
  }

  return (grant) => {
    const made = attempt(grant)
    return made instanceof Promise ? insist(grant, made) : made
  }
}

/**
 * Each resource may have an algorithm of its own, and its API accept no other.
 * @throws OAuthError `temporarily_unavailable`, `invalid_target`
 */
function signingKeyOf (resources: readonly Resource[], environment: Environment, keys: Pick<KeyRing, 'active'>): SigningKey {
  const wanted = resources.map(({ signingAlgorithm }) => keys.active(environment, signingAlgorithm))
  const [key, ...others] = new Set(wanted.filter((each) => each !== undefined))
  if (key === undefined || wanted.includes(undefined)) throw temporarilyUnavailable('The server has no signing key at this moment.', 5, `no active ${environment} key for ${resources.map(({ signingAlgorithm }) => signingAlgorithm ?? 'the default').join(', ')}`)
  if (others.length > 0) throw invalidTarget('Tokens for these resources are signed in different ways: ask for one of them at a time.')
  return key
}

/** One identifier is a string, for that is what most verifiers compare with. */
function audienceOf (resources: readonly Resource[]): AccessTokenClaims['aud'] {
  const identifiers = resources.map(({ identifier }) => identifier)
  return identifiers.length === 1 ? identifiers.join() : identifiers
}

/** The shortest one where client and resources have lifetimes of their own: none can stretch another's. */
export function lifetimeSeconds (client: Pick<Client, 'accessTokenTtlSeconds'>, resources: readonly Pick<Resource, 'accessTokenTtlSeconds'>[]): number {
  const own = [client, ...resources].map(({ accessTokenTtlSeconds }) => accessTokenTtlSeconds).filter((seconds) => seconds !== null)
  return own.length === 0 ? defaultAccessTokenTtlSeconds : Math.min(...own)
}

/**
 * A token that is minted in the very second of a cut-off, but after it, is dated one second later, so that it lives. A later
 * cut-off, by a clock ahead of ours, is waited for: a token that is born dead would be no answer.
 * @throws OAuthError `temporarily_unavailable`
 */
function issuedAt (now: number, client: Client, organization: Organization): number {
  const earliest = Math.max(now, earliestIssue(client), earliestIssue(organization))
  if (earliest > now + 1) throw temporarilyUnavailable('Tokens of this client are revoked up to a moment that is yet to come.', Math.min(earliest - now, 60), 'tokens_revoked_before is in the future')
  return earliest
}
