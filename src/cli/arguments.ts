/** Reads what was typed into what the stores take. Whatever is malformed is a usage error and reaches no database. */
import { InvalidArgumentError } from 'commander'
import { OAuthError } from '../oauth/errors.ts'
import { grantTypes, isGrantType, type GrantType } from '../oauth/grant-types.ts'
import { isScopeToken, maxScopeLength, parseScope } from '../oauth/scope.ts'
import { printable } from './table.ts'

const maxNameLength = 100
const maxDescriptionLength = 200
const maxReferenceLength = 255
const maxIdentifierLength = 255
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
  const isPrintable = printable(text) === text && text.trim() === text
  if (text === '' || Array.from(text).length > maxLength || !isPrintable) {
    throw new InvalidArgumentError(`It takes 1 to ${maxLength} printable characters, without control characters and without spaces at its ends.`)
  }
  return text
}

/**
 * An absolute URI without a fragment; it is compared character by character, so nothing is normalized.
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 * @see [RFC 3986 §4.3](https://www.rfc-editor.org/rfc/rfc3986.html#section-4.3)
 */
export function readIdentifier (text: string): string {
  const isUri = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/.test(text) && URL.canParse(text)
  const lacksHost = /^https?:(?!\/\/[^/?])/i.test(text)
  if (!isUri || lacksHost || text.length > maxIdentifierLength) {
    throw new InvalidArgumentError(`It takes an absolute URI without a fragment, of at most ${maxIdentifierLength} characters, such as https://api.example.com.`)
  }
  return text
}

/** @see [RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.3) */
export function readScopeName (text: string): string {
  if (!isScopeToken(text) || text.length > maxScopeLength) {
    throw new InvalidArgumentError(`It takes 1 to ${maxScopeLength} ASCII characters without spaces, quotes and backslashes (RFC 6749 §3.3), such as tournaments:read.`)
  }
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

/** Called once for each `--grant`. */
export function readGrant (text: string, previous: readonly GrantType[] | undefined): readonly GrantType[] {
  if (!isGrantType(text)) throw new InvalidArgumentError(`It takes ${grantTypes.join(' or ')}.`)
  return [...new Set([...previous ?? [], text])]
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
