import type { Attribution } from '../audit/audit-record.ts'
import { kidOf, secretIdOf } from '../clients/credential-name.ts'
import { deleteInBatches, type Session } from '../db.ts'
import type { Environment } from '../environment.ts'
import { revokeUnleased } from './restored.ts'
import { indexesPerList, type StatusReference } from './status-list.ts'

export interface StatusListRow {
  readonly id: string
  readonly environment: Environment
}

export interface RevokedRange {
  readonly listId: string
  readonly firstIndex: number
  /** The last one that is revoked, not the one after. */
  readonly lastIndex: number
}

/** What a block is leased for. */
export interface Holder {
  readonly clientId: string
  readonly organizationId: string
  /** `secret:` and its id, `key:` and its kid, or `certificate`. */
  readonly credential: string
  /** Of the key that signs. */
  readonly kid: string
  /** The cut-offs that the process knows of: a later one ends the lease before it begins. */
  readonly clientCutOff: Date | null
  readonly organizationCutOff: Date | null
}

/** Of one owner, of some credentials of a client, or signed by one key. */
export interface TokensOf {
  readonly organizationId?: string
  readonly clientId?: string
  readonly credentials?: readonly string[]
  readonly kid?: string
}

export interface Block extends RevokedRange {
  readonly expiresAt: Date
}

/** Indexes of a list that are revoked: one, or a block. */
export interface RevokedSample extends StatusReference, Pick<StatusListRow, 'environment'> {
  readonly lastIndex: number
}

export interface StatusListStore {
  readAll (): Promise<StatusListRow[]>
  readOne (id: string): Promise<StatusListRow | undefined>
  create (list: StatusListRow): Promise<void>
  /**
   * Durable when it returns.
   * @returns whether client, organization, credential and key may still issue tokens; else nothing is stored
   * @throws for a list that the database does not have, or a row that somebody is changing at this moment
   */
  lease (block: Block, holder: Holder): Promise<boolean>
  /** @param keep called for each range, some thousands at a time: requests are answered in between */
  readRevoked (keep: (range: RevokedRange) => void): Promise<void>
  /** Whether each is revoked, by list and index (`list/index`); without those whose list is gone. */
  readStates (tokens: readonly StatusReference[]): Promise<ReadonlyMap<string, boolean>>
  readRevokedAt (status: StatusReference): Promise<Date | undefined>
  /** The id of the client that the index was leased for. */
  readOwner (status: StatusReference): Promise<string | undefined>
  /** In each list that has some of these tokens, the block of them that was revoked last: whoever sees that there sees them all. */
  readSamples (tokens: TokensOf): Promise<RevokedSample[]>
  /** Durable when it returns; revoking twice is harmless. One statement, which leaves an audit record as well. */
  revoke (range: RevokedRange, by: Attribution): Promise<void>
  /**
   * Who leased since then, whichever process it was, and used the credential lately.
   * @param usedSince when: nobody leases ahead for what others have leased ahead only
   */
  readHolders (since: Date, usedSince: Date): Promise<{ clientId: string, credential: string, kid: string }[]>
  /** How many tokens of each signing key may live, by its `kid`: at most, for a block is leased before its tokens are issued. */
  countLiveByKey (now: Date): Promise<ReadonlyMap<string, number>>
  /** Of a database that was restored. @returns how many ranges it revoked */
  revokeUnleased (): Promise<number>
  /** Every token that was issued before the time, and those that were issued later of a block of then. @returns how many ranges it revoked */
  revokeLeasedBefore (time: Date): Promise<number>
  /** Forgets the blocks whose tokens have expired before the time given, by the database's clock too, and lists without any. @returns how many rows went */
  purge (before: Date): Promise<number>
}

const rowsAtATime = 5_000
const select = { id: true, environment: true } as const

