/** Client secrets as rows: imported ones, and hashes that this version would not make itself. */
import argon2 from 'argon2'
import { createSecretHasher } from '../../src/clients/secrets.ts'
import { newIdentifier } from '../../src/identifiers.ts'
import type { TestServer } from './server.ts'

/** An operator's own secret, as the configuration file will store it: untagged, with an argon2id hash. */
export async function importSecret (server: TestServer, clientId: string, secret: string, hash?: string): Promise<string> {
  const id = newIdentifier('imported')
  const stored = hash ?? await createSecretHasher().hash(secret)
  await server.database.$executeRaw`INSERT INTO client_secrets (id, client_id, imported, hash) VALUES (${id}, ${clientId}, true, ${stored})`
  return id
}

export async function hashWith (secret: string, parameters: { readonly memoryKiB: number, readonly passes: number }): Promise<string> {
  return await argon2.hash(secret, { type: argon2.argon2id, memoryCost: parameters.memoryKiB, timeCost: parameters.passes, parallelism: 1 })
}

export interface StoredSecret { readonly id: string, readonly hash: string, readonly verifier: string | null }

export async function storedSecrets (server: TestServer, clientId: string): Promise<readonly StoredSecret[]> {
  return await server.database.clientSecret.findMany({ where: { clientId }, select: { id: true, hash: true, verifier: true }, orderBy: { createdAt: 'asc' } })
}
