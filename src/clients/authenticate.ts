/** Client authentication: rows 7 to 9. Whatever is wrong with a credential, the answer is one; the cause is for the log. */
import type { Clock } from '../clock.ts'
import type { CredentialUsage } from '../credential-usage/usage.ts'
import type { CredentialSources } from '../http/credential.ts'
import { redact } from '../http/redact.ts'
import { invalidClient, invalidGrant, type OAuthError } from '../oauth/errors.ts'
import { needsSecret } from '../oauth/authentication-methods.ts'
import type { Organization, OrganizationDirectory } from '../organizations/organization.ts'
import type { AssertionVerification } from './assertion-verification.ts'
import { methodOf } from './client-assertion.ts'
import type { CertificateVerification } from './client-certificate.ts'
import type { Client } from './client.ts'
import type { GrantAssertionClaims } from './grant-assertion.ts'
import { presentedCredential, type PresentedCredential } from './credential.ts'
import type { ClientDirectory } from './directory.ts'
import { nobody } from './nobody.ts'
import { forgedSecret, type SecretVerification } from './secret-verification.ts'
import type { Verdict } from './verdict.ts'

export interface AuthenticatedClient {
  readonly client: Client
  readonly organization: Organization
  /** What it authenticated with: `secret:` and its id, `key:` and its kid, or `certificate`. */
  readonly credential: string
  /** What that says besides, where it is the grant too. */
  readonly assertion?: GrantAssertionClaims
}

/** @throws OAuthError `invalid_request`, `invalid_client`, `temporarily_unavailable`; `invalid_grant` for an assertion that is the grant too */
export type Authenticate = (sources: CredentialSources) => Promise<AuthenticatedClient>

interface AuthenticateDependencies {
  /** Those that are on. */
  readonly methods: readonly string[]
  readonly clients: Pick<ClientDirectory, 'get'>
  readonly organizations: Pick<OrganizationDirectory, 'get'>
  readonly secrets: SecretVerification
  readonly assertions: AssertionVerification
  readonly certificates: CertificateVerification
  readonly usage: Pick<CredentialUsage, 'used'>
  readonly clock: Clock
}

/** The log learns what was wrong, and which client id was named, as far as that is printable and no secret. */
function refusal (what: string, { kind, clientId }: PresentedCredential): OAuthError {
  const named = redact(clientId).slice(0, 64).replace(/[^\w.:[\]-]/g, '?')
  const cause = `${what}, for client_id ${named}`
  return kind === 'grant assertion' ? invalidGrant(`assertion: ${cause}`) : invalidClient(cause)
}

/**
 * What is the grant too needs no method of its own: a secret signs for whoever may show one, and a key for whoever has
 * registered one.
 */
function isRegistered (credential: PresentedCredential, { authenticationMethods }: Client): boolean {
  if (credential.kind !== 'grant assertion') return authenticationMethods.includes(credential.method)
  return methodOf(credential.assertion) === 'private_key_jwt' || authenticationMethods.some(needsSecret)
}

function isOn (credential: PresentedCredential, methods: readonly string[]): boolean {
  if (credential.kind !== 'grant assertion') return methods.includes(credential.method)
  return methodOf(credential.assertion) === 'private_key_jwt' ? methods.includes('private_key_jwt') : methods.some(needsSecret)
}

/** A client id longer than this is nobody's. */
const maxClientIdLength = 128

/**
 * The cheap refusals come first, in an order that depends on the form of the secret alone: the tag of a
 * generated secret before anything is looked up, its password hash after everything that could refuse it.
 * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1)
 */
export function createAuthenticate ({ methods, clients, organizations, secrets, assertions, certificates, usage, clock }: AuthenticateDependencies): Authenticate {
  function standing (credential: PresentedCredential): Pick<AuthenticatedClient, 'client' | 'organization'> | string {
    const client = credential.clientId.length <= maxClientIdLength ? clients.get(credential.clientId) : undefined
    if (client === undefined) return 'unknown client'
    const organization = organizations.get(client.organizationId)
    if (organization === undefined) return 'unknown organization'
    if (client.disabledAt !== null) return 'client disabled'
    if (organization.disabledAt !== null) return 'organization disabled'
    if (!isRegistered(credential, client)) return `method ${credential.method ?? 'of its assertion'} not registered`
    return { client, organization }
  }

  /** One way of looking for each kind of credential, and the same work whoever the client is. */
  async function verdictOn (credential: PresentedCredential, client: Client): Promise<Verdict> {
    switch (credential.kind) {
      case 'secret': return await secrets.verify(credential, client, clock())
      case 'grant assertion':
      case 'assertion': return await assertions.verify(credential, client, clock())
      case 'certificate': return certificates.verify(credential, client, clock())
    }
  }

  return async (sources) => {
    const credential = presentedCredential(sources)
    if (!isOn(credential, methods)) throw refusal(`method ${credential.method ?? 'of its assertion'} is off`, credential)
    let isUsedUp = false
    for (;;) {
      const found = standing(credential)
      const verdict = await verdictOn(credential, typeof found === 'string' ? nobody : found.client)
      if (typeof found === 'string') throw refusal('refused' in verdict && verdict.refused === forgedSecret ? forgedSecret : found, credential)
      if ('refused' in verdict) throw refusal(verdict.refused, credential)
      if ('assertion' in credential && !isUsedUp) {
        isUsedUp = await assertions.useUp(credential)
        if (!isUsedUp) throw refusal('its jti was used before', credential)
      }
      // While argon2 or the database was waited for, the client or its credential may have been disabled or revoked: look
      // again. What was verified is remembered, so that a second round waits for nothing.
      if (clients.get(found.client.id) === found.client && organizations.get(found.organization.id) === found.organization) {
        usage.used(found.client, verdict.verified)
        const caller = { ...found, credential: verdict.verified }
        return credential.kind === 'grant assertion' ? { ...caller, assertion: credential.assertion.claims } : caller
      }
    }
  }
}
