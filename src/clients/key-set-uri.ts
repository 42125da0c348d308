/** What may be a client's `jwks_uri`. */

export const maxKeySetUriLength = 2_048
export const keySetUriPattern = '^https://[^\\s#@]+$'
export const keySetUriRule = `It takes an https address without user and fragment, of at most ${maxKeySetUriLength} characters, such as https://partner.example/jwks.json.`

/** @returns why keys are not to be fetched from there, or undefined */
export function keySetUriObjection (text: string): string | undefined {
  if (text.length > maxKeySetUriLength || !URL.canParse(text)) return 'it is no URL'
  return new RegExp(keySetUriPattern).test(text) ? undefined : 'it is not https, or has a user, a fragment or a space'
}
