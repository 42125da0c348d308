import type { Command } from 'commander'
import type { CommandContext } from './command.ts'
import { examples } from './help.ts'

export function addMigrateCommands (program: Command, { output, withDatabase }: CommandContext): void {
  const migrate = program.command('migrate')
    .description('Bring the schema of the database to this version. Every start does so too; this is for doing it beforehand.')
    .addHelpText('after', examples('signet migrate', 'signet migrate status'))
    .action(() => withDatabase(async ({ url, progress }) => {
      const migrator = await import('../postgres/migrator.ts')
      const { applied } = await migrator.migrate({ url, progress })
      if (applied.length === 0) output.note('the schema was up to date')
      await output.record({ applied })
    }))

  migrate.command('status')
    .description('List the migrations that this version or the database knows, and change nothing. A state is applied, pending, or unknown: applied by another version.')
    .addHelpText('after', examples('signet migrate status', 'signet migrate status --json'))
    .action(() => withDatabase(async ({ url }) => {
      const migrator = await import('../postgres/migrator.ts')
      const states = await migrator.migrationStatus({ url })
      await output.list(states.map(({ name, state, appliedAt }) => ({
        name, state, applied_at: appliedAt?.toISOString() ?? null
      })), ['name', 'state', 'applied_at'])
    }))
}
