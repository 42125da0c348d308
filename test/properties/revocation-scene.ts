/** Clients of one sequence of steps, and how each step is taken: what is asked of a process, what is written, what the model says. */
import { expect } from 'vitest'
import type { RegistrationInput } from '../../src/clients/registration.ts'
import { createClientStore } from '../../src/clients/store.ts'
import { familiesOf } from '../../src/keys/rotation.ts'
import { tokenExchangeGrant } from '../../src/oauth/grant-types.ts'
import { clientAssertionType } from '../../src/oauth/parameters.ts'
import { createOrganizationStore } from '../../src/organizations/store.ts'
import { createStatusListStore } from '../../src/status-lists/store.ts'
import { assertionBy, assertionClaims, newPair, type Pair } from '../support/assertions.ts'
import { accessTokenType } from '../support/exchange.ts'
import { endpointOf, postForm, type Answer } from '../support/requests.ts'
import type { TestServer } from '../support/server.ts'
import type { Credential, ModelClient, ModelOrganization, Token } from './revocation-model.ts'
import type { Step } from './revocation-steps.ts'
import type { World } from './revocation-world.ts'

export interface Scene {
  readonly credentials: readonly Credential[]
  /** Of this sequence. */
  readonly tokens: Token[]
}

export async function createScene ({ fixtures, resourceId }: World): Promise<Scene> {
  const organizations = await Promise.all([1, 2].map(async (): Promise<ModelOrganization> => ({ id: (await fixtures.organization()).id, isDisabled: false, cutOff: -Infinity })))
  const [one, other] = organizations
  if (one === undefined || other === undefined) throw new Error('no organizations')
  const modelOf = (id: string, organization: ModelOrganization, kind: ModelClient['kind'] = 'service', environment: ModelClient['environment'] = 'live'): ModelClient => ({ id, organization, kind, environment, isDisabled: false, isDeleted: false, cutOff: -Infinity })
  const credential = (client: ModelClient, secretId: string, secret: string, pair?: Pair): Credential => ({ client, secretId, secret, pair, isRevoked: false, isUsable: true })
  const credentials: Credential[] = []

  async function add (organization: ModelOrganization, kind: ModelClient['kind'] = 'service', environment: ModelClient['environment'] = 'live'): Promise<ModelClient> {
    const input: Partial<RegistrationInput> = kind === 'gateway' ? { resourceId, grants: ['client_credentials', tokenExchangeGrant] } : kind === 'jwt' ? { type: 'jwt' } : {}
    const { id, secret, client } = await fixtures.client({ organizationId: organization.id, environment, scopes: ['tournaments:read'], ...input })
    const model = modelOf(id, organization, kind, environment)
    credentials.push(credential(model, String([...client.secrets.keys()][0]), secret))
    return model
  }

  const first = await add(one)
  const second = await fixtures.addSecret(first.id)
  credentials.push(credential(first, second.secretId, second.secret))
  await add(one, 'jwt')
  await add(one, 'service', 'test')
  await add(other, 'gateway')
  const pairs = [newPair(), newPair()]
  const signing = modelOf((await fixtures.signingClient({ organizationId: other.id, keys: pairs, scopes: ['tournaments:read'] })).id, other)
  for (const pair of pairs) credentials.push(credential(signing, '', '', pair))
  return { credentials, tokens: [] }
}

export async function take (step: Step, world: World, scene: Scene): Promise<void> {
  await world.advance(0.001) // no two cut-offs are of one moment
  const handlers: { readonly [Name in Step['do']]: (step: Extract<Step, { do: Name }>, world: World, scene: Scene) => Promise<void> } = {
    issue,
    exchange,
    revoke,
    'revoke indexes': revokeIndexes,
    stop,
    enable,
    'let go': letGo,
    'revoke signing key': revokeSigningKey,
    rotate: async ({ atOnce }) => { await world.rotation.rotate(familiesOf(['ES256']), atOnce) },
    restart: ({ process, crash }) => world.restart(process, crash),
    'cut feeds': () => world.cutFeeds(),
    advance: ({ seconds }) => world.advance(seconds)
  }
  // The name of the step is that of its handler.
  await (handlers[step.do] as (step: Step, world: World, scene: Scene) => Promise<void>)(step, world, scene)
}

function chosen<Item> (items: readonly Item[], number: number): Item {
  const item = items[number % items.length]
  if (item === undefined) throw new Error('nothing to choose from')
  return item
}

