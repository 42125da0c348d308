/**
 * Looks at an access token as introspection would, for the operator: with the reason in full, and with the dates
 * of its revocation and of whatever was disabled.
 */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { pino } from 'pino'
import { Value } from '@sinclair/typebox/value'
import { createCheckActive, statusOf } from '../access-tokens/active.ts'
import { createRevocations } from '../access-tokens/revocations.ts'
import { createVerifyAccessToken, maxTokenLength } from '../access-tokens/verify.ts'
import { createClientDirectory } from '../clients/directory.ts'
import { createExchangedTokens } from '../exchanged-tokens/directory.ts'
import { environments, issuerOf } from '../environment.ts'
import { createKeyRing } from '../keys/ring.ts'
import { keyState } from '../keys/state.ts'
import { accessTokenClaims } from '../oauth/claims.ts'
import { createOrganizationDirectory } from '../organizations/organization.ts'
import { createResourceDirectory } from '../resources/resource.ts'
import { createStatusLists } from '../status-lists/directory.ts'
import type { Json } from './output.ts'
import { timeOf } from './present.ts'
import type { Session } from './session.ts'

interface Decoded {
  readonly header: Json | undefined
  readonly claims: Json | undefined
}

export async function inspectToken (token: string, session: Session): Promise<Json> {
  const { clock, issuer, sealer } = session
  const organizations = createOrganizationDirectory(session.organizations)
  const resources = createResourceDirectory(session.resources)
  const clients = createClientDirectory(session.clients)
  const keys = createKeyRing({ store: session.keys, sealer, clock, logger: pino({ level: 'silent' }), algorithms: [] })
  const revocations = createRevocations({ reading: session.revokedTokens, writing: session.revokedTokens, clock })
  const exchangedTokens = createExchangedTokens({ reading: session.exchangedTokens, writing: session.exchangedTokens, clock, limit: 0 })
  const statusLists = createStatusLists({ reading: session.statusLists, writing: session.statusLists, clock })
  await Promise.all([organizations, resources, clients, keys, revocations, statusLists.lists, statusLists.revoked].map((view) => view.load()))

  const verify = createVerifyAccessToken({ issuer, keys, clock })
  const result = await createCheckActive({ verify, revocations, exchangedTokens, statusLists, issuer, keys, clients, organizations, resources })(token)
  const decoded = decode(token)
  const { jti, client_id: clientId, iat, exp } = decoded.claims ?? {}
  const client = typeof clientId === 'string' ? clients.get(clientId) : undefined
  const organization = client === undefined ? undefined : organizations.get(client.organizationId)
  // Only what the table is known to hold is asked for: a claim of somebody else's token may be any string.
  const ofJti = typeof jti === 'string' && revocations.isRevoked(jti) ? await session.revokedTokens.readRevokedAt(jti) : undefined
  const status = Value.Check(accessTokenClaims, decoded.claims) ? statusOf(decoded.claims, issuer) : undefined
  const revokedAt = ofJti ?? (status !== undefined && statusLists.isRevoked(status) ? await session.statusLists.readRevokedAt(status) : undefined)
  const details = result.active ? undefined : await detail(result.reason, token, decoded, session)
  return {
    active: result.active,
    reason: result.active ? null : details === undefined ? result.reason : `${result.reason} (${details})`,
    issued_at: numericDate(iat),
    expires_at: numericDate(exp),
    revoked_at: timeOf(revokedAt ?? null),
    client_name: client?.name ?? null,
    client_disabled_at: timeOf(client?.disabledAt ?? null),
    client_tokens_revoked_before: timeOf(client?.tokensRevokedBefore ?? null),
    organization_name: organization?.name ?? null,
    organization_disabled_at: timeOf(organization?.disabledAt ?? null),
    organization_tokens_revoked_before: timeOf(organization?.tokensRevokedBefore ?? null),
    header: decoded.header ?? null,
    claims: decoded.claims ?? null
  }
}

function decode (token: string): Decoded {
  if (token.length > maxTokenLength) return { header: undefined, claims: undefined }
  return { header: attempt(() => decodeProtectedHeader(token)), claims: attempt(() => decodeJwt(token)) }
}

function attempt (decodePart: () => object): Json | undefined {
  try {
    return { ...decodePart() }
  } catch {
    return undefined // what is no JWT has no header and no claims
  }
}

/** What the reason leaves open, such as which key it was. */
async function detail (reason: string, token: string, { header, claims }: Decoded, { issuer, keys, clock }: Session): Promise<string | undefined> {
  if (token.length > maxTokenLength) return `it has ${token.length} characters, and ${maxTokenLength} is the most`
  if (header === undefined || claims === undefined) return undefined
  if (reason.includes('key that this server publishes')) return describeKey(header['kid'], await keys.readAll(), clock())
  if (reason.startsWith('its iss ')) {
    const expected = environments.map((environment) => issuerOf(issuer, environment)).join(' or ')
    return `it says ${JSON.stringify(claims['iss'])}, and the ISSUER of this command makes that ${expected}`
  }
  if (reason.startsWith('its typ ')) return `it says ${JSON.stringify(header['typ'])}`
  return undefined
}

type KeyRow = Parameters<typeof keyState>[0]

function describeKey (kid: unknown, rows: readonly KeyRow[], now: number): string {
  if (typeof kid !== 'string') return 'its header names no key'
  const row = rows.find((each) => each.kid === kid)
  return row === undefined ? 'there is no key with its kid' : `the key with its kid is ${keyState(row, rows, now)}`
}

/** @see [RFC 7519 §2](https://www.rfc-editor.org/rfc/rfc7519.html#section-2) */
function numericDate (seconds: unknown): string | null {
  const time = new Date(typeof seconds === 'number' ? seconds * 1000 : NaN)
  return Number.isNaN(time.getTime()) ? null : time.toISOString()
}
