import type { Command } from 'commander'
import type { Resource, Scope } from '../resources/resource.ts'
import { readDescription, readReference, readScopeName } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { findResource } from './find.ts'
import { examples } from './help.ts'
import type { Json } from './output.ts'

interface CreateOptions {
  readonly name: string
  readonly resource: string
  readonly description: string
  readonly default?: true
}

export function addScopeCommands (program: Command, { output, withSession }: CommandContext): void {
  const scope = program.command('scope')
    .description('Scopes: what a client may do at a resource. Names are unique across resources.')
    .addHelpText('after', examples(
      'signet scope create --name tournaments:read --resource https://api.example.com --description "Read tournaments" --default',
      'signet scope list --resource https://api.example.com'))

  scope.command('create')
    .description('Create a scope of a resource.')
    .requiredOption('--name <scope>', 'as clients ask for it, 1 to 128 characters (RFC 6749 §3.3)', readScopeName)
    .requiredOption('--resource <id-or-identifier>', 'the resource that it belongs to', readReference)
    .requiredOption('--description <text>', 'what it allows, for people; 1 to 200 printable characters', readDescription)
    .option('--default', 'clients that are created from now on without --scope get it')
    .addHelpText('after', examples(
      'signet scope create --name tournaments:read --resource https://api.example.com --description "Read tournaments" --default'))
    .action((options: CreateOptions) => withSession(async (session) => {
      const resource = await findResource(session, options.resource)
      const created = await session.resources.createScope({
        name: options.name, resourceId: resource.id, description: options.description, isDefault: options.default ?? false
      })
      await output.record(present(created, resource))
    }))

  scope.command('list')
    .description('List all scopes, or those of one resource.')
    .option('--resource <id-or-identifier>', 'only those of this resource', readReference)
    .addHelpText('after', examples('signet scope list', 'signet scope list --resource https://api.example.com --json'))
    .action((options: { resource?: string }) => withSession(async (session) => {
      const resources = options.resource === undefined ? await session.resources.readAll() : [await findResource(session, options.resource)]
      const rows = resources.flatMap((resource) => resource.scopes.map((each) => present(each, resource)))
      await output.list(rows, ['name', 'resource', 'default', 'description'])
    }))
}

function present (scope: Scope, resource: Resource): Json {
  return {
    name: scope.name,
    resource_id: resource.id,
    resource: resource.identifier,
    description: scope.description,
    default: scope.isDefault
  }
}
