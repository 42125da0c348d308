import { randomBytes } from 'node:crypto'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import type { Client, ClientSecret } from '../../src/clients/client.ts'
import { nobody } from '../../src/clients/nobody.ts'
import { createSecretFormat } from '../../src/clients/secret-format.ts'
import { createSecretVerification } from '../../src/clients/secret-verification.ts'
import { dummyHash } from '../../src/clients/secrets.ts'
import { clientWith } from './model.ts'

const imported: ClientSecret = {
  id: 'imported', imported: true, hash: dummyHash, verifier: null, sealedSecret: null, createdAt: new Date(0), expiresAt: null, revokedAt: null, disabledAt: null, managedBy: null
}

/** How often the password hash is computed for so many wrong secrets that arrive at once. */
async function hashesFor (known: Client, texts: readonly string[]): Promise<number> {
  let hashes = 0
  const secrets = createSecretVerification({
    format: createSecretFormat(randomBytes(32)),
    hasher: {
      hash: async () => dummyHash,
      async verify () {
        hashes += 1
        return false
      }
    },
    verifierKey: randomBytes(32),
    hasImportedSecrets: () => true,
    store: { storeVerifier: async () => {}, replaceHash: async () => {} },
    logger: pino({ level: 'silent' })
  })
  await Promise.all(texts.map((secret) => secrets.verify({ kind: 'secret', method: 'client_secret_post', clientId: 'cl_live_a', secret }, known, 0)))
  return hashes
}

describe('row 9: how long a wrong imported secret takes depends on what is presented, never on the client', () => {
  it.each([
    ['one that has an imported secret', { ...clientWith([]), secrets: new Map([[imported.id, imported]]) }], ['one whose secret was revoked', { ...clientWith([]), secrets: new Map([[imported.id, { ...imported, revokedAt: new Date(0) }]]) }],
    ['one that has none', { ...clientWith([]), secrets: new Map<string, ClientSecret>() }], ['one that does not exist', nobody]
  ])('ten at once are one hash, and ten different ones are ten, for %s', async (_, known) => {
    expect(await hashesFor(known, Array.from({ length: 10 }, () => 'the-same-wrong-secret'))).toBe(1)
    expect(await hashesFor(known, Array.from({ length: 10 }, (__, index) => `wrong-secret-${index}`))).toBe(10)
  })
})
