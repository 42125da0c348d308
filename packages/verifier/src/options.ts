/** The options of a verifier: each is checked when it is made, so that a mistake is seen at the start and not at the first token. */
import { knownAlgorithms } from './algorithms.ts'
import { isTrustworthy } from './issuer.ts'

export interface VerifierOptions {
  /** `iss` of the tokens, character by character: `https://id.example.com`, or `https://id.example.com/test` for test tokens. */
  readonly issuer: string
  /** The identifier of this API: what `aud` must be or hold, character by character. */
  readonly audience: string
  /**
   * What happens to a token when its status list cannot be had and the last one has expired. `'refuse'` answers 503: an
   * outage of the issuer becomes one of this API. `'accept'` serves the request: a token that was revoked is good for as
   * long as the outage lasts. There is no default, because only the API knows which is worse.
   */
  readonly whenStatusUnavailable: 'refuse' | 'accept'
  /** Told each time that a token is accepted without its status. */
  readonly onStatusUnavailable?: ((cause: Error) => void) | undefined
  /** Where the keys are. Without it the issuer's metadata says so. */
  readonly jwksUri?: string | undefined
  /** Takes the place of the issuer's origin in all that is fetched, where its public name does not lead to it. May be http: then the network in between is trusted. */
  readonly internalOrigin?: string | undefined
  /** Those that tokens may be signed with: some of RS256, PS256, ES256, EdDSA and Ed25519, which are all taken by default. Status lists and DPoP proofs may have any of them. */
  readonly algorithms?: readonly string[] | undefined
  /** In challenges; the audience by default. */
  readonly realm?: string | undefined
  /** By how much clocks may differ; 5. */
  readonly clockToleranceSeconds?: number | undefined
  /** How long an answer of the issuer is waited for; 2. */
  readonly timeoutSeconds?: number | undefined
  /** For how long keys are used when they cannot be fetched again; 600. A key that was withdrawn is good for as long, to whom can keep this API from its issuer. */
  readonly keysUsableSeconds?: number | undefined
  /** Without it, tokens that are bound to a key are refused. */
  readonly dpop?: {
    /** Of this API as its clients see it, with the path under which it is mounted: what `htu` begins with. */
    readonly url: string
    /** 60. */
    readonly maxProofAgeSeconds?: number | undefined
    /** How many proofs are remembered; 100,000. When there are more, the answer is 503. */
    readonly maxProofs?: number | undefined
  } | undefined
  /** For tests: milliseconds since the epoch. */
  readonly now?: (() => number) | undefined
  /** For tests: from 0 up to 1. */
  readonly random?: (() => number) | undefined
}

type Complete<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> }
type Undefinable = 'onStatusUnavailable' | 'jwksUri' | 'internalOrigin' | 'dpop'
export type ReadOptions = Complete<Omit<VerifierOptions, Undefinable>> & Pick<VerifierOptions, 'onStatusUnavailable' | 'jwksUri' | 'internalOrigin'> & {
  readonly dpop: Complete<NonNullable<VerifierOptions['dpop']>> | undefined
}

const known: readonly string[] = ['issuer', 'audience', 'whenStatusUnavailable', 'onStatusUnavailable', 'jwksUri', 'internalOrigin', 'algorithms', 'realm', 'clockToleranceSeconds', 'timeoutSeconds', 'keysUsableSeconds', 'dpop', 'now', 'random'] satisfies (keyof VerifierOptions)[]

/** @throws TypeError for an option that is missing, unknown or wrong */
export function readOptions (options: VerifierOptions): ReadOptions {
  const { issuer, audience, whenStatusUnavailable, onStatusUnavailable, jwksUri, internalOrigin, dpop } = options
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  need(unknown === undefined, `there is no option ${String(unknown)}`)
  need(isTrustworthy(issuer) && !/[?#]|\/$/.test(issuer), 'issuer must be an https URL (http on this machine) without a query, a fragment or a slash at its end')
  const canonical = new URL(issuer).href.replace(/\/$/, '')
  need(issuer === canonical, `issuer must be spelled as in the tokens: ${canonical}`)
  need(typeof audience === 'string' && audience !== '', 'audience must be the identifier of this API')
  need(['refuse', 'accept'].includes(whenStatusUnavailable), "whenStatusUnavailable must be 'refuse' or 'accept': what happens while the issuer cannot say whether a token was revoked is for this API to decide")
  need(jwksUri === undefined || isTrustworthy(jwksUri), 'jwksUri must be an https URL (http on this machine)')
  need(internalOrigin === undefined || isOrigin(internalOrigin), 'internalOrigin must be an origin, such as http://signet:8080')
  const { algorithms = knownAlgorithms, realm = audience } = options
  need(algorithms.length > 0 && algorithms.every((name) => (knownAlgorithms as readonly string[]).includes(name)), `algorithms must be some of ${knownAlgorithms.join(', ')}`)
  need(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/.test(realm), 'realm must be printable ASCII without quotes and backslashes')
  return {
    issuer,
    audience,
    whenStatusUnavailable,
    onStatusUnavailable,
    jwksUri,
    internalOrigin,
    algorithms,
    realm,
    clockToleranceSeconds: number(options, 'clockToleranceSeconds', 5, 0, 300),
    timeoutSeconds: number(options, 'timeoutSeconds', 2, 0.1, 60),
    keysUsableSeconds: number(options, 'keysUsableSeconds', 600, 1, 86_400),
    dpop: dpop === undefined ? undefined : readDpop(dpop),
    now: options.now ?? Date.now,
    random: options.random ?? Math.random
  }
}

function readDpop (dpop: NonNullable<VerifierOptions['dpop']>): ReadOptions['dpop'] {
  const { url } = dpop
  const unknown = Object.keys(dpop).find((name) => !['url', 'maxProofAgeSeconds', 'maxProofs'].includes(name))
  need(unknown === undefined, `there is no option dpop.${String(unknown)}`)
  need(/^https?:/.test(url) && URL.canParse(url) && !/[?#]/.test(url), 'dpop.url must be the URL of this API without a query and a fragment')
  return { url: url.replace(/\/$/, ''), maxProofAgeSeconds: number(dpop, 'maxProofAgeSeconds', 60, 1, 600), maxProofs: number(dpop, 'maxProofs', 100_000, 1, 10_000_000) }
}

function isOrigin (text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

function number<Name extends string> (options: Readonly<Partial<Record<Name, number | undefined>>>, name: Name, byDefault: number, least: number, most: number): number {
  const value = options[name] ?? byDefault
  need(typeof value === 'number' && value >= least && value <= most, `${name} must be a number from ${least} to ${most}`)
  return value
}

function need (condition: boolean, problem: string): void {
  if (!condition) throw new TypeError(`@signet/verifier: ${problem}.`)
}
