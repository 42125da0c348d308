/**
 * Signet as the world sees it: through ISSUER, and so through every proxy in front of it. It asks what clients and
 * resource APIs ask, and compares the answers with what this configuration and this database say.
 */
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { environments, issuerOf, type Environment } from '../environment.ts'
import { answerSeconds, ask, headerOf, isAnswer, type Answer, type Silence } from './ask.ts'
import { clockFinding } from './clock.ts'
import { notChecked, ok, problem, warning, type Finding } from './finding.ts'
import { checkAddresses, examineProxies, proxyChecks } from './proxy.ts'

export interface IssuerExamination {
  readonly findings: readonly Finding[]
  /** The kids that the JWKS of each environment has; undefined when it could not be read. */
  readonly served: Readonly<Partial<Record<Environment, readonly string[]>>>
}

const dayMillis = 86_400_000
const renewWithinDays = 14
const dependents = ['metadata live', 'metadata test', 'clock of the server', ...proxyChecks]

export async function examineIssuer (config: Config, clock: Clock): Promise<IssuerExamination> {
  const local = `${config.tlsCertificateFile === undefined ? 'http' : 'https'}://${localHost(config)}:${config.port}`
  const address = `${config.issuer}/.well-known/openid-configuration`
  const [ready, seen] = await Promise.all([ask(`${local}/health/ready`), ask(address)])
  const isHere = isAnswer(ready) && typeof ready.json?.['ready'] === 'boolean'
  const stranger = isStranger(ready) ? `something that is no Signet listens at ${local}` : undefined
  if (stranger !== undefined && (!isAnswer(seen) || seen.json?.['issuer'] === undefined)) {
    const finding = problem('server', stranger, 'Stop that program, or set PORT to a free one: Signet does not start there.')
    return { findings: [finding, describeIssuer(config), ...dependents.map((check) => notChecked(check, 'no Signet answers')), checkAddresses(config)], served: {} }
  }
  if (!isAnswer(seen)) {
    const finding = isHere
      ? problem('issuer', `${config.issuer} does not answer (${seen.code}), and the server at ${local} does`, adviceFor(seen))
      : warning('server', `nothing answers at ${[...new Set([config.issuer, local])].join(' or ')} (${seen.code})`, 'Start it. If it runs, see that ISSUER leads to it.')
    const because = isHere ? 'the issuer does not answer' : 'the server does not run'
    const others = isHere ? [describeServer(ready, local), finding] : [finding, describeIssuer(config)]
    return { findings: [...others, ...dependents.map((check) => notChecked(check, because)), checkAddresses(config)], served: {} }
  }
  const server = isHere ? describeServer(ready, local) : describeElsewhere(config.issuer, local, stranger)
  const [documents, proxies, live, test] = await Promise.all([
    Promise.all(environments.map((environment) => checkMetadata(config.issuer, environment))),
    examineProxies(config, seen),
    readKids(config.issuer, 'live'),
    readKids(config.issuer, 'test')
  ])
  const findings = [server, describeIssuer(config), ...documents, ...checkCertificate(seen, clock()), checkClock(seen, clock()), ...proxies, checkAddresses(config)]
  return { findings, served: { ...live === undefined ? {} : { live }, ...test === undefined ? {} : { test } } }
}

/** It answers HTTP with something else, or does not speak it. */
function isStranger (ready: Answer | Silence): boolean {
  return isAnswer(ready) ? typeof ready.json?.['ready'] !== 'boolean' : ready.code.startsWith('HPE_')
}

function localHost ({ host }: Config): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return reachable.includes(':') ? `[${reachable}]` : reachable
}

/** Signet answers at its issuer, and not here: it runs on another machine, or a proxy leads to another port. */
function describeElsewhere (issuer: string, local: string, stranger: string | undefined): Finding {
  if (stranger === undefined) return ok('server', `answers at ${issuer}; none listens at ${local} here`)
  return warning('server', `answers at ${issuer}; ${stranger}`, 'If Signet is to run here, stop that program, or set PORT to a free one.')
}

