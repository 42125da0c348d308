import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { connectExternal } from '../../src/postgres/external.ts'
import { createTestDatabase } from '../support/embedded.ts'
import { refusalOf } from '../support/refusal.ts'

/** Enough of PostgreSQL's protocol to refuse somebody, or to be an old version. */
type Answer = (socket: Socket, request: Buffer) => void

let server: Server | undefined

afterEach(() => server?.close())

async function listen (answer: Answer): Promise<string> {
  server = createServer((socket) => {
    socket.on('error', () => {}).on('data', (request) => { answer(socket, request) })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return `postgresql://someone:confidential@127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}/signet`
}

/** @see [PostgreSQL: Message Formats](https://www.postgresql.org/docs/18/protocol-message-formats.html) */
function message (type: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)))
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

function int32 (value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

function int16 (value: number): Buffer {
  return int32(value).subarray(2)
}

function refuseWith (code: string): Answer {
  return (socket) => { socket.end(message('E', 'SFATAL\0', `C${code}\0`, 'Mrefused for "confidential"\0', '\0')) }
}

function bePostgres (version: number, readOnly: 'off' | 'on'): Answer {
  const column = (name: string, type: number): Buffer => Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(type), int16(-1), int32(-1), int16(0)])
  return (socket, request) => {
    if (request.subarray(0, 1).toString() !== 'Q') {
      socket.write(Buffer.concat([message('R', int32(0)), message('Z', 'I')]))
      return
    }
    const values = [String(version), readOnly === 'on' ? 't' : 'f']
    socket.write(Buffer.concat([
      message('T', int16(2), column('version', 23), column('readOnly', 16)),
      message('D', int16(2), ...values.flatMap((value) => [int32(value.length), value])),
      message('C', 'SELECT 1\0'),
      message('Z', 'I')
    ]))
  }
}

async function connect (url: string, waitSeconds = 1): Promise<string[]> {
  const lines: string[] = []
  await connectExternal({ url, waitSeconds, progress: (line) => lines.push(line) })
  return lines
}

describe('a PostgreSQL of the operator', () => {
  it('is accepted at once, without a word', async () => {
    const database = await createTestDatabase()
    expect(await connect(database.url)).toEqual([])
    await database.drop()
  })

  it.each([
    [140_000, 'accepted'], [179_999, 'accepted'], [130_022, 'refused'], [90_624, 'refused']
  ] as const)('of version number %i is %s', async (version, outcome) => {
    const url = await listen(bePostgres(version, 'off'))
    if (outcome === 'accepted') expect(await connect(url)).toEqual([])
    else expect(await refusalOf(connect(url))).toMatch(/is PostgreSQL (13|9)\. Signet needs PostgreSQL 14 or newer\.$/)
  })

  it('is refused when it can only be read', async () => {
    expect(await refusalOf(connect(await listen(bePostgres(180_000, 'on'))))).toContain('can only be read. Point DATABASE_URL at the primary')
  })

  it.each([
    ['28P01', 'refused the password. Correct DATABASE_URL, or the file that DATABASE_PASSWORD_FILE names.'],
    ['28000', 'does not let this user in from here.'],
    ['3D000', 'has no database of that name.']
  ])('that answers %s is refused without waiting: %s', async (code, sentence) => {
    const url = await listen(refuseWith(code))
    const begin = performance.now()
    const refusal = await refusalOf(connect(url, 30))
    expect(refusal).toContain(sentence)
    expect(refusal).not.toContain('confidential')
    expect(performance.now() - begin).toBeLessThan(5_000)
  })

  it.each([['57P03', 'is still starting'], ['53300', 'has too many connections'], ['XX000', 'cannot be used (XX000)']])('that answers %s is waited for, within the bound: %s', async (code, sentence) => {
    const url = await listen(refuseWith(code))
    const begin = performance.now()
    const refusal = await refusalOf(connect(url, 1))
    expect(refusal).toContain(sentence)
    expect(refusal).not.toContain('confidential')
    expect(performance.now() - begin).toBeGreaterThan(900)
  })

  it('that comes up while we wait is accepted, with one line that says what we waited for', async () => {
    let refusals = 3
    const url = await listen((socket, request) => {
      if (refusals > 0) refuseWith('57P03')(socket, request)
      else bePostgres(160_000, 'off')(socket, request)
      refusals -= 1
    })
    const lines = await connect(url, 10)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^waiting up to 10 s for The PostgreSQL at 127\.0\.0\.1:\d+ \(database signet, user someone\)$/)
  })

  it.each(['12#confidential', '12/confidential', '12?confidential', 'confidential:12/', '%zz/confidential'])('whose password is not percent-encoded (%s) is refused without quoting it', async (password) => {
    const refusal = await refusalOf(connect(`postgresql://someone:${password}@127.0.0.1:1/signet`))
    expect(refusal).toMatch(/^DATABASE_URL cannot be read .* percent-encoded\.$/)
    expect(refusal).not.toContain('confidential')
    expect(refusal).not.toContain('12')
  })
})
