/** The composition root: builds every dependency once, and registers the endpoints in reading order. */
import type { RouteHandlerMethod } from 'fastify'
import type { Logger } from 'pino'
import { createCheckActive } from './access-tokens/active.ts'
import { createMint } from './access-tokens/mint.ts'
import { createRevocations } from './access-tokens/revocations.ts'
import { createRevokedTokenStore } from './access-tokens/store.ts'
import { createVerifyAccessToken } from './access-tokens/verify.ts'
import { createAuditStore } from './audit/store.ts'
import { createFeed, type News } from './changes/feed.ts'
import { pruneChanges } from './changes/store.ts'
import { createAssertionVerification } from './clients/assertion-verification.ts'
import { createAuthenticate } from './clients/authenticate.ts'
import { createCertificateVerification } from './clients/client-certificate.ts'
import { createClientSecretJwt } from './clients/client-secret-jwt.ts'
import { createClientDirectory } from './clients/directory.ts'
import { createFetchKeySet } from './clients/fetch-key-set.ts'
import { createKeySets } from './clients/key-sets.ts'
import { createPrivateKeyJwt } from './clients/private-key-jwt.ts'
import { createSecretFormat } from './clients/secret-format.ts'
import { createSecretVerification } from './clients/secret-verification.ts'
import { createSecretHasher } from './clients/secrets.ts'
import { createClientStore } from './clients/store.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { createWarnOfExpiry } from './credential-usage/expiring.ts'
import { createCredentialUsageStore } from './credential-usage/store.ts'
import { createCredentialUsage } from './credential-usage/usage.ts'
import { createDatabase, patience } from './db.ts'
import { createJwksEndpoint, createMetadataEndpoint, createStatusListAggregationEndpoint, createStatusListEndpoint } from './discovery/endpoint.ts'
import { endpointPaths } from './discovery/metadata.ts'
import { createDocsEndpoints } from './docs/endpoint.ts'
import { createNonces } from './dpop/nonces.ts'
import { createDpop } from './dpop/proof.ts'
import { createExchangedTokens } from './exchanged-tokens/directory.ts'
import { createExchangedTokenStore } from './exchanged-tokens/store.ts'
import { createLivenessEndpoint, createReadinessEndpoint } from './health/endpoint.ts'
import { createReadiness } from './health/readiness.ts'
import { startHousekeeping } from './housekeeping.ts'
import { createHttpServer, httpLimits } from './http/server.ts'
import { readAuthorities, readTls } from './http/tls.ts'
import { createIntrospectionEndpoint } from './introspection/endpoint.ts'
import { createSignIntrospection } from './introspection/signed.ts'
import { createKeyRing } from './keys/ring.ts'
import { createKeyRotation } from './keys/rotation.ts'
import { createSigningKeyStore } from './keys/store.ts'
import { createKeepKeys } from './keys/upkeep.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { createOrganizationDirectory } from './organizations/organization.ts'
import { createOrganizationStore } from './organizations/store.ts'
import { createPresence } from './processes/presence.ts'
import { createProcessStore } from './processes/store.ts'
import { createReplayGuard } from './replay/guard.ts'
import { createUsedIdentifierStore } from './replay/store.ts'
import { createResourceDirectory } from './resources/resource.ts'
import { createResourceStore } from './resources/store.ts'
import { createRevocationEndpoint } from './revocation/endpoint.ts'
import { routesOf, type OperationName } from './routes.ts'
import { subkeyOf } from './sealing/master-key.ts'
import type { Sealer } from './sealing/sealer.ts'
import { openServerKeys } from './sealing/server-keys.ts'
import { createSealedValueStore } from './sealing/store.ts'
import { createAllocator } from './status-lists/allocate.ts'
import { createStatusLists } from './status-lists/directory.ts'
import { createFindStatusList } from './status-lists/find.ts'
import { startLeasingAhead } from './status-lists/lease-ahead.ts'
import { createOwnLists } from './status-lists/own-lists.ts'
import { createPublishStatusList } from './status-lists/publish.ts'
import { createStatusListStore } from './status-lists/store.ts'
import { createTokenEndpoint } from './token/endpoint.ts'
import { createGrants } from './token/grants/index.ts'

export interface AppDependencies {
  readonly config: Config
  /** Of the database, embedded or not. */
  readonly url: string
  readonly sealer: Sealer
  readonly clock: Clock
  readonly logger: Logger
}

