/** Keys that clients sign with: made here or brought, listed and revoked. Only public halves are ever stored. */
import { open, readFile, rm, stat } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import { isUsableKey, type Client, type ClientKey } from '../clients/client.ts'
import { createAddKey, kidsOf } from '../clients/key-registration.ts'
import { keyNamed } from '../clients/credential-name.ts'
import { signingAlgorithms, type SigningAlgorithm } from '../oauth/signing-algorithms.ts'
import { OperatorError } from '../operator-error.ts'
import { counted, listed } from '../phrases.ts'
import { readReference } from './arguments.ts'
import type { CommandContext } from './command.ts'
import { addExpiryOptions, chooseExpiry, type ExpiryOptions } from './expiry.ts'
import { findClient, refuse } from './find.ts'
import { examples } from './help.ts'
import { refuseManagedUnlessOverridden } from './managed.ts'
import type { Json, Output } from './output.ts'
import { columnsOf, timeOf } from './present.ts'
import { addRevokeOptions, revokeWhileAlone, type RevokeOptions } from './revocation.ts'
import type { Session } from './session.ts'
import { readLastUse, readUsageOfKeys, usageColumns } from './usage.ts'

const maxFileBytes = 65_536
const clientArgument = ['<client>', 'the client id', readReference] as const

export function addClientKeyCommands (client: Command, context: CommandContext): void {
  addKeygen(client, context)
  addAddKey(client, context)
  addKeys(client, context)
  addKeyRevocation(client, 'revoke-key', 'client revoke-key', context)
}

interface KeygenOptions extends ExpiryOptions {
  readonly algorithm: SigningAlgorithm
  readonly out?: string
}

function addKeygen (client: Command, { output, withSession }: CommandContext): void {
  addExpiryOptions(client.command('keygen'), ' (default: until it is revoked)')
    .description('Make a key pair for a client, and register its public half. The private half is printed this once, as a JWK.')
    .argument(...clientArgument)
    .addOption(new Option('--algorithm <alg>', 'what the client signs with').choices(signingAlgorithms).default('ES256'))
    .option('--out <file>', 'a new file for the private half, readable by you alone, instead of standard output')
    .addHelpText('after', examples('signet client keygen cl_live_... --out partner-key.json', 'signet client keygen cl_live_... --algorithm RS256 --expires-in 90d > partner-key.json'))
    .action((id: string, { algorithm, out, ...expiry }: KeygenOptions) => withSession(async (session) => {
      const expiresAt = chooseExpiry(expiry, session.clock())
      const row = await findClient(session, id)
      const { generateClientKey } = await import('../clients/key-pair.ts')
      const { privateJwk, publicKey } = await generateClientKey(algorithm)
      const text = `${JSON.stringify(privateJwk, null, 2)}\n`
      const register = async (): Promise<void> => { await createAddKey(session.clients, session.clock)(row, publicKey.jwk, expiresAt) }
      if (out === undefined) {
        await register()
        await output.text(text, privateJwk, `The key ${publicKey.kid} was made, and nobody read it: whoever reads standard output went away. Revoke it with signet client revoke-key, and make another.`)
        output.note('the private key is shown this once: store it now')
      } else {
        await writeNewFile(out, text, register)
        await output.record({ client_id: row.id, kid: publicKey.kid, algorithm, expires_at: timeOf(expiresAt), file: out })
      }
      noteMethod(row, output)
    }))
}

/** The file is there, whole, before anything relies on it, and goes again when that comes to nothing. */
async function writeNewFile (path: string, text: string, whenWritten: () => Promise<void>): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw new OperatorError(`The file ${path} cannot be made: it is there already, or its folder is not one to write to. Choose another one with --out.`, { cause: error })
  })
  try {
    await file.writeFile(text)
    await file.sync()
    await whenWritten()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

function addAddKey (client: Command, { output, withSession, readInput }: CommandContext): void {
  addExpiryOptions(client.command('add-key'), ' (default: until it is revoked)')
    .description('Register the public half of a key pair that a client made itself: a JWK, as JSON.')
    .argument(...clientArgument)
    .argument('<file>', 'the public key; - reads standard input')
    .addHelpText('after', examples('signet client add-key cl_live_... partner-public.json', 'signet client add-key cl_live_... - --expires-in 90d < partner-public.json'))
    .action(async (id: string, path: string, expiry: ExpiryOptions) => {
      const jwk = parseJwk(path === '-' ? await readInput() : await readSmallFile(path))
      await withSession(async (session) => {
        const expiresAt = chooseExpiry(expiry, session.clock())
        const row = await findClient(session, id)
        const { kid } = await createAddKey(session.clients, session.clock)(row, jwk, expiresAt)
        const key = (await findClient(session, id)).keys.get(kid)
        if (key !== undefined) await output.record({ client_id: row.id, ...presentKey(key, session.clock()) })
        noteMethod(row, output)
      })
    })
}

async function readSmallFile (path: string): Promise<string> {
  try {
    if ((await stat(path)).size > maxFileBytes) throw new Error(`it has more than ${maxFileBytes} bytes`)
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new OperatorError(`The file ${path} cannot be read. Name a file with a public key as a JWK.`, { cause: error })
  }
}

function parseJwk (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new OperatorError('The key is no JSON. It takes a JWK, such as {"kty":"EC","crv":"P-256","x":"...","y":"..."}.', { cause: error })
  }
}

