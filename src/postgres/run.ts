import { spawn } from 'node:child_process'

export interface Identity {
  readonly uid: number
  readonly gid: number
}

export interface RunOptions {
  /** Run as this user (only root can); otherwise as ourselves. */
  readonly user: Identity | undefined
  readonly input?: string
  readonly signal?: AbortSignal | undefined
  readonly timeoutSeconds: number
}

export interface RunResult {
  /** `undefined` when a signal ended the program or it could not be started. */
  readonly exitCode: number | undefined
  /** Standard output and standard error as they came. */
  readonly output: string
  /** The reason why it could not be started, such as EACCES. */
  readonly spawnError: NodeJS.ErrnoException | undefined
}

/**
 * What PostgreSQL's programs get to see of our environment: nothing that could hold a secret, and a locale in
 * which their messages can be recognized.
 */
export const programEnvironment: Readonly<Record<string, string>> = Object.freeze({ PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' })

/** The part of the spawn options that makes a child run as somebody else; libuv then also drops all supplementary groups. */
export function asUser (user: Identity | undefined): Partial<Identity> {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid }
}

/** Runs one of PostgreSQL's programs to its end, and keeps at most the last 64 KiB of what it says. */
export async function run (program: string, parameters: readonly string[], options: RunOptions): Promise<RunResult> {
  return await new Promise((resolve) => {
    let output = ''
    let spawnError: NodeJS.ErrnoException | undefined
    try {
      const child = spawn(program, parameters, {
        cwd: '/',
        env: programEnvironment,
        stdio: ['pipe', 'pipe', 'pipe'],
        timeout: options.timeoutSeconds * 1000,
        killSignal: 'SIGTERM',
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        ...asUser(options.user)
      })
      const collect = (chunk: string): void => { output = (output + chunk).slice(-65_536) }
      child.stdout.setEncoding('utf8').on('data', collect)
      child.stderr.setEncoding('utf8').on('data', collect)
      child.stdin.on('error', () => {}) // it ended before it read everything: its exit code tells
      child.stdin.end(options.input ?? '')
      child.on('error', (error) => {
        spawnError = error
        if (child.pid === undefined) resolve({ exitCode: undefined, output, spawnError })
      })
      child.on('close', (exitCode) => { resolve({ exitCode: exitCode ?? undefined, output, spawnError }) })
    } catch (error) {
      // Some reasons, such as EPERM for becoming another user, are thrown at once.
      resolve({ exitCode: undefined, output, spawnError: error instanceof Error ? error : new Error(String(error)) })
    }
  })
}
