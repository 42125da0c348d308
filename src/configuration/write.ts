/** Carries out a plan, in the order that the constraints of the tables ask for. */
import { attribute } from '../audit/audit-record.ts'
import { createClientStore } from '../clients/store.ts'
import type { Session } from '../db.ts'
import { createOrganizationStore } from '../organizations/store.ts'
import { createResourceStore } from '../resources/store.ts'
import { createStatusListStore } from '../status-lists/store.ts'
import type { OwnedSecret, Writes } from './changes.ts'

/** Rows of one statement: each is well within its time limit. */
const rowsAtATime = 2_000

interface WriteOptions {
  readonly file: string
  /** Why organizations and clients are stopped, by id: for the audit records. */
  readonly reasons: ReadonlyMap<string, string>
  /** Milliseconds since the epoch. */
  readonly now: number
  /** The secret itself, where it is to be kept. */
  readonly seal: (row: OwnedSecret) => string | null
  /** Called after each statement. */
  readonly tick: (what: string) => void
}

export async function write (session: Session, writes: Writes, { file, reasons, now, seal, tick }: WriteOptions): Promise<void> {
  const actor = `configuration ${file}`
  const organizations = createOrganizationStore(session)
  const resources = createResourceStore(session)
  const clients = createClientStore(session)

  async function inParts<Row> (what: string, rows: readonly Row[], statement: (part: readonly Row[]) => Promise<void>): Promise<void> {
    for (let done = 0; done < rows.length; done += rowsAtATime) {
      await statement(rows.slice(done, done + rowsAtATime))
      tick(`${Math.min(done + rowsAtATime, rows.length)} of ${rows.length} ${what}`)
    }
  }

  /** For each reason a statement of its own: the audit record takes it from the transaction. */
  async function because<Row> (what: string, rows: readonly Row[], reasonOf: (row: Row) => string | undefined, statement: (part: readonly Row[]) => Promise<void>): Promise<void> {
    const parts = new Map<string | undefined, Row[]>()
    for (const row of rows) {
      const part = parts.get(reasonOf(row))
      if (part === undefined) parts.set(reasonOf(row), [row])
      else part.push(row)
    }
    for (const [reason, part] of parts) {
      await attribute(session, { actor, reason })
      await inParts(what, part, statement)
    }
    await attribute(session, { actor })
  }

  await attribute(session, { actor })
  await inParts('names of organizations', writes.parkedNames, organizations.parkNames)
  await inParts('organizations', writes.organizations.create, organizations.createMany)
  await because('organizations', writes.organizations.update, ({ id }) => reasons.get(id), organizations.updateMany)
  await inParts('resources', writes.resources.create, resources.createMany)
  await inParts('resources', writes.resources.update, resources.updateMany)
  await inParts('scopes', writes.scopes.create, resources.createScopes)
  await inParts('scopes', writes.scopes.update, resources.updateScopes)
  await inParts('clients', writes.clients.create, clients.createMany)
  await because('clients', writes.clients.update, ({ id }) => reasons.get(id), clients.updateMany)
  await revokeAll()
  await inParts('organizations', writes.organizations.release, organizations.releaseMany)
  await inParts('resources', writes.resources.release, resources.releaseMany)
  await inParts('scopes', writes.scopes.release, resources.releaseScopes)
  await inParts('clients', writes.clients.release, clients.releaseMany)
  await inParts('granted scopes', writes.granted.remove, clients.withdrawScopes)
  await inParts('granted scopes', writes.granted.add, clients.grantScopes)
  await inParts('secrets', writes.secrets.remove, clients.removeSecrets)
  await inParts('secrets', writes.secrets.release, clients.releaseSecrets)
  await inParts('secrets', writes.secrets.seal, (rows) => clients.keepSealed(rows.map((row) => ({ id: row.id, sealedSecret: seal(row) }))))
  await inParts('secrets', writes.secrets.adopt, (ids) => clients.adoptSecrets(ids, file))
  await inParts('secrets', writes.secrets.add, (rows) => clients.importSecrets(rows.map((row) => ({ ...row, sealedSecret: seal(row), managedBy: file }))))
  await inParts('keys', writes.keys.remove, clients.removeKeys)
  await inParts('keys', writes.keys.release, (keys) => clients.assignKeys(keys, null))
  await inParts('keys', writes.keys.adopt, (keys) => clients.assignKeys(keys, file))
  await inParts('keys', writes.keys.add, (keys) => clients.importKeys(keys, file))
  await inParts('clients', writes.clients.remove, clients.removeMany)
  await inParts('scopes', writes.scopes.remove, resources.removeScopes)
  await inParts('resources', writes.resources.remove, resources.removeMany)
  await inParts('organizations', writes.organizations.remove, organizations.removeMany)

  /** Before anything is removed, which would leave its tokens alive. */
  async function revokeAll (): Promise<void> {
    const { revoke } = writes
    const revokedAt = new Date(now)
    await because('revoked organizations', revoke.organizations, ({ reason }) => reason, organizations.revokeTokensBefore)
    await because('revoked clients', revoke.clients, ({ reason }) => reason, clients.revokeTokensBefore)
    await because('revoked secrets', revoke.secrets, ({ reason }) => reason, async (rows) => { for (const { id } of rows) await clients.updateSecret(id, { revokedAt }) })
    await because('revoked keys', revoke.keys, ({ reason }) => reason, async (rows) => { for (const { clientId, kid } of rows) await clients.revokeKey(clientId, kid, revokedAt) })
    for (const { listId, index, reason } of revoke.tokens) await createStatusListStore(session).revoke({ listId, firstIndex: index, lastIndex: index }, { actor, reason })
    await attribute(session, { actor })
  }
}
