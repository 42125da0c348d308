import type { Command } from 'commander'
import type { Resource } from '../resources/resource.ts'
import { readIdentifier, readName } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { examples } from './help.ts'
import type { Json } from './output.ts'
import { stateOf, timeOf } from './present.ts'

export function addResourceCommands (program: Command, { output, withSession }: CommandContext): void {
  const resource = program.command('resource')
    .description('Resources: the APIs that tokens are for. A resource defines scopes.')
    .addHelpText('after', examples('signet resource create --identifier https://api.example.com --name "Sample API"', 'signet resource list'))

  resource.command('create')
    .description('Create a resource. Its identifier becomes the audience (aud) of the tokens that are issued for it.')
    .requiredOption('--identifier <uri>', 'an absolute URI without a fragment (RFC 8707 §2); unique, and compared character by character', readIdentifier)
    .requiredOption('--name <name>', 'what people call it, 1 to 100 printable characters', readName)
    .addHelpText('after', examples('signet resource create --identifier https://api.example.com --name "Sample API"'))
    .action((options: { identifier: string, name: string }) => withSession(async ({ resources }) => {
      await output.record(present(await resources.create({ identifier: options.identifier, name: options.name })))
    }))

  resource.command('list')
    .description('List all resources with their scopes, oldest first.')
    .addHelpText('after', examples('signet resource list', 'signet resource list --json'))
    .action(() => withSession(async ({ resources }) => {
      const all = await resources.readAll()
      await output.list(all.map(present), ['resource_id', 'identifier', 'name', 'scopes'])
    }))
}

function present (resource: Resource): Json {
  return {
    resource_id: resource.id,
    identifier: resource.identifier,
    name: resource.name,
    state: stateOf(resource),
    scopes: resource.scopes.map(({ name }) => name),
    created_at: timeOf(resource.createdAt),
    disabled_at: timeOf(resource.disabledAt)
  }
}
