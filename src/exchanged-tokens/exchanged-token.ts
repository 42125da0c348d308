/**
 * An exchanged token was derived from another one, its subject token, and dies with it (RFC 8693). This folder keeps,
 * durably, which token came from which, and what it takes to judge the subject token again; it judges no token itself.
 */
import { randomBytes } from 'node:crypto'
import { maxActors } from '../oauth/claims.ts'
import type { StatusReference } from '../status-lists/status-list.ts'

export interface ExchangedToken {
  readonly jti: string
  readonly subjectJti: string
  /** That the subject token was issued to. */
  readonly clientId: string
  /** Whose data both tokens are about. */
  readonly organizationId: string
  /** Of the subject token, in seconds since the epoch. */
  readonly issuedAt: number
  /** Of the key that signed the subject token. */
  readonly kid: string
  /** The resource, in the audience of the subject token, that the exchanging client stood for. */
  readonly resourceId: string
}

export interface NewExchangedToken extends ExchangedToken {
  /** Of the exchanged token; the subject token lives as long at least. */
  readonly expiresAt: Date
  readonly status: StatusReference
  /** Of the subject token; undefined: that one is of a version before there were status lists. */
  readonly subjectStatus: StatusReference | undefined
}

/** A character that no other `jti` has: a token that says so of itself, and of which no link is known, is none. */
const mark = 'x.'

export function newExchangedTokenId (): string {
  return mark + randomBytes(16).toString('base64url')
}

export function isExchangedTokenId (jti: string): boolean {
  return jti.startsWith(mark)
}

/** How often in a row tokens may be derived from one another: each time, one actor more may come. */
export const maxExchanges = maxActors
