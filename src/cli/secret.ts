import { Option, type Command } from 'commander'
import { isUsable, type ClientSecret } from '../clients/client.ts'
import { maxUsableSecrets } from '../clients/registration.ts'
import { secretNamed } from '../clients/credential-name.ts'
import { counted } from '../phrases.ts'
import { readReference } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { addDelete } from './delete.ts'
import { addExpiryOptions, chooseExpiry, type ExpiryOptions } from './expiry.ts'
import { findClient, findSecret, refuse, type SecretOfClient } from './find.ts'
import { examples } from './help.ts'
import { refuseManagedUnlessOverridden } from './managed.ts'
import { addShow, addUpdate, asideAbout, differing, isEmpty, type Noun } from './noun.ts'
import type { Json } from './output.ts'
import { columnsOf, timeOf } from './present.ts'
import { addRevokeOptions, revokeWhileAlone, type RevokeOptions } from './revocation.ts'
import type { Session } from './session.ts'
import { addSwitch } from './switch.ts'
import { readLastUse, readUsageOfSecrets, usageColumns } from './usage.ts'

const noun: Noun<SecretOfClient> = {
  word: 'secret',
  isAudited: true,
  argument: { name: 'secret-id', meaning: 'as secret list shows it; a leaked secret itself will do as well, if Signet made it', example: '0123456789abcdef' },
  find: findSecret,
  keyOf: ({ secret }) => secret.id,
  titleOf: ({ secret, client }) => `the secret ${secret.id} of the client ${client.id} (${client.name})`,
  ownershipOf: ({ secret }) => ({ ...secret, disabledBy: null }),
  present: ({ secret, client }, { clock }) => ({ client_id: client.id, ...presentSecret(secret, clock()) }),
  lastUseOf: ({ secret, client }, session) => readLastUse(session, client, secretNamed(secret.id))
}

export function addSecretCommands (program: Command, context: CommandContext): void {
  const secret = program.command('secret')
    .description('Secrets of clients. Several may be valid at once: add the new one, let the client change over, disable the old one.')
    .addHelpText('after', examples('signet secret add cl_live_... --expires-in 90d', 'signet secret list cl_live_...', 'signet secret revoke 0123456789abcdef'))
  addAdd(secret, context)
  addList(secret, context)
  addShow(secret, context, noun, {
    description: 'Show one secret: its client, its state and its use. What a secret is, nobody can look up.',
    details: async ({ secret, client }, session) => (await readUsageOfSecrets(session, client))(secret)
  })
  addUpdate(secret, context, noun, {
    description: 'Change when a secret ends. Tokens that were got with it live on until they expire.',
    examples: ['signet secret update 0123456789abcdef --expires-in 30d', 'signet secret update 0123456789abcdef --never-expires'],
    addOptions: (command) => addExpiryOptions(command, '')
      .addOption(new Option('--never-expires', 'it is valid until it is revoked').conflicts(['expiresIn', 'expiresAt'])),
    plan (row, options: ExpiryOptions, session) {
      refuseRevoked(row)
      const expiresAt = chooseExpiry(options, session.clock())
      if (!isUsable(row.secret, session.clock()) && row.secret.disabledAt === null) refuseTooMany(row, session)
      const patch = differing(row.secret, { expiresAt })
      const hadExpired = stateOfSecret(row.secret, session.clock()) === 'expired'
      return {
        save: isEmpty(patch) ? undefined : () => session.clients.updateSecret(row.secret.id, patch),
        notes: hadExpired ? ['it had expired, and is usable again'] : []
      }
    }
  })
  addSwitch(secret, context, noun, {
    disable: { description: 'Disable a secret: the client gets no tokens with it until it is enabled again. Tokens that were got with it live on.', note: 'the secret is disabled' },
    enable: { description: 'Enable a secret that was disabled. A revoked one stays revoked.', note: 'the secret is enabled' },
    check (row, session, enabling) {
      refuseRevoked(row)
      if (enabling && row.secret.disabledAt !== null) refuseTooMany(row, session)
    },
    set: ({ clients }, { secret: { id } }, disabledAt) => clients.updateSecret(id, { disabledAt })
  })
  addSecretRevocation(secret, 'revoke', 'secret revoke', context)
  addDelete(secret, context, noun, {
    description: 'Delete a secret and every trace of it. To stop it and keep the trace, revoke it. Tokens that were got with it live on.',
    losses: async (row, session) => describeLoss(row, session),
    remove: ({ clients }, { secret: { id } }) => clients.removeSecret(id)
  })
}

function addAdd (secret: Command, { output, withSession }: CommandContext): void {
  addExpiryOptions(secret.command('add').alias('create'), ' (default: until it is revoked)')
    .description('Give a client another secret, which is shown this once. The secrets that it has stay valid.')
    .argument('<client>', 'the client id', readReference)
    .addHelpText('after', examples('signet secret add cl_live_... --expires-in 30d', 'signet secret add cl_live_... --expires-at 2030-01-31T12:00:00Z --json'))
    .action((id: string, options: ExpiryOptions) => withSession(async (session) => {
      const expiresAt = chooseExpiry(options, session.clock())
      const client = await findClient(session, id)
      const added = await session.registration.addSecret(client, expiresAt)
      await output.secret({ client_id: client.id, client_secret: added.secret, secret_id: added.secretId, expires_at: timeOf(expiresAt) })
      output.note('the secret is shown this once: store it now')
    }))
}

