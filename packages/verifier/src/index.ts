/** The entry of `@signet/verifier`. */
export type { AccessToken } from './access-token.ts'
export type { TokenRequest } from './authorization.ts'
export { VerificationError, type VerificationErrorCode } from './error.ts'
export type { VerifierOptions } from './options.ts'
export { createVerifier, type Verifier, type VerifyOptions } from './verifier.ts'
