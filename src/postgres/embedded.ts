/**
 * The PostgreSQL that Signet starts itself. It owns who starts, adopts and stops it: every user holds a shared
 * session advisory lock, and whoever gets that lock exclusively on leaving is the last and stops the server. It
 * must not know what is stored.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { OperatorError } from '../operator-error.ts'
import type { Progress } from '../progress.ts'
import { roles } from './cluster.ts'
import { openDataFolder, type DataFolder } from './data-folder.ts'
import { readPostmaster, servesCluster } from './postmaster.ts'
import { launch, stopServer, whyEnded, type Launch } from './server.ts'
import { connect, connectSeconds, socketUrl, type Attempt, type Session } from './session.ts'

export interface EmbeddedPostgresOptions {
  /** Absolute. */
  readonly dataDir: string
  /** Only as root: the user that PostgreSQL runs as. */
  readonly postgresUser: string | undefined
  readonly progress: Progress
  /** How long a server that somebody else started may say nothing, not even that it is starting. Default: 90. */
  readonly silenceSeconds?: number
  /** Gives up as long as no server was started. */
  readonly signal?: AbortSignal
}

export interface EmbeddedPostgres {
  /** Of the role that owns the database; accepted by pg and by Prisma's adapter. */
  readonly url: string
  /** @returns false if another supervisor has it */
  holdSupervisorLock: () => Promise<boolean>
  /** Called once each time the server goes away unasked. */
  onLost: (callback: () => void) => void
  /** Starts or adopts the server again and retakes the locks. */
  reopen: () => Promise<void>
  /** Leaves; whoever is the last user stops the server. */
  release: () => Promise<'stopped' | 'left running'>
}

/** Advisory locks of the database `signet`; 7367600 is "sig" in letters' numbers, as in the change feed's lock. */
const lockNamespace = 7367600
const userLock = 11
const supervisorLock = 12

/** Longer than the minute after which PostgreSQL ends a server whose lock file was removed. */
const answerSeconds = 90
const oldProcessesSeconds = 15
const killsBeforeGivingUp = 5

/**
 * Opens the database of a data folder: made if absent, started if stopped, adopted if it runs.
 * @throws OperatorError
 */
export async function openEmbedded (options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { progress, signal } = options
  const folder = await openDataFolder({ dataDir: options.dataDir, postgresUser: options.postgresUser, progress, signal })
  const listeners: (() => void)[] = []
  let supervises = false
  let session: Session | undefined
  let url = ''

  async function open (): Promise<void> {
    const opened = await attach(folder, options)
    opened.client.once('end', () => {
      if (session !== opened) return
      session = undefined
      for (const listener of listeners) listener()
    })
    session = opened
    url = socketUrl(roles.owner, opened.socketFolder)
  }

  async function holdSupervisorLock (): Promise<boolean> {
    const held = session !== undefined && await ask(session, 'pg_try_advisory_lock', supervisorLock)
    if (held) supervises = true // and stays one: reopen() must not forget what it has to get back
    return held
  }

  async function reopen (): Promise<void> {
    if (session === undefined) await open()
    if (supervises && !(await holdSupervisorLock())) {
      throw new OperatorError(`Another Signet took over ${options.dataDir} while its database was away. Stop one of them.`)
    }
  }

  async function release (): Promise<'stopped' | 'left running'> {
    const leaving = session
    session = undefined
    if (leaving === undefined) return 'stopped'
    try {
      await leaving.client.query('SELECT pg_advisory_unlock_all()')
      if (!(await ask(leaving, 'pg_try_advisory_lock', userLock))) return 'left running'
      if (await stopServer(folder, leaving.serverPid)) return 'stopped'
      progress(`PostgreSQL in ${folder.cluster} (process ${leaving.serverPid}) did not stop and goes on running`)
      return 'left running'
    } catch {
      return 'stopped' // it went away by itself
    } finally {
      await leaving.client.end().catch(() => {})
    }
  }

  await open()
  if (signal?.aborted === true) {
    await release()
    signal.throwIfAborted()
  }
  return {
    get url () { return url },
    holdSupervisorLock,
    onLost: (callback) => { listeners.push(callback) },
    reopen,
    release
  }
}

async function ask (session: Session, lock: 'pg_try_advisory_lock' | 'pg_try_advisory_lock_shared', key: number): Promise<boolean> {
  const { rows } = await session.client.query<{ held: boolean }>(`SELECT ${lock}($1, $2) AS held`, [lockNamespace, key])
  return rows[0]?.held === true
}

/**
 * Becomes a user of the server, which it starts if nobody answers. A server that is starting, recovering or being
 * stopped by its last user is waited for.
 */
async function attach (folder: DataFolder, { progress, signal, silenceSeconds = answerSeconds }: EmbeddedPostgresOptions): Promise<Session> {
  const begin = performance.now()
  const elapsedSeconds = (): number => (performance.now() - begin) / 1000
  let launched: Launch | undefined
  let spokeAt = 0
  let kills = 0
  let waitsFor = 'the database'
  let told = false
  for (;;) {
    const attempt = await becomeUser(folder, Math.max(1, Math.min(connectSeconds, silenceSeconds)))
    if (typeof attempt !== 'string') return attempt
    if (attempt !== 'silent' || launched !== undefined) spokeAt = elapsedSeconds()
    else if (elapsedSeconds() - spokeAt >= silenceSeconds) throw await doesNotAnswer(folder, 'its server does not answer')
    if (launched === undefined) signal?.throwIfAborted()
    if (launched?.end !== undefined) {
      const reason = await whyEnded(folder, launched)
      if (reason === 'killed' && (kills += 1) === killsBeforeGivingUp) {
        throw new OperatorError(`PostgreSQL was ended by ${String(launched.end)} ${kills} times while it started in ${folder.cluster}. See whether this machine has enough memory, and ${folder.log}.`)
      }
      launched = undefined
      if (reason === 'old processes') {
        waitsFor = 'processes of a database server that was killed'
        if (elapsedSeconds() > oldProcessesSeconds) throw await doesNotAnswer(folder, 'processes of an earlier server still use it')
      }
    } else if (attempt === 'absent' && launched === undefined && !(await isStarting(folder))) {
      launched = await launch(folder)
    }
    if (elapsedSeconds() > answerSeconds) throw await doesNotAnswer(folder, 'its server does not answer')
    if (elapsedSeconds() > 1 && !told) {
      told = true
      progress(`waiting for ${waitsFor} in ${folder.cluster}`)
    }
    await pause(launched === undefined ? 200 : 30)
  }
}

async function becomeUser (folder: DataFolder, seconds: number): Promise<Attempt> {
  const attempt = await connect(folder, seconds)
  if (typeof attempt === 'string') return attempt
  try {
    if (await ask(attempt, 'pg_try_advisory_lock_shared', userLock)) return attempt
  } catch {
    // It was stopped between the two statements.
  }
  await attempt.client.end().catch(() => {}) // its last user is stopping it
  return 'busy'
}

async function isStarting (folder: DataFolder): Promise<boolean> {
  const postmaster = await readPostmaster(folder.cluster)
  return postmaster !== undefined && await servesCluster(postmaster.pid, folder.cluster)
}

async function doesNotAnswer (folder: DataFolder, reason: string): Promise<OperatorError> {
  const pid = (await readPostmaster(folder.cluster))?.pid
  return new OperatorError(`The database in ${folder.cluster} cannot be opened: ${reason}. End the PostgreSQL processes of that folder${pid === undefined ? '' : ` (the server was process ${pid})`}, or set SIGNET_DATA_DIR to another folder.`)
}
