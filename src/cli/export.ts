import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { fileNamePattern, fileNameRule, printable } from '../names.ts'
import { readReference } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { findOrganization } from './find.ts'
import { examples } from './help.ts'

interface ExportCommandOptions {
  readonly organization?: string
  readonly name?: string
}

export function addExportCommand (program: Command, { output, withReading }: CommandContext): void {
  program.command('export')
    .description('Print a configuration file that says what the database holds, without secrets.')
    .option('--organization <id-or-name>', 'only this organization and its clients, without the resources that they refer to', readReference)
    .option('--name <name>', 'what the file is called in the database (default: the one file that owns something there, else signet)', readFileName)
    .addHelpText('after', examples('signet export > signet.yaml', 'signet export --organization "Sample Games" --name samplegames'))
    .action((options: ExportCommandOptions) => withReading(async (reading) => {
      const [{ readAll }, { exportConfiguration, soleOwner }, { defaultFileName }] = await Promise.all([
        import('../configuration/state.ts'), import('../configuration/export.ts'), import('../configuration/document.ts')
      ])
      const organization = options.organization === undefined ? undefined : await findOrganization(reading, options.organization)
      const state = await readAll(reading.database)
      const { document, text, remarks } = exportConfiguration(state, { name: options.name ?? soleOwner(state) ?? defaultFileName, organizationId: organization?.id })
      await output.text(text, document)
      for (const remark of remarks) output.note(printable(remark))
    }))
}

function readFileName (text: string): string {
  if (!new RegExp(fileNamePattern, 'u').test(text)) throw new InvalidArgumentError(fileNameRule)
  return text
}
