import { Option, type Command } from 'commander'
import type { ClientSecret } from '../clients/client.ts'
import { parseTaggedSecret } from '../clients/secret-format.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { readDuration, readReference, readTime } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { findClient, refuse } from './find.ts'
import { examples } from './help.ts'
import type { Json } from './output.ts'
import { timeOf } from './present.ts'

interface ExpiryOptions {
  /** Milliseconds. */
  readonly expiresIn?: number
  readonly expiresAt?: Date
}

export function addSecretCommands (program: Command, context: CommandContext): void {
  const secret = program.command('secret')
    .description('Secrets of clients. Several may be valid at once: add the new one, let the client change over, revoke the old one.')
    .addHelpText('after', examples('signet secret add cl_live_... --expires-in 90d', 'signet secret list cl_live_...', 'signet secret revoke 0123456789abcdef'))
  addAdd(secret, context)
  addList(secret, context)
  addRevoke(secret, context)
}

function addAdd (secret: Command, { output, withSession }: CommandContext): void {
  secret.command('add')
    .description('Give a client another secret, which is shown this once. The secrets that it has stay valid.')
    .argument('<client>', 'the client id', readReference)
    .addOption(new Option('--expires-in <duration>', 'how long it is valid: a number and s, m, h, d or w (default: until it is revoked)').argParser(readDuration).conflicts('expiresAt'))
    .addOption(new Option('--expires-at <time>', 'when it ends: a date (UTC) or a time with its offset, ISO 8601').argParser(readTime))
    .addHelpText('after', examples('signet secret add cl_live_... --expires-in 30d', 'signet secret add cl_live_... --expires-at 2030-01-31T12:00:00Z --json'))
    .action((id: string, options: ExpiryOptions) => withSession(async (session) => {
      const expiresAt = chooseExpiry(options, session.clock())
      const client = await findClient(session, id)
      const added = await session.registration.addSecret(client, expiresAt)
      await output.record({ client_id: client.id, client_secret: added.secret, secret_id: added.secretId, expires_at: timeOf(expiresAt) })
      output.note('the secret is shown this once: store it now')
    }))
}

function chooseExpiry ({ expiresIn, expiresAt }: ExpiryOptions, now: number): Date | null {
  if (expiresIn !== undefined) return new Date(now + expiresIn)
  if (expiresAt === undefined) return null
  if (expiresAt.getTime() <= now) throw new OperatorError('--expires-at is in the past: give a time to come.', { exitCode: exitCodes.usage })
  return expiresAt
}

function addList (secret: Command, { output, withSession }: CommandContext): void {
  secret.command('list')
    .description('List the secrets of a client with their state: usable, expired or revoked. What a secret is, nobody can look up.')
    .argument('<client>', 'the client id', readReference)
    .addHelpText('after', examples('signet secret list cl_live_...', 'signet secret list cl_live_... --json'))
    .action((id: string) => withSession(async (session) => {
      const client = await findClient(session, id)
      const rows = [...client.secrets.values()].map((each) => ({ client_id: client.id, ...presentSecret(each, session.clock()) }))
      await output.list(rows, ['secret_id', 'state', 'kind', 'created_at', 'expires_at', 'revoked_at'])
    }))
}

function addRevoke (secret: Command, { output, withSession }: CommandContext): void {
  secret.command('revoke')
    .description('Revoke a secret for good. The tokens that were got with it live on: disable the client to end them.')
    .argument('<secret-id>', 'as secret list shows it; a leaked secret itself will do as well', readReference)
    .addHelpText('after', examples('signet secret revoke 0123456789abcdef'))
    .action((argument: string) => withSession(async (session) => {
      const id = parseTaggedSecret(argument)?.secretId ?? argument
      const clientId = await session.clients.findSecretOwner(id) ?? refuse('There is no such secret. See: signet secret list CLIENT')
      const before = (await findClient(session, clientId)).secrets.get(id)
      const changed = before?.revokedAt === null
      if (changed) await session.clients.updateSecret(id, { revokedAt: new Date(session.clock()) })
      const after = (await findClient(session, clientId)).secrets.get(id) ?? refuse('The secret was removed meanwhile.')
      await output.record({ changed, client_id: clientId, ...presentSecret(after, session.clock()) })
      output.note(changed ? 'the secret is revoked' : 'the secret was revoked already; nothing was changed')
    }))
}

/** Everything about a secret that may be seen: neither the hash nor the verifier. */
export function presentSecret (secret: ClientSecret, now: number): Json {
  return {
    secret_id: secret.id,
    state: stateOfSecret(secret, now),
    kind: secret.imported ? 'imported' : 'generated',
    created_at: timeOf(secret.createdAt),
    expires_at: timeOf(secret.expiresAt),
    revoked_at: timeOf(secret.revokedAt)
  }
}

function stateOfSecret ({ expiresAt, revokedAt, disabledAt }: ClientSecret, now: number): 'usable' | 'expired' | 'revoked' | 'disabled' {
  if (revokedAt !== null) return 'revoked'
  if (disabledAt !== null) return 'disabled'
  return expiresAt !== null && expiresAt.getTime() <= now ? 'expired' : 'usable'
}
