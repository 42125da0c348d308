import { temporarilyUnavailable, type OAuthError } from '../oauth/errors.ts'

/** For whoever authenticated well, and lost what that was worth while the database was waited for. */
export function stoppedMeanwhile (cause: string): OAuthError {
  return temporarilyUnavailable('The client was stopped or changed while the request was under way. Send it again, with new assertions and proofs.', 1, cause)
}
