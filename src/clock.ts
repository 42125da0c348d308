/** The current time in milliseconds since the epoch; a parameter everywhere, so that tests move it. */
export type Clock = () => number

export const systemClock: Clock = () => Date.now()

/** The current time in whole seconds since the epoch, as JWT's NumericDate (RFC 7519 §2) wants it. */
export function nowSeconds (clock: Clock): number {
  return Math.floor(clock() / 1000)
}
