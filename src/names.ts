/**
 * What things may be called: the rules for names, descriptions, identifiers and scope names, which are the same on the
 * command line and in the configuration file. Pure.
 */
import { isScopeToken, maxScopeLength } from './oauth/scope.ts'

export const maxNameLength = 100
export const maxDescriptionLength = 200
export const maxIdentifierLength = 255

/** For the flag `u`: neither control nor invisible characters, but for the joiners that scripts and emoji need; no spaces at the ends. */
export const textPattern = '^(?!\\s)(?:[\\u200C\\u200D]|[^\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}])+(?<!\\s)$'
/** The characters and the scheme that RFC 3986 §4.3 asks for. A fragment is none of them. */
export const identifierPattern = '^[A-Za-z][A-Za-z0-9+.\\-]*:(?:[A-Za-z0-9\\-._~:\\/?[\\]@!$&\'()*+,;=]|%[0-9A-Fa-f]{2})+$'

/** What a configuration file is called in the database. */
export const fileNamePattern = '^[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}$'

export const fileNameRule = 'It takes 1 to 64 letters, digits, dots, hyphens and underscores, such as signet.'
export const identifierRule = `It takes an absolute URI without a fragment, of at most ${maxIdentifierLength} characters, such as https://api.example.com.`
export const scopeNameRule = `It takes 1 to ${maxScopeLength} ASCII characters without spaces, quotes and backslashes (RFC 6749 §3.3), such as tournaments:read.`

export function textRule (maxLength: number): string {
  return `It takes 1 to ${maxLength} printable characters, without control characters and without spaces at its ends.`
}

export function isText (text: string, maxLength: number): boolean {
  return Array.from(text).length <= maxLength && new RegExp(textPattern, 'u').test(text)
}

/**
 * An absolute URI without a fragment; it is compared character by character, so nothing is normalized.
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 * @see [RFC 3986 §4.3](https://www.rfc-editor.org/rfc/rfc3986.html#section-4.3)
 */
export function isIdentifier (text: string): boolean {
  const lacksHost = /^https?:(?!\/\/[^/?])/i.test(text)
  return text.length <= maxIdentifierLength && new RegExp(identifierPattern, 'u').test(text) && URL.canParse(text) && !lacksHost
}

/** @see [RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.3) */
export function isScopeName (text: string): boolean {
  return isScopeToken(text) && text.length <= maxScopeLength
}

/** Without control characters and, but for the joiners that scripts and emoji need, without invisible ones. */
export function printable (text: string): string {
  return text.replace(/(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\uFFFD')
}
