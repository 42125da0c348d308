/** Organizations, resources and clients for tests, made through the very functions that the CLI calls. */
import { createAddKey } from '../../src/clients/key-registration.ts'
import { createRegistration, type RegistrationInput } from '../../src/clients/registration.ts'
import { createSecretFormat } from '../../src/clients/secret-format.ts'
import { createSecretHasher } from '../../src/clients/secrets.ts'
import { createClientStore } from '../../src/clients/store.ts'
import type { Client } from '../../src/clients/client.ts'
import type { Clock } from '../../src/clock.ts'
import type { Database } from '../../src/db.ts'
import { newIdentifier } from '../../src/identifiers.ts'
import type { Organization } from '../../src/organizations/organization.ts'
import { createOrganizationStore } from '../../src/organizations/store.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { createResourceStore } from '../../src/resources/store.ts'
import type { Sealer } from '../../src/sealing/sealer.ts'
import type { ServerKeys } from '../../src/sealing/server-keys.ts'

export interface RegisteredClient {
  readonly id: string
  readonly secret: string
  readonly client: Client
}

export interface Fixtures {
  readonly organization: (name?: string) => Promise<Organization>
  /** `scopes` maps names to whether they are default ones. */
  readonly resource: (identifier: string, scopes: Readonly<Record<string, boolean>>) => Promise<Resource>
  readonly client: (input: Partial<RegistrationInput> & { readonly organizationId: string }) => Promise<RegisteredClient>
  readonly addSecret: (clientId: string, expiresAt?: Date) => Promise<{ readonly secretId: string, readonly secret: string }>
  /** A client that has no secret, and signs with these keys instead. */
  readonly signingClient: (input: Partial<RegistrationInput> & { readonly organizationId: string, readonly keys: readonly { readonly jwk: unknown }[] }) => Promise<Client>
  readonly addKey: (clientId: string, jwk: unknown, expiresAt?: Date) => Promise<void>
  /** One of each, the usual scene: a partner with both scopes and the API's own resource client. */
  readonly scene: () => Promise<Scene>
}

export interface Scene {
  readonly organization: Organization
  readonly resource: Resource
  readonly partner: RegisteredClient
  readonly api: RegisteredClient
}

interface FixtureDependencies {
  readonly database: Database
  readonly sealer: Sealer
  readonly serverKeys: ServerKeys
  readonly clock: Clock
}

export function createFixtures ({ database, sealer, serverKeys, clock }: FixtureDependencies): Fixtures {
  const organizations = createOrganizationStore(database)
  const resources = createResourceStore(database)
  const store = createClientStore(database)
  const registration = createRegistration({
    store,
    format: createSecretFormat(serverKeys.secretTag),
    hasher: createSecretHasher(),
    sealer,
    clock,
    readScopes: async () => (await resources.readAll()).flatMap(({ scopes }) => scopes)
  })

  const defaults = { name: 'A client', environment: 'live', scopes: undefined, grants: undefined, resourceId: null } as const

  async function read (clientId: string): Promise<Client> {
    const client = await store.readOne(clientId)
    if (client === undefined) throw new Error(`no client ${clientId}`)
    return client
  }

  const fixtures: Fixtures = {
    organization: (name = `Organization ${newIdentifier('test')}`) => organizations.create({ name }),

    async resource (identifier, scopes) {
      const { id } = await resources.create({ identifier, name: identifier })
      for (const [name, isDefault] of Object.entries(scopes)) {
        await resources.createScope({ name, isDefault, resourceId: id, description: `May ${name}` })
      }
      const resource = await resources.readOne(id)
      if (resource === undefined) throw new Error('the resource vanished')
      return resource
    },

    async client (input) {
      const { client, secret } = await registration.register({ ...defaults, ...input })
      return { id: client.id, secret, client }
    },

    async addSecret (clientId, expiresAt) {
      return await registration.addSecret(await read(clientId), expiresAt ?? null)
    },

    async signingClient ({ keys, ...input }) {
      const { id } = await registration.registerWithoutSecret({ ...defaults, authenticationMethods: ['private_key_jwt'], ...input })
      for (const { jwk } of keys) await fixtures.addKey(id, jwk)
      return await read(id)
    },

    async addKey (clientId, jwk, expiresAt) {
      await createAddKey(store, clock)(await read(clientId), jwk, expiresAt ?? null)
    },

    async scene () {
      const organization = await fixtures.organization()
      const resource = await fixtures.resource('https://api.example.com', { 'tournaments:read': true, 'tournaments:write': false })
      const partner = await fixtures.client({ organizationId: organization.id, scopes: ['tournaments:read', 'tournaments:write'] })
      const api = await fixtures.client({ organizationId: organization.id, resourceId: resource.id })
      return { organization, resource, partner, api }
    }
  }
  return fixtures
}
