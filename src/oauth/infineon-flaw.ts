/** Moduli whose factors can be found, by their fingerprint. */

const primes = [11n, 13n, 17n, 19n, 37n, 53n, 61n, 71n, 73n, 79n, 97n, 103n, 107n, 109n, 127n, 151n, 157n] as const
const generator = 65_537n

/** For each prime, what the powers of 65537 leave. */
const powers = primes.map((prime) => {
  const left = new Set<bigint>()
  for (let power = 1n; !left.has(power); power = power * generator % prime) left.add(power)
  return { prime, left }
})

/**
 * Whether the modulus is of the form that a library of Infineon gave its keys: modulo every small prime a power of 65537.
 * Of random moduli about one in 2^27 has it too.
 * @see [CVE-2017-15361](https://nvd.nist.gov/vuln/detail/CVE-2017-15361)
 * @see [The Return of Coppersmith's Attack](https://crocs.fi.muni.cz/public/papers/rsa_ccs17), §3.1
 */
export function hasInfineonFlaw (modulus: bigint): boolean {
  return powers.every(({ prime, left }) => left.has(modulus % prime))
}
