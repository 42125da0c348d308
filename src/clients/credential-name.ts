/**
 * What a client authenticates with, by name: `secret:` and its id, `key:` and its kid, or `certificate`. Blocks of indexes
 * are leased for it, and its use is recorded under it.
 */

const [secretPrefix, keyPrefix] = ['secret:', 'key:']

export function secretNamed (id: string): string {
  return secretPrefix + id
}

export function keyNamed (kid: string): string {
  return keyPrefix + kid
}

/** @returns undefined for what is no secret */
export function secretIdOf (name: string): string | undefined {
  return name.startsWith(secretPrefix) ? name.slice(secretPrefix.length) : undefined
}

/** @returns undefined for what is no key */
export function kidOf (name: string): string | undefined {
  return name.startsWith(keyPrefix) ? name.slice(keyPrefix.length) : undefined
}
