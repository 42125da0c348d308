/** The algorithms that the server can sign with: what the configuration and resources may name, and keys are made for. */
export const signingAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
export type SigningAlgorithm = typeof signingAlgorithms[number]

export function isSigningAlgorithm (text: string): text is SigningAlgorithm {
  return (signingAlgorithms as readonly string[]).includes(text)
}
