/** What tables, columns, keys and indexes a schema.prisma describes, and what a database really has, in one form. */
import type pg from 'pg'

export interface Column {
  readonly type: string
  readonly nullable: boolean
  readonly default: string | null
}

export interface Table {
  readonly columns: Readonly<Record<string, Column>>
  readonly primaryKey: readonly string[]
  /** By name. */
  readonly indexes: Readonly<Record<string, { readonly columns: readonly string[], readonly unique: boolean }>>
  /** By name. */
  readonly foreignKeys: Readonly<Record<string, string>>
}

export interface Schema {
  readonly tables: Readonly<Record<string, Table>>
  readonly enums: Readonly<Record<string, readonly string[]>>
}

interface Block {
  readonly kind: string
  readonly name: string
  readonly lines: readonly string[]
  /** The name in the database. */
  readonly mapped: string
}

const scalarTypes: Readonly<Record<string, string>> = {
  String: 'text', Boolean: 'boolean', Int: 'integer', BigInt: 'bigint', Bytes: 'bytea', Json: 'jsonb', DateTime: 'timestamp(3) without time zone'
}
const nativeTypes: Readonly<Record<string, string>> = { '@db.Timestamptz(3)': 'timestamp(3) with time zone', '@db.Uuid': 'uuid' }

export function describeSchemaFile (text: string): Schema {
  const blocks = [...text.matchAll(/^(model|enum) (\w+) \{\n(.*?)^\}/gms)].map(([, kind = '', name = '', body = '']): Block => {
    const lines = body.split('\n').map((line) => line.replace(/\/\/.*$/, '').trim()).filter((line) => line !== '')
    return { kind, name, lines, mapped: /^@@map\("(\w+)"\)$/m.exec(lines.join('\n'))?.[1] ?? name }
  })
  const models = blocks.filter(({ kind }) => kind === 'model')
  const enums = blocks.filter(({ kind }) => kind === 'enum')
  return {
    tables: Object.fromEntries(models.map((model) => [model.mapped, describeModel(model, models, enums)])),
    enums: Object.fromEntries(enums.map(({ mapped, lines }) => [mapped, lines.filter((line) => !line.startsWith('@@'))]))
  }
}

function describeModel (model: Block, models: readonly Block[], enums: readonly Block[]): Table {
  const columns: Record<string, Column> = {}
  const indexes: Record<string, { columns: readonly string[], unique: boolean }> = {}
  const foreignKeys: Record<string, string> = {}
  let primaryKey: readonly string[] = []
  for (const line of model.lines.filter((candidate) => !candidate.startsWith('@@'))) {
    const [, field = '', type = '', modifier = '', attributes = ''] = /^(\w+)\s+(\w+)(\[\]|\?)?\s*(.*)$/.exec(line) ?? []
    const target = models.find(({ name }) => name === type)
    if (target !== undefined) {
      const foreignKey = describeRelation(model, target, attributes)
      if (foreignKey !== undefined) foreignKeys[foreignKey.name] = foreignKey.rule
      continue
    }
    const name = columnName(model, field)
    const native = /@db\.\w+(\(\d+\))?/.exec(attributes)?.[0]
    const scalar = native === undefined ? scalarTypes[type] ?? enums.find((each) => each.name === type)?.mapped : nativeTypes[native]
    columns[name] = {
      type: `${scalar ?? `unknown ${type}`}${modifier === '[]' ? '[]' : ''}`,
      nullable: modifier !== '', // Prisma gives lists no NOT NULL
      default: defaultOf(attributes, model.mapped, name, enums.find((each) => each.name === type))
    }
    if (/@id\b/.test(attributes)) primaryKey = [name]
    if (/@unique\b/.test(attributes)) indexes[`${model.mapped}_${name}_key`] = { columns: [name], unique: true }
  }
  for (const line of model.lines) {
    const [, kind, list = ''] = /^@@(id|unique|index)\(\[([^\]]*)\]/.exec(line) ?? []
    if (kind === undefined) continue
    const names = list.split(',').map((field) => columnName(model, field.trim()))
    if (kind === 'id') primaryKey = names
    else indexes[`${model.mapped}_${names.join('_')}_${kind === 'unique' ? 'key' : 'idx'}`] = { columns: names, unique: kind === 'unique' }
  }
  return { columns, primaryKey, indexes, foreignKeys }
}