function addList (secret: Command, { output, withSession }: CommandContext): void {
  secret.command('list')
    .description('List the secrets of a client with their state (usable, expired, disabled or revoked), when each was last used, how many tokens it got, and whether it is safe to remove. ' +
      'Uses are counted to the minute. What a secret is, nobody can look up.')
    .argument('<client>', 'the client id', readReference)
    .addHelpText('after', examples('signet secret list cl_live_...', 'signet secret list cl_live_... --json'))
    .action((id: string) => withSession(async (session) => {
      const client = await findClient(session, id)
      const usageOf = await readUsageOfSecrets(session, client)
      const rows = [...client.secrets.values()].map((each) => ({ client_id: client.id, ...presentSecret(each, session.clock()), ...usageOf(each) }))
      await output.list(rows, [...columnsOf(rows, ['secret_id', 'state', 'created_at', 'expires_at', ...usageColumns], ['kind', 'revoked_at', 'disabled_at', 'managed_by']), 'because'])
    }))
}

/** @param path as it is called: `secret revoke` or `revoke secret` */
export function addSecretRevocation (parent: Command, verb: string, path: string, { output, withSession }: CommandContext): void {
  const { argument, titleOf, present } = noun
  const command = parent.command(verb)
    .description('Revoke a secret for good, and with it every token that was got with it. To stop it and let them live on, disable it.')
    .argument(`<${argument.name}>`, argument.meaning, readReference)
    .option('--override', 'also if a configuration file owns it')
  addRevokeOptions(command)
    .addHelpText('after', examples(`signet ${path} ${argument.example}`, `signet ${path} ${argument.example} --reason "found in a public repository" --yes`))
    .action((reference: string, options: RevokeOptions & { readonly override?: boolean }) => withSession((session) => revokeWhileAlone<SecretOfClient>(session, output, options, {
      async read (reading) {
        const row = await findSecret(reading, reference)
        refuseManagedUnlessOverridden(titleOf(row), row.secret, options.override === true)
        return row
      },
      isRevoked: ({ secret: { revokedAt } }) => revokedAt !== null,
      question: (row) => `Revoke ${titleOf(row)} for good?\n${describeLoss(row, session)}`,
      aside: (row) => asideAbout(noun, row, session),
      write: (writing, { secret: { id } }) => writing.clients.updateSecret(id, { revokedAt: new Date(session.clock()) }),
      result: async (row) => ({ record: await present(row, session), tokens: { clientId: row.client.id, credentials: [secretNamed(row.secret.id)] } }),
      notes: ['the secret is revoked', 'the secret was revoked already']
    })))
}

function refuseRevoked ({ secret: { id, revokedAt }, client }: SecretOfClient): void {
  if (revokedAt !== null) refuse(`The secret ${id} was revoked, for good. Give the client another one with: signet secret add ${client.id}`)
}

/** For a secret that becomes usable again. */
function refuseTooMany (row: SecretOfClient, session: Session): void {
  const others = countOthers(row, session)
  if (others >= maxUsableSecrets) refuse(`The client ${row.client.id} has ${others} other usable secrets, and ${maxUsableSecrets} is the most. Revoke one first.`)
}

function countOthers ({ secret, client }: SecretOfClient, { clock }: Session): number {
  return [...client.secrets.values()].filter((each) => each.id !== secret.id && isUsable(each, clock())).length
}

function describeLoss (row: SecretOfClient, session: Session): string {
  const state = stateOfSecret(row.secret, session.clock())
  const others = countOthers(row, session)
  if (state !== 'usable') return `It is ${state}: the client gets no tokens with it as it is. The tokens that were got with it end.`
  const rest = others === 0
    ? 'It is the last usable one: the client cannot get tokens any more until you give it another.'
    : `The client keeps ${counted(others, 'other usable secret')}.`
  return `${rest}\nThe tokens that were got with it end too: to let them live on, disable the secret.`
}

/** Everything about a secret that may be seen: neither the hash nor the verifier. */
export function presentSecret (secret: ClientSecret, now: number): Json {
  return {
    secret_id: secret.id,
    state: stateOfSecret(secret, now),
    kind: secret.imported ? 'imported' : 'generated',
    created_at: timeOf(secret.createdAt),
    expires_at: timeOf(secret.expiresAt),
    revoked_at: timeOf(secret.revokedAt),
    disabled_at: timeOf(secret.disabledAt),
    managed_by: secret.managedBy
  }
}

function stateOfSecret ({ expiresAt, revokedAt, disabledAt }: ClientSecret, now: number): 'usable' | 'expired' | 'revoked' | 'disabled' {
  if (revokedAt !== null) return 'revoked'
  if (disabledAt !== null) return 'disabled'
  return expiresAt !== null && expiresAt.getTime() <= now ? 'expired' : 'usable'
}
