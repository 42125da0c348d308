/** Where a request carries client authentication. What it means is decided by clients/credential.ts. */
import type { X509Certificate } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { parameter, type Form } from './form.ts'

export interface CredentialSources {
  /** Each `Authorization` header: Node would silently keep the first of several. */
  readonly authorization: readonly string[]
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  readonly clientAssertion: string | undefined
  readonly clientAssertionType: string | undefined
  /** Beside another method it authenticates nobody. */
  readonly certificate: X509Certificate | undefined
}

export function credentialSources (request: FastifyRequest, form: Form): CredentialSources {
  return {
    authorization: request.headers.authorization === undefined ? [] : request.raw.headersDistinct['authorization'] ?? [],
    clientId: parameter(form, 'client_id'),
    clientSecret: parameter(form, 'client_secret'),
    clientAssertion: parameter(form, 'client_assertion'),
    clientAssertionType: parameter(form, 'client_assertion_type'),
    certificate: request.certificate
  }
}
