import { Option, type Command } from 'commander'
import { clientTypes, defaultDpopSetting, dpopSettings, isUsable, type Client, type ClientType, type DpopSetting } from '../clients/client.ts'
import type { RegistrationInput } from '../clients/registration.ts'
import { environments, type Environment } from '../environment.ts'
import { defaultAuthenticationMethods, needsSecret } from '../oauth/authentication-methods.ts'
import type { GrantType } from '../oauth/grant-types.ts'
import { counted } from '../phrases.ts'
import { readAccessTokenTtl, readGrant, readName, readReference, readScopes, secondsOf, type AccessTokenTtl } from './arguments.ts'
import { bindingFlags, bindingMeaning, clientUpdating, dpopFlags, dpopMeaning, noteDeprecated, ttlFlags, ttlMeaning } from './client-update.ts'
import { addAuthenticationOptions, chosenAuthentication, missingCredentials, type AuthenticationOptions } from './client-authentication.ts'
import { addExchangeOptions, chosenExchangeResources, type ExchangeOptions } from './client-exchange.ts'
import { addClientKeyCommands, presentKey } from './client-key.ts'
import type { CommandContext } from './command.ts'
import { addDelete } from './delete.ts'
import { chooseOrganization, findClient, findOrganization, findResource, findScopes } from './find.ts'
import { examples } from './help.ts'
import { addShow, addUpdate, type Noun } from './noun.ts'
import type { Json, Output } from './output.ts'
import { columnsOf, stateOf, timeOf } from './present.ts'
import { presentSecret } from './secret.ts'
import type { Session } from './session.ts'
import { addSwitch } from './switch.ts'

const noun: Noun<Client> = {
  word: 'client',
  isAudited: true,
  argument: { name: 'client', meaning: 'the client id', example: 'cl_live_...' },
  find: findClient,
  keyOf: ({ id }) => id,
  titleOf: ({ id, name }) => `the client ${id} (${name})`,
  ownershipOf: (client) => client,
  present: async (client, session) => (await createPresenter(session))(client)
}

interface CreateOptions extends AuthenticationOptions, ExchangeOptions {
  readonly name: string
  readonly organization?: string
  readonly environment: Environment
  readonly type: ClientType
  readonly scope?: readonly string[]
  readonly grant?: readonly GrantType[]
  readonly resourceServer?: string
  readonly accessTokenTtl?: AccessTokenTtl
  readonly dpop: DpopSetting
  readonly certificateBoundTokens: 'on' | 'off'
}

export function addClientCommands (program: Command, context: CommandContext): void {
  const client = program.command('client')
    .description('Clients: applications that get tokens, and the APIs that introspect them.')
    .addHelpText('after', examples(
      'signet client create --name "Partner backend" --scope "tournaments:read tournaments:write"',
      'signet client disable cl_live_...'))
  addCreate(client, context)
  addList(client, context)
  addShow(client, context, noun, {
    description: 'Show one client and the state of its secrets and keys. The secrets themselves are shown to nobody.',
    details: async ({ secrets, keys }, { clock }) => ({
      secrets: [...secrets.values()].map((secret) => presentSecret(secret, clock())),
      keys: [...keys.values()].map((key) => presentKey(key, clock()))
    })
  })
  addUpdate(client, context, noun, clientUpdating)
  addClientKeyCommands(client, context)
  addSwitch(client, context, noun, {
    disable: {
      description: 'Disable a client: it gets no tokens any more, and those that it has are inactive at introspection within a second, for good.',
      losses: async (row, session) => `${describeSecrets(row, session)} It gets no tokens until it is enabled again, and all tokens that it has die for good.`,
      note: 'the client is disabled'
    },
    enable: {
      description: 'Enable a client that was disabled. Its earlier tokens and its revoked secrets stay dead.',
      note: 'the client is enabled; its earlier tokens stay revoked'
    },
    set: ({ clients }, { id }, disabledAt) => clients.update(id, { disabledAt, disabledBy: null })
  })
  addDelete(client, context, noun, {
    description: 'Delete a client with its secrets. Its tokens are inactive at introspection within a second, for good.',
    losses: async (row, session) => `${describeSecrets(row, session)} Every secret goes with it, and all tokens that it has die for good.`,
    remove: ({ clients }, { id }) => clients.remove(id)
  })
}

