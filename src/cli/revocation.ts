/**
 * How every command that revokes goes: it asks, writes while nobody else does, and ends in one report, whatever it revokes.
 * Nothing is ever un-revoked, and revoking twice does no harm.
 */
import type { Command } from 'commander'
import { databaseTime } from '../db.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'
import { statusListUri } from '../status-lists/status-list.ts'
import type { RevokedSample, TokensOf } from '../status-lists/store.ts'
import { confirmLoss } from './confirm.ts'
import type { KillPath, KillPathDependencies } from './kill-path.ts'
import type { Json, Output } from './output.ts'
import { timeOf } from './present.ts'
import { addReasonOption, type ReasonOption } from './reason.ts'
import type { Session } from './session.ts'

export interface RevokeOptions extends ReasonOption {
  readonly yes?: boolean
  readonly wait?: boolean
}

export function addRevokeOptions (command: Command): Command {
  return addReasonOption(command)
    .option('--wait', 'report when database, every process and the published lists carry it; 30 seconds at most')
    .option('--yes', 'do not ask; without a terminal nothing is asked anyway')
}

/** What a command has revoked. */
export interface Revocation {
  /** False: it was revoked already, and nothing was written. */
  readonly changed: boolean
  /** What is shown of it. */
  readonly record: Json
  /** Whose tokens are dead, or the one that is. */
  readonly tokens: TokensOf | readonly RevokedSample[]
  readonly note: string
}

export interface Revoking<Row> {
  /** @throws OperatorError for what is not there, or belongs to a file */
  readonly read: (session: Session) => Promise<Row>
  readonly isRevoked: (row: Row) => boolean
  readonly question: (row: Row) => string
  /** What the question says besides, which does not count when it changes. */
  readonly aside?: (row: Row) => Promise<string | undefined>
  readonly write: (writing: Session, row: Row) => Promise<void>
  /** As it is then. */
  readonly result: (row: Row) => Promise<Pick<Revocation, 'record' | 'tokens'>>
  /** Of what was revoked, and of what was so before. */
  readonly notes: readonly [revoked: string, already: string]
}

export async function revokeWhileAlone<Row> (session: Session, output: Output, { yes = false, wait = false, reason }: RevokeOptions, revoking: Revoking<Row>): Promise<void> {
  const { read, isRevoked, question, aside, write, result, notes: [revoked, already] } = revoking
  await confirmLoss(async () => {
    const row = await read(session)
    return isRevoked(row) ? undefined : question(row)
  }, { yes, unattended: 'proceed', aside: async () => await aside?.(await read(session)) })
  const changed = await session.alone(async (writing) => {
    const row = await read(writing)
    if (isRevoked(row)) return false
    await write(writing, row)
    return true
  }, reason)
  await reportRevocation(session, output, wait, { changed, ...await result(await read(session)), note: changed ? revoked : `${already}; nothing was changed` })
}

/**
 * Where every revocation by a command ends: it is committed.
 * @throws OperatorError when it was to be waited for, and is not in force everywhere
 */
export async function reportRevocation (session: Session, output: Output, wait: boolean, { changed, record, tokens, note }: Revocation): Promise<void> {
  const committedAt = changed ? await databaseTime(session.database) : null
  const samples = 'length' in tokens ? tokens : await session.statusLists.readSamples(tokens)
  const lists = samples.map(({ environment, listId, index, lastIndex }) => ({ uri: statusListUri(session.issuer, environment, listId), index, lastIndex }))
  const path = wait ? await followKillPath(session, output, committedAt, lists) : undefined
  await output.record({
    changed,
    ...record,
    committed_at: timeOf(committedAt),
    status_lists: lists.map(({ uri }) => uri),
    ...path === undefined ? {} : { offline_by: timeOf(path.offlineBy), carried_by: path.rows }
  })
  output.note(note)
  if (path?.missing !== undefined) {
    throw new OperatorError('It is stored, and not in force everywhere, or nobody can tell. See below, and give the command again to look once more.', { exitCode: exitCodes.unavailable, lines: path.missing })
  }
}

async function followKillPath ({ processes }: Session, { note }: Output, committedAt: Date | null, samples: KillPathDependencies['samples']): Promise<KillPath> {
  const killPath = await import('./kill-path.ts')
  return await killPath.followKillPath({ processes, committedAt, samples, note })
}