function ask (server: TestServer, { now }: World, { client, secret, pair }: Credential, parameters: Readonly<Record<string, string>>, endpoint = 'token'): Promise<Answer> {
  const authentication: Readonly<Record<string, string>> = pair === undefined
    ? { client_id: client.id, client_secret: secret }
    : { client_assertion_type: clientAssertionType, client_assertion: assertionBy(pair, assertionClaims(server.issuer, client.id, now())) }
  return postForm(endpointOf(server, endpoint), { ...authentication, ...parameters })
}

function askForToken (server: TestServer, world: World, credential: Credential): Promise<Answer> {
  return ask(server, world, credential, { grant_type: 'client_credentials', scope: 'tournaments:read', ...credential.client.kind === 'jwt' ? { player_id: 'player-1001' } : {} })
}

/** What a process answers that may not have heard of everything. */
const refusals = [400, 401, 503]

/** Whatever comes of a request: a token is one that the model knows from now on. */
function record (answer: Answer, { model }: World, { tokens }: Scene, credential: Credential, subject?: Token): Token | undefined {
  if (answer.status !== 200) {
    expect(refusals, answer.text).toContain(answer.status)
    return undefined
  }
  const token = model.add(String(answer.json['access_token']), credential, subject)
  tokens.push(token)
  return token
}

async function settleUnless (hasty: boolean, world: World): Promise<void> {
  if (!hasty && !world.model.isSettled()) await world.settle()
}

async function issue ({ process, credential: which, count, hasty }: Extract<Step, { do: 'issue' }>, world: World, scene: Scene): Promise<void> {
  await settleUnless(hasty, world)
  const credential = chosen(scene.credentials, which)
  const isSure = world.model.isSettled()
  const answers = await Promise.all(Array.from({ length: count }, () => askForToken(world.process(process), world, credential)))
  for (const answer of answers) {
    if (isSure) expect(answer.status === 200, `${answer.status} ${answer.text}`).toBe(world.model.mayIssue(credential))
    record(answer, world, scene, credential)
  }
}

/** The line of exchanges has four at most. */
function lengthOf ({ subject }: Token): number {
  return subject === undefined ? 0 : 1 + lengthOf(subject)
}

async function exchange ({ process, token, hasty }: Extract<Step, { do: 'exchange' }>, world: World, scene: Scene): Promise<void> {
  const { model } = world
  const shown = scene.tokens.filter((each) => lengthOf(each) < 4)
  // Now and then of what is dead.
  const subjects = token % 4 === 0 || !shown.some(model.isAlive) ? shown : shown.filter(model.isAlive)
  if (subjects.length === 0) return
  await settleUnless(hasty, world)
  const [subject, gateway] = [chosen(subjects, token), chosen(scene.credentials.filter(({ client }) => client.kind === 'gateway'), 0)]
  const isSure = model.isSettled() && subject.fate !== 'open'
  const answer = await ask(world.process(process), world, gateway, { grant_type: tokenExchangeGrant, subject_token: subject.text, subject_token_type: accessTokenType, scope: 'tournaments:read' })
  const isPossible = subject.credential.client.environment === 'live' && model.isAlive(subject) && model.mayIssue(gateway)
  if (isSure) expect(answer.status === 200, `${answer.status} ${answer.text}`).toBe(isPossible)
  // Whether or not the process has heard of it: nothing is given for what is dead.
  if (!model.isAlive(subject) && subject.fate !== 'open') expect(answer.status, answer.text).not.toBe(200)
  record(answer, world, scene, gateway, subject)
}

async function revoke ({ process, token: which, hasty }: Extract<Step, { do: 'revoke' }>, world: World, scene: Scene): Promise<void> {
  if (scene.tokens.length === 0) return
  await settleUnless(hasty, world)
  const token = chosen(scene.tokens, which)
  const credential = scene.credentials.find((each) => each.client === token.credential.client && world.model.mayIssue(each))
  if (credential === undefined) return
  const { status, text } = await ask(world.process(process), world, credential, { token: token.text }, 'revoke')
  if (world.model.isSettled()) expect(status, text).toBe(200)
  if (status === 200 && world.now() / 1_000 < token.expiresAt) world.model.revoke(token)
}

async function revokeIndexes ({ token: which, more }: Extract<Step, { do: 'revoke indexes' }>, { database, model }: World, { tokens }: Scene): Promise<void> {
  if (tokens.length === 0) return
  const { uri, index } = chosen(tokens, which)
  await createStatusListStore(database).revoke({ listId: uri.slice(-22), firstIndex: index, lastIndex: index + more }, { actor: 'test' })
  model.revokeRange(uri, index, index + more)
}

