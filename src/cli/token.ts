import type { Command } from 'commander'
import type { CommandContext } from './command.ts'
import { refuse } from './find.ts'
import { examples } from './help.ts'

export function addTokenCommands (program: Command, { output, readInput, withSession }: CommandContext): void {
  const token = program.command('token')
    .description('Access tokens, seen with the eyes of the server.')
    .addHelpText('after', examples('signet token inspect - < token.txt'))

  token.command('inspect')
    .description('Decode and verify an access token, and say exactly why it is refused if it is. ' +
      'Header and claims are shown as the token has them: believe them only when it is active. A refused token ends with exit code 3.')
    .argument('<token>', 'the token, or - to read it from standard input, which keeps it out of the list of processes')
    .addHelpText('after', examples('signet token inspect eyJ...', 'signet token inspect - --json < token.txt'))
    .action(async (argument: string) => {
      const text = (argument === '-' ? await readInput() : argument).trim()
      await withSession(async (session) => {
        const { inspectToken } = await import('./inspect.ts')
        const inspection = await inspectToken(text, session)
        await output.record(inspection)
        if (typeof inspection['reason'] === 'string') refuse(`The token is refused: ${inspection['reason']}.`)
      })
    })
}
