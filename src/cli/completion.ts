import { Argument, type Command } from 'commander'
import type { CommandContext } from './command.ts'
import { bashCompletion } from './completion-bash.ts'
import { readTree } from './completion-tree.ts'
import { zshCompletion } from './completion-zsh.ts'
import { examples } from './help.ts'

const shells = { bash: bashCompletion, zsh: zshCompletion } as const
type Shell = keyof typeof shells

export function addCompletionCommand (program: Command, { output }: CommandContext): void {
  program.command('completion')
    .description('Print a script that makes the shell complete commands, options and their values at the Tab key.')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(shells)))
    .addHelpText('after', examples(
      'signet completion bash > ~/.local/share/bash-completion/completions/signet',
      'signet completion zsh > ~/.zsh/completions/_signet'))
    .action(async (shell: Shell) => {
      const script = shells[shell](readTree(program))
      await output.text(script, { shell, script })
    })
}