export interface App {
  listen (): Promise<void>
  readonly metrics: Metrics['registry']
  /** Makes the signing keys that are to wait, and lets those take over that are due. To be called now and then. */
  keepKeys (): Promise<void>
  /** Writes down which credentials were used, at most once a minute, and says which of them expire soon. To be called often. */
  recordUsage (): Promise<void>
  /** Readiness turns to 503 and answers close their connection; requests go on being answered. */
  startDraining (): void
  /** Finishes what is under way, then lets go of everything. */
  close (): Promise<void>
}

/** @throws OperatorError when the database was not prepared or the master key is another one */
export async function createApp ({ config, url, sealer, clock, logger }: AppDependencies): Promise<App> {
  const { issuer } = config
  const awayMillis = config.staleLimitSeconds * 1_000
  // Two pools: whole tables are read with patience, but whoever waits for an HTTP answer is not kept waiting.
  const reading = createDatabase({ url, applicationName: 'signet directory', poolSize: 2 })
  const writing = createDatabase({ url, applicationName: 'signet', patience: patience.request })
  const serverKeys = await openServerKeys(createSealedValueStore(reading), sealer)

  const organizations = createOrganizationDirectory(createOrganizationStore(reading))
  const resources = createResourceDirectory(createResourceStore(reading))
  const clients = createClientDirectory(createClientStore(reading))
  const keys = createKeyRing({ store: createSigningKeyStore(reading), sealer, clock, logger, algorithms: config.signingAlgorithms })
  const keepKeys = createKeepKeys({ keys, rotation: createKeyRotation({ store: createSigningKeyStore(writing), sealer, clock, policy: config }), policy: config, clock, logger })
  const revocations = createRevocations({ reading: createRevokedTokenStore(reading), writing: createRevokedTokenStore(writing), clock })
  const exchangedTokens = createExchangedTokens({ reading: createExchangedTokenStore(reading), writing: createExchangedTokenStore(writing), clock, limit: config.exchangedTokensLimit })
  const statusLists = createStatusLists({ reading: createStatusListStore(reading), writing: createStatusListStore(writing), clock })
  const presence = createPresence({ store: createProcessStore(reading), staleLimitSeconds: config.staleLimitSeconds, logger })
  const feed = createFeed({
    url, logger, onNews, views: { organization: organizations, resource: resources, client: clients, signing_key: keys, revoked_token: revocations, exchanged_token: exchangedTokens, status_list: statusLists.lists, revoked_index: statusLists.revoked }
  })

  const metrics = createMetrics({ stalenessSeconds: feed.stalenessSeconds })
  function onNews ({ position, revokedSecondsAgo }: News): void {
    presence.reached(position)
    for (const seconds of revokedSecondsAgo) metrics.revocationArrived(seconds)
  }

  const secrets = createSecretVerification({
    format: createSecretFormat(serverKeys.secretTag),
    hasher: createSecretHasher(),
    verifierKey: serverKeys.secretVerifier,
    hasImportedSecrets: clients.hasImportedSecrets,
    store: createClientStore(writing),
    logger
  })
  const replay = createReplayGuard(createUsedIdentifierStore(writing), clock)
  const dpop = createDpop({
    tokenEndpoint: issuer + endpointPaths.token,
    nonces: config.dpopNonce ? createNonces(subkeyOf({ bytes: serverKeys.secretTag }, 'dpop nonce'), clock) : undefined,
    replay,
    clock
  })
  const keySets = createKeySets(createFetchKeySet({ allowPrivate: config.jwksUriAllowPrivate }), logger)
  const signatures = { client_secret_jwt: createClientSecretJwt({ sealer, logger }), private_key_jwt: createPrivateKeyJwt(keySets) }
  const assertions = createAssertionVerification({ issuer, tokenEndpoint: issuer + endpointPaths.token, signatures, replay, logger })
  const usageStore = createCredentialUsageStore(reading) // as patient as it: nobody waits for it
  const usage = createCredentialUsage({ store: usageStore, clock, logger })
  const warnOfExpiry = createWarnOfExpiry({ store: usageStore, clock, logger })
  const authenticate = createAuthenticate({ methods: config.authenticationMethods, clients, organizations, secrets, assertions, certificates: createCertificateVerification(await readAuthorities(config)), usage, clock })
  const allocator = createAllocator({
    ownLists: createOwnLists({ statusLists, store: createStatusListStore(writing), clock, awayMillis }), statusLists, store: createStatusListStore(writing), clock, logger, awayMillis
  })
  const mint = createMint({ issuer, keys, clock, allocate: allocator.allocate, clients, organizations, catchUp: feed.catchUp })
  const verify = createVerifyAccessToken({ issuer, keys, clock })
  const checkActive = createCheckActive({ verify, revocations, exchangedTokens, statusLists, issuer, keys, clients, organizations, resources })

  const publishStatusList = createPublishStatusList({ issuer, statusLists, keys, clock, stalenessSeconds: feed.stalenessSeconds, staleLimitSeconds: config.staleLimitSeconds })
  const findStatusList = createFindStatusList({ statusLists, stalenessSeconds: feed.stalenessSeconds })
  const readiness = createReadiness({ feed, keys, staleLimitSeconds: config.staleLimitSeconds })
  const server = createHttpServer({ config, tls: await readTls(config), logger, isDraining: readiness.isDraining })
  const routes = routesOf(issuer)
  const handlers: Readonly<Record<OperationName, RouteHandlerMethod>> = {
    requestToken: createTokenEndpoint({ grants: createGrants({ issuer, checkActive, resources, exchangedTokens }), grantRules: config, dpop, authenticate, clients, organizations, resources, mint, usage }),
    introspectToken: createIntrospectionEndpoint({ authenticate, checkActive, resources, stalenessSeconds: feed.stalenessSeconds, sign: createSignIntrospection({ issuer, keys, resources, clock }) }),
    revokeToken: createRevocationEndpoint({ authenticate, verify, issuer, revocations, statusLists }),
    liveKeys: createJwksEndpoint(keys, 'live'),
    testKeys: createJwksEndpoint(keys, 'test'),
    liveMetadata: createMetadataEndpoint(config, 'live'),
    testMetadata: createMetadataEndpoint(config, 'test'),
    liveStatusList: createStatusListEndpoint(publishStatusList, findStatusList, 'live'),
    testStatusList: createStatusListEndpoint(publishStatusList, findStatusList, 'test'),
    liveStatusLists: createStatusListAggregationEndpoint(issuer, statusLists, 'live'),
    testStatusLists: createStatusListAggregationEndpoint(issuer, statusLists, 'test'),
    live: createLivenessEndpoint(),
    ready: createReadinessEndpoint(readiness.state),
    ...createDocsEndpoints(routes, issuer)
  }
  for (const { name, path, operation } of routes) {
    server.route({ method: operation.method, url: path, handler: handlers[name], ...operation.readsMemory ? { onRequest: readiness.requireFresh } : {} })
  }

  const stopHousekeeping = startHousekeeping([
    { name: 'revoked tokens', run: revocations.purgeExpired },
    { name: 'exchanged tokens', run: exchangedTokens.purgeExpired },
    { name: 'used identifiers', run: replay.purgeExpired },
    { name: 'status lists', run: statusLists.purgeExpired },
    { name: 'deleted clients', run: createClientStore(writing).purgeDeleted },
    { name: 'processes', run: createProcessStore(writing).purge },
    { name: 'audit records', run: () => createAuditStore(writing).purge(new Date(clock() - config.auditRetentionDays * 86_400_000)) },
    { name: 'changes', run: () => pruneChanges(writing, clock()) }
  ], logger)

  let stopLeasingAhead: () => void = () => {}
  return {
    metrics: metrics.registry,
    async listen () {
      await feed.start()
      stopLeasingAhead = startLeasingAhead({ store: createStatusListStore(reading), allocator, clients, organizations, keys, clock, logger, awayMillis })
      await server.listen({ port: config.port, host: config.host, backlog: 1_024 })
    },
    keepKeys,
    async recordUsage () {
      await usage.record()
      await warnOfExpiry()
    },
    startDraining: readiness.startDraining,
    async close () {
      stopHousekeeping()
      stopLeasingAhead()
      readiness.startDraining()
      // With close() Node ends its own time-outs, and it waits for connections that never sent a request.
      const patience = setTimeout(() => { server.server.closeAllConnections() }, httpLimits.closePatienceMillis)
      await server.close()
      clearTimeout(patience)
      await usage.finish()
      await feed.stop()
      await presence.stop()
      await Promise.all([reading.$disconnect(), writing.$disconnect()])
    }
  }
}