function addCreate (client: Command, { output, withSession }: CommandContext): void {
  addAuthenticationOptions(addExchangeOptions(client.command('create')
    .description('Create a client and its first secret, which is shown this once. A client that authenticates with keys or certificates alone has none.')
    .requiredOption('--name <name>', 'what people call it, 1 to 100 printable characters', readName)
    .option('--organization <id-or-name>', 'its owner; may be left out while there is only one', readReference)
    .addOption(new Option('--environment <environment>', 'whose tokens it gets').choices(environments).default('live'))
    .addOption(new Option('--type <type>', 'service: it acts for its organization; jwt: for the players that log in with its backend, one in each token').choices(clientTypes).default('service'))
    .option('--scope <scopes>', 'what it may ask for, separated by spaces (default: the default scopes; none with --resource-server)', readScopes)
    .option('--grant <type>', 'a grant type that it may use, as the metadata lists them; may be repeated (default: client_credentials, for a JWT client jwt-bearer too; none with --resource-server)', readGrant)
    .option('--resource-server <id-or-identifier>', 'the resource that it stands for: it may introspect the tokens for that resource', readReference), 'create'), 'create')
    .option(ttlFlags, ttlMeaning, readAccessTokenTtl)
    .addOption(new Option(dpopFlags, dpopMeaning).choices(dpopSettings).default(defaultDpopSetting))
    .addOption(new Option(bindingFlags, bindingMeaning).choices(['on', 'off']).default('off'))
    .addHelpText('after', examples(
      'signet client create --name "Partner backend" --environment test',
      'signet client create --name "Partner backend" --organization "Sample Games" --scope "tournaments:read tournaments:write" --json',
      'signet client create --name "Partner backend" --authentication-method private_key_jwt',
      'signet client create --name "The API itself" --resource-server https://api.example.com'))
    .action((options: CreateOptions) => withSession(async (session) => {
      const organization = await chooseOrganization(session, options.organization)
      const resource = options.resourceServer === undefined ? undefined : await findResource(session, options.resourceServer)
      const named = await findScopes(session, options.scope ?? [])
      await createWith({
        name: options.name,
        organizationId: organization.id,
        environment: options.environment,
        type: options.type,
        scopes: options.scope,
        grants: options.grant,
        resourceId: resource?.id ?? null,
        accessTokenTtlSeconds: secondsOf(options.accessTokenTtl ?? 'default'),
        dpop: options.dpop,
        certificateBoundTokens: options.certificateBoundTokens === 'on',
        exchangeResources: await chosenExchangeResources({ exchangeResources: [] }, options, session) ?? [],
        ...chosenAuthentication(options)
      }, session, output)
      for (const { name } of named.filter(({ isDeprecated }) => isDeprecated)) output.note(noteDeprecated(name))
    }))
}

async function createWith (input: RegistrationInput, session: Session, output: Output): Promise<void> {
  const created = await createIn(input, session, output)
  for (const missing of missingCredentials(created, session.clock())) output.note(missing)
}

async function createIn (input: RegistrationInput, session: Session, output: Output): Promise<Client> {
  if (!(input.authenticationMethods ?? defaultAuthenticationMethods).some(needsSecret)) {
    const created = await session.registration.registerWithoutSecret(input)
    await output.record(await noun.present(created, session))
    return created
  }
  const { client: created, secret } = await session.registration.register(input)
  const [secretId = null] = created.secrets.keys()
  await output.secret({ client_id: created.id, client_secret: secret, secret_id: secretId, ...await noun.present(created, session) })
  output.note('the secret is shown this once: store it now')
  return created
}

function addList (client: Command, { output, withSession }: CommandContext): void {
  client.command('list')
    .description('List all clients, or those of one organization, oldest first.')
    .option('--organization <id-or-name>', 'only those that it owns', readReference)
    .addHelpText('after', examples('signet client list', 'signet client list --organization "Sample Games" --json'))
    .action((options: { organization?: string }) => withSession(async (session) => {
      const owner = options.organization === undefined ? undefined : await findOrganization(session, options.organization)
      const clients = (await session.clients.readAll()).filter(({ organizationId }) => owner === undefined || organizationId === owner.id)
      const rows = clients.map(await createPresenter(session))
      await output.list(rows, columnsOf(rows, ['client_id', 'name', 'organization', 'environment', 'state'], ['managed_by']))
    }))
}

function describeSecrets ({ secrets }: Client, { clock }: Session): string {
  const usable = [...secrets.values()].filter((secret) => isUsable(secret, clock())).length
  return `It has ${counted(secrets.size, 'secret')}; usable: ${usable === 0 ? 'none' : usable}.`
}

/** Ids of the owner and the resource alone would tell a person little. */
async function createPresenter ({ organizations, resources }: Session): Promise<(client: Client) => Json> {
  const organizationNames = new Map((await organizations.readAll()).map(({ id, name }) => [id, name]))
  const identifiers = new Map((await resources.readAll()).map(({ id, identifier }) => [id, identifier]))
  return (client) => ({
    client_id: client.id,
    name: client.name,
    organization_id: client.organizationId,
    organization: organizationNames.get(client.organizationId) ?? null,
    environment: client.environment,
    type: client.type,
    state: stateOf(client),
    scope: [...client.scopes].join(' '),
    grant_types: client.grants,
    authentication_methods: client.authenticationMethods,
    jwks_uri: client.jwksUri,
    accepts_endpoint_audience_until: timeOf(client.acceptsEndpointAudienceUntil),
    resource_server: client.resourceId === null ? null : identifiers.get(client.resourceId) ?? null,
    exchange_resources: client.exchangeResources.flatMap((id) => identifiers.get(id) ?? []).sort(),
    access_token_ttl_seconds: client.accessTokenTtlSeconds,
    dpop: client.dpop,
    certificate_bound_tokens: client.certificateBoundTokens,
    certificate_subject: client.certificateSubject,
    certificate_thumbprints: client.certificateThumbprints,
    created_at: timeOf(client.createdAt),
    disabled_at: timeOf(client.disabledAt),
    disabled_by: client.disabledBy,
    tokens_revoked_before: timeOf(client.tokensRevokedBefore),
    managed_by: client.managedBy
  })
}