function noteMethod ({ id, authenticationMethods }: Client, { note }: Output): void {
  if (!authenticationMethods.includes('private_key_jwt')) {
    note(`the client does not authenticate with keys yet: signet client update ${id} --authentication-method private_key_jwt`)
  }
}

function addKeys (client: Command, { output, withSession }: CommandContext): void {
  client.command('keys')
    .description('List the registered keys of a client with their state (usable, expired or revoked), when each was last used, how many tokens it got, and whether it is safe to remove. ' +
      'Uses are counted to the minute. Keys at its jwks_uri are not among them.')
    .argument(...clientArgument)
    .addHelpText('after', examples('signet client keys cl_live_...', 'signet client keys cl_live_... --json'))
    .action((id: string) => withSession(async (session) => {
      const row = await findClient(session, id)
      const usageOf = await readUsageOfKeys(session, row)
      const rows = [...row.keys.values()].map((key) => ({ client_id: row.id, ...presentKey(key, session.clock()), ...usageOf(key) }))
      await output.list(rows, [...columnsOf(rows, ['kid', 'algorithm', 'state', 'created_at', 'expires_at', ...usageColumns], ['revoked_at', 'managed_by']), 'because'])
    }))
}

interface KeyOfClient {
  readonly client: Client
  readonly key: ClientKey
  /** The same key under each kid that it has. */
  readonly same: readonly ClientKey[]
}

/** @param path as it is called: `client revoke-key` or `revoke key` */
export function addKeyRevocation (parent: Command, verb: string, path: string, { output, withSession }: CommandContext): void {
  const command = parent.command(verb)
    .description('Revoke a key of a client for good, under every kid that it has, and with it every token that was got with it. None of the kids is taken again.')
    .argument(...clientArgument)
    .argument('<kid>', 'as client keys shows it', readReference)
    .option('--override', 'also if a configuration file owns it')
  addRevokeOptions(command)
    .addHelpText('after', examples(`signet ${path} cl_live_... N3cVbTKk... --yes`))
    .action((id: string, kid: string, options: RevokeOptions & { readonly override?: boolean }) => withSession((session) => revokeWhileAlone<KeyOfClient>(session, output, options, {
      async read (reading) {
        const client = await findClient(reading, id)
        const key = client.keys.get(kid) ?? refuse(`The client ${id} has no such key. See: signet client keys ${id}`)
        const same = kidsOf(client, key)
        for (const each of same) refuseManagedUnlessOverridden(`the key ${each.kid} of the client ${id}`, each, options.override === true)
        return { client, key, same }
      },
      isRevoked: ({ same }) => same.every(({ revokedAt }) => revokedAt !== null),
      question: ({ client, key }) => `Revoke the key ${kid} of the client ${id} (${client.name}) for good?\n${describeLoss(client, key, session)}`,
      aside: async ({ client, same }) => {
        const lastUse = await readLastUse(session, client, ...same.map((each) => keyNamed(each.kid)))
        return lastUse === undefined ? undefined : `It was ${lastUse}.`
      },
      async write (writing, { same }) {
        for (const each of same.filter(({ revokedAt }) => revokedAt === null)) await writing.clients.revokeKey(id, each.kid, new Date(session.clock()))
      },
      result: async ({ key, same }) => ({ record: { client_id: id, ...presentKey(key, session.clock()) }, tokens: { clientId: id, credentials: same.map((each) => keyNamed(each.kid)) } }),
      notes: ['the key is revoked', 'the key was revoked already']
    })))
}

function describeLoss (client: Client, key: ClientKey, { clock }: Session): string {
  const same = kidsOf(client, key)
  const others = [...client.keys.values()].filter((each) => !same.includes(each) && isUsableKey(each, clock())).length
  const alike = same.filter((each) => each !== key && each.revokedAt === null).map(({ kid }) => kid)
  return `${alike.length === 0 ? '' : `It is revoked as ${listed(alike)} too, for that is the same key.\n`}${others === 0 ? 'It is the last registered one that is usable.' : `The client keeps ${counted(others, 'other usable key')}.`}\n` +
    'The tokens that were got with it end too.'
}

/** Everything about a key: it is public. */
export function presentKey (key: ClientKey, now: number): Json {
  return {
    kid: key.kid,
    algorithm: key.algorithm,
    state: isUsableKey(key, now) ? 'usable' : key.revokedAt === null ? 'expired' : 'revoked',
    created_at: timeOf(key.createdAt),
    expires_at: timeOf(key.expiresAt),
    revoked_at: timeOf(key.revokedAt),
    managed_by: key.managedBy
  }
}
