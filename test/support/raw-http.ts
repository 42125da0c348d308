/** HTTP as bytes on a socket, for what no client library would send: repeated headers, false hosts, nonsense. */
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  /** As sent, without the status line. */
  readonly headerLines: readonly string[]
  readonly header: (name: string) => string | undefined
  readonly body: string
}

/** Sends the lines, then the body, and reads until the server closes. */
export async function sendRaw (origin: string, lines: readonly string[], body = ''): Promise<RawAnswer> {
  const { hostname, port } = new URL(origin)
  const received = await new Promise<string>((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect({ host: hostname, port: Number(port) })
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer within five seconds')))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    // A server that refuses early may reset the connection after its answer: the answer is what counts.
    socket.on('error', (error) => { if (chunks.length === 0) reject(error) })
    socket.on('close', () => { resolve(Buffer.concat(chunks).toString()) })
    socket.write(`${[...lines, ''].join('\r\n')}\r\n${body}`)
  })
  return parseAnswer(received)
}

/** A form in a request of its own connection, with whatever header lines besides. */
export function rawForm (path: string, body: string, headerLines: readonly string[] = []): readonly string[] {
  return [
    `POST ${path} HTTP/1.1`, ...headerLines.some((line) => /^host:/i.test(line)) ? [] : ['Host: 127.0.0.1'], ...headerLines,
    'Content-Type: application/x-www-form-urlencoded', `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close'
  ]
}

function parseAnswer (text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...headerLines] = text.slice(0, end === -1 ? undefined : end).split('\r\n')
  const header = (name: string): string | undefined => {
    const line = headerLines.find((each) => each.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    return line?.slice(line.indexOf(':') + 1).trim()
  }
  return { status: Number(statusLine.split(' ')[1]), headerLines, header, body: end === -1 ? '' : text.slice(end + 4) }
}
