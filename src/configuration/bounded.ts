/** Reads files whose size and kind somebody else decided: never more than fits, and never from what has no end. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

export type BoundedRead = { readonly bytes: Buffer } | { readonly kind: 'folder' | 'special' }

/**
 * @returns one byte more than the limit at most, so that it can be told that there is more; the kind of what is no file
 * @throws the error of the system when it cannot be read
 */
export async function readAtMost (path: string, limitBytes: number): Promise<BoundedRead> {
  // Opening a named pipe would otherwise wait for whoever writes to it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await file.stat()
    if (stats.isDirectory()) return { kind: 'folder' }
    if (!stats.isFile()) return { kind: 'special' }
    const buffer = Buffer.alloc(limitBytes + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return { bytes: buffer.subarray(0, length) }
  } finally {
    await file.close()
  }
}
