import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorTable, serverError, useDpopNonce } from '../../src/oauth/errors.ts'
import { known, send, tokenOf } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { readBlocks, readDocument, readSection, readTable } from './markdown.ts'

const section = readSection(readDocument('README.md'), '### Errors')

interface Message {
  readonly line: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

interface Example {
  readonly request: Message | undefined
  readonly answer: Message
}

const examples = readExamples()

describe('the errors as README.md describes them', () => {
  let server: TestServer
  let variables: Readonly<Record<string, string>>

  beforeAll(async () => {
    server = await startTestServer()
    variables = await makeVariables(server)
  })
  afterAll(async () => { await server.stop() })

  it('are those of the error table, with its statuses', () => {
    const rows = readTable(section).map(([code = '', status]) => [code.replaceAll('`', ''), Number(status)])
    expect(rows.sort()).toEqual(Object.entries(errorTable).map(([code, { status }]) => [code, status]).sort())
  })

  it('are all shown by an example, and no other is', () => {
    const shown = examples.map(({ answer }) => errorOf(answer))
    expect([...new Set(shown)].sort()).toEqual(Object.keys(errorTable).sort())
  })

  for (const { request, answer } of examples) {
    if (request === undefined) continue
    it(`${request.line} is answered ${answer.line.slice('HTTP/1.1 '.length)}, ${errorOf(answer)}, as shown`, async () => {
      const isOutage = errorOf(answer) === 'temporarily_unavailable'
      if (isOutage) await server.database.$executeRaw`ALTER TABLE revoked_indexes RENAME TO revoked_indexes_away`
      const [method = '', path = ''] = request.line.split(' ')
      const { status, headers, text } = await send(server.origin + fill(path), {
        method, ...request.body === '' ? {} : { body: fill(request.body) }, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...Object.fromEntries(request.headers) }
      })
      if (isOutage) await server.database.$executeRaw`ALTER TABLE revoked_indexes_away RENAME TO revoked_indexes`
      expect(status).toBe(Number(answer.line.split(' ')[1]))
      for (const [name, value] of answer.headers) expect(headers.get(name)).toBe(value)
      expect(text.replace(server.issuer, '…')).toBe(answer.body)
    })
  }

  it('an answer that is shown without a request is what the table says of it', () => {
    const alone = examples.filter(({ request }) => request === undefined).map(({ answer }) => answer)
    const made = [useDpopNonce('a nonce'), serverError(undefined)]
    expect(alone.map((answer) => [Number(answer.line.split(' ')[1]), errorOf(answer)])).toEqual(made.map(({ status, code }) => [status, code]))
    for (const [index, { headers, body }] of alone.entries()) {
      expect(JSON.parse(body)).toMatchObject({ error_description: made[index]?.message })
      expect([...headers.keys()]).toEqual(Object.keys(made[index]?.headers ?? {}))
    }
  })

  function fill (text: string): string {
    return text.replace(/\$([a-z_]+)/g, (whole, name: string) => variables[name] ?? whole)
  }
})

/** The clients of the tour, and a token of the first. */
async function makeVariables (server: TestServer): Promise<Readonly<Record<string, string>>> {
  const { id: organizationId } = await server.fixtures.organization()
  await server.fixtures.resource('https://cups.example.com', { 'cups:read': true, 'cups:write': false })
  const client = await server.fixtures.client({ organizationId, scopes: ['cups:read', 'cups:write'] })
  const other = await server.fixtures.client({ organizationId })
  await known(server, other)
  const token = await tokenOf(server, client, 'cups:read')
  return { client_id: client.id, client_secret: client.secret, other_id: other.id, other_secret: other.secret, token }
}

function readExamples (): Example[] {
  const messages = readBlocks(section).filter(({ language }) => language === 'http').map(({ text }) => readMessage(text))
  return messages.flatMap((answer, index) => {
    if (!isAnswer(answer)) return []
    const before = messages[index - 1]
    return [{ request: before === undefined || isAnswer(before) ? undefined : before, answer }]
  })
}

function isAnswer ({ line }: Message): boolean {
  return line.startsWith('HTTP/1.1 ')
}

function readMessage (text: string): Message {
  const [head = '', ...body] = text.split('\n\n')
  const [line = '', ...fields] = head.split('\n')
  const headers = fields.map((field): [string, string] => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 1).trim()])
  return { line, headers: new Map(headers), body: body.join('\n\n').trim() }
}

function errorOf ({ body }: Message): string {
  return /"error":"(\w+)"/.exec(body)?.[1] ?? ''
}
