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
  /** An assertion that is the grant too. */
  readonly grantAssertion: string | undefined
  /** Beside another method it authenticates nobody. */
  readonly certificate: X509Certificate | undefined
}

/** @param assertionParameter of a grant whose assertion authenticates the client */
export function credentialSources (request: FastifyRequest, form: Form, assertionParameter?: string): CredentialSources {
  return {
    authorization: request.headers.authorization === undefined ? [] : request.raw.headersDistinct['authorization'] ?? [],
    clientId: parameter(form, 'client_id'),
    clientSecret: parameter(form, 'client_secret'),
    clientAssertion: parameter(form, 'client_assertion'),
    clientAssertionType: parameter(form, 'client_assertion_type'),
    grantAssertion: assertionParameter === undefined ? undefined : parameter(form, assertionParameter),
    certificate: request.certificate
  }
}
