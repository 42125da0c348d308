/**
 * Whether a request asks for a media type by its name, and likes JSON no better. What asks for anything at all gets
 * JSON: a caller that can read something else says so. An `Accept` that is malformed counts as none.
 * @see [RFC 9110 §12.5.1](https://www.rfc-editor.org/rfc/rfc9110.html#section-12.5.1)
 */
export function asksFor (mediaType: string, accept: string | undefined): boolean {
  const wanted = weightOf(mediaType, accept ?? '')
  return wanted > 0 && wanted >= weightOf('application/json', accept ?? '')
}

/** The highest weight that the header gives the type by its name; 0 for none. */
function weightOf (mediaType: string, accept: string): number {
  const weights = accept.split(',').map((range) => range.split(';').map((part) => part.trim().toLowerCase()))
    .filter(([name]) => name === mediaType)
    .map(([, ...parameters]) => weightIn(parameters))
  return Math.max(0, ...weights)
}

function weightIn (parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice('q='.length)
  if (weight === undefined) return 1
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(weight) ? Number(weight) : 0
}
