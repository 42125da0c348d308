import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import { printable } from '../names.ts'
import { OperatorError } from '../operator-error.ts'
import { operatorActor } from './actor.ts'
import type { CommandContext } from './command.ts'
import { confirm } from './confirm.ts'
import { examples } from './help.ts'

const standardInput = '-'

export function addRestoreCommand (program: Command, { output, readConfig, withDatabase }: CommandContext): void {
  program.command('restore')
    .description('Put a backup into an empty database that no server runs on: all of it or nothing. It takes the master key of the server that was backed up. ' +
      'Keys and the sample that a first start made are replaced.')
    .argument('<file>', 'a file that backup wrote, or - for standard input')
    .option('--revoke-tokens', 'end all tokens that were issued before now: the backup does not know which were revoked after it was made')
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('signet restore signet-backup.gz', 'signet restore signet-backup.gz --revoke-tokens --yes'))
    .action(async (file: string, options: { revokeTokens?: true, yes?: true }) => {
      const { openBackup } = await import('../backup/read.ts')
      const { restore } = await import('../backup/restore.ts')
      const { readMasterKeys } = await import('../sealing/master-key.ts')
      const config = await readConfig()
      const masterKeys = await readMasterKeys(config)
      if (masterKeys === undefined) {
        throw new OperatorError(`There is no master key in ${config.dataDir}. Put the master.key of the server that was backed up there, or set MASTER_KEY or MASTER_KEY_FILE.`)
      }
      const name = file === standardInput ? 'Standard input' : file
      const backup = await openBackup(file === standardInput ? process.stdin : createReadStream(file), name)
      const { created_at: createdAt, signet_version: signetVersion } = backup.header
      const target = config.databaseUrl === undefined ? `the embedded database in ${config.dataDir}` : 'the database of DATABASE_URL'
      await confirm(`Restore the backup of ${printable(createdAt)} into ${target}, which must be empty?`, { yes: options.yes === true })
      await withDatabase(async ({ url, progress }) => {
        const revokeTokens = options.revokeTokens === true
        const rows = await restore({ url, backup, masterKey: masterKeys.current, otherMasterKeys: masterKeys.others, revokeTokens, actor: operatorActor(config.actor), clock: Date.now, progress })
        await output.record({ file, created_at: createdAt, signet_version: signetVersion, tokens_revoked: revokeTokens, rows })
        output.note(revokeTokens
          ? 'the backup is restored, and all earlier tokens are revoked'
          : 'the backup is restored; what was revoked, disabled or deleted after it was made is in force again')
      })
    })
}
