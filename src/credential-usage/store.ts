import type { Session } from '../db.ts'
import { Prisma } from '../generated/prisma/client.ts'

/** What a process has counted since it last told. */
export interface CountedUsage {
  readonly clientId: string
  readonly credential: string
  readonly firstUsedAt: Date
  readonly lastUsedAt: Date
  readonly tokens: number
}

export interface UsageRow {
  /** `secret:` and its id, `key:` and its kid, `jwks_uri` or `certificate`. */
  readonly credential: string
  /** Since when every use is recorded; null: since it was made. */
  readonly recordedSince: Date | null
  readonly firstUsedAt: Date | null
  readonly lastUsedAt: Date | null
  readonly tokensMinted: number
}

/** A secret or registered key that is in use and ends. */
export interface EndingCredential {
  readonly clientId: string
  readonly credential: string
  readonly expiresAt: Date
  readonly lastUsedAt: Date
}

export interface EndingWindow {
  /** Ends by then. */
  readonly until: Date
  /** Was used after that. */
  readonly usedSince: Date
  readonly now: Date
}

export interface CredentialUsageStore {
  /**
   * All of it or nothing. What is of a client, secret or key that is gone by now goes too.
   * @throws for a row that somebody is deleting at this moment
   */
  add (counted: readonly CountedUsage[]): Promise<void>
  /** Of one client, by credential. */
  readOf (clientId: string): Promise<ReadonlyMap<string, UsageRow>>
  /** Also those that have expired and that the client has used nothing else after. The first to end come first. */
  readEnding (window: EndingWindow): Promise<EndingCredential[]>
  /** Those that are yet to end, each to one process a day: the one that is to say so. */
  claimEnding (window: EndingWindow): Promise<EndingCredential[]>
  /** Of a database that was restored: what was used since its state nobody knows. */
  forgetWhatWasNotUsed (): Promise<void>
}

/** Run after a restore: until now, what was not recorded may have been used all the same. */
export const startRecordingAnew = `
  INSERT INTO credential_usage (client_id, credential, secret_id, kid, recorded_since)
  SELECT client_id, 'secret:' || id, id, NULL, clock_timestamp() FROM client_secrets
  UNION ALL SELECT client_id, 'key:' || kid, NULL, kid, clock_timestamp() FROM client_keys
  ORDER BY 1, 2
  ON CONFLICT (client_id, credential) DO UPDATE SET recorded_since = excluded.recorded_since`

/** As u, with s or k: what clients that may act have used lately, and ends. */
function inUseAndEnding ({ until, usedSince }: Pick<EndingWindow, 'until' | 'usedSince'>): Prisma.Sql {
  return Prisma.sql`credential_usage u
    JOIN clients c ON c.id = u.client_id AND c.disabled_at IS NULL
    JOIN organizations o ON o.id = c.organization_id AND o.disabled_at IS NULL
    LEFT JOIN client_secrets s ON s.id = u.secret_id AND s.revoked_at IS NULL AND s.disabled_at IS NULL
    LEFT JOIN client_keys k ON k.client_id = u.client_id AND k.kid = u.kid AND k.revoked_at IS NULL
    WHERE u.last_used_at > ${usedSince} AND coalesce(s.expires_at, k.expires_at) <= ${until}`
}

export function createCredentialUsageStore (database: Session): CredentialUsageStore {
  return {
    // A deletion waits for these rows, and this waits for no deletion, so that nobody waits in a circle; rows of this table
    // are taken in one order by everybody. All that is refused is refused before anything is written.
    async add (counted) {
      await database.$executeRaw`
        WITH counted AS MATERIALIZED (
          SELECT "clientId" AS client_id, credential, "firstUsedAt" AS first_used_at, "lastUsedAt" AS last_used_at, tokens,
            CASE WHEN credential LIKE 'secret:%' THEN substr(credential, 8) END AS secret_id,
            CASE WHEN credential LIKE 'key:%' THEN substr(credential, 5) END AS kid
          FROM jsonb_to_recordset(${JSON.stringify(counted)}::jsonb)
            AS r ("clientId" text, credential text, "firstUsedAt" timestamptz, "lastUsedAt" timestamptz, tokens bigint)
        ), owners AS MATERIALIZED (
          SELECT id FROM clients WHERE id IN (SELECT client_id FROM counted) FOR KEY SHARE NOWAIT
        ), secrets AS MATERIALIZED (
          SELECT client_id, id FROM client_secrets WHERE id IN (SELECT secret_id FROM counted) FOR KEY SHARE NOWAIT
        ), keys AS MATERIALIZED (
          SELECT client_id, kid FROM client_keys WHERE (client_id, kid) IN (SELECT client_id, kid FROM counted) FOR KEY SHARE NOWAIT
        )
        INSERT INTO credential_usage AS usage (client_id, credential, secret_id, kid, first_used_at, last_used_at, tokens_minted)
        SELECT client_id, credential, secret_id, kid, first_used_at, last_used_at, tokens FROM counted
        WHERE client_id IN (SELECT id FROM owners)
          AND (secret_id IS NULL OR (client_id, secret_id) IN (SELECT client_id, id FROM secrets))
          AND (kid IS NULL OR (client_id, kid) IN (SELECT client_id, kid FROM keys))
        ORDER BY client_id, credential
        ON CONFLICT (client_id, credential) DO UPDATE SET
          first_used_at = least(usage.first_used_at, excluded.first_used_at),
          last_used_at = greatest(usage.last_used_at, excluded.last_used_at),
          tokens_minted = usage.tokens_minted + excluded.tokens_minted`
    },

    async readOf (clientId) {
      const rows = await database.credentialUsage.findMany({
        where: { clientId }, select: { credential: true, recordedSince: true, firstUsedAt: true, lastUsedAt: true, tokensMinted: true }
      })
      return new Map(rows.map((row) => [row.credential, { ...row, tokensMinted: Number(row.tokensMinted) }]))
    },

    readEnding: ({ until, usedSince, now }) => database.$queryRaw`
      SELECT u.client_id AS "clientId", u.credential, coalesce(s.expires_at, k.expires_at) AS "expiresAt", u.last_used_at AS "lastUsedAt"
      FROM ${inUseAndEnding({ until, usedSince })}
        AND (coalesce(s.expires_at, k.expires_at) > ${now} OR NOT EXISTS (
          SELECT FROM credential_usage other WHERE other.client_id = u.client_id AND other.credential <> u.credential AND other.last_used_at >= u.last_used_at))
      ORDER BY 3, 1, 2`,

    // Several processes do this at the same moment: a row that one of them has is passed over by the others, and so is one
    // that was claimed within the day, by whichever clock.
    claimEnding: ({ until, usedSince, now }) => database.$queryRaw`
      WITH due AS (
        SELECT u.client_id, u.credential, coalesce(s.expires_at, k.expires_at) AS expires_at
        FROM ${inUseAndEnding({ until, usedSince })}
          AND coalesce(s.expires_at, k.expires_at) > ${now}
          AND (u.warned_at IS NULL OR u.warned_at NOT BETWEEN ${now}::timestamptz - interval '1 day' AND ${now}::timestamptz + interval '1 day')
        FOR UPDATE OF u SKIP LOCKED
      )
      UPDATE credential_usage u SET warned_at = ${now} FROM due
      WHERE u.client_id = due.client_id AND u.credential = due.credential
      RETURNING u.client_id AS "clientId", u.credential, due.expires_at AS "expiresAt", u.last_used_at AS "lastUsedAt"`,

    async forgetWhatWasNotUsed () {
      await database.$executeRawUnsafe(startRecordingAnew)
    }
  }
}