function describeServer (ready: Answer, local: string): Finding {
  if (ready.status === 200) return ok('server', `ready at ${local}, database ${String(ready.json?.['database'])}`)
  const reason = ready.json?.['reason']
  return problem('server', `it runs at ${local} and is not ready: ${typeof reason === 'string' ? reason : ready.status}`, 'See its log.')
}

function describeIssuer ({ issuer, host }: Config): Finding {
  if (issuer.startsWith('https:')) return ok('issuer', issuer)
  const isOpen = host !== 'localhost' && host !== '::1' && !host.startsWith('127.')
  if (isOpen) return warning('issuer', `${issuer} is for this machine only, and HOST=${host} lets other machines in without TLS`, 'Set ISSUER to the public https address of a proxy that terminates TLS.')
  return ok('issuer', `${issuer}: for this machine only`)
}

function adviceFor ({ code }: Silence): string {
  if (/CERT|SIGNATURE|SELF_SIGNED|ISSUER/.test(code)) return 'Its certificate is not trusted here, or is for another name or time. Renew it, or name its authority with NODE_EXTRA_CA_CERTS.'
  if (/ENOTFOUND|EAI_AGAIN/.test(code)) return 'Its name cannot be resolved here. Correct ISSUER, or the DNS.'
  return `See that the proxy runs and passes requests on within ${answerSeconds} s. Where this machine must not reach it, check from another one.`
}

/** Both forms of the address: RFC 8414 §3.1 before the issuer's path, OpenID Connect Discovery 1.0 §4 after it. */
async function checkMetadata (base: string, environment: Environment): Promise<Finding> {
  const check = `metadata ${environment}`
  const issuer = issuerOf(base, environment)
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const places = [...new Set([`${origin}/.well-known/oauth-authorization-server${path}`, `${issuer}/.well-known/openid-configuration`])]
  const answers = await Promise.all(places.map(async (place) => ({ place, answer: await ask(place) })))
  for (const { place, answer } of answers) {
    const objection = objectionTo(answer, issuer)
    if (objection !== undefined) return problem(check, `${place} ${objection.found}`, objection.advice)
  }
  return ok(check, `${places.map((place) => place.slice(origin.length)).join(' and ')} name ${issuer}`)
}

function objectionTo (answer: Answer | Silence, issuer: string): { found: string, advice: string } | undefined {
  if (!isAnswer(answer)) return { found: `does not answer (${answer.code})`, advice: 'Pass this path on to Signet as well.' }
  if (answer.status >= 300 && answer.status < 400) {
    return { found: `redirects to ${headerOf(answer, 'location')}`, advice: 'Clients do not follow: set ISSUER to the address that answers by itself.' }
  }
  if (answer.status !== 200) return { found: `answers ${answer.status}`, advice: 'Pass this path on to Signet unchanged.' }
  const named = answer.json?.['issuer']
  if (named === issuer) return undefined
  return { found: typeof named === 'string' ? `names the issuer ${named}` : 'is no metadata', advice: `Something else answers there, or the server has another ISSUER than ${issuer}.` }
}

function checkCertificate ({ validTo }: Answer, now: number): Finding[] {
  if (validTo === undefined) return []
  const days = Math.floor((validTo.getTime() - now) / dayMillis)
  const found = `ends on ${validTo.toISOString().slice(0, 10)}, in ${days} days`
  return [days > renewWithinDays ? ok('certificate', found) : warning('certificate', found, 'Renew it, and see why that did not happen by itself.')]
}

function checkClock ({ headers }: Answer, now: number): Finding {
  const date = new Date(headers.date ?? NaN).getTime()
  if (Number.isNaN(date)) return notChecked('clock of the server', 'the answer has no Date')
  // Date has whole seconds, and the answer took its time.
  return clockFinding('clock of the server', 'whoever answers at ISSUER', date + 500 - now, 1_500)
}

async function readKids (base: string, environment: Environment): Promise<readonly string[] | undefined> {
  const answer = await ask(`${issuerOf(base, environment)}/oauth/v2/jwks`)
  const keys = isAnswer(answer) ? answer.json?.['keys'] : undefined
  if (!Array.isArray(keys)) return undefined
  return keys.flatMap((key: unknown) => typeof key === 'object' && key !== null && 'kid' in key && typeof key.kid === 'string' ? [key.kid] : [])
}
