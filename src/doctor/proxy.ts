/** What proxies in front of Signet tend to change: credentials, paths, caching, the size of bodies, addresses. */
import { randomUUID } from 'node:crypto'
import type { Config } from '../config.ts'
import { ask, headerOf, isAnswer, type Answer, type Silence } from './ask.ts'
import { notChecked, ok, problem, warning, type Finding } from './finding.ts'

export const proxyChecks = ['client authentication', 'paths', 'large bodies', 'caching', 'request ids']

const form = { 'content-type': 'application/x-www-form-urlencoded' }
/** Nobody's. */
const basic = `Basic ${Buffer.from('cl_live_signetdoctor:no-secret').toString('base64')}`
/** Larger than what Signet reads, smaller than what a proxy need refuse. */
const largeBytes = 17 * 1024

/** @param metadata the answer to the metadata at the issuer */
export async function examineProxies (config: Config, metadata: Answer): Promise<Finding[]> {
  const endpoint = `${config.issuer}/oauth/v2/token`
  const requestId = `doctor-${randomUUID()}`
  const [refused, doubled, slashed, large] = await Promise.all([
    ask(endpoint, { method: 'POST', body: 'grant_type=client_credentials', headers: { ...form, authorization: basic, 'x-request-id': requestId } }),
    // Two ways at once are an error of its own, so it tells whether the header arrives at all.
    ask(endpoint, { method: 'POST', body: 'grant_type=client_credentials&client_secret=no-secret', headers: { ...form, authorization: basic } }),
    ask(`${endpoint}/`),
    ask(endpoint, { method: 'POST', body: `scope=${'a'.repeat(largeBytes)}`, headers: form })
  ])
  return [
    checkAuthentication(refused, doubled),
    checkPaths(slashed),
    checkLargeBodies(large),
    checkCaching(refused, metadata),
    checkRequestId(refused, requestId)
  ]
}

function checkAuthentication (refused: Answer | Silence, doubled: Answer | Silence): Finding {
  const check = 'client authentication'
  if (!isAnswer(refused) || !isAnswer(doubled)) return silent(check, refused, doubled)
  if (refused.status === 503 || refused.status === 429) return notChecked(check, `the token endpoint answers ${refused.status}`)
  const challenge = headerOf(refused, 'www-authenticate')
  if (!isOurs(refused, 401, 'invalid_client')) {
    return problem(check, `an unknown client gets ${refused.status} instead of the 401 of Signet`, 'Pass POST requests to the token endpoint on unchanged, and no error pages of the proxy in place of the answers.')
  }
  if (!challenge.startsWith('Basic realm="signet"')) return problem(check, `the 401 has ${challenge} as WWW-Authenticate`, 'Pass this header of the answer on.')
  if (!isOurs(doubled, 400, 'invalid_request')) return problem(check, 'the Authorization header does not arrive', 'Pass it on, and leave checking it to Signet.')
  return ok(check, 'Authorization arrives, and the 401 comes back as Signet sent it')
}

function checkPaths (slashed: Answer | Silence): Finding {
  if (!isAnswer(slashed)) return silent('paths', slashed)
  if (isOurs(slashed, 404, 'invalid_request')) return ok('paths', 'arrive as they were sent')
  return warning('paths', `a path with a slash at its end gets ${slashed.status} instead of the 404 of Signet`, 'Pass paths on unchanged, without adding or removing a slash.')
}

function checkLargeBodies (large: Answer | Silence): Finding {
  if (!isAnswer(large)) return silent('large bodies', large)
  if (isOurs(large, 413, 'invalid_request')) return ok('large bodies', 'are refused by Signet itself, as JSON')
  return warning('large bodies', `${largeBytes / 1024} KiB get ${large.status}, and not from Signet`, 'Let the proxy pass 64 KiB on: clients of OAuth expect JSON.')
}

function checkCaching (refused: Answer | Silence, metadata: Answer): Finding {
  const check = 'caching'
  if (!isAnswer(refused)) return silent(check, refused)
  const [token, published] = [headerOf(refused, 'cache-control'), headerOf(metadata, 'cache-control')]
  if (token !== 'no-store') return problem(check, `answers of the token endpoint have ${token} as Cache-Control instead of no-store`, 'Let the proxy neither cache them nor change the header.')
  if (!/^public, max-age=\d+$/.test(published)) return warning(check, `the metadata have ${published} as Cache-Control`, 'Let the proxy pass the header on unchanged.')
  return ok(check, 'Cache-Control arrives unchanged')
}

function checkRequestId (refused: Answer | Silence, requestId: string): Finding {
  const check = 'request ids'
  if (!isAnswer(refused)) return silent(check, refused)
  if (refused.headers['x-request-id'] === requestId) return ok(check, 'X-Request-Id goes through both ways')
  return warning(check, 'the X-Request-Id that was sent does not come back', 'Pass it on both ways, or requests cannot be found in the logs of both sides.')
}

/** From the configuration alone. */
export function checkAddresses ({ issuer, trustProxy, host, tlsCertificateFile }: Config): Finding {
  const check = 'addresses in the log'
  const isBehindProxy = issuer.startsWith('https:') && tlsCertificateFile === undefined
  if (trustProxy.length > 0) return ok(check, `X-Forwarded-For is believed from ${trustProxy.join(', ')}`)
  if (!isBehindProxy) return ok(check, `are those of whoever connects to ${host}; no proxy is trusted`)
  return warning(check, 'a proxy terminates TLS and TRUST_PROXY is empty: the log has the address of the proxy', 'Set TRUST_PROXY to the address of the proxy.')
}

function isOurs ({ status, json }: Answer, expected: number, error: string): boolean {
  return status === expected && json?.['error'] === error && typeof json['error_uri'] === 'string'
}

function silent (check: string, ...answers: readonly (Answer | Silence)[]): Finding {
  const codes = answers.flatMap((answer) => isAnswer(answer) ? [] : [answer.code])
  return problem(check, `a request gets no answer (${codes.join(', ')})`, 'See the log of the proxy and of the server.')
}
