/** Files that hold secrets: who may read them, and whether git would hand them on. */
import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Config } from '../config.ts'
import { errorCode } from '../error-code.ts'
import { OperatorError } from '../operator-error.ts'
import { readMasterKeys, type MasterKeys } from '../sealing/master-key.ts'
import { halves } from './configuration.ts'
import { ok, problem, warning, type Finding } from './finding.ts'

export interface ReadKey {
  /** undefined: there is none, or it cannot be used. */
  readonly masterKeys: MasterKeys | undefined
  readonly findings: readonly Finding[]
}

const gitSeconds = 2

export async function checkMasterKey (config: Config): Promise<ReadKey> {
  const path = config.masterKeyFile ?? join(config.dataDir, 'master.key')
  const source = config.masterKey === undefined ? path : 'MASTER_KEY'
  try {
    const masterKeys = await readMasterKeys(config)
    if (masterKeys === undefined) return { masterKeys, findings: [warning('master key', `there is none yet in ${config.dataDir}`, 'The first start makes it. If there was one, put it back.')] }
    const present = ok('master key', `read from ${source}; its id is ${masterKeys.current.id}`)
    const risks = config.masterKey === undefined ? [...await checkReaders('master key', path, config.masterKeyFile === undefined ? 'own' : 'named'), ...await checkGit('master key', path)] : []
    return { masterKeys, findings: risks.length === 0 ? [present] : risks }
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    return { masterKeys: undefined, findings: [problem('master key', ...halves(error.message))] }
  }
}

/**
 * A file that only its owner may touch, and the owner is this user or root.
 * @param origin named: by a variable, so often mounted, for a group that another container is in
 */
async function checkReaders (check: string, path: string, origin: 'own' | 'named'): Promise<Finding[]> {
  const { mode, uid } = await stat(path)
  const own = process.geteuid?.()
  if (origin === 'named' && (mode & 0o027) !== 0) return [warning(check, `users outside its group may read ${path}, or its group may write it (mode ${octal(mode)})`, 'Mount it with the mode 0440 or narrower.')]
  if (origin === 'own' && (mode & 0o077) !== 0) return [problem(check, `others may read or write ${path} (mode ${octal(mode)})`, `Run: chmod 600 ${path}`)]
  if (own !== undefined && uid !== own && uid !== 0) return [warning(check, `${path} belongs to another user (${uid}) than this one (${own})`, 'Give it to the user that Signet runs as, with chown.')]
  return []
}

/** `.env`, if it holds a secret, and the file of the database's password. */
export async function checkOtherFiles (variables: Readonly<Record<string, string | undefined>>): Promise<Finding[]> {
  const dotenv = resolve('.env')
  const holdsSecret = ['MASTER_KEY', 'DATABASE_URL'].some((name) => variables[name] !== undefined)
  const findings = holdsSecret && await isFile(dotenv) ? [...await checkReaders('.env', dotenv, 'own'), ...await checkGit('.env', dotenv)] : []
  const password = variables['DATABASE_PASSWORD_FILE'] ?? ''
  if (password === '' || !await isFile(password)) return findings
  return [...findings, ...await checkReaders('password file', resolve(password), 'named'), ...await checkGit('password file', resolve(password))]
}

async function isFile (path: string): Promise<boolean> {
  return await stat(path).then((found) => found.isFile(), () => false)
}

export async function checkDataFolder (config: Config): Promise<Finding> {
  const check = 'data folder'
  const isUsed = config.databaseUrl === undefined || (config.masterKey === undefined && config.masterKeyFile === undefined)
  if (!isUsed) return ok(check, 'not used: database and master key are elsewhere')
  try {
    const found = await stat(config.dataDir)
    if (!found.isDirectory()) return problem(check, `${config.dataDir} is no folder`, 'Move that file away, or set SIGNET_DATA_DIR to another folder.')
    // As root it is 0711: PostgreSQL's own user passes through.
    if ((found.mode & 0o066) !== 0) return problem(check, `others may list or change ${config.dataDir} (mode ${octal(found.mode)})`, `Run: chmod go-rw ${config.dataDir}`)
    return ok(check, `${config.dataDir}, closed to others (mode ${octal(found.mode)})`)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return warning(check, `${config.dataDir} is not there`, 'The first start makes it. If there was one, see that SIGNET_DATA_DIR names it.')
    return problem(check, `${config.dataDir} cannot be looked at (${errorCode(error) ?? String(error)})`, 'Run Signet as the user that it belongs to.')
  }
}

/** Silent where git is not there, knows nothing of the folder, or does not trust it. */
async function checkGit (check: string, path: string): Promise<Finding[]> {
  if (await asksGit(path, 'ls-files', '--error-unmatch', '--', basename(path))) {
    return [problem(check, `git tracks ${path}: whoever has the repository has what is in it`, `Run: git rm --cached ${basename(path)}. Then replace what was in it, for the history keeps it.`)]
  }
  const isInside = await asksGit(path, 'rev-parse', '--is-inside-work-tree')
  if (!isInside || await asksGit(path, 'check-ignore', '--quiet', '--', basename(path))) return []
  return [warning(check, `${path} is in a git work tree that does not ignore it`, 'Add it to .gitignore, or move it.')]
}

async function asksGit (path: string, ...parameters: readonly string[]): Promise<boolean> {
  // No program that the repository's own configuration names is run.
  const safe = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null']
  return await promisify(execFile)('git', [...safe, ...parameters], { cwd: dirname(path), timeout: gitSeconds * 1000 }).then(() => true, () => false)
}

function octal (mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}
