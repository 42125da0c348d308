import { deleteInBatches, type Session } from '../db.ts'
import type { ExchangedToken, NewExchangedToken } from './exchanged-token.ts'

export interface ExchangedTokenStore {
  /** @param keep what is made of each row, some thousands at a time: requests are answered in between */
  readAll (keep: (token: ExchangedToken) => ExchangedToken): Promise<ExchangedToken[]>
  readOne (jti: string): Promise<ExchangedToken | undefined>
  readMany (jtis: readonly string[]): Promise<ExchangedToken[]>
  /**
   * Durable when it returns.
   * @returns whether the subject token, and whatever that was derived from, was still alive: else nothing is stored
   */
  add (token: NewExchangedToken): Promise<boolean>
  /** Forgets what has expired before the time given, by the database's clock too: ours may be ahead. @returns how many rows went */
  purge (before: Date): Promise<number>
}

const select = { jti: true, subjectJti: true, clientId: true, organizationId: true, issuedAt: true, kid: true, resourceId: true } as const
type Row = Omit<ExchangedToken, 'issuedAt'> & { readonly issuedAt: Date }

const rowsAtATime = 5_000

export function createExchangedTokenStore (database: Session): ExchangedTokenStore {
  return {
    async readAll (keep) {
      const all: ExchangedToken[] = []
      for (let after: string | undefined = ''; after !== undefined;) {
        const page: Row[] = await database.exchangedToken.findMany({ select, where: { jti: { gt: after } }, orderBy: { jti: 'asc' }, take: rowsAtATime })
        for (const row of page) all.push(keep(fromRow(row)))
        after = page.length < rowsAtATime ? undefined : page.at(-1)?.jti
      }
      return all
    },
    async readOne (jti) {
      const row = await database.exchangedToken.findUnique({ select, where: { jti } })
      return row === null ? undefined : fromRow(row)
    },
    readMany: async (jtis) => (await database.exchangedToken.findMany({ select, where: { jti: { in: [...jtis] } } })).map(fromRow),
    async add ({ jti, subjectJti, clientId, organizationId, issuedAt, kid, resourceId, expiresAt, status, subjectStatus }) {
      return await database.$executeRaw`
        INSERT INTO exchanged_tokens (jti, subject_jti, client_id, organization_id, issued_at, kid, resource_id, expires_at, list_id, list_index, subject_list_id, subject_index)
        VALUES (${jti}, ${subjectJti}, ${clientId}, ${organizationId}, ${new Date(issuedAt * 1000)}, ${kid}, ${resourceId}, ${expiresAt},
          ${status.listId}, ${status.index}, ${subjectStatus?.listId}, ${subjectStatus?.index})` === 1
    },
    async purge (before) {
      return await deleteInBatches((limit) => database.$executeRaw`
        DELETE FROM exchanged_tokens WHERE jti IN (SELECT jti FROM exchanged_tokens WHERE expires_at < least(${before}, now() - interval '1 minute') LIMIT ${limit})`)
    }
  }
}

function fromRow ({ issuedAt, ...row }: Row): ExchangedToken {
  return { ...row, issuedAt: issuedAt.getTime() / 1000 }
}
