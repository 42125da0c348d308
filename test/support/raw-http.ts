/** Bytes on a bare TCP connection, and the answers that come back: what no HTTP client lets one send. */
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface Exchange {
  readonly answers: readonly RawAnswer[]
  /** Whether the server ended the connection; the test's side never does. */
  readonly closed: boolean
  /** What came after the last whole answer. */
  readonly rest: string
}

const patienceMillis = 10_000

/** Sends the pieces one after another on one connection and reads until the server ends it. */
export async function exchange (origin: string, ...pieces: readonly (string | Buffer)[]): Promise<Exchange> {
  return await talk(origin, async (write) => {
    for (const piece of pieces) await write(piece)
  })
}

type Write = (piece: string | Buffer) => Promise<void>

/** The same with a script that decides when to write what, and may ask whether the server has ended it. */
export async function talk (origin: string, script: (write: Write, isOver: () => boolean) => Promise<void>): Promise<Exchange> {
  const { hostname, port } = new URL(origin)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  const received: Buffer[] = []
  let closed = false
  const ended = new Promise<void>((resolve) => {
    const impatience = setTimeout(resolve, patienceMillis)
    const finish = (): void => { closed = true; clearTimeout(impatience); resolve() }
    socket.on('data', (data) => received.push(data))
    socket.on('end', finish)
    socket.on('close', finish)
    socket.on('error', () => {}) // a reset is an end like any other: 'close' follows
  })
  const write: Write = (piece) => new Promise((resolve) => {
    if (socket.destroyed || socket.writableEnded) resolve()
    else socket.write(piece, () => { resolve() })
  })
  await script(write, () => closed)
  await ended
  socket.destroy()
  return { ...parseAnswers(Buffer.concat(received)), closed }
}

function parseAnswers (bytes: Buffer): Pick<Exchange, 'answers' | 'rest'> {
  const answers: RawAnswer[] = []
  let from = 0
  for (;;) {
    const end = bytes.indexOf('\r\n\r\n', from)
    if (end === -1) return { answers, rest: bytes.toString('latin1', from) }
    const [statusLine = '', ...lines] = bytes.toString('latin1', from, end).split('\r\n')
    const [, status] = /^HTTP\/1\.1 (\d{3})\b/.exec(statusLine) ?? []
    if (status === undefined) return { answers, rest: bytes.toString('latin1', from) }
    const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
    const bodyEnd = end + 4 + Number(headers.get('content-length') ?? 0)
    if (bodyEnd > bytes.length) return { answers, rest: bytes.toString('latin1', from) }
    answers.push({ status: Number(status), headers, body: bytes.toString('utf8', end + 4, bodyEnd) })
    from = bodyEnd
  }
}

/** A request as it goes over the wire; headers of one name may repeat, and nothing is added but what HTTP needs. */
export function rawRequest (line: string, headers: readonly string[] = [], body: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from([`${line} HTTP/1.1`, 'Host: signet.example', ...headers, '', ''].join('\r\n'), 'latin1'), Buffer.from(body)])
}

export const formType = 'Content-Type: application/x-www-form-urlencoded'

/** A form as a well-behaved client sends it, on a connection of its own. */
export function rawForm (path: string, body: string | Buffer, headers: readonly string[] = []): Buffer {
  return rawRequest(`POST ${path}`, [formType, `Content-Length: ${Buffer.byteLength(body)}`, ...headers], body)
}

/** One that ends the connection: put after an attack, it shows by its answer if it was read as a request. */
export function lastRequest (target = 'GET /health/live'): Buffer {
  return rawRequest(target, ['Connection: close'])
}

/** The first answer to header lines and a body, for a request that has the server close the connection. */
export async function sendRaw (origin: string, lines: readonly string[], body = ''): Promise<RawAnswer & { readonly header: (name: string) => string | undefined }> {
  const { answers: [answer], rest } = await exchange(origin, `${[...lines, ''].join('\r\n')}\r\n${body}`)
  if (answer === undefined) throw new Error(`no answer: ${rest}`)
  return { ...answer, header: (name) => answer.headers.get(name.toLowerCase()) }
}

/** The header lines of a form in a request of its own connection, with whatever lines besides. */
export function formLines (path: string, body: string, headerLines: readonly string[] = []): readonly string[] {
  return [
    `POST ${path} HTTP/1.1`, ...headerLines.some((line) => /^host:/i.test(line)) ? [] : ['Host: 127.0.0.1'], ...headerLines,
    formType, `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close'
  ]
}

/** As JSON; throws when it is none. */
export function jsonOf ({ body }: RawAnswer): Record<string, unknown> {
  return JSON.parse(body) as Record<string, unknown> // the tests look at members that they then check
}
