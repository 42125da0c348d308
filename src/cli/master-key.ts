import type { Command } from 'commander'
import type { CommandContext } from './command.ts'
import { confirm } from './confirm.ts'
import { examples } from './help.ts'

export function addMasterKeyCommands (program: Command, { output, readConfig, withSession }: CommandContext): void {
  const masterKey = program.command('master-key')
    .description('The key that seals signing keys and other secrets in the database.')
    .addHelpText('after', examples('signet master-key rotate'))

  masterKey.command('rotate')
    .description('Seal everything anew under another master key: MASTER_KEY, while PREVIOUS_MASTER_KEY is the one of now. Where neither MASTER_KEY nor MASTER_KEY_FILE is set, a new one is made in the data folder. ' +
      'Keys, secrets and tokens stay what they are. Servers must have both keys before.')
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('signet master-key rotate', 'signet master-key rotate --yes --json'))
    .action(async ({ yes = false }: { yes?: boolean }) => {
      await confirm('Seal everything under another master key? Servers that have only the one of now cannot read what is changed afterwards, and earlier backups need it: keep it.', { yes })
      const config = await readConfig()
      const { rotateMasterKey } = await import('../setup/master-key-rotation.ts')
      await withSession(async ({ database }) => {
        const { changed, masterKeyId, previousMasterKeyId, sealed } = await rotateMasterKey({ config, database, progress: output.note })
        await output.record({
          changed,
          master_key_id: masterKeyId,
          previous_master_key_id: changed ? previousMasterKeyId : null,
          signing_keys: sealed.signingKeys,
          client_secrets: sealed.clientSecrets,
          server_keys: sealed.serverKeys
        })
        output.note(changed ? 'everything is sealed under the new master key; keep a copy of it in another place' : 'everything is sealed under this master key already; nothing was changed')
      })
    })
}
