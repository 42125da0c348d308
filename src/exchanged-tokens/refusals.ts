/** How an exchange is refused for what it is asked for with: one body for every cause, which is for the log. */
import { invalidRequest, type OAuthError } from '../oauth/errors.ts'

/** @see [RFC 8693 §2.2.2](https://www.rfc-editor.org/rfc/rfc8693.html#section-2.2.2) */
export function badSubjectToken (cause: unknown): OAuthError {
  return invalidRequest('The subject_token is not acceptable: it must be an active access token of this server, for the resource that the client stands for.', { cause })
}

/** Likewise. */
export function badActorToken (cause: unknown): OAuthError {
  return invalidRequest('The actor_token is not acceptable: it must be an active access token that was issued to the client, or for the resource that it stands for.', { cause })
}
