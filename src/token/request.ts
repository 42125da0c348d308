/** Which parameters a token request knows, and how `scope` and `resource` are read from it. */
import { parameter, type Form } from '../http/form.ts'
import type { FormRules } from '../http/body.ts'
import { parseScope } from '../oauth/scope.ts'
import type { Wish } from './decide.ts'

export const tokenRequestRules: FormRules = {
  repeatable: new Set(['resource', 'audience']),
  known: new Set(['grant_type', 'scope', 'resource', 'audience', 'client_id', 'client_secret', 'client_assertion',
    'client_assertion_type', 'assertion', 'subject_token', 'actor_token', 'refresh_token', 'access_token', 'token', 'code', 'password'])
}

/** @throws OAuthError `invalid_scope` */
export function readWish (form: Form): Wish {
  const scope = parameter(form, 'scope')
  return {
    scopes: scope === undefined ? undefined : parseScope(scope),
    resources: form.get('resource') ?? []
  }
}