async function during (meanwhile: Extract<Step, { do: 'stop' }>['meanwhile'], world: World, credential: Credential, work: () => Promise<void>): Promise<readonly Answer[]> {
  const ask = (): Promise<Answer>[] => [0, 1, 2, 0, 1, 2].map((number) => askForToken(world.process(number), world, credential))
  const answers = meanwhile === 'asking' ? ask() : []
  if (meanwhile === 'deaf') await world.cutFeeds()
  await work()
  return await Promise.all(meanwhile === 'deaf' ? ask() : answers)
}

async function stop ({ what, which, meanwhile }: Extract<Step, { do: 'stop' }>, world: World, scene: Scene): Promise<void> {
  const { database, model, now } = world
  const credential = chosen(scene.credentials, which)
  const { client, client: { organization } } = credential
  if (client.isDeleted) return
  const at = now()
  const clients = createClientStore(database)
  const work: Readonly<Record<typeof what, () => Promise<void>>> = {
    async 'secret or key' () {
      if (credential.secretId === '') await clients.revokeKey(client.id, String(credential.pair?.kid), new Date(at))
      else await database.clientSecret.updateMany({ where: { id: credential.secretId }, data: { revokedAt: new Date(at) } })
      // One that was deleted was not revoked.
      const isThere = credential.secretId === '' || await database.clientSecret.count({ where: { id: credential.secretId } }) === 1
      credential.isRevoked ||= isThere
      if (isThere) model.revokeOf(credential)
    },
    async client () {
      await clients.update(client.id, { disabledAt: new Date(at) })
      client.isDisabled = true
      model.revokeOf(client)
    },
    async organization () {
      await createOrganizationStore(database).update(organization.id, { disabledAt: new Date(at) })
      organization.isDisabled = true
      model.revokeOf(organization)
    },
    async 'cut off client' () {
      await database.client.update({ where: { id: client.id }, data: { tokensRevokedBefore: new Date(at) } })
      model.cutOff(client, at)
    },
    async 'cut off organization' () {
      await database.organization.update({ where: { id: organization.id }, data: { tokensRevokedBefore: new Date(at) } })
      model.cutOff(organization, at)
    },
    async 'delete client' () {
      await clients.remove(client.id)
      client.isDeleted = true
      model.revokeOf(client)
    }
  }
  for (const answer of await during(meanwhile, world, credential, work[what])) record(answer, world, scene, credential)
}

async function enable ({ what, which }: Extract<Step, { do: 'enable' }>, { database, model }: World, { credentials }: Scene): Promise<void> {
  const { client, client: { organization }, secretId } = chosen(credentials, which)
  if (client.isDeleted) return
  if (what === 'secret') {
    const { count } = await database.clientSecret.updateMany({ where: { id: secretId }, data: { disabledAt: null, expiresAt: null, revokedAt: null } })
    if (count === 1) chosen(credentials, which).isUsable = true
    return
  }
  const owner = what === 'client' ? client : organization
  if (!owner.isDisabled) return
  if (what === 'client') await createClientStore(database).update(client.id, { disabledAt: null })
  else await createOrganizationStore(database).update(organization.id, { disabledAt: null })
  const where = { id: owner.id }
  const { tokensRevokedBefore } = what === 'client' ? await database.client.findUniqueOrThrow({ where }) : await database.organization.findUniqueOrThrow({ where })
  owner.isDisabled = false
  model.cutOff(owner, tokensRevokedBefore?.getTime() ?? NaN)
}

/** What ends a secret, and none of its tokens. */
async function letGo ({ what, which }: Extract<Step, { do: 'let go' }>, { database, model, now }: World, { credentials }: Scene): Promise<void> {
  const credential = chosen(credentials.filter(({ secretId }) => secretId !== ''), which)
  const where = { id: credential.secretId }
  if (what === 'deleted') await database.clientSecret.deleteMany({ where })
  else await database.clientSecret.updateMany({ where, data: what === 'disabled' ? { disabledAt: new Date(now()) } : { expiresAt: new Date(now() - 10 * 86_400_000) } }) // whatever the clock does
  credential.isUsable = false
  model.unsettle()
}

async function revokeSigningKey ({ token: which, meanwhile }: Extract<Step, { do: 'revoke signing key' }>, world: World, scene: Scene): Promise<void> {
  if (scene.tokens.length === 0) return
  const { kid, credential } = chosen(scene.tokens, which)
  const answers = await during(meanwhile, world, credential, async () => {
    await world.rotation.revoke(kid, { actor: 'test' })
    world.model.revokeKid(kid)
  })
  for (const answer of answers) record(answer, world, scene, credential)
}