export function createStatusListStore (database: Session): StatusListStore {
  return {
    readAll: () => database.statusList.findMany({ select }),
    readOne: async (id) => await database.statusList.findUnique({ where: { id }, select }) ?? undefined,
    async create (list) {
      await database.statusList.create({ data: list })
    },

    // Whoever ends one of these rows holds it, marks its blocks as revoked, and commits. What was leased before is marked; what
    // comes after finds the row changed. Nobody is waited for while rows are held, so nobody waits in a circle.
    async lease ({ listId, firstIndex, lastIndex, expiresAt }, { clientId, organizationId, credential, kid, clientCutOff, organizationCutOff }) {
      const secretId = secretIdOf(credential) ?? null
      const clientKid = kidOf(credential) ?? null
      return await database.$executeRaw`
        WITH owners AS (
          SELECT FROM clients c JOIN organizations o ON o.id = c.organization_id
          WHERE c.id = ${clientId} AND o.id = ${organizationId} AND c.disabled_at IS NULL AND o.disabled_at IS NULL
            AND c.tokens_revoked_before IS NOT DISTINCT FROM ${clientCutOff}::timestamptz
            AND o.tokens_revoked_before IS NOT DISTINCT FROM ${organizationCutOff}::timestamptz
          FOR SHARE NOWAIT
        ), signing AS (
          SELECT FROM signing_keys WHERE kid = ${kid} AND withdrawn_at IS NULL FOR SHARE NOWAIT
        ), secret AS (
          SELECT FROM client_secrets WHERE id = ${secretId} AND client_id = ${clientId} AND revoked_at IS NULL AND disabled_at IS NULL FOR SHARE NOWAIT
        ), key AS (
          SELECT revoked_at FROM client_keys WHERE kid = ${clientKid} AND client_id = ${clientId} FOR SHARE NOWAIT
        )
        INSERT INTO status_blocks (list_id, first_index, last_index, client_id, organization_id, credential, kid, expires_at)
        SELECT ${listId}, ${firstIndex}, ${lastIndex}, ${clientId}, ${organizationId}, ${credential}, ${kid}, ${expiresAt}
        WHERE EXISTS (SELECT FROM owners) AND EXISTS (SELECT FROM signing)
          AND (${secretId}::text IS NULL OR EXISTS (SELECT FROM secret))
          AND NOT EXISTS (SELECT FROM key WHERE revoked_at IS NOT NULL)` === 1
    },

    async readRevoked (keep) {
      for (let after: RevokedRange | undefined = { listId: '', firstIndex: 0, lastIndex: 0 }; after !== undefined;) {
        const page: RevokedRange[] = await database.$queryRaw`
          SELECT list_id AS "listId", first_index AS "firstIndex", last_index AS "lastIndex" FROM revoked_indexes
          WHERE (list_id, first_index, last_index) > (${after.listId}, ${after.firstIndex}, ${after.lastIndex})
          ORDER BY list_id, first_index, last_index LIMIT ${rowsAtATime}`
        page.forEach(keep)
        after = page.length < rowsAtATime ? undefined : page.at(-1)
      }
    },

    async readStates (tokens) {
      const rows: { id: string, isRevoked: boolean }[] = await database.$queryRaw`
        SELECT l.id || '/' || t.index AS id, EXISTS (
          SELECT FROM revoked_indexes r WHERE r.list_id = l.id AND t.index BETWEEN r.first_index AND r.last_index
        ) AS "isRevoked" FROM jsonb_to_recordset(${JSON.stringify(tokens)}::jsonb) AS t ("listId" text, index integer) JOIN status_lists l ON l.id = t."listId"`
      return new Map(rows.map(({ id, isRevoked }) => [id, isRevoked]))
    },

    async readRevokedAt ({ listId, index }) {
      return (await database.revokedIndex.findFirst({ where: { listId, firstIndex: { lte: index }, lastIndex: { gte: index } }, orderBy: { revokedAt: 'asc' } }))?.revokedAt
    },

    async readOwner ({ listId, index }) {
      return (await database.statusBlock.findFirst({ where: { listId, firstIndex: { lte: index }, lastIndex: { gte: index } }, orderBy: { firstIndex: 'desc' } }))?.clientId
    },

    // A block is revoked by a range that is the block's own, or with its whole list: both are looked up, for a list may have
    // tens of thousands of ranges. What was revoked earlier the published list may have said already.
    async readSamples ({ organizationId = null, clientId = null, credentials = null, kid = null }) {
      return await database.$queryRaw`
        SELECT DISTINCT ON (b.list_id) b.list_id AS "listId", l.environment::text AS environment, b.first_index AS index, b.last_index AS "lastIndex"
        FROM status_blocks b JOIN status_lists l ON l.id = b.list_id CROSS JOIN LATERAL (SELECT least(
          (SELECT revoked_at FROM revoked_indexes WHERE list_id = b.list_id AND first_index = b.first_index AND last_index = b.last_index),
          (SELECT revoked_at FROM revoked_indexes WHERE list_id = b.list_id AND first_index = 0 AND last_index = ${indexesPerList - 1})
        ) AS at) AS revoked
        WHERE (${organizationId}::text IS NULL OR b.organization_id = ${organizationId}) AND (${clientId}::text IS NULL OR b.client_id = ${clientId})
          AND (${credentials}::text[] IS NULL OR b.credential = ANY (${credentials}::text[])) AND (${kid}::text IS NULL OR b.kid = ${kid})
          AND revoked.at IS NOT NULL
        ORDER BY b.list_id, revoked.at DESC, b.first_index DESC`
    },

    async revoke ({ listId, firstIndex, lastIndex }, { actor, reason = '' }) {
      await database.$executeRaw`
        WITH said AS (SELECT set_config('signet.actor', ${actor}, true), set_config('signet.reason', ${reason}, true))
        INSERT INTO revoked_indexes (list_id, first_index, last_index) SELECT ${listId}, ${firstIndex}, ${lastIndex} FROM said
        ON CONFLICT DO NOTHING`
    },

    // What was used for the first time is written down a minute later, and keys of a jwks_uri under another name.
    readHolders: (since, usedSince) => database.$queryRaw`
      SELECT DISTINCT b.client_id AS "clientId", b.credential, b.kid FROM status_blocks b
      LEFT JOIN credential_usage u ON u.client_id = b.client_id AND u.credential = b.credential
      WHERE b.leased_at > ${since} AND coalesce(u.last_used_at > ${usedSince}, true)`,

    async countLiveByKey (now) {
      const rows: { kid: string, tokens: bigint }[] = await database.$queryRaw`
        SELECT kid, sum(last_index - first_index + 1) AS tokens FROM status_blocks WHERE expires_at > ${now} GROUP BY kid`
      return new Map(rows.map(({ kid, tokens }) => [kid, Number(tokens)]))
    },

    revokeUnleased: () => database.$executeRawUnsafe(revokeUnleased),

    // The clock of the database dates a lease, that of a process its tokens.
    revokeLeasedBefore: (time) => database.$executeRaw`
      INSERT INTO revoked_indexes (list_id, first_index, last_index)
      SELECT list_id, first_index, last_index FROM status_blocks WHERE leased_at < ${time}::timestamptz + interval '5 minutes' ON CONFLICT DO NOTHING`,

    async purge (before) {
      const blocks = await deleteInBatches((limit) => database.$executeRaw`
        DELETE FROM status_blocks WHERE (list_id, first_index) IN (
          SELECT list_id, first_index FROM status_blocks WHERE expires_at < least(${before}, now() - interval '1 hour') LIMIT ${limit})`)
      // A list that is not so old may get its first block at any moment.
      const lists = await database.$executeRaw`
        DELETE FROM status_lists l WHERE created_at < least(${before}, now()) - interval '2 days' AND NOT EXISTS (SELECT FROM status_blocks WHERE list_id = l.id)`
      return blocks + lists
    }
  }
}
