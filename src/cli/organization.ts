import type { Command } from 'commander'
import type { Organization } from '../organizations/organization.ts'
import { readName } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { examples } from './help.ts'
import type { Json } from './output.ts'
import { stateOf, timeOf } from './present.ts'

export function addOrganizationCommands (program: Command, { output, withSession }: CommandContext): void {
  const organization = program.command('organization')
    .description('Organizations: the owners of clients. Their tokens let an API see that owner\'s data.')
    .addHelpText('after', examples('signet organization create --name "Sample Games"', 'signet organization list --json'))

  organization.command('create')
    .description('Create an organization. Names are unique.')
    .requiredOption('--name <name>', 'what people call it, 1 to 100 printable characters', readName)
    .addHelpText('after', examples('signet organization create --name "Sample Games"'))
    .action((options: { name: string }) => withSession(async ({ organizations }) => {
      await output.record(present(await organizations.create({ name: options.name })))
    }))

  organization.command('list')
    .description('List all organizations, oldest first.')
    .addHelpText('after', examples('signet organization list', 'signet organization list --json'))
    .action(() => withSession(async ({ organizations }) => {
      const all = await organizations.readAll()
      await output.list(all.map(present), ['organization_id', 'name', 'state', 'created_at'])
    }))
}

function present (organization: Organization): Json {
  return {
    organization_id: organization.id,
    name: organization.name,
    state: stateOf(organization),
    created_at: timeOf(organization.createdAt),
    disabled_at: timeOf(organization.disabledAt),
    tokens_revoked_before: timeOf(organization.tokensRevokedBefore)
  }
}
