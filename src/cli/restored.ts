import type { Command } from 'commander'
import type { CommandContext } from './command.ts'
import { confirm } from './confirm.ts'
import { examples } from './help.ts'

export function addRestoredCommand (program: Command, { output, withSession }: CommandContext): void {
  program.command('restored')
    .description('Say that the database was brought back from an earlier state by other means than signet restore, such as pg_restore, a snapshot or a failover that lost writes. ' +
      'Tokens that were issued after that state, and whose status the database does not know, are revoked: no revocation would find them.')
    .option('--revoke-tokens', 'end all tokens that were issued before now: the database does not know which were revoked after that state')
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('signet restored --yes', 'signet restored --revoke-tokens'))
    .action(async ({ revokeTokens = false, yes = false }: { revokeTokens?: boolean, yes?: boolean }) => {
      await confirm(revokeTokens ? 'Revoke every token that was issued before now?' : 'Revoke the tokens that the database knows nothing of?', { yes })
      await withSession(async (session) => {
        const revoked = await session.alone(async ({ statusLists, organizations, credentialUsage }) => {
          const ranges = await statusLists.revokeUnleased()
          await credentialUsage.forgetWhatWasNotUsed()
          if (revokeTokens) await organizations.revokeAllTokens(new Date(session.clock()))
          return ranges
        }, 'the database was restored')
        await output.record({ ranges_revoked: revoked, tokens_revoked: revokeTokens })
        output.note(revokeTokens ? 'all earlier tokens are revoked' : 'tokens that the database knows nothing of are revoked; what was revoked after its state is in force again')
      })
    })
}
