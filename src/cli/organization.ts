import type { Command } from 'commander'
import { isUsable, type Client } from '../clients/client.ts'
import type { Organization } from '../organizations/organization.ts'
import { counted, listed } from '../phrases.ts'
import { readName } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { addDelete } from './delete.ts'
import { findOrganization, refuse } from './find.ts'
import { examples } from './help.ts'
import { addShow, addUpdate, differing, isEmpty, type Noun } from './noun.ts'
import type { Json } from './output.ts'
import { columnsOf, stateOf, timeOf } from './present.ts'
import type { Session } from './session.ts'
import { addSwitch } from './switch.ts'

const noun: Noun<Organization> = {
  word: 'organization',
  isAudited: true,
  argument: { name: 'organization', meaning: 'its id or name', example: '"Sample Games"' },
  find: findOrganization,
  keyOf: ({ id }) => id,
  titleOf: ({ id, name }) => `the organization ${id} (${name})`,
  ownershipOf: (organization) => organization,
  present
}

export function addOrganizationCommands (program: Command, context: CommandContext): void {
  const organization = program.command('organization')
    .description('Organizations: the owners of clients. Their tokens let an API see that owner\'s data.')
    .addHelpText('after', examples('signet organization create --name "Sample Games"', 'signet organization list --json'))
  addCreate(organization, context)
  addList(organization, context)
  addShow(organization, context, noun, {
    description: 'Show one organization with its clients.',
    details: async ({ id }, session) => ({
      clients: (await clientsOf(session, id)).map((client) => ({ client_id: client.id, name: client.name, environment: client.environment, state: stateOf(client) }))
    })
  })
  addUpdate(organization, context, noun, {
    description: 'Rename an organization. Its id, which tokens carry as org, stays.',
    examples: ['signet organization update "Sample Games" --name "Sample Games Ltd"'],
    addOptions: (command) => command.option('--name <name>', 'what people call it, 1 to 100 printable characters', readName),
    plan (row, { name }: { readonly name?: string }, { organizations }) {
      const patch = differing(row, { name })
      return { save: isEmpty(patch) ? undefined : () => organizations.update(row.id, patch) }
    }
  })
  addSwitch(organization, context, noun, {
    disable: {
      description: 'Disable an organization: its clients get no tokens, and those that they have are inactive at introspection within a second, for good.',
      losses: describeDisabling,
      note: 'the organization is disabled'
    },
    enable: {
      description: 'Enable an organization that was disabled. Earlier tokens of its clients stay dead; clients that are disabled themselves stay so.',
      note: 'the organization is enabled; earlier tokens of its clients stay revoked'
    },
    set: ({ organizations }, { id }, disabledAt) => organizations.update(id, { disabledAt, disabledBy: null })
  })
  addDelete(organization, context, noun, {
    description: 'Delete an organization. It is refused while it has clients: delete them first, or move them with client update.',
    losses: describeDeletion,
    remove: ({ organizations }, { id }) => organizations.remove(id)
  })
}

function addCreate (organization: Command, { output, withSession }: CommandContext): void {
  organization.command('create')
    .description('Create an organization. Names are unique.')
    .requiredOption('--name <name>', 'what people call it, 1 to 100 printable characters', readName)
    .addHelpText('after', examples('signet organization create --name "Sample Games"'))
    .action((options: { name: string }) => withSession(async ({ organizations }) => {
      await output.record(present(await organizations.create({ name: options.name })))
    }))
}

function addList (organization: Command, { output, withSession }: CommandContext): void {
  organization.command('list')
    .description('List all organizations, oldest first.')
    .addHelpText('after', examples('signet organization list', 'signet organization list --json'))
    .action(() => withSession(async ({ organizations }) => {
      const rows = (await organizations.readAll()).map(present)
      await output.list(rows, columnsOf(rows, ['organization_id', 'name', 'state', 'created_at'], ['managed_by']))
    }))
}

async function clientsOf ({ clients }: Session, id: string): Promise<readonly Client[]> {
  return (await clients.readAll()).filter(({ organizationId }) => organizationId === id)
}

async function describeDisabling ({ id }: Organization, session: Session): Promise<string> {
  const clients = await clientsOf(session, id)
  if (clients.length === 0) return 'It has no clients.'
  const enabled = clients.filter(({ disabledAt }) => disabledAt === null)
  const usable = enabled.flatMap(({ secrets }) => [...secrets.values()]).filter((secret) => isUsable(secret, session.clock()))
  return `It has ${counted(clients.length, 'client')}: ${listed(clients.map((client) => client.id))}. Enabled: ${enabled.length}, with ${counted(usable.length, 'usable secret')}.\n` +
    'No client of it gets tokens until it is enabled again, and all tokens that are out there die for good.'
}

async function describeDeletion ({ id }: Organization, session: Session): Promise<string> {
  const clients = await clientsOf(session, id)
  if (clients.length === 0) return 'It has no clients.'
  return refuse(`The organization ${id} still has ${counted(clients.length, 'client')}: ${listed(clients.map((client) => client.id))}. ` +
    'Delete every one first with: signet client delete CLIENT. Or give it to another organization with: signet client update CLIENT --organization OTHER')
}

function present (organization: Organization): Json {
  return {
    organization_id: organization.id,
    name: organization.name,
    state: stateOf(organization),
    created_at: timeOf(organization.createdAt),
    disabled_at: timeOf(organization.disabledAt),
    disabled_by: organization.disabledBy,
    tokens_revoked_before: timeOf(organization.tokensRevokedBefore),
    managed_by: organization.managedBy
  }
}
