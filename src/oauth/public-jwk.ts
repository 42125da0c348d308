/** Public keys of others, as they bring them: checked member by member before anything is verified with them. */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { Type, type Static, type TObject } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { hasInfineonFlaw } from './infineon-flaw.ts'
import type { SigningAlgorithm } from './signing-algorithms.ts'

export interface PublicKey {
  readonly kid: string
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string
  /** A key has one (RFC 8725 §3.1). */
  readonly algorithm: SigningAlgorithm
  /** The members that make the key, `kid` and `alg`; nothing else that it was brought with. */
  readonly jwk: Readonly<Record<string, string>>
  readonly key: KeyObject
  /** Of an RSA key, big-endian. */
  readonly modulus: Buffer | undefined
}

export interface KeyRefusal { readonly refused: string }

/** RFC 7518 §3.3 and §3.5. */
export const minModulusBits = 2_048
/** Verifying takes longer with every bit. */
export const maxModulusBits = 4_096
const minExponent = 65_537n
const maxExponent = 0xffff_ffffn
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

const base64url = Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 1_024 })
const coordinate = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })
const common = {
  kid: Type.Optional(Type.String({ pattern: '^[\\x21-\\x7E]{1,128}$' })),
  use: Type.Optional(Type.Literal('sig')),
  key_ops: Type.Optional(Type.Tuple([Type.Literal('verify')]))
}

/** In lexicographic order, as RFC 7638 §3.2 has the members of a thumbprint. */
const shapes = {
  RSA: { own: Type.Object({ e: base64url, kty: Type.Literal('RSA'), n: base64url }), algorithms: ['RS256', 'PS256'] },
  EC: { own: Type.Object({ crv: Type.Literal('P-256'), kty: Type.Literal('EC'), x: coordinate, y: coordinate }), algorithms: ['ES256'] },
  OKP: { own: Type.Object({ crv: Type.Literal('Ed25519'), kty: Type.Literal('OKP'), x: coordinate }), algorithms: ['EdDSA', 'Ed25519'] }
} as const satisfies Record<string, { own: TObject, algorithms: readonly string[] }>

/**
 * @returns the key, with its RFC 7638 thumbprint for a `kid` that it has none of, or what is wrong with it
 * @see [RFC 7517 §4](https://www.rfc-editor.org/rfc/rfc7517.html#section-4)
 * @see [RFC 7518 §6](https://www.rfc-editor.org/rfc/rfc7518.html#section-6)
 * @see [RFC 8037 §2](https://www.rfc-editor.org/rfc/rfc8037.html#section-2)
 * @see [RFC 8725 §3.4](https://www.rfc-editor.org/rfc/rfc8725.html#section-3.4)
 */
export function readPublicJwk (value: unknown): PublicKey | KeyRefusal {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { refused: 'it is no JSON object' }
  const secret = privateMembers.find((name) => Object.hasOwn(value, name))
  if (secret !== undefined) return { refused: `it has the private member ${secret}: keep that half to yourself` }
  const kty = 'kty' in value ? value.kty : undefined
  const shape = kty === 'RSA' || kty === 'EC' || kty === 'OKP' ? shapes[kty] : undefined
  if (shape === undefined) return { refused: 'its kty is none of RSA, EC and OKP' }
  const [ownAlgorithm] = shape.algorithms
  const schema = Type.Object({ ...common, alg: Type.Optional(Type.Union(shape.algorithms.map((name) => Type.Literal(name)))) })
  const wrong = Value.Errors(shape.own, value).First() ?? Value.Errors(schema, value).First()
  if (wrong !== undefined || !Value.Check(shape.own, value) || !Value.Check(schema, value)) return { refused: `its ${wrong?.path.slice(1).split('/')[0] ?? 'form'} is not acceptable` }
  const members = Object.fromEntries(Object.keys(shape.own.properties).map((name) => [name, String(Reflect.get(value, name))]))
  const objection = value.kty === 'RSA' ? rsaObjection(value) : undefined
  if (objection !== undefined) return { refused: objection }
  const key = importKey(members)
  if (key === undefined) return { refused: 'it is no key in canonical form: its numbers do not fit together, or are spelled in another way' }
  const algorithm = value.alg === undefined || value.alg === 'Ed25519' ? ownAlgorithm : value.alg
  const thumbprint = thumbprintOf(members)
  const kid = value.kid ?? thumbprint
  const modulus = value.kty === 'RSA' ? Buffer.from(value.n, 'base64url') : undefined
  return { kid, thumbprint, algorithm, key, modulus, jwk: { ...members, kid, alg: algorithm } }
}

/** @see [RFC 7638 §3](https://www.rfc-editor.org/rfc/rfc7638.html#section-3) */
function thumbprintOf (members: Readonly<Record<string, string>>): string {
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}

/** A key has one thumbprint only while it has one spelling, so what Node.js would spell otherwise is refused. */
function importKey (jwk: JsonWebKey): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const exported = new Map<string, unknown>(Object.entries(key.export({ format: 'jwk' })))
    return Object.entries(jwk).every(([name, value]) => exported.get(name) === value) ? key : undefined
  } catch {
    return undefined // such as a point that is not on its curve
  }
}

function rsaObjection ({ n, e }: Static<typeof shapes.RSA.own>): string | undefined {
  const modulus = toInteger(n)
  const exponent = toInteger(e)
  const bits = modulus.toString(2).length
  if (bits < minModulusBits || bits > maxModulusBits) return `its modulus has ${bits} bits, and ${minModulusBits} to ${maxModulusBits} are accepted`
  if (modulus % 2n === 0n) return 'its modulus is even'
  if (exponent < minExponent || exponent > maxExponent || exponent % 2n === 0n) return `its exponent is not an odd number from ${minExponent} to ${maxExponent}`
  return hasInfineonFlaw(modulus) ? 'it was made by a flawed library (CVE-2017-15361)' : undefined
}

function toInteger (text: string): bigint {
  const hex = Buffer.from(text, 'base64url').toString('hex')
  return hex === '' ? 0n : BigInt(`0x${hex}`)
}
