/** Revokes one token: the token itself is at hand, or where its status is. */
import { InvalidArgumentError, type Command } from 'commander'
import { environments } from '../environment.ts'
import type { RevokedToken } from '../access-tokens/store.ts'
import { indexesPerList, isListId, readStatusListUri, type StatusReference } from '../status-lists/status-list.ts'
import type { RevokedSample } from '../status-lists/store.ts'
import { readReference } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { refuse } from './find.ts'
import { examples } from './help.ts'
import { addRevokeOptions, reportRevocation, revokeWhileAlone, type RevokeOptions } from './revocation.ts'
import { timeOf } from './present.ts'
import type { Session } from './session.ts'

/** Where it is stored that a token is revoked: in its status list or, for a token of an early version, by its jti. */
type Stored = { readonly status: StatusReference } | { readonly token: RevokedToken }

export function addTokenRevocation (revoke: Command, { output, readInput, withSession }: CommandContext): void {
  addRevokeOptions(revoke.command('token')
    .description('Revoke one access token, and those that were exchanged for it.')
    .argument('<token>', 'the token, or - to read it from standard input, which keeps it out of the list of processes'))
    .addHelpText('after', examples('signet revoke token - < token.txt', 'signet revoke token - --reason "posted in a forum" --yes < token.txt'))
    .action(async (argument: string, options: RevokeOptions) => {
      const text = (argument === '-' ? await readInput() : argument).trim()
      await withSession(async (session) => {
        const { readToken } = await import('./own-token.ts')
        const { claims, status, hasExpired } = await readToken(text, session)
        const shown = { client_id: claims.client_id, expires_at: timeOf(new Date(claims.exp * 1000)) }
        if (hasExpired) {
          await reportRevocation(session, output, options.wait === true, { changed: false, record: shown, tokens: [], note: 'the token has expired, and nobody accepts it any more; nothing was changed' })
          return
        }
        const stored = status === undefined ? { token: { jti: claims.jti, clientId: claims.client_id, expiresAt: new Date(claims.exp * 1000) } } : { status }
        await revokeOne(stored, { ...shown, jti: claims.jti }, session, { output }, options)
      })
    })
}

export function addIndexRevocation (revoke: Command, { output, withSession }: CommandContext): void {
  addRevokeOptions(revoke.command('index')
    .description('Revoke one access token by its claim status: the list that it names, and its index there. Also those that were exchanged for it.')
    .argument('<list>', 'the uri of the status list, or the id at its end', readReference)
    .argument('<index>', 'idx', readIndex))
    .addHelpText('after', examples('signet revoke index https://auth.example.com/oauth/v2/status-lists/... 4711'))
    .action((list: string, index: number, options: RevokeOptions) => withSession(async (session) => {
      const listId = isListId(list) ? list : environments.map((environment) => readStatusListUri(list, session.issuer, environment)).find((id) => id !== undefined)
      await revokeOne({ status: { listId: listId ?? refuse(`${list} is no status list of the issuer ${session.issuer}, as the claim status of a token names one.`), index } }, {}, session, { output }, options)
    }))
}

function readIndex (text: string): number {
  const index = /^\d{1,7}$/.test(text) ? Number(text) : indexesPerList
  if (index >= indexesPerList) throw new InvalidArgumentError(`It takes a whole number from 0 to ${indexesPerList - 1}.`)
  return index
}

interface StoredToken {
  readonly clientId: string | undefined
  readonly revokedAt: Date | undefined
  readonly samples: readonly RevokedSample[]
}

async function revokeOne (stored: Stored, shown: Readonly<Record<string, unknown>>, session: Session, { output }: Pick<CommandContext, 'output'>, options: RevokeOptions): Promise<void> {
  const by = { actor: session.actor, reason: options.reason }
  await revokeWhileAlone<StoredToken>(session, output, options, {
    read: (reading) => find(stored, reading),
    isRevoked: ({ revokedAt }) => revokedAt !== undefined,
    question: ({ clientId }) => `Revoke this token${clientId === undefined ? '' : ` of the client ${clientId}`} for good?\nThose that were exchanged for it die with it.`,
    write: (writing) => 'token' in stored
      ? writing.revokedTokens.add(stored.token, by)
      : writing.statusLists.revoke({ listId: stored.status.listId, firstIndex: stored.status.index, lastIndex: stored.status.index }, by),
    result: async ({ clientId = null, revokedAt, samples }) => ({
      record: { client_id: clientId, ...shown, index: samples[0]?.index ?? null, revoked_at: timeOf(revokedAt ?? null) }, tokens: samples
    }),
    notes: ['the token is revoked', 'the token was revoked already, by itself or with what it came of']
  })
}

/** @throws OperatorError for a list that is not there */
async function find (stored: Stored, { statusLists, revokedTokens }: Session): Promise<StoredToken> {
  if ('token' in stored) return { clientId: stored.token.clientId, revokedAt: await revokedTokens.readRevokedAt(stored.token.jti), samples: [] }
  const { status } = stored
  const list = await statusLists.readOne(status.listId) ?? refuse(`There is no status list ${status.listId}. A list goes when all tokens of it have expired.`)
  return { clientId: await statusLists.readOwner(status), revokedAt: await statusLists.readRevokedAt(status), samples: [{ ...status, lastIndex: status.index, environment: list.environment }] }
}
