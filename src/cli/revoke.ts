import type { Command } from 'commander'
import type { Client } from '../clients/client.ts'
import type { Organization } from '../organizations/organization.ts'
import { readReference } from './arguments.ts'
import { addKeyRevocation } from './client-key.ts'
import type { CommandContext } from './command.ts'
import { findClient, findOrganization } from './find.ts'
import { examples } from './help.ts'
import { timeOf } from './present.ts'
import { addRevokeOptions, revokeWhileAlone, type RevokeOptions } from './revocation.ts'
import { addIndexRevocation, addTokenRevocation } from './revoke-token.ts'
import { addSecretRevocation } from './secret.ts'

export function addRevokeCommands (program: Command, context: CommandContext): void {
  const revoke = program.command('revoke')
    .description('Revoke tokens for good: one, or all that came of something. Introspection refuses them within a second, and their status list says so within a minute.')
    .addHelpText('after', examples('signet revoke token - < token.txt', 'signet revoke secret 0123456789abcdef', 'signet revoke client cl_live_... --reason "laptop stolen"'))
  addTokenRevocation(revoke, context)
  addIndexRevocation(revoke, context)
  addSecretRevocation(revoke, 'secret', 'revoke secret', context)
  addKeyRevocation(revoke, 'key', 'revoke key', context)
  addClient(revoke, context)
  addOrganization(revoke, context)
}

/** There is always something to revoke: an owner may have got a token since the last time. */
const never = (): boolean => false

function addClient (revoke: Command, { output, withSession }: CommandContext): void {
  addRevokeOptions(revoke.command('client')
    .description('Revoke every token that a client has got until now. It may go on getting new ones: to stop that, disable it, or revoke its secrets and keys.')
    .argument('<client>', 'the client id', readReference))
    .addHelpText('after', examples('signet revoke client cl_live_...', 'signet revoke client cl_live_... --reason "laptop stolen" --yes'))
    .action((reference: string, options: RevokeOptions) => withSession((session) => revokeWhileAlone<Client>(session, output, options, {
      read: (reading) => findClient(reading, reference),
      isRevoked: never,
      question: ({ id, name }) => `Revoke every token that the client ${id} (${name}) has got until now?\nThey die for good. It may go on getting new ones.`,
      write: (writing, { id }) => writing.clients.revokeTokens(id),
      result: async ({ id, name, tokensRevokedBefore }) => ({ record: { client_id: id, name, tokens_revoked_before: timeOf(tokensRevokedBefore) }, tokens: { clientId: id } }),
      notes: ['every token that the client had is revoked; it may go on getting new ones', '']
    })))
}

function addOrganization (revoke: Command, { output, withSession }: CommandContext): void {
  addRevokeOptions(revoke.command('organization')
    .description('Revoke every token that the clients of an organization have got until now. They may go on getting new ones: to stop that, disable it.')
    .argument('<organization>', 'its id or name', readReference))
    .addHelpText('after', examples('signet revoke organization "Sample Games"', 'signet revoke organization "Sample Games" --reason "contract ended" --yes'))
    .action((reference: string, options: RevokeOptions) => withSession((session) => revokeWhileAlone<Organization>(session, output, options, {
      read: (reading) => findOrganization(reading, reference),
      isRevoked: never,
      question: ({ id, name }) => `Revoke every token that the clients of the organization ${id} (${name}) have got until now?\nThey die for good. The clients may go on getting new ones.`,
      write: (writing, { id }) => writing.organizations.revokeTokens(id),
      result: async ({ id, name, tokensRevokedBefore }) => ({ record: { organization_id: id, name, tokens_revoked_before: timeOf(tokensRevokedBefore) }, tokens: { organizationId: id } }),
      notes: ['every token that the clients of the organization had is revoked; they may go on getting new ones', '']
    })))
}