function columnName (model: Block, field: string): string {
  const line = model.lines.find((candidate) => candidate.startsWith(`${field} `)) ?? ''
  return /@map\("(\w+)"\)/.exec(line)?.[1] ?? field
}

function defaultOf (attributes: string, table: string, column: string, ofEnum: Block | undefined): string | null {
  const value = /@default\((\w+(?:\(\))?|"[^"]*")\)/.exec(attributes)?.[1]
  if (value === undefined) return null
  if (value === 'now()') return 'CURRENT_TIMESTAMP'
  if (value === 'autoincrement()') return `nextval('${table}_${column}_seq'::regclass)`
  if (ofEnum !== undefined) return `'${value}'::${ofEnum.mapped}`
  return value.replaceAll('"', "'")
}

function describeRelation (model: Block, target: Block, attributes: string): { name: string, rule: string } | undefined {
  const [, fields, references] = /fields: \[([^\]]+)\], references: \[([^\]]+)\]/.exec(attributes) ?? []
  if (fields === undefined || references === undefined) return undefined // the side without a column
  const own = fields.split(',').map((field) => columnName(model, field.trim()))
  const theirs = references.split(',').map((field) => columnName(target, field.trim()))
  const onDelete = (/onDelete: (\w+)/.exec(attributes)?.[1] ?? 'Restrict').replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toUpperCase()
  return {
    name: `${model.mapped}_${own.join('_')}_fkey`,
    rule: `FOREIGN KEY (${own.join(', ')}) REFERENCES ${target.mapped}(${theirs.join(', ')}) ON UPDATE CASCADE ON DELETE ${onDelete}`
  }
}

/** Everything in the schema `public`, except Prisma's own record of migrations. */
export async function describeDatabase (client: pg.Client): Promise<Schema> {
  const names = await client.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> '_prisma_migrations'"
  )
  const tables: Record<string, Table> = {}
  for (const { name } of names.rows) tables[name] = await describeTable(client, name)
  const enums = await client.query<{ name: string, labels: string[] }>(
    'SELECT typname AS name, array_agg(enumlabel::text ORDER BY enumsortorder) AS labels FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid GROUP BY typname'
  )
  return { tables, enums: Object.fromEntries(enums.rows.map(({ name, labels }) => [name, labels])) }
}

async function describeTable (client: pg.Client, table: string): Promise<Table> {
  const columns = await client.query<Column & { name: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable, pg_get_expr(adbin, adrelid) AS "default"
     FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`, [table])
  const indexes = await client.query<{ name: string, primary: boolean, unique: boolean, columns: string[] }>(
    `SELECT relname AS name, indisprimary AS primary, indisunique AS unique,
       ARRAY(SELECT pg_get_indexdef(indexrelid, position::int, false) FROM generate_series(1, indnkeyatts) AS position) AS columns
     FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = $1::regclass`, [table])
  const foreignKeys = await client.query<{ name: string, rule: string }>(
    "SELECT conname AS name, pg_get_constraintdef(oid) AS rule FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'f'", [table])
  return {
    columns: Object.fromEntries(columns.rows.map(({ name, ...column }) => [name, column])),
    primaryKey: indexes.rows.find(({ primary }) => primary)?.columns ?? [],
    indexes: Object.fromEntries(indexes.rows.filter(({ primary }) => !primary).map(({ name, unique, columns: own }) => [name, { columns: own, unique }])),
    foreignKeys: Object.fromEntries(foreignKeys.rows.map(({ name, rule }) => [name, rule]))
  }
}
