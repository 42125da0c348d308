import { chmod, lstat, mkdir, readFile, readlink, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isRoot, postmasterPid } from '../support/data-folder.ts'
import { createDatabases, query, says } from '../support/databases.ts'
import { refusalOf } from '../support/refusal.ts'

const databases = createDatabases()

beforeAll(databases.prepare)
afterEach(databases.cleanUp)
afterAll(databases.remove)

describe.runIf(isRoot)('as root', () => {
  beforeEach(databases.useNewFolder)

  const anotherUid = 12_345

  it('PostgreSQL runs as the user that SIGNET_POSTGRES_USER names, and later as the owner of the data', async () => {
    await (await databases.open(databases.dataDir, 'nobody')).release()
    const { uid } = await stat(join(databases.dataDir, 'postgres'))
    expect((await readFile('/etc/passwd', 'utf8')).split('\n').find((line) => line.startsWith('nobody:'))).toContain(`:${uid}:`)
    await databases.open()
    expect((await stat(`/proc/${String(await postmasterPid(databases.dataDir))}`)).uid).toBe(uid)
  })

  it.each([
    ['no-such-user', 'no such user'],
    ['root', 'PostgreSQL refuses to run as root']
  ])('SIGNET_POSTGRES_USER=%s is refused with a sentence', async (user, sentence) => {
    expect(await refusalOf(databases.open(databases.dataDir, user))).toContain(sentence)
  })

  it('an ordinary user is told when a folder cannot be written', async () => {
    const child = databases.spawnUser(anotherUid)
    expect(await says(child)).toContain(`OperatorError: Signet may not write in ${databases.dataDir}`)
  })

  it('an ordinary user is told when the data belong to somebody else', async () => {
    await (await databases.open()).release()
    await chmod(databases.dataDir, 0o755)
    const child = databases.spawnUser(anotherUid)
    expect(await says(child)).toMatch(/OperatorError: The database in .* belongs to the user (postgres|nobody)\. Start Signet as that user/)
  })

  describe('in a folder that only root can enter', () => {
    let elsewhere: string[]

    beforeEach(async () => {
      elsewhere = []
      await mkdir(databases.dataDir, { mode: 0o700 })
    })

    afterEach(async () => {
      for (const path of elsewhere) await rm(path, { recursive: true })
    })

    it('the database lives under /var/lib/signet, is found again, and is not taken for a new one once the folder was deleted', async () => {
      const first = await databases.open()
      const cluster = await readlink(join(databases.dataDir, 'postgres'))
      elsewhere.push(join(cluster, '..'))
      expect(cluster).toMatch(/^\/var\/lib\/signet\/data-\w{6}\/postgres$/)
      for (const [path, mode] of [[cluster, 0o700], [join(cluster, '..', 'run'), 0o700], [join(cluster, '..'), 0o711], ['/var/lib/signet', 0o755]] as const) {
        expect((await lstat(path)).mode & 0o777, path).toBe(mode)
      }
      await query(first.url, 'CREATE TABLE facts AS SELECT 42 AS answer')
      await first.release()
      const second = await databases.open()
      expect(await query(second.url, 'SELECT answer FROM facts')).toEqual([{ answer: 42 }])
      await second.release()

      await rm(databases.dataDir, { recursive: true })
      await mkdir(databases.dataDir, { mode: 0o700 })
      const third = await databases.open()
      elsewhere.push(join(await readlink(join(databases.dataDir, 'postgres')), '..'))
      await expect(query(third.url, 'SELECT answer FROM facts')).rejects.toThrow('does not exist')
      await third.release()
    })

    it('two first starts at the same moment make one cluster', async () => {
      const child = databases.spawnUser()
      const database = await databases.open()
      elsewhere.push(join(await readlink(join(databases.dataDir, 'postgres')), '..'))
      expect(await says(child)).toBe('open')
      expect(await database.release()).toBe('left running')
      child.stdin?.end()
      expect(await says(child)).toBe('stopped')
    })

    it('a database that went away from there is not replaced by an empty one', async () => {
      await (await databases.open()).release()
      await rm(join(await readlink(join(databases.dataDir, 'postgres')), '..'), { recursive: true })
      expect(await refusalOf(databases.open())).toContain('is gone. Bring it back')
    })
  })
})
