import { spawnSync } from 'node:child_process'
import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEmbedded, type EmbeddedPostgres } from '../../src/postgres/embedded.ts'
import { errorCode } from '../../src/error-code.ts'
import { refusalOf } from '../support/refusal.ts'

let disk: string

async function mountDisk (size: string, skip: (reason: string) => void): Promise<void> {
  disk = await mkdtemp(join(tmpdir(), 'signet-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0755`, 'tmpfs', disk], { encoding: 'utf8' })
  if (mounted.status !== 0) skip(`no small disk can be made here: ${mounted.error?.message ?? mounted.stderr.trim()}`)
}

async function openOnDisk (): Promise<EmbeddedPostgres> {
  return await openEmbedded({ dataDir: join(disk, 'data'), postgresUser: undefined, progress: () => {} })
}

/** Takes all that is left of the disk. */
async function fill (): Promise<void> {
  const file = await open(join(disk, 'filler'), 'w')
  try {
    for (;;) await file.write(Buffer.alloc(4_096))
  } catch (error) {
    if (errorCode(error) !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
}

beforeEach(() => { disk = '' })

afterEach(async () => {
  spawnSync('umount', [disk])
  await rm(disk, { recursive: true, force: true })
})

const sentence = /^The disk that holds .* is full\. Free some space/

describe('on a full disk', () => {
  it.for(['16k', '4m', '40m'])('a first start on %s ends in a sentence, and leaves nothing behind', async (size, { skip }) => {
    await mountDisk(size, skip)
    expect(await refusalOf(openOnDisk())).toMatch(sentence)
    expect(await readdir(join(disk, 'data'))).toEqual([])
  })

  it('a later start ends in a sentence, and works again once there is space', async ({ skip }) => {
    await mountDisk('200m', skip)
    await (await openOnDisk()).release()
    await fill()
    expect(await refusalOf(openOnDisk())).toMatch(sentence)
    await rm(join(disk, 'filler'))
    await (await openOnDisk()).release()
  })
})
