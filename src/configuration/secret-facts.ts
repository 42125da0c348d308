/**
 * Which stored secret, if any, each secret of a file is. argon2 takes its time, so all of this is found out before the
 * transaction, and remembered for when the transaction sees other rows and has to be tried again.
 */
import type { SecretHasher } from '../clients/secrets.ts'
import type { SecretFact } from './changes.ts'
import type { State } from './state.ts'

export interface SecretFacts {
  /** Does what is missing for the state given. @param tick called after each computation, with how many remain */
  learn (state: State, tick: (remaining: number) => void): Promise<void>
  /** @returns undefined when something is not known that the state asks for */
  about (state: State): ReadonlyMap<string, SecretFact> | undefined
}

interface Candidate {
  readonly id: string
  readonly hash: string
  readonly isRevoked: boolean
  readonly isDisabled: boolean
}

/** @param secrets of the file, by client id */
export function createSecretFacts (secrets: ReadonlyMap<string, string>, hasher: SecretHasher): SecretFacts {
  const verified = new Map<string, boolean>()
  const hashes = new Map<string, string>()
  const keyOf = (clientId: string, { id, hash }: Candidate): string => JSON.stringify([clientId, id, hash])

  /** What may be it: every imported secret, those stopped by hand because what is dead stays dead. */
  function candidates (clientId: string, clients: ReadonlyMap<string, State['clients'][number]>): readonly Candidate[] {
    return [...clients.get(clientId)?.secrets.values() ?? []].filter(({ imported }) => imported)
      .map(({ id, hash, revokedAt, disabledAt }) => ({ id, hash, isRevoked: revokedAt !== null, isDisabled: disabledAt !== null }))
  }

  function factOf (clientId: string, stored: readonly Candidate[]): SecretFact | undefined {
    const answers = stored.map((candidate) => verified.get(keyOf(clientId, candidate)))
    const matching = stored.filter((_, index) => answers[index] === true)
    const match = matching.find(({ isRevoked }) => isRevoked) ?? matching.find(({ isDisabled }) => isDisabled) ?? matching.at(-1)
    if (match !== undefined) return { storedId: match.id, hash: undefined }
    const hash = hashes.get(clientId)
    return answers.includes(undefined) || hash === undefined ? undefined : { storedId: undefined, hash }
  }

  return {
    async learn ({ clients }, tick) {
      const byId = new Map(clients.map((client) => [client.id, client]))
      let remaining = secrets.size
      for (const [clientId, text] of secrets) {
        const stored = candidates(clientId, byId)
        for (const candidate of stored) {
          const key = keyOf(clientId, candidate)
          if (!verified.has(key)) verified.set(key, await hasher.verify(candidate.hash, text, 'genuine'))
        }
        const isStored = stored.some((candidate) => verified.get(keyOf(clientId, candidate)) === true)
        if (!isStored && !hashes.has(clientId)) hashes.set(clientId, await hasher.hash(text))
        tick(remaining -= 1)
      }
    },
    about ({ clients }) {
      const byId = new Map(clients.filter(({ id }) => secrets.has(id)).map((client) => [client.id, client]))
      const facts = [...secrets.keys()].map((clientId): [string, SecretFact | undefined] => [clientId, factOf(clientId, candidates(clientId, byId))])
      const known = facts.flatMap(([clientId, fact]): [string, SecretFact][] => fact === undefined ? [] : [[clientId, fact]])
      return known.length === facts.length ? new Map(known) : undefined
    }
  }
}
