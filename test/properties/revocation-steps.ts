/** What may happen to tokens, and to what they depend on. Numbers choose among what there is at that moment. */
import fc from 'fast-check'

export type Step =
  | { readonly do: 'issue', readonly process: number, readonly credential: number, readonly count: number, readonly hasty: boolean }
  | { readonly do: 'exchange', readonly process: number, readonly token: number, readonly hasty: boolean }
  | { readonly do: 'revoke', readonly process: number, readonly token: number, readonly hasty: boolean }
  | { readonly do: 'revoke indexes', readonly token: number, readonly more: number }
  | { readonly do: 'stop', readonly what: typeof stops[number], readonly which: number, readonly meanwhile: typeof meanwhiles[number] }
  | { readonly do: 'enable', readonly what: 'client' | 'organization' | 'secret', readonly which: number }
  | { readonly do: 'let go', readonly what: 'disabled' | 'expired' | 'deleted', readonly which: number }
  | { readonly do: 'revoke signing key', readonly token: number, readonly meanwhile: typeof meanwhiles[number] }
  | { readonly do: 'rotate', readonly atOnce: boolean }
  | { readonly do: 'restart', readonly process: number, readonly crash: boolean }
  | { readonly do: 'cut feeds' }
  | { readonly do: 'advance', readonly seconds: number }

/** What ends tokens, and from then on issues none, or none of before. */
export const stops = ['secret or key', 'client', 'organization', 'cut off client', 'cut off organization', 'delete client'] as const

/** Tokens are asked for with what is being stopped: at the same moment, or once it was stopped, of processes that cannot hear of it. */
const meanwhiles = ['nothing', 'asking', 'deaf'] as const

const hour = 3_600
const some = fc.nat({ max: 1_000 })
const process = fc.nat({ max: 2 })
const hasty = fc.boolean()
const meanwhile = fc.constantFrom(...meanwhiles)

function of<Name extends Step['do']> (name: Name, rest: { [Key in Exclude<keyof Extract<Step, { do: Name }>, 'do'>]: fc.Arbitrary<Extract<Step, { do: Name }>[Key]> }): fc.Arbitrary<Step> {
  // What the record is made of is what the type of the step says.
  return fc.record({ do: fc.constant(name), ...rest }) as fc.Arbitrary<Step>
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 28, arbitrary: of('issue', { process, credential: some, count: fc.constantFrom(1, 1, 2, 3, 20), hasty }) },
  { weight: 16, arbitrary: of('exchange', { process, token: some, hasty }) },
  { weight: 8, arbitrary: of('revoke', { process, token: some, hasty }) },
  { weight: 3, arbitrary: of('revoke indexes', { token: some, more: fc.nat({ max: 3 }) }) },
  { weight: 8, arbitrary: of('stop', { what: fc.constantFrom(...stops), which: some, meanwhile }) },
  { weight: 6, arbitrary: of('enable', { what: fc.constantFrom('client', 'organization', 'secret'), which: some }) },
  { weight: 3, arbitrary: of('let go', { what: fc.constantFrom('disabled', 'expired', 'deleted'), which: some }) },
  { weight: 2, arbitrary: of('revoke signing key', { token: some, meanwhile }) },
  { weight: 2, arbitrary: of('rotate', { atOnce: fc.boolean() }) },
  { weight: 2, arbitrary: of('restart', { process, crash: fc.boolean() }) },
  { weight: 1, arbitrary: of('cut feeds', {}) },
  { weight: 5, arbitrary: of('advance', { seconds: fc.constantFrom(1, 1, 1_200, 1_200, 5 * hour, 5 * hour, -hour, -24 * hour, 26 * hour) }) }
)

/** Tokens first, for there is little to revoke without any. */
export const steps: fc.Arbitrary<readonly Step[]> = fc.tuple(
  fc.array(of('issue', { process, credential: some, count: fc.constantFrom(1, 2, 3), hasty: fc.constant(false) }), { minLength: 3, maxLength: 5 }),
  fc.array(step, { minLength: 8, maxLength: 25 })
).map(([first, then]) => [...first, ...then])
