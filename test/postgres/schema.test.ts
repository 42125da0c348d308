import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { describeDatabase, describeSchemaFile } from '../support/prisma-schema.ts'

const schemaFile = join(import.meta.dirname, '..', '..', 'prisma', 'schema.prisma')

let database: TestDatabase
let client: pg.Client
let text: string

beforeEach(async () => {
  database = await createTestDatabase()
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
  text = await readFile(schemaFile, 'utf8')
})

afterEach(async () => {
  await client.end()
  await database.drop()
})

describe('the migrated schema and schema.prisma', () => {
  it('agree on every table, column, type, nullability, default, key, index and enum', async () => {
    const described = describeSchemaFile(text)
    expect(Object.keys(described.tables).length).toBeGreaterThan(8)
    expect(await describeDatabase(client)).toEqual(described)
  })

  it('disagree as soon as the database has a column, an index or a default more', async () => {
    const described = describeSchemaFile(text)
    for (const change of [
      'ALTER TABLE clients ADD COLUMN forgotten text',
      'CREATE INDEX forgotten ON clients (name)',
      "ALTER TABLE clients ALTER COLUMN name SET DEFAULT ''",
      'ALTER TABLE clients ALTER COLUMN name DROP NOT NULL',
      'ALTER TABLE clients DROP CONSTRAINT clients_resource_id_fkey',
      "ALTER TYPE environment ADD VALUE 'staging'"
    ]) {
      const isInTransaction = !change.startsWith('ALTER TYPE')
      if (isInTransaction) await client.query('BEGIN')
      await client.query(change)
      expect(await describeDatabase(client), change).not.toEqual(described)
      if (isInTransaction) await client.query('ROLLBACK')
    }
  })

  it('disagree as soon as schema.prisma loses any line that describes something', async () => {
    const actual = await describeDatabase(client)
    const lines = text.split('\n')
    const models = [...text.matchAll(/^model (\w+)/gm)].map(([, name]) => name).join('|')
    const isRelation = (line: string): boolean => new RegExp(`^ +\\w+ +(${models})(\\[\\])?$`).test(line) // the side without a column
    const descriptive = lines.filter((line) => /^ {2}[\w@]/.test(line) && !isRelation(line) && !line.includes(' = '))
    expect(descriptive.length).toBeGreaterThan(75)
    for (const line of descriptive) {
      const without = lines.filter((other) => other !== line).join('\n')
      expect(describeSchemaFile(without), line).not.toEqual(actual)
    }
  })
})
