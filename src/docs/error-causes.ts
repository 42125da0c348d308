/** Why each error is answered, and what to do about it. The page that `error_uri` names and docs/errors.md are made of this. */
import { httpLimits } from '../http/server.ts'
import { maxParameters } from '../http/form.ts'
import type { ErrorCode } from '../oauth/errors.ts'
import { maxScopes } from '../oauth/scope.ts'

export interface ErrorCause {
  /** Each `error_description` that tells of it, `…` for what differs; none where one description stands for every cause. */
  readonly says?: readonly string[]
  readonly why: string
  readonly cure: string
}

const atOperator = 'Ask the operator.'

const reading: readonly ErrorCause[] = [
  {
    says: ['Send the parameters as application/x-www-form-urlencoded; the request has no Content-Type.', 'Send the parameters as application/x-www-form-urlencoded, not as ….', 'The request has several Content-Type headers: send one.'],
    why: 'The body is no form: OAuth takes no JSON and no multipart.',
    cure: 'Send `Content-Type: application/x-www-form-urlencoded`, and parameters joined by `&`.'
  },
  { says: ['The body must not be compressed: send it without Content-Encoding.'], why: 'The body is compressed.', cure: 'Send it as it is.' },
  { says: ['The body is larger than … bytes.'], why: `The body is larger than ${httpLimits.bodyBytes} bytes (status 413).`, cure: 'Send nothing but the parameters, and fewer scopes.' },
  { says: ['A parameter is not well-formed percent-encoded UTF-8.', 'The parameters are not UTF-8.', 'A parameter contains a control character.'], why: 'A parameter cannot be read.', cure: 'Encode each name and value with your library\'s form encoder. A line end at the end of a secret read from a file is a usual culprit.' },
  { says: ['The parameter … is there twice; send it once.'], why: 'A parameter is repeated, in the body or in body and URL together. Only `resource` and `audience` may be.', cure: 'Send it once. Several scopes go into one `scope`, separated by single spaces.' },
  { says: ['A request may have at most … parameters.'], why: `There are more than ${maxParameters} parameters.`, cure: 'Leave out what the endpoint does not know.' },
  { says: ['Send … in the body, never in the URL.'], why: 'A parameter is in the URL, where logs would keep it.', cure: 'Send it in the body. A secret or token that was in a URL is to be treated as leaked.' },
  { says: ['There is no such status list of this issuer: its last token has expired, or it never was.'], why: 'The status list has ended with its last token, or belongs to the other issuer (status 404).', cure: 'Refuse the token that names it. Take the address from `status` in the token, as it is.' },
  { says: ['There is nothing at this path. Paths match exactly: check case and trailing slash.', 'This path takes … only.', 'The URL is too long.'], why: 'The path or the method is wrong (status 404, 405 with `Allow`, or 414).', cure: 'Take the URL of the endpoint from the metadata, and send `POST` to token, introspection and revocation.' },
  { says: ['The request is not readable as HTTP.', 'The request took too long to arrive.', 'The request could not be read.', 'A request must have one Host header, and that a valid one.', 'The target of a request must have no fragment.'], why: `The request is no proper HTTP, took too long (status 408), or its header fields are larger than ${httpLimits.headerBytes} bytes (status 431).`, cure: 'Use an HTTP library, and see what a proxy on the way makes of the request.' }
]

const authenticating: readonly ErrorCause[] = [
  { says: ['Authenticate the client in one way only: several were sent at once.'], why: 'The client authenticates in two ways, such as a Basic header with `client_secret` in the body, or any of them beside the `assertion` of a JWT client.', cure: 'Choose one. Many libraries have a setting for it, and send Basic when there is none.' },
  { says: ['The client_id in the body is not the one in the Authorization header.', 'The client_id in the body is not the one in the client assertion.', 'The client_id in the body is not the one in the assertion.'], why: 'Two different clients are named.', cure: 'Leave `client_id` out of the body, or send the same one.' },
  { says: ['client_assertion is missing: client_assertion_type is there without it.', 'client_assertion_type is missing: send ….'], why: 'Half of a client assertion is missing.', cure: 'Send `client_assertion` and `client_assertion_type` together.' },
  { says: ['The tokens of this client are bound to its certificate: send the request over TLS with that certificate.'], why: 'The client has certificate-bound tokens (RFC 8705), and no certificate arrived.', cure: 'Show the certificate in the TLS handshake. Behind a proxy, the operator checks that it asks for one and hands it on in `CLIENT_CERTIFICATE_HEADER`.' }
]

