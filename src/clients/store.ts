import type { Session } from '../db.ts'
import type { Environment } from '../environment.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import type { Client, ClientSecret } from './client.ts'

export interface NewClient {
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly environment: Environment
  readonly grants: readonly string[]
  readonly authenticationMethods: readonly string[]
  readonly resourceId: string | null
  readonly scopes: readonly string[]
  readonly secret: NewSecret
}

export interface NewSecret {
  readonly id: string
  readonly hash: string
  readonly expiresAt: Date | null
}

export interface ClientStore {
  readAll (): Promise<Client[]>
  readOne (id: string): Promise<Client | undefined>
  isEmpty (): Promise<boolean>
  create (input: NewClient): Promise<Client>
  /** Enabling never brings old tokens back: a trigger moves `tokens_revoked_before`. */
  setDisabledAt (id: string, disabledAt: Date | null): Promise<void>
  addSecret (clientId: string, secret: NewSecret): Promise<void>
  revokeSecret (id: string, revokedAt: Date): Promise<void>
  /** @returns the id of the client that has the secret */
  findSecretOwner (secretId: string): Promise<string | undefined>
  /** Only while the hash is still the one that the verifier was computed from. */
  storeVerifier (secretId: string, hash: string, verifier: string): Promise<void>
  /** Replaces an outdated hash of the same secret. */
  replaceHash (secretId: string, hash: string, replacement: { hash: string, verifier: string | null }): Promise<void>
}

const whole = { include: { scopes: true, secrets: { orderBy: { createdAt: 'asc' } } } } as const
type ClientRow = Prisma.ClientGetPayload<typeof whole>

export function createClientStore (database: Session): ClientStore {
  return {
    async readAll () {
      return (await database.client.findMany({ ...whole, orderBy: { createdAt: 'asc' } })).map(fromRow)
    },
    async readOne (id) {
      const row = await database.client.findUnique({ where: { id }, ...whole })
      return row === null ? undefined : fromRow(row)
    },
    isEmpty: async () => await database.client.findFirst({ select: { id: true } }) === null,
    async create ({ scopes, secret, grants, authenticationMethods, ...client }) {
      return fromRow(await database.client.create({
        ...whole,
        data: {
          ...client,
          grants: [...grants],
          authenticationMethods: [...authenticationMethods],
          scopes: { create: scopes.map((scopeName) => ({ scopeName })) },
          secrets: { create: secret }
        }
      }))
    },
    async setDisabledAt (id, disabledAt) {
      await database.client.update({ where: { id }, data: { disabledAt } })
    },
    async addSecret (clientId, secret) {
      await database.clientSecret.create({ data: { ...secret, clientId } })
    },
    async revokeSecret (id, revokedAt) {
      await database.clientSecret.update({ where: { id }, data: { revokedAt } })
    },
    async findSecretOwner (secretId) {
      return (await database.clientSecret.findUnique({ where: { id: secretId }, select: { clientId: true } }))?.clientId
    },
    async storeVerifier (secretId, hash, verifier) {
      await database.clientSecret.updateMany({ where: { id: secretId, hash, verifier: null }, data: { verifier } })
    },
    async replaceHash (secretId, hash, replacement) {
      await database.clientSecret.updateMany({ where: { id: secretId, hash }, data: replacement })
    }
  }
}

function fromRow ({ scopes, secrets, ...client }: ClientRow): Client {
  return {
    ...client,
    scopes: new Set(scopes.map(({ scopeName }) => scopeName)),
    secrets: new Map(secrets.map(({ clientId: _, ...secret }): [string, ClientSecret] => [secret.id, secret]))
  }
}
