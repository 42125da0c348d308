/** Which parameters a token request knows, and what it asks for. */
import { parameter, type Form } from '../http/form.ts'
import type { FormRules } from '../http/body.ts'
import type { Wish } from './decide.ts'

export const tokenRequestRules: FormRules = {
  repeatable: new Set(['resource', 'audience']),
  known: new Set(['grant_type', 'scope', 'resource', 'audience', 'client_id', 'client_secret', 'client_assertion',
    'client_assertion_type', 'assertion', 'subject_token', 'actor_token', 'refresh_token', 'access_token', 'token', 'code', 'password'])
}

export function readWish (form: Form): Wish {
  return { scope: parameter(form, 'scope'), resources: form.get('resource') ?? [] }
}
