import type { Command } from 'commander'
import type { CommandContext } from './command.ts'
import { examples } from './help.ts'
import { timeOf } from './present.ts'

export function addKeyCommands (program: Command, { output, withSession }: CommandContext): void {
  const key = program.command('key')
    .description('Signing keys of the live and the test issuer.')
    .addHelpText('after', examples('signet key list'))

  key.command('list')
    .description('List all signing keys. The active one of each algorithm signs; next and retired ones are published beside it. Private keys are never shown.')
    .addHelpText('after', examples('signet key list', 'signet key list --json'))
    .action(() => withSession(async ({ keys, clock }) => {
      const { keyState } = await import('../keys/ring.ts')
      const all = await keys.readAll()
      await output.list(all.map((each) => ({
        kid: each.kid,
        environment: each.environment,
        algorithm: each.algorithm,
        state: keyState(each, all, clock()),
        created_at: timeOf(each.createdAt),
        activates_at: timeOf(each.activatesAt),
        withdrawn_at: timeOf(each.withdrawnAt)
      })), ['kid', 'environment', 'algorithm', 'state', 'activates_at'])
    }))
}
