/** A Signet of its own on the loopback interface, from the built tree, with a data folder that goes away with it. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAddKey } from '../dist/clients/key-registration.js'
import { createRegistration } from '../dist/clients/registration.js'
import { createSecretFormat } from '../dist/clients/secret-format.js'
import { createSecretHasher } from '../dist/clients/secrets.js'
import { createClientStore } from '../dist/clients/store.js'
import { loadConfig } from '../dist/config.js'
import { createDatabase } from '../dist/db.js'
import { createOrganizationStore } from '../dist/organizations/store.js'
import { openEmbedded } from '../dist/postgres/embedded.js'
import { createResourceStore } from '../dist/resources/store.js'
import { prepare } from '../dist/setup/prepare.js'

/** @param {(folder: string) => Promise<Record<string, string>>} variablesIn further variables, and the files that they name */
export async function startSignet (variablesIn) {
  const folder = await mkdtemp(join(tmpdir(), 'signet-bench-'))
  await chmod(folder, 0o711) // as root, PostgreSQL runs as another user
  const port = await freePort()
  const environment = { SIGNET_DATA_DIR: join(folder, 'data'), PORT: String(port), MASTER_KEY: randomBytes(32).toString('hex'), WORKERS: '1', LOG_LEVEL: 'warn', DRAIN_SECONDS: '0', ...await variablesIn(folder) }
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'dist', 'main.js')], { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment }, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  await new Promise((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text
      if (said.includes('listening on')) resolve()
    })
    child.once('exit', () => { reject(new Error(`Signet did not start: ${said}`)) })
  })
  const postgres = await openEmbedded({ dataDir: environment.SIGNET_DATA_DIR, postgresUser: undefined, progress: () => {} })
  const database = createDatabase({ url: postgres.url, applicationName: 'signet bench', poolSize: 2 })
  const config = loadConfig(environment)
  const prepared = await prepare({ config, url: postgres.url, embedded: false, serverStarts: false, clock: Date.now, progress: () => {} })
  return {
    port,
    issuer: config.issuer,
    database,
    ...createRegistry(database, prepared),
    async stop () {
      await database.$disconnect()
      await postgres.release()
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    }
  }
}

function createRegistry (database, { sealer, serverKeys }) {
  const store = createClientStore(database)
  const resources = createResourceStore(database)
  const format = createSecretFormat(serverKeys.secretTag)
  const hasher = createSecretHasher()
  const readScopes = async () => (await resources.readAll()).flatMap(({ scopes }) => scopes)
  const registration = createRegistration({ store, format, hasher, sealer, clock: Date.now, readScopes })
  const addKey = createAddKey(store, Date.now)
  const organization = createOrganizationStore(database).create({ name: 'Bench' })
  return {
    format,
    hasher,
    registration,
    /** The first start made a resource with a default scope, so every client may get tokens. */
    async client (input = {}) {
      const registered = { name: 'A client', organizationId: (await organization).id, environment: 'live', scopes: undefined, grants: undefined, resourceId: null, ...input }
      const methods = input.authenticationMethods ?? ['client_secret_basic']
      if (!methods.some((method) => method.startsWith('client_secret'))) return { id: (await registration.registerWithoutSecret(registered)).id }
      const { client, secret } = await registration.register(registered)
      return { id: client.id, secret, secretId: [...client.secrets.keys()][0], client }
    },
    async addKey (clientId, jwk) { await addKey(await store.readOne(clientId), jwk, null) }
  }
}

async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** One connection that asks and waits, so that nothing but the server and the loopback interface is timed. */
export async function openConnection (port) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  let received = Buffer.alloc(0)
  let answered = () => {}
  let failed = () => {}
  socket.on('data', (data) => {
    received = received.length === 0 ? data : Buffer.concat([received, data])
    const head = received.indexOf('\r\n\r\n')
    const length = head === -1 ? undefined : /\r\ncontent-length: (\d+)/i.exec(received.toString('latin1', 0, head))?.[1]
    if (length !== undefined && received.length >= head + 4 + Number(length)) answered(process.hrtime.bigint())
  })
  socket.on('close', () => { failed(new Error('the server ended the connection')) })
  socket.on('error', () => {}) // 'close' follows
  return {
    /** @param {Buffer} request @returns what it took in microseconds, the status and the body */
    async ask (request) {
      received = Buffer.alloc(0)
      const ending = new Promise((resolve, reject) => {
        answered = resolve
        failed = reject
      })
      const begin = process.hrtime.bigint()
      socket.write(request)
      const micros = Number(await ending - begin) / 1000
      const text = received.toString('latin1')
      return { micros, status: Number(text.slice(9, 12)), body: text.slice(text.indexOf('\r\n\r\n') + 4) }
    },
    close () { socket.destroy() }
  }
}
