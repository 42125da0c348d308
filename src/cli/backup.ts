import type { Command } from 'commander'
import { exitCodes, OperatorError } from '../operator-error.ts'
import type { CommandContext } from './command.ts'
import { confirm } from './confirm.ts'
import { refuse } from './find.ts'
import { examples } from './help.ts'

const standardOutput = '-'

export function addBackupCommand (program: Command, { output, version, readConfig, withDatabase }: CommandContext): void {
  program.command('backup')
    .description('Write everything that is in the database, as it is at one moment, to a file that restore reads. The server may run or not. ' +
      'The file holds hashes and sealed keys; the master key that opens them is not in it.')
    .argument('<file>', 'the file to write, with mode 0600, or - for standard output')
    .option('--yes', 'replace the file if there is one')
    .addHelpText('after', examples('signet backup signet-backup.gz', 'signet backup - | ssh elsewhere "cat > signet-backup.gz"'))
    .action(async (file: string, options: { yes?: true }) => {
      const { findTarget, writeBackupFile, writeBackupStream } = await import('../backup/file.ts')
      const { backUp } = await import('../backup/backup.ts')
      const { holdsCluster } = await import('../postgres/data-folder.ts')
      const { databaseUrl, dataDir } = await readConfig()
      if (databaseUrl === undefined && !await holdsCluster(dataDir)) {
        refuse(`There is nothing to back up: ${dataDir} holds no database. See that DATABASE_URL or SIGNET_DATA_DIR name the right one.`)
      }
      const target = file === standardOutput ? undefined : await findTarget(file)
      if (target?.replace === true) await confirm(`${file} is there already. Replace it?`, { yes: options.yes === true })
      if (target === undefined && process.stdout.isTTY) {
        throw new OperatorError('A backup is no text for a terminal. Name a file, or pipe it into another command.', { exitCode: exitCodes.usage })
      }
      await withDatabase(async ({ url, progress }) => {
        const { header, rows } = await backUp({
          url,
          signetVersion: version,
          progress,
          write: (text) => target === undefined ? writeBackupStream(process.stdout, text) : writeBackupFile(target, text)
        })
        if (target !== undefined) await output.record({ file, created_at: header.created_at, rows })
        output.note('the backup is complete; it opens with the master key of this server only, so keep a copy of that in another place')
      })
    })
}