const asking: readonly ErrorCause[] = [
  { says: ['grant_type is missing: send one of ….'], why: 'There is no `grant_type`. It may be missing only beside `client_secret` in the body, and not where the operator requires it.', cure: 'Send `grant_type=client_credentials`.' },
  { says: ['token is missing: send the access token to look at.', 'token is missing: send the access token to revoke.'], why: 'Introspection or revocation was sent no `token`.', cure: 'Send the access token in `token`.' },
  { says: ['assertion is missing: the assertion says which player the token is for.'], why: 'The JWT bearer grant was asked for without `assertion`, with another authentication.', cure: 'Send the assertion alone; it authenticates the client. Or use `client_credentials` with `player_id`.' },
  { says: ['player_id is missing: the tokens of a JWT client name a player.', 'player_id is malformed. …'], why: 'A JWT client named no player, or none that can be one: 1 to 255 printable characters, without spaces at the ends.', cure: 'Send the player in `player_id`. A backend that acts for its organization needs a client of the type `service`.' },
  { says: ['This client is no JWT client, so its tokens name no player: leave player_id out.', 'The player is the sub of the assertion: leave player_id out.'], why: '`player_id` is there, and has no place.', cure: 'Leave it out. Tokens for players take a client of the type `jwt`, which the operator creates.' }
]

/** Of secrets and of keys alike: the log tells them apart, the answer does not. */
const failing: readonly ErrorCause[] = [
  { why: 'The client id is unknown: mistyped, deleted, or of another installation. Test clients are `cl_test_…`, live ones `cl_live_…`.', cure: 'Compare the client id with the operator\'s, character by character.' },
  { why: 'The secret is wrong, expired, disabled or revoked, or is another client\'s.', cure: 'Send the secret exactly as it was shown: no quotation marks, no line end. The operator sees its state with `signet client show`, and makes another one with `signet secret add`.' },
  { why: 'There is no authentication at all, or it cannot be read: no `client_secret`, a header of another scheme than Basic, base64 that is none.', cure: 'Send `client_id` and `client_secret` in the body, or Basic credentials, each form-encoded before the colon joins them.' },
  { why: 'The client, or the organization that owns it, is disabled.', cure: atOperator },
  { why: 'The client is not registered for the way in which it authenticates, or the way is switched off (`AUTHENTICATION_METHODS`).', cure: 'Ask the operator for `signet client update CLIENT --authentication-method METHOD`, or take one that it has.' },
  { why: 'The client assertion does not name the client twice and the issuer once: `iss` and `sub` are the client id, `aud` is the issuer of the client\'s environment alone, which is not the URL of the token endpoint (RFC 10070).', cure: 'Set `aud` to the `issuer` of the metadata. For a library that cannot, the operator allows the endpoint for a while: `--accept-endpoint-audience-until`.' },
  { why: 'The client assertion is not of now: it has expired, `exp` is more than 5 minutes ahead, or `iat` or `nbf` is in the future. 10 seconds of difference are forgiven.', cure: 'Set the clock (NTP), and let assertions live for a minute or two.' },
  { why: 'The client assertion was sent before, or has no `jti`.', cure: 'Make a new one for each request, repeated ones too, each with a random `jti`.' },
  { why: 'The signature of the client assertion is by no usable key of the client: another key, a `kid` that is not registered, a key that was revoked, another `alg` than the key has, or keys at `jwks_uri` that could not be fetched.', cure: 'The operator sees the keys with `signet client keys`. A new key from `jwks_uri` is looked for when an assertion names its `kid`.' },
  { why: 'The certificate is not the client\'s: another subject than is registered, of no authority that the server believes, not made for clients, expired, or self-signed and not registered.', cure: 'The operator compares the certificate with `signet client show`: `--certificate-subject` or `--certificate-thumbprint`.' }
]

