/**
 * Status lists: which tokens are revoked, as a bit for each. A token names its list and its index in it; whoever has the
 * list knows whether the token was revoked. This folder knows indexes, not tokens.
 */
import { issuerOf, type Environment } from '../environment.ts'

/** Where the status of a token is. */
export interface StatusReference {
  readonly listId: string
  readonly index: number
}

/** 128 KiB without compression. */
export const indexesPerList = 1_048_576

export const statusListsPath = '/oauth/v2/status-lists'

export function statusListUri (issuer: string, environment: Environment, listId: string): string {
  return `${issuerOf(issuer, environment)}${statusListsPath}/${listId}`
}

/** @returns undefined for anything but a list of that environment */
export function readStatusListUri (uri: string, issuer: string, environment: Environment): string | undefined {
  const prefix = statusListUri(issuer, environment, '')
  const id = uri.slice(prefix.length)
  return uri.startsWith(prefix) && isListId(id) ? id : undefined
}

/** Characters of base62: 128 bits. */
export const listIdLength = 22

export function isListId (text: string): boolean {
  return text.length === listIdLength && /^[0-9A-Za-z]+$/.test(text)
}

/** @param list its id, or a uri that ends with it */
export function listIdAtEnd (list: string): string {
  return list.slice(-listIdLength)
}
