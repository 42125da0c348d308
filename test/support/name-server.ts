/** A name server on the loopback interface that knows IPv4 addresses of some names, and says nothing about the others. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface NameServer {
  /** Address and port. */
  readonly address: string
  stop (): Promise<void>
}

const typeA = 1

/** @param addressOf the octets of the address; undefined: no answer at all */
export async function startNameServer (addressOf: (name: string) => readonly number[] | undefined): Promise<NameServer> {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const { name, end } = questionOf(query)
    const octets = addressOf(name)
    if (octets === undefined) return
    const isAsked = query.readUInt16BE(end) === typeA
    const header = Buffer.from([0x81, 0x80, 0, 1, 0, isAsked ? 1 : 0, 0, 0, 0, 0])
    const record = Buffer.from([0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 60, 0, 4, ...octets])
    socket.send(Buffer.concat([query.subarray(0, 2), header, query.subarray(12, end + 4), ...isAsked ? [record] : []]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    async stop () {
      socket.close()
      await once(socket, 'close')
    }
  }
}

/** RFC 1035 §4.1.2: labels with their lengths, then type and class. */
function questionOf (query: Buffer): { readonly name: string, readonly end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 }
}
