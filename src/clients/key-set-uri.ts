/** What may be a client's `jwks_uri`. */

export const maxKeySetUriLength = 2_048
export const keySetUriPattern = '^https://[^\\s#@]+$'
export const keySetUriRule = `It takes an https address without user and fragment, of at most ${maxKeySetUriLength} characters, such as https://partner.example/jwks.json.`

/** @returns why keys are not to be fetched from there, or undefined */
export function keySetUriObjection (text: string): string | undefined {
  const url = text.length <= maxKeySetUriLength && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return 'it is no URL'
  if (url.protocol !== 'https:') return 'it is not https'
  return url.username !== '' || url.password !== '' || text.includes('#') ? 'it has a user or a fragment' : undefined
}
