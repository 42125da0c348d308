interface Owner { readonly tokensRevokedBefore: Date | null }

/** A cut-off kills the tokens of its whole second. @returns the earliest `iat` of tokens that live; 0 without a cut-off */
export function earliestIssue ({ tokensRevokedBefore }: Owner): number {
  return tokensRevokedBefore === null ? 0 : Math.floor(tokensRevokedBefore.getTime() / 1000) + 1
}
