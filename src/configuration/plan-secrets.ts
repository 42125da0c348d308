import { isUsable, type Client, type ClientSecret } from '../clients/client.ts'
import { maxUsableSecrets } from '../clients/registration.ts'
import { isLongEnoughForHmac, needsSealedSecrets } from '../clients/sealed-secret.ts'
import { defaultAuthenticationMethods } from '../oauth/authentication-methods.ts'
import type { Draft, PlanInput, SecretFact } from './changes.ts'
import { endOf, isEndedByHand } from './leaving.ts'
import type { ReadyFile } from './read.ts'

const liveOn = 'The tokens that were got with it live on until they expire.'

interface Secrets {
  readonly clientId: string
  readonly stored: readonly ClientSecret[]
  /** Those of the file that are as the file made them. */
  readonly owned: readonly ClientSecret[]
  /** Those of the file that were stopped by hand: they stay, so that no file brings them back. */
  readonly stopped: readonly ClientSecret[]
}

export function planSecrets (input: PlanInput, clients: ReadonlyMap<string, Client | undefined>, draft: Draft): void {
  for (const [clientId, client] of clients) {
    const stored = [...client?.secrets.values() ?? []]
    const all = stored.filter(({ managedBy }) => managedBy === input.file.name)
    const secrets = { clientId, stored, owned: all.filter((secret) => !isEndedByHand(secret)), stopped: all.filter(isEndedByHand) }
    const fact = input.secrets.get(clientId)
    if (fact === undefined) leave(secrets, input, draft)
    else if (fact.storedId === undefined) replace(secrets, fact, input, draft)
    else keep(secrets, fact.storedId, input, draft)
    if (fact !== undefined) sayWhetherItSigns(clientId, input, draft)
  }
}

/** Whether assertions are checked with the client's secret, so that it must be recoverable. */
export function isKept (clientId: string, { document }: Pick<ReadyFile, 'document'>): boolean {
  const entry = document.clients?.[clientId]
  return entry !== undefined && needsSealedSecrets({ type: entry.type ?? 'service', authenticationMethods: entry.authentication_methods ?? defaultAuthenticationMethods })
}

function sayWhetherItSigns (clientId: string, { file: { document, secrets } }: PlanInput, draft: Draft): void {
  if (document.clients?.[clientId]?.authentication_methods?.includes('client_secret_jwt') !== true || isLongEnoughForHmac(secrets.get(clientId) ?? '')) return
  draft.warnings.push(`The secret of ${clientId} in the file is shorter than 32 octets, so client_secret_jwt cannot be checked with it. Choose a longer one.`)
}

function leave ({ clientId, owned, stopped }: Secrets, { left: { leftovers } }: PlanInput, draft: Draft): void {
  if (leftovers === 'keep') {
    if (owned.length > 0) draft.kept.push({ kind: 'secret', id: clientId, reason: null })
  } else if (leftovers === 'release') {
    release(clientId, [...owned, ...stopped], draft)
  } else {
    spare(clientId, stopped, draft)
    if (owned.length === 0) return
    draft.writes.secrets.remove.push(...owned.map(({ id }) => id))
    draft.note('remove', 'secret', clientId, ['it left the file'], [`The secret of the file is refused at once. ${liveOn}`])
  }
}

function release (clientId: string, secrets: readonly ClientSecret[], draft: Draft): void {
  draft.writes.secrets.release.push(...secrets.map(({ id }) => id))
  for (const { id } of secrets) draft.note('release', 'secret', clientId, [`${id} released to the command line`])
}

function spare (clientId: string, stopped: readonly ClientSecret[], draft: Draft): void {
  release(clientId, stopped, draft)
  for (const secret of stopped) draft.kept.push({ kind: 'secret', id: clientId, reason: `it ${endOf(secret)} by hand` })
}

function replace ({ clientId, stored, owned, stopped }: Secrets, { hash }: SecretFact, { now, newId }: PlanInput, draft: Draft): void {
  if (hash === undefined) throw new Error('a secret was not hashed before it was planned')
  const others = stored.filter((secret) => isUsable(secret, now) && !owned.includes(secret))
  if (others.length >= maxUsableSecrets) {
    draft.refuse(['clients', clientId, 'secret'], `The client has ${others.length} usable secrets besides, and ${maxUsableSecrets} is the most. Revoke one first.`)
  }
  draft.writes.secrets.remove.push(...owned.map(({ id }) => id))
  draft.writes.secrets.add.push({ id: newId('secret'), clientId, hash })
  if (owned.length === 0) draft.note('create', 'secret', clientId, ['imported'])
  else draft.note('update', 'secret', clientId, ['replaced'], [`The secret before it is refused at once. ${liveOn}`], true)
  spare(clientId, stopped, draft)
}

function keep ({ clientId, stored, owned, stopped }: Secrets, storedId: string, { file, now }: PlanInput, draft: Draft): void {
  const isOther = ({ id }: ClientSecret): boolean => id !== storedId
  const others = owned.filter(isOther)
  draft.writes.secrets.remove.push(...others.map(({ id }) => id))
  if (others.length > 0) draft.note('update', 'secret', clientId, ['the one before it removed'], [`The secret before it is refused at once. ${liveOn}`], true)
  spare(clientId, stopped.filter(isOther), draft)
  const kept = stored.find(({ id }) => id === storedId)
  if (kept === undefined) return
  if (kept.revokedAt !== null) draft.warnings.push(`The secret of ${clientId} in the file was revoked by hand and stays so. Choose another secret.`)
  else if (!isUsable(kept, now)) draft.warnings.push(`The secret of ${clientId} in the file was disabled by hand or has expired, and stays so. Enable it by hand, or choose another secret.`)
  if (kept.sealedSecret === null && kept.revokedAt === null && isKept(clientId, file) && isLongEnoughForHmac(file.secrets.get(clientId) ?? '')) {
    draft.writes.secrets.seal.push({ id: kept.id, clientId })
    draft.note('update', 'secret', clientId, ['kept sealed, so that assertions can be checked with it'])
  }
  if (kept.managedBy === file.name) return
  draft.writes.secrets.adopt.push(kept.id)
  draft.note('update', 'secret', clientId, ['taken over by the file'])
}
