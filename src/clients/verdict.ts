/** What was found of a credential. */
export type Verdict =
  /** What the client authenticated with: `secret:` and its id, `key:` and its kid, or `certificate`. */
  | { readonly verified: string }
  /** For the log. */
  | { readonly refused: string }

export function refused (why: string): Verdict {
  return { refused: why }
}