const exchanging: readonly ErrorCause[] = [
  { says: ['subject_token is missing: send the access token that is to be exchanged.', 'subject_token_type is missing: send ….', 'actor_token is missing: actor_token_type is there without it.', 'actor_token_type is missing: send ….', '… takes ….'], why: 'A token exchange lacks a parameter, or names a type of token that there is not.', cure: 'Send `subject_token` and `subject_token_type`, and the two of the actor together or not at all. The type is `urn:ietf:params:oauth:token-type:access_token` or `…:jwt`.' },
  { says: ['The subject_token is not acceptable: it must be an active access token of this server, for the resource that the client stands for.'], why: 'The subject token is expired, revoked, of another environment, no access token of this server, or for another resource than the one that the client stands for.', cure: 'Exchange the token just as the caller sent it. The operator finds the cause in the log, and sees with `signet token inspect` what is wrong with a token.' },
  { says: ['The actor_token is not acceptable: it must be an active access token that was issued to the client, or for the resource that it stands for.'], why: 'The actor token is no active access token, is somebody else\'s, or was itself got by an exchange.', cure: 'Send a token that the client got with `client_credentials`, or leave both parameters of the actor out.' },
  { says: ['The subject_token is the outcome of … exchanges in a row, which is the most.'], why: 'The token has gone through too many services.', cure: 'Let the services that come later ask with a token of their own, or exchange the first token.' },
  { says: ['The player is that of the subject_token: leave player_id out.'], why: 'A token exchange names a player.', cure: 'Leave `player_id` out: the player stays.' }
]

const proving: readonly ErrorCause[] = [
  { says: ['The tokens of this client are bound to a key: send a DPoP header with a proof.'], why: 'The client has `--dpop required`, and sent no proof.', cure: 'Switch DPoP on in the library, or ask the operator for `--dpop allowed`.' },
  { says: ['The request has several DPoP headers: send one.', 'The DPoP header is not one signed JWT in compact form.', 'The typ of the DPoP proof is not dpop+jwt.', 'The DPoP proof has a crit, of which this server knows no extension.', 'The DPoP proof has no usable ….'], why: 'The proof is not one JWT with `typ`, `alg`, `jwk`, and the claims `jti`, `htm`, `htu` and `iat`.', cure: 'Let a library make it.' },
  { says: ['The htm of the DPoP proof is not POST.', 'The htu of the DPoP proof is not ….'], why: 'The proof was made for another request, such as one to the API, or for the address behind a proxy.', cure: 'Set `htm` to `POST` and `htu` to the `token_endpoint` of the metadata.' },
  { says: ['The DPoP proof is older than … seconds by its iat: make a new one for each request.', 'The iat of the DPoP proof is in the future: set the clock of the client.', 'The DPoP proof is not valid at this time by its ….'], why: 'The proof is not of now, by the clock of the server.', cure: 'Set the clock (NTP), and make the proof just before the request. Where clocks cannot be set, the operator may switch nonces on (`DPOP_NONCE`).' },
  { says: ['The DPoP proof was used before: make a new one, with another jti, for each request.'], why: 'The proof was sent before, perhaps by a library that repeats requests.', cure: 'Make a new proof for each attempt.' },
  { says: ['The DPoP proof has no usable key: ….', 'The signature of the DPoP proof is not by the key in its jwk.'], why: 'The key in `jwk` is private, too weak, not for signatures or not for this `alg`, or another key signed.', cure: 'Put the public half alone of the signing key into `jwk`, with an `alg` that `dpop_signing_alg_values_supported` in the metadata lists, such as ES256.' }
]

