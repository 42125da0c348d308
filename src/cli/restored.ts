import { Option, type Command } from 'commander'
import { readTime } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { confirm } from './confirm.ts'
import { refuse } from './find.ts'
import { examples } from './help.ts'

interface RestoredOptions {
  readonly revokeTokens?: boolean
  readonly revokeTokensBefore?: Date
  readonly yes?: boolean
}

export function addRestoredCommand (program: Command, { output, withSession }: CommandContext): void {
  program.command('restored')
    .description('Say that the database was brought back from an earlier state by other means than signet restore, such as pg_restore, a snapshot or a failover that lost writes. ' +
      'Tokens that were issued after that state, and whose status the database does not know, are revoked: no revocation would find them.')
    .option('--revoke-tokens', 'end all tokens that were issued before now: the database does not know which were revoked after that state')
    .addOption(new Option('--revoke-tokens-before <time>', 'end those that were issued before, and later ones that share a block of indexes with them; not those of versions without status lists')
      .argParser(readTime).conflicts('revokeTokens'))
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('signet restored --yes', 'signet restored --revoke-tokens', 'signet restored --revoke-tokens-before 2026-01-31T12:00:00Z'))
    .action(async ({ revokeTokens = false, revokeTokensBefore: before, yes = false }: RestoredOptions) => {
      await confirm(question(revokeTokens, before), { yes })
      await withSession(async (session) => {
        if (before !== undefined && before.getTime() > session.clock()) refuse('That time is yet to come. To end all tokens that were issued before now, use --revoke-tokens.')
        const revoked = await session.alone(async ({ statusLists, organizations, credentialUsage }) => {
          const ranges = await statusLists.revokeUnleased()
          await credentialUsage.forgetWhatWasNotUsed()
          if (revokeTokens) await organizations.revokeAllTokens(new Date(session.clock()))
          return before === undefined ? ranges : ranges + await statusLists.revokeLeasedBefore(before)
        }, 'the database was restored')
        await output.record({ ranges_revoked: revoked, tokens_revoked: revokeTokens || before !== undefined })
        output.note(outcome(revokeTokens, before))
      })
    })
}

function question (revokeTokens: boolean, before: Date | undefined): string {
  if (before !== undefined) return `Revoke every token that was issued before ${before.toISOString()}?`
  return revokeTokens ? 'Revoke every token that was issued before now?' : 'Revoke the tokens that the database knows nothing of?'
}

function outcome (revokeTokens: boolean, before: Date | undefined): string {
  if (before !== undefined) return `all tokens that were issued before ${before.toISOString()} are revoked`
  return revokeTokens ? 'all earlier tokens are revoked' : 'tokens that the database knows nothing of are revoked; what was revoked after its state is in force again'
}
