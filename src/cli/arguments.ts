/** Reads what was typed into what the stores take. Whatever is malformed is a usage error and reaches no database. */
import { InvalidArgumentError } from 'commander'
import { isSubject, subjectRule } from '../clients/certificate-subject.ts'
import { readThumbprint } from '../clients/certificate-thumbprint.ts'
import { keySetUriObjection, keySetUriRule } from '../clients/key-set-uri.ts'
import { identifierRule, isIdentifier, isScopeName, isText, maxDescriptionLength, maxNameLength, scopeNameRule, textRule } from '../names.ts'
import { maxAccessTokenTtlSeconds, minAccessTokenTtlSeconds } from '../oauth/claims.ts'
import { authenticationMethods, isAuthenticationMethod, type AuthenticationMethod } from '../oauth/authentication-methods.ts'
import { OAuthError } from '../oauth/errors.ts'
import { grantTypes, isGrantType, type GrantType } from '../oauth/grant-types.ts'
import { parseScope } from '../oauth/scope.ts'
import { isSigningAlgorithm, signingAlgorithms, type SigningAlgorithm } from '../oauth/signing-algorithms.ts'

const maxReferenceLength = 255
const maxYears = 100

export function readName (text: string): string {
  return readText(text, maxNameLength)
}

export function readDescription (text: string): string {
  return readText(text, maxDescriptionLength)
}

/** An id, a name or an identifier of something that exists already. */
export function readReference (text: string): string {
  return readText(text, maxReferenceLength)
}

function readText (text: string, maxLength: number): string {
  if (!isText(text, maxLength)) throw new InvalidArgumentError(textRule(maxLength))
  return text
}

export function readIdentifier (text: string): string {
  if (!isIdentifier(text)) throw new InvalidArgumentError(identifierRule)
  return text
}

export function readScopeName (text: string): string {
  if (!isScopeName(text)) throw new InvalidArgumentError(scopeNameRule)
  return text
}

export function readScopes (text: string): readonly string[] {
  if (text === '') throw new InvalidArgumentError('Name at least one scope, or leave the option out for the default scopes.')
  try {
    return parseScope(text)
  } catch (error) {
    if (error instanceof OAuthError) throw new InvalidArgumentError(error.message)
    throw error
  }
}

/** Called once for each `--authentication-method`. */
export function readAuthenticationMethod (text: string, previous: readonly AuthenticationMethod[] | undefined): readonly AuthenticationMethod[] {
  if (!isAuthenticationMethod(text)) throw new InvalidArgumentError(`It takes ${authenticationMethods.join(' or ')}.`)
  return [...new Set([...previous ?? [], text])]
}

export function readJwksUri (text: string): string {
  if (keySetUriObjection(text) !== undefined) throw new InvalidArgumentError(keySetUriRule)
  return text
}

/** Called once for each `--grant`. */
export function readGrant (text: string, previous: readonly GrantType[] | undefined): readonly GrantType[] {
  if (!isGrantType(text)) throw new InvalidArgumentError(`It takes ${grantTypes.join(' or ')}.`)
  return [...new Set([...previous ?? [], text])]
}

/** As `readGrant`; `none` alone takes all of them away. */
export function readGrantOrNone (text: string, previous: readonly GrantType[] | undefined): readonly GrantType[] {
  if (text === 'none' && (previous ?? []).length === 0) return []
  if (!isGrantType(text)) throw new InvalidArgumentError(`It takes ${grantTypes.join(' or ')}, or none alone.`)
  return readGrant(text, previous)
}

/** Seconds, or the default of every token. Not null for the latter: commander would make an empty text of that. */
export type AccessTokenTtl = number | 'default'

export function readAccessTokenTtl (text: string): AccessTokenTtl {
  if (text === 'default') return text
  const seconds = readDuration(text) / 1_000
  if (seconds < minAccessTokenTtlSeconds || seconds > maxAccessTokenTtlSeconds) {
    throw new InvalidArgumentError('It takes 60s to 30d, such as 1h, or default for 25h.')
  }
  return seconds
}

/** As the stores take it. */
export function secondsOf (ttl: AccessTokenTtl): number | null {
  return ttl === 'default' ? null : ttl
}

/** One of them, or that of every token; not null for the latter: commander would make an empty text of that. */
export type SigningAlgorithmOrDefault = SigningAlgorithm | 'default'

export function readSigningAlgorithm (text: string): SigningAlgorithmOrDefault {
  if (text !== 'default' && !isSigningAlgorithm(text)) throw new InvalidArgumentError(`It takes ${signingAlgorithms.join(', ')} or default.`)
  return text
}

/** Not a boolean: commander would take a false for an option that is not there. */
export type YesOrNo = 'yes' | 'no'

export function readYesOrNo (text: string): YesOrNo {
  if (text !== 'yes' && text !== 'no') throw new InvalidArgumentError('It takes yes or no.')
  return text
}

const unitMillis = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const

/** @returns milliseconds */
export function readDuration (text: string): number {
  const [, count, unit] = /^([1-9]\d{0,8})([smhdw])$/.exec(text) ?? []
  const millis = Number(count) * (unit === 's' || unit === 'm' || unit === 'h' || unit === 'd' || unit === 'w' ? unitMillis[unit] : NaN)
  if (!(millis <= maxYears * 365 * unitMillis.d)) {
    throw new InvalidArgumentError(`It takes a whole number and a unit (s, m, h, d or w), at most ${maxYears} years, such as 30d.`)
  }
  return millis
}

/** A date (its first moment in UTC), or a date and time that says its offset. */
export function readTime (text: string): Date {
  const time = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text) ? new Date(text) : new Date(NaN)
  const isReal = !Number.isNaN(time.getTime()) && isCalendarDate(text.slice(0, 10))
  if (!isReal) throw new InvalidArgumentError('It takes a date or a time with its offset (ISO 8601), such as 2030-01-31 or 2030-01-31T12:00:00Z.')
  return time
}

/** JavaScript turns February 30 into March 2. */
function isCalendarDate (date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date)
}

/** Kind and name, or `none`. */
export function readCertificateSubject (text: string): string {
  if (text !== 'none' && !isSubject(text)) throw new InvalidArgumentError(`${subjectRule} Or none.`)
  return text
}

/** Called once for each `--certificate-thumbprint`; `none` alone takes all of them away. */
export function readThumbprints (text: string, previous: readonly string[] | undefined): readonly string[] {
  if (text === 'none' && previous === undefined) return []
  const thumbprint = readThumbprint(text)
  if (thumbprint === undefined) throw new InvalidArgumentError('It takes the SHA-256 of a certificate, in base64url or as openssl x509 -fingerprint -sha256 prints it, or none alone.')
  return [...new Set([...previous ?? [], thumbprint])]
}