export const errorCauses: Readonly<Record<ErrorCode, readonly ErrorCause[]>> = {
  invalid_request: [...reading, ...authenticating, ...asking, ...exchanging],
  invalid_client: failing,
  invalid_grant: [
    { why: 'The assertion is no signed JWT with `iss`, `sub`, `aud`, `exp` and `jti`, or its `typ` is that of another kind of JWT.', cure: 'Let a JWT library make it, with `typ` `JWT` or none.' },
    { why: '`iss` is not the id of a client that is enabled, or `sub` is no player: 1 to 255 printable characters, and not the client id.', cure: '`iss` is the client id, `sub` the player.' },
    { why: '`aud` is neither the issuer of the client\'s environment nor the URL of the token endpoint, or names others too.', cure: 'Set `aud` to the `issuer` of the metadata; for a test client that of the test issuer.' },
    { why: 'The assertion is not of now: it has expired, `exp` is more than 5 minutes ahead, or `iat` or `nbf` is in the future. 10 seconds of difference are forgiven.', cure: 'Set the clock (NTP), and let assertions live for a minute or two.' },
    { why: 'The assertion was sent before.', cure: 'Make a new one for each request, repeated ones too, each with a random `jti`.' },
    { why: 'The signature is by no usable secret or key of the client, or the HMAC key is not the secret as it was shown, as UTF-8: base64 decoding it is a usual mistake.', cure: 'Sign with HS256 and the bytes of the whole secret, or with a registered key and its algorithm.' }
  ],
  unauthorized_client: [
    { says: ['This client may not use the grant_type ….'], why: 'The client does not have this grant. One that stands for a resource has none unless the operator gives it one.', cure: 'Ask the operator for `signet client update CLIENT --grant TYPE`, or take the client that is meant for this.' },
    { says: ['Only a JWT client may use the grant_type ….'], why: 'The client is of the type `service`, which acts for no player.', cure: 'Use `client_credentials`, or ask the operator for a client of the type `jwt`.' },
    { says: ['Only a client that stands for a resource may exchange tokens.'], why: 'The client has the grant, and stands for no API that it could have been sent tokens at.', cure: 'Ask the operator for `signet client update CLIENT --resource-server RESOURCE`.' },
    { says: ['This token was issued to another client, which alone may revoke it.'], why: 'Revocation was sent a token of another client.', cure: 'Revoke it as the client that it was issued to. The operator stops a client that leaks with `signet client disable`.' }
  ],
  unsupported_grant_type: [
    { says: ['This server does not support the grant_type ….'], why: 'The grant is misspelt, is none of this server\'s (`password`, `authorization_code` and `refresh_token` are not), or is switched off (`GRANT_TYPES`).', cure: 'Send one of `grant_types_supported` in the metadata, such as `client_credentials`.' }
  ],
  invalid_scope: [
    { says: ['These scopes do not exist or are not granted to this client: …'], why: 'A scope is misspelt, disabled, or not the client\'s. Nothing is dropped silently, so the whole request is refused.', cure: 'Ask for fewer, or ask the operator for `signet client update CLIENT --add-scope SCOPE`.' },
    { says: ['What the token is asked for with does not allow these scopes: …'], why: '`scope` in the request asks for more than `scope` in the assertion, or than the subject token of an exchange has.', cure: 'Ask for fewer. Put the scopes into the assertion, or leave `scope` out of one of the two.' },
    { says: ['This client may not exchange tokens for the resource of these scopes: …'], why: 'A token exchange asks for scopes of an API that the client may not exchange tokens for.', cure: 'Ask the operator for `signet client update CLIENT --exchange-resource RESOURCE`.' },
    { says: ['The client has none of the scopes of the subject_token, nor default scopes of the resource that was named.'], why: 'A token exchange names no `scope`, and nothing that the subject token has is also the client\'s.', cure: 'Name the scopes in `scope`, and ask the operator for them: `signet client update CLIENT --add-scope SCOPE`.' },
    { says: ['This client has no default scopes: name the scopes that you want in scope.'], why: 'There is no `scope`, and none of the client\'s scopes is a default one (of the resource that `resource` names, if it does).', cure: 'Send `scope`.' },
    { says: ['The default scopes of this client belong to different resources: name some of one resource in scope, or the resource in resource….', 'These scopes belong to different resources: ask for the scopes of one resource at a time….'], why: 'A token is for one resource, unless each of them allows to be mixed and the request names each in `resource`.', cure: 'Ask for one token for each resource. Or let the operator allow mixing (`signet resource update R --allows-mixing yes`), and send one `resource` for each.' },
    { says: ['Separate the scopes by exactly one space, with none before or after them.', 'The scope … has a character that scopes may not have.', 'At most … scopes may be asked for in one request.'], why: `\`scope\` is malformed, or has more than ${maxScopes} scopes.`, cure: 'Join the names by single spaces: no commas, no quotation marks.' },
    { says: ['The token would be larger than … bytes: ask for fewer scopes.'], why: 'With all these scopes the token would not fit into a header.', cure: 'Ask for the scopes that this token needs.' }
  ],
  invalid_target: [
    { says: ['resource must be an absolute URI without a fragment.', 'There is no resource ….'], why: '`resource` names no API of this server, or one that is disabled. Identifiers are compared character by character, so a trailing slash counts.', cure: 'Send the identifier as it is registered, or leave `resource` out.' },
    { says: ['This client has no scopes of the resource ….'], why: '`resource` names an API that the client has no scopes of.', cure: 'Name another API, or ask the operator for `signet client update CLIENT --add-scope SCOPE`.' },
    { says: ['The scopes belong to another resource than the one that resource names.'], why: '`scope` and `resource` contradict each other.', cure: 'Leave `resource` out, or name the resource of the scopes.' },
    { says: ['This client may not exchange tokens for the resource ….'], why: 'A token exchange names an API in `resource` or `audience` that the client may not exchange tokens for.', cure: 'Ask the operator for `signet client update CLIENT --exchange-resource RESOURCE`.' },
    { says: ['A token may be for at most … resources.', 'Tokens for these resources are signed in different ways: ask for one of them at a time.'], why: 'These resources cannot be in one token.', cure: 'Ask for one token for each.' }
  ],
  invalid_dpop_proof: proving,
  use_dpop_nonce: [
    { says: ['Make a new DPoP proof, with the nonce that the header DPoP-Nonce holds.'], why: 'The proof has no `nonce`, or one older than two to four minutes. The first request of a process is always answered so where the operator has switched nonces on (`DPOP_NONCE`).', cure: 'Put the value of `DPoP-Nonce` into the claim `nonce` of a new proof, send the request again, and keep the value for the next one. openid-client and oauth4webapi do so on their own.' }
  ],
  temporarily_unavailable: [
    { says: ['Too many secrets are being verified at this moment; try again in a second.'], why: 'Many secrets are used for the first time at once, or somebody is guessing. Secrets that have been used go on working.', cure: 'Wait for `Retry-After`, and keep tokens until they expire instead of asking for each call.' },
    { says: ['The use of the jti could not be stored. Send the request again, with a new jti.', 'The revocation could not be stored, and the token is still active. Send the request again.'], why: 'The database is away, and what must be stored cannot be.', cure: 'Repeat the request after `Retry-After`, with a new assertion or proof. The operator runs `signet doctor`.' },
    { says: ['The exchange could not be stored. Send the request again.', 'What the token was exchanged for cannot be looked up at this moment.'], why: 'The database is away, and an exchanged token cannot be made or judged without it.', cure: 'Repeat the request after `Retry-After`. The operator runs `signet doctor`.' },
    { says: ['The status of the token cannot be stored at this moment. Send the request again.', 'The status list of the token cannot be looked up at this moment.', 'It cannot be told at this moment whether there is such a status list.'], why: 'The database is away, and a client that got no tokens lately has no index for one; or an API shows a token of a process that this one has not heard of.', cure: 'Repeat the request after `Retry-After`. The operator runs `signet doctor`.' },
    { says: ['There are too many exchanged tokens that have not expired yet.'], why: 'The server keeps no more of them in memory.', cure: 'Let exchanged tokens live shorter (`--access-token-ttl` of the client), or exchange once for many calls.' },
    { says: ['The client was stopped or changed while the request was under way. Send it again, with new assertions and proofs.'], why: 'Somebody stopped or changed the client, its secrets, keys or organization just then.', cure: 'Send the request again; the answer tells what holds now.' },
    { says: ['The server has lost its database for too long to go on from memory.'], why: 'The database has been away for longer than `STALE_LIMIT_SECONDS`.', cure: 'The operator brings it back; the server recovers by itself.' },
    { says: ['The server has no signing key at this moment.'], why: 'There is no active signing key of the environment and algorithm, such as just after an algorithm was added.', cure: 'Wait for `Retry-After`. The operator looks at `signet key list`.' },
    { says: ['Tokens of this client are revoked up to a moment that is yet to come.'], why: 'The client was stopped just now, on a machine whose clock is ahead.', cure: 'Wait for `Retry-After`. The operator sets the clocks.' }
  ],
  server_error: [
    { says: ['The server made a mistake. Tell its operator the X-Request-Id of this answer.'], why: 'A mistake of the server. The log has it, as `server_error` with its cause, under the request id.', cure: 'Tell the operator the `X-Request-Id`. Repeating the request may help, and does no harm.' }
  ]
}
