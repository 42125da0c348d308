/** Configuration files that tests share. */
export const sample = `# a comment
name: signet
organizations:
  org_samplegames:
    name: Sample Games
resources:
  https://api.example.com:
    name: Sample API
    access_token_ttl_seconds: 3600
    allows_mixing: true
    signing_algorithm: RS256
    scopes:
      tournaments:read:
        description: Read tournaments
        default: true
      tournaments:write: { description: Change tournaments }
clients:
  cl_live_samplebackend:
    organization: org_samplegames
    name: Sample backend
    grants: [client_credentials]
    scopes: ["tournaments:read", tournaments:write]
    access_token_ttl_seconds: 900
    secret:
      value: only-for-local-stacks-0123456789
  cl_test_api:
    organization: org_samplegames
    environment: test
    name: The API itself
    resource_server: https://api.example.com
`

const client = (members: string): string => `clients: { cl_live_x: { organization: org_x, name: X, ${members} } }`
const scopeText = 'scopes: { a: { description: A } }'

/** Files with their mistakes, as far as the schema says: what an editor shows, too. */
export const malformed: readonly (readonly [file: string, ...mistakes: readonly string[]])[] = [
  ['organisations: {}', '1:1: organisations: There is no such member. Did you mean organizations?'],
  ['zzz: 1', '1:1: zzz: There is no such member. There are: name, organizations, resources, clients, revoked_tokens.'],
  ['[]', '1:1: It takes a mapping, not a list.'],
  ['text', '1:1: It takes a mapping, not text.'],
  ['name: ""', '1:7: name: It takes 1 to 64 letters, digits, dots, hyphens and underscores, such as signet.'],
  ['name: 7', '1:7: name: It takes text, not a number. Put it in quotes.'],
  ['organizations:\n', '1:1: organizations: It takes a mapping, not nothing. Write it out, or leave the member out.'],
  ['organizations:\n  org_x: {}\n', '2:3: organizations.org_x: The member name is missing.'],
  ['organizations:\n  Org-X: { name: X }\n', '2:3: organizations["Org-X"]: It takes org_ and 1 to 60 lower-case letters and digits, such as org_samplegames.'],
  ['organizations:\n  org_x:\n    name: " X"\n    disabled: yes\n',
    '3:11: organizations.org_x.name: It takes 1 to 100 printable characters, without control characters and without spaces at its ends.',
    '4:15: organizations.org_x.disabled: It takes true or false, not text.'],
  [`organizations: { org_x: { name: ${'x'.repeat(101)} } }`, '1:33: organizations.org_x.name: It takes 1 to 100 printable characters, without control characters and without spaces at its ends.'],
  ['organizations: { org_x: { name: "a\\u202Eb" } }', '1:33: organizations.org_x.name: It takes 1 to 100 printable characters, without control characters and without spaces at its ends.'],
  ['resources: { api.example.com: { name: A } }', '1:14: resources["api.example.com"]: It takes an absolute URI without a fragment, of at most 255 characters, such as https://api.example.com.'],
  [`resources: { "https://a.example/${'x'.repeat(255)}": { name: A } }`, `1:14: resources["https://a.example/${'x'.repeat(255)}"]: It takes an absolute URI without a fragment, of at most 255 characters, such as https://api.example.com.`],
  ['resources: { https://a.example: { name: A, access_token_ttl_seconds: 59 } }', '1:70: resources["https://a.example"].access_token_ttl_seconds: It takes a whole number from 60 to 2592000.'],
  ['resources: { https://a.example: { name: A, access_token_ttl_seconds: "60" } }', '1:70: resources["https://a.example"].access_token_ttl_seconds: It takes a whole number from 60 to 2592000, not text.'],
  ['resources: { https://a.example: { name: A, access_token_ttl_seconds: 60.5 } }', '1:70: resources["https://a.example"].access_token_ttl_seconds: It takes a whole number from 60 to 2592000, not a number.'],
  ['resources: { https://a.example: { name: A, allows_mixing: "yes" } }', '1:59: resources["https://a.example"].allows_mixing: It takes true or false, not text.'],
  ['resources: { https://a.example: { name: A, signing_algorithm: HS256 } }', '1:63: resources["https://a.example"].signing_algorithm: It takes RS256, PS256, ES256 or EdDSA. Did you mean RS256?'],
  ['resources: { https://a.example: { name: A, access_token_ttl: 60 } }', '1:44: resources["https://a.example"].access_token_ttl: There is no such member. There are: name, access_token_ttl_seconds, allows_mixing, signing_algorithm, disabled, scopes.'],
  ['resources: { https://a.example: { name: A, scopes: { "a b": { description: A } } } }', '1:54: resources["https://a.example"].scopes["a b"]: It takes 1 to 128 ASCII characters without spaces, quotes and backslashes (RFC 6749 §3.3), such as tournaments:read.'],
  ['resources: { https://a.example: { name: A, scopes: { a: { default: true } } } }', '1:54: resources["https://a.example"].scopes.a: The member description is missing.'],
  ['resources: { https://a.example: { name: A, scopes: [a] } }', '1:52: resources["https://a.example"].scopes: It takes a mapping, not a list.'],
  ['clients: { cl_prod_x: { organization: org_x, name: X } }', '1:12: clients.cl_prod_x: It takes cl_live_ or cl_test_ and 1 to 56 lower-case letters and digits, such as cl_live_samplebackend.'],
  ['clients: { cl_live_x: { nmae: X } }', '1:12: clients.cl_live_x: The member organization is missing.', '1:12: clients.cl_live_x: The member name is missing.', '1:25: clients.cl_live_x.nmae: There is no such member. Did you mean name?'],
  [client('grants: [password]'), '1:64: clients.cl_live_x.grants[0]: It takes client_credentials, urn:ietf:params:oauth:grant-type:jwt-bearer or urn:ietf:params:oauth:grant-type:token-exchange.'],
  [client('grants: [client_credentials, client_credentials]'), '1:84: clients.cl_live_x.grants[1]: It is in the list twice.'],
  [client('exchange_resources: [api]'), '1:76: clients.cl_live_x.exchange_resources[0]: It takes an absolute URI without a fragment, of at most 255 characters, such as https://api.example.com.'],
  [client('scopes: [a, a]'), '1:67: clients.cl_live_x.scopes[1]: It is in the list twice.'],
  [client('scopes: a'), '1:63: clients.cl_live_x.scopes: It takes a list, not text.'],
  [client('environment: prod'), '1:68: clients.cl_live_x.environment: It takes live or test.'],
  [client('dpop: always'), '1:61: clients.cl_live_x.dpop: It takes off, allowed or required.'],
  [client('type: player'), '1:61: clients.cl_live_x.type: It takes service or jwt.'],
  [client('secret: {}'), '1:55: clients.cl_live_x.secret: It takes exactly one of from_environment, from_file and value.'],
  [client('secret: { value: only-for-local-stacks, from_file: x }'), '1:55: clients.cl_live_x.secret: It takes exactly one of from_environment, from_file and value.'],
  [client('secret: { value: short }'), '1:72: clients.cl_live_x.secret.value: It takes 16 to 512 printable ASCII characters without spaces, and must not begin with sgs_, as the secrets that Signet generates do.'],
  [client('secret: { value: sgs_live_abcdefghijklmnop }'), '1:72: clients.cl_live_x.secret.value: It takes 16 to 512 printable ASCII characters without spaces, and must not begin with sgs_, as the secrets that Signet generates do.'],
  [client('secret: { from_environment: "A-B" }'), '1:83: clients.cl_live_x.secret.from_environment: It takes the name of an environment variable: letters, digits and underscores, such as PARTNER_SECRET.']
]

/** Files that the schema has nothing against, some of which say what is wrong all the same. */
export const wellFormed: readonly string[] = [
  sample,
  '{}',
  'organizations: {}',
  '# a file in JSON\n{"clients": {}}',
  'name: My.file-1',
  'organizations: { org_x: { name: "می\u200cخواهم 👩\u200d💻" } }',
  `organizations: { org_x: { name: ${'👩'.repeat(100)} } }`,
  `resources: { urn:example:api: { name: A, ${scopeText} } }`,
  'resources: { "http://[": { name: A } }',
  'resources: { https://a.example: { name: A, scopes: { 404: { description: A }, __proto__: { description: B }, true: { description: C } } } }',
  client('scopes: [nowhere], grants: []'),
  client('environment: test'),
  client('type: jwt'),
  client('type: jwt, grants: ["urn:ietf:params:oauth:grant-type:token-exchange"]'),
  client('access_token_ttl_seconds: 2592000'),
  client('dpop: required'),
  client('certificate_bound_tokens: true, certificate_subject: "subject_dn:CN=a,O=b", certificate_thumbprints: [AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA]'),
  client('secret: { from_environment: NOT_SET }'),
  client('secret: { from_file: not-there.txt }')
]
