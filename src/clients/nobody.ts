import { defaultDpopSetting, type Client } from './client.ts'

/**
 * Stands in for a client that does not exist or may not authenticate, so that the same is done for every client id. It
 * has nothing that a credential could be verified with.
 */
export const nobody: Client = {
  id: 'nobody',
  organizationId: 'nobody',
  name: 'nobody',
  environment: 'live',
  type: 'service',
  grants: [],
  authenticationMethods: [],
  resourceId: null,
  scopes: new Set(),
  secrets: new Map(),
  keys: new Map(),
  jwksUri: null,
  acceptsEndpointAudienceUntil: null,
  createdAt: new Date(0),
  disabledAt: new Date(0),
  tokensRevokedBefore: null,
  managedBy: null,
  disabledBy: null,
  accessTokenTtlSeconds: null,
  dpop: defaultDpopSetting,
  certificateBoundTokens: false,
  certificateSubject: null,
  certificateThumbprints: [],
  exchangeResources: []
}
