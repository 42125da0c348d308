/** The body of every refusal, built here and nowhere else, and its schema. */
import { Type, type Static } from '@sinclair/typebox'
import { errorTable, isErrorCode, maxDescriptionLength, type ErrorCode } from '../oauth/errors.ts'
import { issuerPlaceholder } from '../oauth/samples.ts'

/** Below the issuer. */
export const errorPagePath = '/docs/errors'

export const errorBody = Type.Object({
  error: Type.Unsafe<ErrorCode>({ type: 'string', enum: Object.keys(errorTable).filter(isErrorCode), description: 'What kind of refusal it is.', examples: ['invalid_request'] }),
  error_description: Type.String({ maxLength: maxDescriptionLength, description: 'One sentence that says what to change.', examples: ['The parameter scope is there twice; send it once.'] }),
  error_uri: Type.String({ format: 'uri', description: 'The page of this server that explains the error.', examples: [`${issuerPlaceholder}${errorPagePath}#invalid_request`] })
})

/** @see [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.2) */
export function errorBodyOf (error: ErrorCode, description: string, issuer: string): Static<typeof errorBody> {
  return { error, error_description: description, error_uri: `${issuer}${errorPagePath}#${error}` }
}
