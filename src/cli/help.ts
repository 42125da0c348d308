/** What `--help` says beside the commands themselves: examples, environment variables, exit codes. */
import { exitCodes } from '../operator-error.ts'
import { wrapWords } from './table.ts'

/** Of a usual terminal; commander keeps to that of the real one. */
const width = 80

export function examples (...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${fold(line)}\n`).join('')}`
}

/** A long command goes on in the next line, before an option, so that it can be copied as it stands. */
function fold (command: string): string {
  const lines: string[] = []
  for (const part of command.split(/ (?=--)/)) {
    const last = lines.at(-1)
    if (last === undefined || last.length + part.length + 7 > width) lines.push(part)
    else lines[lines.length - 1] = `${last} ${part}`
  }
  return lines.join(' \\\n    ')
}

/** The variables that commands read; `.env` in the working directory may set them too. */
export const variables: readonly (readonly [name: string, meaning: string])[] = [
  ['DATABASE_URL', 'a PostgreSQL of your own; otherwise the embedded one, started for the command if need be'],
  ['DATABASE_PASSWORD_FILE', 'a file that holds the password for DATABASE_URL'],
  ['DATABASE_WAIT_SECONDS', 'how long an embedded database that runs may say nothing (10); one of your own, 3 s at most'],
  ['SIGNET_DATA_DIR', 'folder of the embedded PostgreSQL and of the master key (.signet)'],
  ['MASTER_KEY', 'the master key, or'],
  ['MASTER_KEY_FILE', 'a file that holds it'],
  ['PREVIOUS_MASTER_KEY', 'for master-key rotate: the one before it; PREVIOUS_MASTER_KEY_FILE names a file that holds it'],
  ['KEY_ROTATION_DAYS', 'of the server: after how many days a signing key is replaced (30)'],
  ['ISSUER', 'public URL of the server; token inspect needs the one that the server has'],
  ['PORT', 'of the server, when ISSUER is not set (8080)'],
  ['SIGNET_ACTOR', 'who gives commands, for audit records, beside the user of the system'],
  ['SIGNET_POSTGRES_USER', 'only as root: the system user that the embedded PostgreSQL runs as'],
  ['LOG_LEVEL', 'debug shows the details of unexpected errors']
]

const exitCodeMeanings: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'done'],
  [exitCodes.failure, 'failed'],
  [exitCodes.usage, 'usage: the command or its options are wrong'],
  [exitCodes.refused, 'refused: not found, exists already, in use, owned by a configuration file, a limit is reached, the answer was no, or the token is not active'],
  [exitCodes.unavailable, 'the database cannot be reached']
]

const columns = (rows: readonly (readonly [number | string, string])[]): string => rows
  .map(([name, meaning]) => `  ${String(name).padEnd(24)}${wrapWords(meaning, width - 26).join(`\n${' '.repeat(26)}`)}\n`)
  .join('')

export const rootHelp = `
Results are printed on standard output: as text, or with --json as one JSON
document whose members are named as in OAuth (client_id, created_at). Everything
else goes to standard error. The server may run or not; a running one hears of
every change within a second. What cannot be undone asks first on a terminal;
--yes answers beforehand.
${examples(
  'signet organization create --name "Sample Games"',
  'signet resource create --identifier https://api.example.com --name "Sample API"',
  'signet scope create --name tournaments:read --resource https://api.example.com --description "Read tournaments" --default',
  'signet client create --name "Partner backend" --json')}
Environment variables (also read from .env in the working directory):
${columns(variables)}
Exit codes:
${columns(exitCodeMeanings)}`

export const subcommandHelp = `Exit codes: 0 done, 1 failed, ${exitCodes.usage} usage, ${exitCodes.refused} refused, ${exitCodes.unavailable} database away.
Environment: DATABASE_URL or SIGNET_DATA_DIR, MASTER_KEY or MASTER_KEY_FILE,
ISSUER, LOG_LEVEL (signet --help explains).
`
