/** Node.js, the environment variables and `.env`: what is set, what cannot be used, and what looks misspelt. */
import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { environmentSchema, loadConfig, type Config } from '../config.ts'
import { distanceBetween } from '../nearest.ts'
import { OperatorError } from '../operator-error.ts'
import { notChecked, ok, problem, warning, type Finding } from './finding.ts'

type Variables = Readonly<Record<string, string | undefined>>

export interface ReadConfiguration {
  /** With the defaults in place of what cannot be used. */
  readonly config: Config
  /** The variables that cannot be used: nothing that depends on them is worth checking. */
  readonly unusable: ReadonlySet<string>
  readonly findings: readonly Finding[]
}

const known = Object.keys(environmentSchema.properties)
const oldestNode = [20, 19] as const

export function checkNode (version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isEnough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  return isEnough ? ok('node', `Node.js ${version}`) : problem('node', `Node.js ${version}`, `Install ${oldestNode.join('.')} or newer.`)
}

export async function readConfiguration (variables: Variables, dotenvProblem: Error | undefined): Promise<ReadConfiguration> {
  const { usable, mistakes } = separate(variables)
  const isSet = (name: string): boolean => (variables[name]?.trim() ?? '') !== ''
  const count = known.filter(isSet).length
  const findings = [
    ...[...new Set(mistakes.values())].flatMap((mistake) => mistake === undefined ? [] : [problem('configuration', ...halves(mistake))]),
    ...isSet('MASTER_KEY') && isSet('MASTER_KEY_FILE') ? [problem('configuration', 'MASTER_KEY and MASTER_KEY_FILE are both set', 'Keep one of them.')] : [],
    ...misspelt(variables).map(({ name, meant }) => warning('configuration', `${name} is no variable of Signet`, meant === undefined ? 'Remove it, or see signet --help.' : `Did you mean ${meant}?`)),
    await checkDotenv(dotenvProblem)
  ]
  const isFine = findings.every(({ check }) => check !== 'configuration')
  const summary = ok('configuration', count === 0 ? 'nothing is set, and the defaults hold' : `${known.filter(isSet).join(', ')} set, all usable`)
  return { config: loadConfig(usable), unusable: new Set(mistakes.keys()), findings: isFine ? [summary, ...findings] : findings }
}

/** Those that a variable means something only together with. */
const companions: Readonly<Record<string, readonly string[]>> = {
  DATABASE_PASSWORD_FILE: ['DATABASE_URL'],
  TLS_CERTIFICATE_FILE: ['TLS_KEY_FILE'],
  TLS_KEY_FILE: ['TLS_CERTIFICATE_FILE'],
  TLS_CLIENT_CA_FILE: ['TLS_CERTIFICATE_FILE', 'TLS_KEY_FILE', 'CLIENT_CERTIFICATE_HEADER']
}

/**
 * One variable after the other, with those before it that can be used and those that it belongs to.
 * @returns what is wrong with each of the others; undefined where another one is to blame
 */
function separate (variables: Variables): { usable: Variables, mistakes: ReadonlyMap<string, string | undefined> } {
  const usable: Record<string, string | undefined> = {}
  const mistakes = new Map<string, string | undefined>()
  for (const name of known) {
    if (variables[name] === undefined) continue
    const others = companions[name] ?? []
    const mistake = mistakeIn({ ...usable, ...Object.fromEntries([...others, name].map((each) => [each, variables[each]])) })
    if (mistake === undefined) usable[name] = variables[name]
    else mistakes.set(name, others.some((other) => mistakes.has(other)) ? undefined : mistake)
  }
  return { usable, mistakes }
}

function mistakeIn (variables: Variables): string | undefined {
  try {
    loadConfig(variables)
    return undefined
  } catch (error) {
    if (error instanceof OperatorError) return error.message
    throw error
  }
}

/** The sentence of what happened, and what follows it. */
export function halves (message: string): [found: string, advice: string] {
  const [, found = message, advice = 'Correct it.'] = /^(.*?[^.])\. (.+)$/s.exec(message) ?? []
  return [found.replace(/\.$/, ''), advice]
}

/** Names that begin like ours, or are one or two letters off. Other programs have variables too. */
function misspelt (variables: Variables): { name: string, meant: string | undefined }[] {
  return Object.keys(variables).filter((name) => !known.includes(name)).flatMap((name) => {
    const meant = closest(name)
    return meant !== undefined || name.startsWith('SIGNET_') ? [{ name, meant }] : []
  })
}

function closest (name: string): string | undefined {
  const plain = (text: string): string => text.toUpperCase().replace(/[^A-Z]/g, '')
  const candidates = known.map((each) => ({ each, distance: distanceBetween(plain(name), plain(each)) })).sort((one, other) => one.distance - other.distance)
  const [best] = candidates
  // Short names are close to everything: HOST to HOME, PORT to PATH.
  const allowed = best === undefined || best.each.length < 6 ? 0 : 2
  return best !== undefined && best.distance <= allowed ? best.each : undefined
}

async function checkDotenv (dotenvProblem: Error | undefined): Promise<Finding> {
  if (dotenvProblem !== undefined) return problem('.env', `it is there and cannot be read (${dotenvProblem.message})`, 'Make it readable for this user, or move it away.')
  const text = await readFile('.env', 'utf8').catch(() => undefined)
  if (text === undefined) return ok('.env', `there is none in ${process.cwd()}; the environment alone counts`)
  const names = Object.keys(parseEnv(text)).filter((name) => known.includes(name))
  if (names.length === 0) return warning('.env', 'it is there and sets no variable of Signet', 'See .env.example, or move it away.')
  return ok('.env', `it sets ${names.join(', ')}; the environment wins over it`)
}

/** Why nothing that follows from these variables can be checked. */
export function blocked (check: string, { unusable }: Pick<ReadConfiguration, 'unusable'>, ...names: readonly string[]): Finding | undefined {
  const bad = names.filter((name) => unusable.has(name))
  return bad.length === 0 ? undefined : notChecked(check, `${bad.join(' and ')} cannot be used`)
}
