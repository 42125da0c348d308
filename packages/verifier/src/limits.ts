/** Every bound that is not an option, in one place; the README lists them. */

/** Signet's tokens have at most 4 KiB. */
export const maxTokenLength = 4_096
export const maxProofLength = 8_192
/** Of a status list as it is served. */
export const maxStatusListResponseBytes = 1_048_576
/** Of a status list in memory: four times the 2^20 indexes of one bit that Signet's lists have. */
export const maxStatusListBytes = 524_288
/** The longest unused ones are forgotten, and fetched again when they are needed. */
export const maxStatusLists = 256
/** However long its `ttl` is, a list is asked for again after an hour. */
export const maxTtlSeconds = 3_600
/** Of metadata and of a JWKS. */
export const maxDocumentBytes = 262_144
/** How long keys are used before they are asked for again. */
export const keysFreshSeconds = 300
/** Between two requests for the JWKS because of a `kid` that is not in it. */
export const keysCooldownSeconds = 30
/** After a fetch that failed, until the next one. */
export const retrySeconds = 2
/** After a fetch that failed, for how long nobody waits for the next one while there is something to go on with. */
export const outageSeconds = 30
/** Something is asked for again in the last part of the time that it is fresh, so that nobody has to wait for it; how early is random, so that many APIs do not ask at once. */
export const earlyShare = 0.2
