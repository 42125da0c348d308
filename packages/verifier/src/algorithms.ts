/**
 * What a signature may be made with: asymmetric, for the keys that verify are public. An API may take fewer for its tokens
 * (`algorithms`), but it does not choose those of the lists, which have the issuer's default, nor those of its clients' proofs.
 */
export const knownAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const
