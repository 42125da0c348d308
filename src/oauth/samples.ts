/** Stands for the issuer in examples and descriptions, until a document is made for one. */
export const issuerPlaceholder = '<ISSUER>'

const statusListId = '3vQB7B6MrGQZaxCuFg4oh1'

/** What the examples of the documentation use, so that all of them tell one story. None of it works anywhere. */
export const samples = {
  clientId: 'cl_live_samplebackend',
  clientSecret: 'sgs_live_only_an_example',
  /** Stands for the resource. */
  apiId: 'cl_live_sampleapi',
  apiSecret: 'sgs_live_another_example',
  /** Of another organization. */
  otherId: 'cl_live_otherbackend',
  otherSecret: 'sgs_live_third_example',
  /** A JWT client, and a player that it acts for. */
  jwtClientId: 'cl_live_samplelogin',
  jwtClientSecret: 'sgs_live_fourth_example',
  playerId: 'player-1001',
  assertion: 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJjbF9saXZlX3NhbXBsZWxvZ2luIn0.c2lnbmF0dXJl',
  /** Stands for the resource too, and exchanges the tokens that it is shown for others, for the resource behind it. */
  serviceId: 'cl_live_samplegateway',
  serviceSecret: 'sgs_live_fifth_example',
  serviceToken: 'eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJjbF9saXZlX3NhbXBsZWdhdGV3YXkifQ.c2lnbmF0dXJl',
  backResource: 'https://stats.example.com',
  backScope: 'stats:read',
  organization: 'org_samplegames',
  resource: 'https://api.example.com',
  scope: 'tournaments:read',
  /** One that the client has besides, and that is none of its default ones. */
  secondScope: 'tournaments:write',
  token: 'eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJjbF9saXZlX3NhbXBsZWJhY2tlbmQifQ.c2lnbmF0dXJl',
  signedIntrospection: 'eyJhbGciOiJSUzI1NiIsInR5cCI6InRva2VuLWludHJvc3BlY3Rpb24rand0In0.eyJ0b2tlbl9pbnRyb3NwZWN0aW9uIjp7ImFjdGl2ZSI6dHJ1ZX19.c2lnbmF0dXJl',
  clientAssertion: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImNsaWVudC1hdXRoZW50aWNhdGlvbitqd3QifQ.eyJpc3MiOiJjbF9saXZlX3NhbXBsZWJhY2tlbmQifQ.c2lnbmF0dXJl',
  kid: 'k3sAqkCAh5yTnPEVXLjc0pLwH4vAbCk1pZ8eLzvVt0Q',
  jti: 'XWbnXGKrMoVMJhI4bnmpNg',
  statusListToken: 'eyJhbGciOiJSUzI1NiIsInR5cCI6InN0YXR1c2xpc3Qrand0In0.eyJzdGF0dXNfbGlzdCI6eyJiaXRzIjoxLCJsc3QiOiJlSi4uLiJ9fQ.c2lnbmF0dXJl',
  statusListId,
  testStatusListId: '6kZr3TqVb9YwEo1nLsXc2H',
  status: { status_list: { idx: 4_711, uri: `${issuerPlaceholder}/oauth/v2/status-lists/${statusListId}` } },
  thumbprint: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
  issuedAt: 1_795_420_800
} as const
