import type { Command } from 'commander'
import { readDescription, readReference, readScopeName } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { addDelete } from './delete.ts'
import { findResource, findScope, readScopes, type ScopeOfResource } from './find.ts'
import { examples } from './help.ts'
import { clientsWith, describeLosers, refuseManagedLosers } from './losers.ts'
import { refuseManaged } from './managed.ts'
import { addShow, addUpdate, differing, isEmpty, type Noun } from './noun.ts'
import type { Json } from './output.ts'
import { columnsOf, stateOf, timeOf } from './present.ts'
import { addSwitch } from './switch.ts'

const noun: Noun<ScopeOfResource> = {
  word: 'scope',
  isAudited: false,
  argument: { name: 'scope', meaning: 'its name', example: 'tournaments:read' },
  find: findScope,
  keyOf: ({ scope }) => scope.name,
  titleOf: ({ scope, resource }) => `the scope ${scope.name} of the resource ${resource.identifier}`,
  ownershipOf: ({ scope }) => scope,
  present
}

interface CreateOptions {
  readonly name: string
  readonly resource: string
  readonly description: string
  readonly default?: true
}

interface UpdateOptions {
  readonly description?: string
  readonly default?: boolean
  readonly deprecated?: boolean
}

export function addScopeCommands (program: Command, context: CommandContext): void {
  const scope = program.command('scope')
    .description('Scopes: what a client may do at a resource. Names are unique across resources.')
    .addHelpText('after', examples(
      'signet scope create --name tournaments:read --resource https://api.example.com --description "Read tournaments" --default',
      'signet scope list --resource https://api.example.com'))
  addCreate(scope, context)
  addList(scope, context)
  addShow(scope, context, noun, {
    description: 'Show one scope and the clients that have it.',
    details: async ({ scope: { name } }, { clients }) => ({
      clients: clientsWith(await clients.readAll(), [name]).map((client) => ({ client_id: client.id, name: client.name, environment: client.environment, state: stateOf(client) }))
    })
  })
  addUpdate(scope, context, noun, {
    description: 'Change a scope. Its name stays, for clients ask for it: for another name create another scope, and mark this one as deprecated.',
    examples: ['signet scope update tournaments:read --description "Read tournaments and results"', 'signet scope update tournaments:old --deprecated --no-default'],
    addOptions: (command) => command
      .option('--description <text>', 'what it allows, for people; 1 to 200 printable characters', readDescription)
      .option('--default', 'new clients get it, and a token request without scope asks for it')
      .option('--no-default', 'neither of the two')
      .option('--deprecated', 'clients that have it keep it; no new client gets it by default')
      .option('--no-deprecated', 'it is as good as any other'),
    plan ({ scope: row }, { description, default: isDefault, deprecated: isDeprecated }: UpdateOptions, { resources }) {
      const patch = differing(row, { description, isDefault, isDeprecated })
      return { save: isEmpty(patch) ? undefined : () => resources.updateScope(row.name, patch) }
    }
  })
  addSwitch(scope, context, noun, {
    disable: {
      description: 'Disable a scope: nobody gets it in a new token until it is enabled again. Clients keep it, and so do tokens until they expire.',
      note: 'the scope is disabled; tokens that have it keep it until they expire'
    },
    enable: { description: 'Enable a scope that was disabled. The clients that have it may ask for it again.', note: 'the scope is enabled' },
    set: ({ resources }, { scope: { name } }, disabledAt) => resources.updateScope(name, { disabledAt, disabledBy: null })
  })
  addDelete(scope, context, noun, {
    description: 'Delete a scope. The clients that have it lose it; tokens keep it until they expire.',
    async losses ({ scope: { name } }, session) {
      const clients = await session.clients.readAll()
      refuseManagedLosers(clients, [name])
      return `${describeLosers(clients, [name])} Tokens that have it keep it until they expire.`
    },
    remove: ({ resources }, { scope: { name } }) => resources.removeScope(name)
  })
}

function addCreate (scope: Command, { output, withSession }: CommandContext): void {
  scope.command('create')
    .description('Create a scope of a resource.')
    .requiredOption('--name <scope>', 'as clients ask for it, 1 to 128 characters (RFC 6749 §3.3)', readScopeName)
    .requiredOption('--resource <id-or-identifier>', 'the resource that it belongs to', readReference)
    .requiredOption('--description <text>', 'what it allows, for people; 1 to 200 printable characters', readDescription)
    .option('--default', 'clients that are created from now on without --scope get it, and a token request without scope asks for it')
    .addHelpText('after', examples(
      'signet scope create --name tournaments:read --resource https://api.example.com --description "Read tournaments" --default'))
    .action((options: CreateOptions) => withSession(async (session) => {
      const { resource, created } = await session.alone(async (writing) => {
        const resource = await findResource(writing, options.resource)
        // The file lists all scopes of its resource.
        refuseManaged(`the resource ${resource.identifier} (${resource.name})`, resource)
        const created = await writing.resources.createScope({
          name: options.name, resourceId: resource.id, description: options.description, isDefault: options.default ?? false
        })
        return { resource, created }
      })
      await output.record(present({ scope: created, resource }))
    }))
}

function addList (scope: Command, { output, withSession }: CommandContext): void {
  scope.command('list')
    .description('List all scopes, or those of one resource.')
    .option('--resource <id-or-identifier>', 'only those of this resource', readReference)
    .addHelpText('after', examples('signet scope list', 'signet scope list --resource https://api.example.com --json'))
    .action((options: { resource?: string }) => withSession(async (session) => {
      const only = options.resource === undefined ? undefined : await findResource(session, options.resource)
      const rows = (await readScopes(session)).filter(({ resource }) => only === undefined || resource.id === only.id).map(present)
      await output.list(rows, columnsOf(rows, ['name', 'resource', 'default', 'description'], ['state', 'deprecated', 'managed_by']))
    }))
}

function present ({ scope, resource }: ScopeOfResource): Json {
  return {
    name: scope.name,
    resource_id: resource.id,
    resource: resource.identifier,
    description: scope.description,
    default: scope.isDefault,
    deprecated: scope.isDeprecated,
    state: stateOf(scope),
    disabled_at: timeOf(scope.disabledAt),
    disabled_by: scope.disabledBy,
    managed_by: scope.managedBy
  }
}
