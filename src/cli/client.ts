import { Option, type Command } from 'commander'
import type { Client } from '../clients/client.ts'
import { environments, type Environment } from '../environment.ts'
import { grantTypes, type GrantType } from '../oauth/grant-types.ts'
import { readGrant, readName, readReference, readScopes } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { chooseOrganization, findClient, findOrganization, findResource } from './find.ts'
import { examples } from './help.ts'
import type { Json } from './output.ts'
import { stateOf, timeOf } from './present.ts'
import { presentSecret } from './secret.ts'
import type { Session } from './session.ts'

interface CreateOptions {
  readonly name: string
  readonly organization?: string
  readonly environment: Environment
  readonly scope?: readonly string[]
  readonly grant?: readonly GrantType[]
  readonly resourceServer?: string
}

export function addClientCommands (program: Command, context: CommandContext): void {
  const client = program.command('client')
    .description('Clients: applications that get tokens, and the APIs that introspect them.')
    .addHelpText('after', examples(
      'signet client create --name "Partner backend" --scope "tournaments:read tournaments:write"',
      'signet client disable cl_live_...'))
  addCreate(client, context)
  addList(client, context)
  addShow(client, context)
  addDisable(client, context)
  addEnable(client, context)
}

function addCreate (client: Command, { output, withSession }: CommandContext): void {
  client.command('create')
    .description('Create a client and its first secret, which is shown this once.')
    .requiredOption('--name <name>', 'what people call it, 1 to 100 printable characters', readName)
    .option('--organization <id-or-name>', 'its owner; may be left out while there is only one', readReference)
    .addOption(new Option('--environment <environment>', 'whose tokens it gets').choices(environments).default('live'))
    .option('--scope <scopes>', 'what it may ask for, separated by spaces (default: the default scopes; none with --resource-server)', readScopes)
    .option('--grant <type>', `a grant type that it may use: ${grantTypes.join(', ')}; may be repeated (default: client_credentials; none with --resource-server)`, readGrant)
    .option('--resource-server <id-or-identifier>', 'the resource that it stands for: it may introspect the tokens for that resource', readReference)
    .addHelpText('after', examples(
      'signet client create --name "Partner backend" --environment test',
      'signet client create --name "Partner backend" --organization "Sample Games" --scope "tournaments:read tournaments:write" --json',
      'signet client create --name "The API itself" --resource-server https://api.example.com'))
    .action((options: CreateOptions) => withSession(async (session) => {
      const organization = await chooseOrganization(session, options.organization)
      const resource = options.resourceServer === undefined ? undefined : await findResource(session, options.resourceServer)
      const { client: created, secret } = await session.registration.register({
        name: options.name,
        organizationId: organization.id,
        environment: options.environment,
        scopes: options.scope,
        grants: options.grant,
        resourceId: resource?.id ?? null
      })
      const present = await createPresenter(session)
      const [secretId = null] = created.secrets.keys()
      await output.record({ client_id: created.id, client_secret: secret, secret_id: secretId, ...present(created) })
      output.note('the secret is shown this once: store it now')
    }))
}

function addList (client: Command, { output, withSession }: CommandContext): void {
  client.command('list')
    .description('List all clients, or those of one organization, oldest first.')
    .option('--organization <id-or-name>', 'only those that it owns', readReference)
    .addHelpText('after', examples('signet client list', 'signet client list --organization "Sample Games" --json'))
    .action((options: { organization?: string }) => withSession(async (session) => {
      const owner = options.organization === undefined ? undefined : await findOrganization(session, options.organization)
      const present = await createPresenter(session)
      const clients = (await session.clients.readAll()).filter(({ organizationId }) => owner === undefined || organizationId === owner.id)
      await output.list(clients.map(present), ['client_id', 'name', 'organization', 'environment', 'state'])
    }))
}

function addShow (client: Command, { output, withSession }: CommandContext): void {
  client.command('show')
    .description('Show one client and the state of its secrets. The secrets themselves are not stored readably.')
    .argument('<client>', 'the client id', readReference)
    .addHelpText('after', examples('signet client show cl_live_...', 'signet client show cl_live_... --json'))
    .action((id: string) => withSession(async (session) => {
      const found = await findClient(session, id)
      const present = await createPresenter(session)
      const secrets = [...found.secrets.values()].map((secret) => presentSecret(secret, session.clock()))
      await output.record({ ...present(found), secrets })
    }))
}

function addDisable (client: Command, { output, withSession }: CommandContext): void {
  client.command('disable')
    .description('Disable a client: it gets no tokens any more, and those that it has are inactive at introspection within a second.')
    .argument('<client>', 'the client id', readReference)
    .addHelpText('after', examples('signet client disable cl_live_...'))
    .action((id: string) => withSession(async (session) => {
      const found = await findClient(session, id)
      const changed = found.disabledAt === null
      if (changed) await session.clients.update(id, { disabledAt: new Date(session.clock()), disabledBy: null })
      const present = await createPresenter(session)
      await output.record({ changed, ...present(await findClient(session, id)) })
      output.note(changed ? 'the client is disabled' : 'the client was disabled already; nothing was changed')
    }))
}

function addEnable (client: Command, { output, withSession }: CommandContext): void {
  client.command('enable')
    .description('Enable a client that was disabled. Its earlier tokens and its revoked secrets stay dead.')
    .argument('<client>', 'the client id', readReference)
    .addHelpText('after', examples('signet client enable cl_live_...'))
    .action((id: string) => withSession(async (session) => {
      const found = await findClient(session, id)
      const changed = found.disabledAt !== null
      if (changed) await session.clients.update(id, { disabledAt: null, disabledBy: null })
      const present = await createPresenter(session)
      await output.record({ changed, ...present(await findClient(session, id)) })
      output.note(changed ? 'the client is enabled; its earlier tokens stay revoked' : 'the client was enabled already; nothing was changed')
    }))
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
    state: stateOf(client),
    scope: [...client.scopes].join(' '),
    grant_types: client.grants,
    authentication_methods: client.authenticationMethods,
    resource_server: client.resourceId === null ? null : identifiers.get(client.resourceId) ?? null,
    created_at: timeOf(client.createdAt),
    disabled_at: timeOf(client.disabledAt),
    tokens_revoked_before: timeOf(client.tokensRevokedBefore)
  })
}
