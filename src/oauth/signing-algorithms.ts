/**
 * The algorithms of signatures here: those that the server can sign with, which the configuration and resources may name,
 * and those that clients may sign with.
 */
export const signingAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
export type SigningAlgorithm = typeof signingAlgorithms[number]

export function isSigningAlgorithm (text: string): text is SigningAlgorithm {
  return (signingAlgorithms as readonly string[]).includes(text)
}

/** What `alg` may be in a JWT of somebody else; `Ed25519` is the newer name of the only curve that is taken for `EdDSA` (RFC 9864 §2.2). */
const names: Readonly<Record<string, SigningAlgorithm>> = {
  RS256: 'RS256', PS256: 'PS256', ES256: 'ES256', EdDSA: 'EdDSA', Ed25519: 'EdDSA'
}

export const signingAlgorithmNames: readonly string[] = Object.keys(names)

export function signingAlgorithmNamed (name: string): SigningAlgorithm | undefined {
  return Object.hasOwn(names, name) ? names[name] : undefined
}
