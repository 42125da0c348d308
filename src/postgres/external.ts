/** Waits, within a bound, for a PostgreSQL that the operator runs, and says in one sentence what is wrong with it. */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { OperatorError } from '../operator-error.ts'
import type { Progress } from '../progress.ts'
import { errorCode } from '../error-code.ts'

export interface ExternalOptions {
  readonly url: string
  readonly waitSeconds: number
  readonly progress: Progress
  readonly signal?: AbortSignal
}

const oldestMajorVersion = 14

/** What waiting cannot change, by PostgreSQL's or the system's code for it. */
const finalReasons: Readonly<Record<string, string>> = {
  '28P01': 'refused the password. Correct DATABASE_URL, or the file that DATABASE_PASSWORD_FILE names',
  28000: 'does not let this user in from here. Correct DATABASE_URL, or allow it in pg_hba.conf',
  '3D000': 'has no database of that name. Create it, or correct DATABASE_URL',
  42501: 'does not let this user connect to that database. Grant it CONNECT, or correct DATABASE_URL',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'presented a certificate that nothing vouches for. Name its authority with sslrootcert in DATABASE_URL',
  SELF_SIGNED_CERT_IN_CHAIN: 'presented a certificate of an unknown authority. Name that with sslrootcert in DATABASE_URL',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'presented a certificate of an unknown authority. Name that with sslrootcert in DATABASE_URL',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'presented a certificate of an unknown authority. Name that with sslrootcert in DATABASE_URL',
  CERT_HAS_EXPIRED: 'presented a certificate that has expired. Renew it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'presented a certificate for another name. Use the name in the certificate in DATABASE_URL'
}

/** What may pass: the database is starting, or its name is not known yet. */
const passingReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections (nothing listens there). Start it, or correct DATABASE_URL',
  ENOENT: 'has no socket there. Start it, or correct DATABASE_URL',
  ENOTFOUND: 'has a host name that cannot be resolved. Correct DATABASE_URL',
  EAI_AGAIN: 'has a host name that cannot be resolved at the moment. Correct DATABASE_URL, or the DNS of this machine',
  EHOSTUNREACH: 'cannot be reached from this machine. Correct DATABASE_URL, or the network',
  ENETUNREACH: 'cannot be reached from this machine. Correct DATABASE_URL, or the network',
  ETIMEDOUT: 'does not answer. Start it, open the firewall, or correct DATABASE_URL',
  ECONNRESET: 'closes the connection at once. See its log, or correct DATABASE_URL',
  53300: 'has too many connections already. Raise its max_connections, or end some',
  '57P03': 'is still starting or recovering. Wait, or see its log'
}

/** @throws OperatorError which never holds the URL's password */
export async function connectExternal ({ url, waitSeconds, progress, signal }: ExternalOptions): Promise<void> {
  const target = describeTarget(url)
  const deadline = performance.now() + waitSeconds * 1000
  let told = false
  for (;;) {
    signal?.throwIfAborted()
    try {
      await checkServer(url, target, Math.max(1_000, Math.min(5_000, deadline - performance.now())))
      return
    } catch (error) {
      if (error instanceof OperatorError) throw error
      const reason = explain(error)
      if (reason.isFinal || performance.now() >= deadline) {
        throw new OperatorError(`${target} ${reason.text}.`, { cause: error })
      }
    }
    if (!told) {
      told = true
      progress(`waiting up to ${waitSeconds} s for ${target}`)
    }
    await pause(250, undefined, signal === undefined ? {} : { signal })
  }
}

async function checkServer (url: string, target: string, timeoutMilliseconds: number): Promise<void> {
  const client = new pg.Client({
    connectionString: url, application_name: 'signet', connectionTimeoutMillis: timeoutMilliseconds, query_timeout: timeoutMilliseconds
  })
  client.on('error', () => {}) // what is under way fails as well
  try {
    await client.connect()
    const { rows: [server] } = await client.query<{ version: number, readOnly: boolean }>(
      "SELECT current_setting('server_version_num')::int AS version, current_setting('transaction_read_only') = 'on' AS \"readOnly\""
    )
    const majorVersion = Math.floor((server?.version ?? 0) / 10_000)
    if (majorVersion < oldestMajorVersion) {
      throw new OperatorError(`${target} is PostgreSQL ${majorVersion}. Signet needs PostgreSQL ${oldestMajorVersion} or newer.`)
    }
    if (server?.readOnly === true) {
      throw new OperatorError(`${target} can only be read. Point DATABASE_URL at the primary server.`)
    }
  } finally {
    await client.end().catch(() => {})
  }
}

function explain (error: unknown): { text: string, isFinal: boolean } {
  const code = errorCode(error) ?? ''
  const message = error instanceof Error ? error.message : ''
  const final = finalReasons[code] ?? finalByMessage(message)
  if (final !== undefined) return { text: final, isFinal: true }
  const passing = passingReasons[code] ?? (/timeout|timed out/i.test(message) ? passingReasons['ETIMEDOUT'] : undefined)
  return { text: passing ?? `cannot be used${code === '' ? '' : ` (${code})`}. See its log, or correct DATABASE_URL`, isFinal: false }
}

/** pg's own refusals have no code. */
function finalByMessage (message: string): string | undefined {
  if (message.includes('client password must be a string')) return 'asks for a password. Put it into DATABASE_URL, or into a file that DATABASE_PASSWORD_FILE names'
  if (message.includes('does not support SSL connections')) return 'does not offer TLS. Enable it there, or remove sslmode from DATABASE_URL'
  return undefined
}

/** Host, port, database and user: all that an operator needs to know which database is meant. */
function describeTarget (url: string): string {
  const [, authority = '', rest = ''] = /^[^:]+:\/\/([^/?#]*)(.*)$/s.exec(url) ?? []
  // A / ? or # in the password ends the authority early, and what is left of it would pass for a host and port.
  if (url.includes('#') || (!authority.includes('@') && rest.includes('@'))) throw unreadable()
  let target: pg.Client
  try {
    target = new pg.Client({ connectionString: url })
  } catch {
    throw unreadable()
  }
  return `The PostgreSQL at ${target.host}:${target.port} (database ${String(target.database)}, user ${String(target.user)})`
}

function unreadable (): OperatorError {
  return new OperatorError('DATABASE_URL cannot be read as a PostgreSQL URL. It looks like postgresql://user:password@host:5432/name, with special characters of the password percent-encoded.')
}
