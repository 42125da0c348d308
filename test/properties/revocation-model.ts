/** Which tokens are alive, by the documented rules and by nothing else: what the servers are compared with. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { Environment } from '../../src/environment.ts'
import type { Pair } from '../support/assertions.ts'

interface Owner {
  readonly id: string
  isDisabled: boolean
  /** Milliseconds since the epoch. */
  cutOff: number
}

export type ModelOrganization = Owner

export interface ModelClient extends Owner {
  readonly organization: ModelOrganization
  readonly environment: Environment
  readonly kind: 'service' | 'jwt' | 'gateway'
  isDeleted: boolean
}

/** A secret or a key of a client. */
export interface Credential {
  readonly client: ModelClient
  readonly secretId: string
  readonly secret: string
  readonly pair: Pair | undefined
  isRevoked: boolean
  /** Neither disabled, nor deleted, nor expired: none of these ends a token. */
  isUsable: boolean
}

export interface Token {
  readonly text: string
  readonly uri: string
  readonly index: number
  readonly kid: string
  readonly issuedAt: number
  readonly expiresAt: number
  readonly credential: Credential
  /** What it was exchanged for. */
  readonly subject: Token | undefined
  /** `open`: it was issued by a process that may or may not have heard of a cut-off; all that look at it must agree. */
  fate: 'living' | 'revoked' | 'open'
}

export interface Model {
  readonly tokens: readonly Token[]
  readonly revokedKids: ReadonlySet<string>
  /** @throws Error when somebody else has its index */
  add (text: string, credential: Credential, subject?: Token): Token
  isAlive (token: Token): boolean
  /** What a process answers that has heard of everything. */
  mayIssue (credential: Credential): boolean
  revoke (token: Token): void
  revokeRange (uri: string, first: number, last: number): void
  revokeKid (kid: string): void
  /** Whatever is wrong with these now: their tokens are revoked, and nothing brings them back. */
  revokeOf (owner: Owner | Credential): void
  /** A cut-off moves forward only. */
  cutOff (owner: Owner, at: number): void
  /** Every process has heard of everything, until something changes. */
  settled (): void
  unsettle (): void
  isSettled (): boolean
  /** Of one whose fate is open, once its bit was looked at. */
  decide (token: Token, isRevoked: boolean): void
}

export function createModel (clock: () => number): Model {
  const tokens: Token[] = []
  const used = new Set<string>()
  const revokedKids = new Set<string>()
  const ranges: { readonly uri: string, readonly first: number, readonly last: number }[] = []
  const moving = new Set<unknown>()
  let isSettled = true

  const seconds = (): number => Math.floor(clock() / 1000)

  function isStopped ({ client, isRevoked }: Credential): boolean {
    return isRevoked || client.isDeleted || client.isDisabled || client.organization.isDisabled
  }

  /** Those that were exchanged for one come after it. */
  function kill (isMeant: (token: Token) => boolean): void {
    for (const token of tokens) if (isMeant(token) || token.subject?.fate === 'revoked') token.fate = 'revoked'
    isSettled = false
  }

  function fateOf ({ uri, index, kid, credential, subject }: Omit<Token, 'fate'>): Token['fate'] {
    const isInRange = ranges.some((range) => range.uri === uri && range.first <= index && index <= range.last)
    if (isStopped(credential) || revokedKids.has(kid) || isInRange || subject?.fate === 'revoked') return 'revoked'
    const { client } = credential
    return moving.has(client) || moving.has(client.organization) || subject?.fate === 'open' ? 'open' : 'living'
  }

  return {
    tokens,
    revokedKids,
    add (text, credential, subject) {
      const { exp: expiresAt = 0, iat: issuedAt = 0, status: { status_list: { uri, idx: index } } } = decodeJwt<{ status: { status_list: { uri: string, idx: number } } }>(text)
      const known = { text, uri, index, kid: String(decodeProtectedHeader(text).kid), issuedAt, expiresAt, credential, subject }
      if (used.has(`${uri} ${index}`)) throw new Error(`index ${index} of ${uri} was used twice`)
      if (expiresAt !== Math.min(issuedAt + 90_000, subject?.expiresAt ?? Infinity) || expiresAt <= issuedAt) throw new Error(`a token from ${issuedAt} to ${expiresAt}`)
      used.add(`${uri} ${index}`)
      const token = { ...known, fate: fateOf(known) }
      tokens.push(token)
      return token
    },
    isAlive: ({ fate, expiresAt }) => fate === 'living' && seconds() < expiresAt,
    mayIssue (credential) {
      const { client } = credential
      const isPast = ({ cutOff }: Owner): boolean => Math.floor(cutOff / 1000) <= seconds()
      return credential.isUsable && !isStopped(credential) && isPast(client) && isPast(client.organization)
    },
    revoke (token) { kill((each) => each === token) },
    revokeRange (uri, first, last) {
      ranges.push({ uri, first, last })
      kill((token) => token.uri === uri && first <= token.index && token.index <= last)
    },
    revokeKid (kid) {
      revokedKids.add(kid)
      kill((token) => token.kid === kid)
    },
    revokeOf (owner) { kill(({ credential }) => [credential, credential.client, credential.client.organization].includes(owner)) },
    cutOff (owner, at) {
      if (at <= owner.cutOff) return
      owner.cutOff = at
      moving.add(owner)
      kill(({ credential: { client } }) => client === owner || client.organization === owner)
    },
    settled () {
      moving.clear()
      isSettled = true
    },
    unsettle () { isSettled = false },
    isSettled: () => isSettled,
    decide (token, isRevoked) {
      if (token.fate !== 'open') return
      token.fate = isRevoked ? 'revoked' : 'living'
      for (const each of tokens) if (each.subject?.fate === 'revoked') each.fate = 'revoked'
    }
  }
}
