/**
 * Runs every command of docs/backup.md as it stands, from top to bottom, in a folder with a Signet that runs on the
 * embedded database. Differences from the text: the addresses of the PostgreSQL of the reader's own.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { freePort, requestToken, sampleOf } from '../support/signet-process.ts'
import { readBlocks, readDocument, repository } from './markdown.ts'
import { normalize, shownPattern } from './shown-output.ts'
import { openShell, runInForeground, type Foreground, type Shell, type TerminalOptions } from './terminal.ts'

const blocks = readBlocks(readDocument('docs/backup.md'))
const interrupts = '<!-- Ctrl-C -->'
/** Of the embedded PostgreSQL, on which the databases of the reader's own are here. */
const serverVersion = 18
const dumpVersion = Number(/\) (\d+)/.exec(spawnSync('pg_dump', ['--version'], { encoding: 'utf8' }).stdout)?.[1] ?? 0)

describe('every command of docs/backup.md, in order', () => {
  let scratch: string
  let terminal: TerminalOptions
  let port: number
  let shell: Shell
  let server: Foreground | undefined
  const databases = new Map<string, TestDatabase>()
  const clusters = new Set<string>()

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'signet-backup-page-'))
    const [folder, programs] = [join(scratch, 'signet'), join(scratch, 'bin')]
    chmodSync(scratch, 0o755) // as root, PostgreSQL runs as another user
    for (const each of [folder, programs]) mkdirSync(each)
    writeFileSync(join(programs, 'signet'), `#!/bin/sh\nexec '${process.execPath}' '${join(repository, 'dist', 'cli', 'main.js')}' "$@"\n`, { mode: 0o755 })
    port = await freePort()
    const environment = { PATH: `${programs}:${process.env['PATH'] ?? ''}`, HOME: process.env['HOME'] ?? scratch, PORT: String(port), WORKERS: '1', DRAIN_SECONDS: '0' }
    terminal = { folder, environment }
    for (const name of ['signet', 'signet_restored', 'signet_copied']) databases.set(name, await createTestDatabase({ migrated: false }))
    shell = openShell(terminal, scratch)
    await startServer()
  }, 120_000)

  afterAll(async () => {
    shell.close()
    await server?.interrupt(30)
    for (const database of databases.values()) await database.drop()
    for (const cluster of clusters) rmSync(dirname(cluster), { recursive: true, force: true })
    rmSync(scratch, { recursive: true, force: true })
  }, 60_000)

  async function startServer (): Promise<void> {
    server = runInForeground(`exec '${process.execPath}' '${join(repository, 'dist', 'main.js')}'`, terminal)
    expect(await server.shows((output) => output.includes('listening on'), 60), server.output()).toBe(true)
  }

  function adapt (text: string): string {
    return text.replace(/postgresql:\/\/signet:change%20me@127\.0\.0\.1:5432\/(\w+)/g, (_, name: string) => databases.get(name)?.url ?? '')
  }

  /** As root they may be where rm -r of this folder does not reach. */
  function rememberClusters (): void {
    for (const folder of ['.signet', '.signet-broken', 'drill/.signet']) {
      const link = join(terminal.folder, folder, 'postgres')
      if (existsSync(link) && realpathSync(link).startsWith('/var/lib/signet/')) clusters.add(realpathSync(link))
    }
  }

  for (const [index, block] of blocks.entries()) {
    if (block.language !== 'sh') continue
    const next = blocks[index + 1]
    const shown = next?.language === 'text' && next.before.trim() === '' ? next.text : undefined
    const needsDump = block.text.includes('pg_dump')

    it.skipIf(needsDump && dumpVersion < serverVersion)(`line ${block.line}: ${block.text.split('\n')[0] ?? ''}`, { timeout: 120_000 }, async () => {
      if (block.before.includes(interrupts)) {
        rememberClusters()
        expect(await server?.interrupt(30)).toBe(0)
      }
      if (block.text.includes('cp -aL')) await shell.run('unset DATABASE_URL MASTER_KEY_FILE')
      if (block.text.includes('DATABASE_URL')) expect((await shell.run(`DATABASE_URL='${databases.get('signet')?.url ?? ''}' MASTER_KEY_FILE=elsewhere/master.key signet organization create --name Own`)).status).toBe(0)
      const { output, status } = await shell.run(adapt(block.text))
      rememberClusters()
      expect(status, output).toBe(0)
      if (shown !== undefined) expect(normalize(output)).toMatch(shownPattern(shown))
    })

    if (/--revoke-tokens(?!-)/.test(block.text)) {
      it('what was restored works: Signet starts on it, and the client gets a token with its old secret', { timeout: 60_000 }, async () => {
        const client = sampleOf(server?.output() ?? '')
        await startServer()
        expect(server?.output()).not.toContain('making')
        expect(await requestToken(`http://127.0.0.1:${port}`, client)).toBe(200)
        rememberClusters()
      })
    }
  }

  it('files that hold keys are for their owner alone', () => {
    for (const name of ['signet-backup.gz', 'signet-own.gz', 'elsewhere/master.key']) expect(statSync(join(terminal.folder, name)).mode & 0o077, name).toBe(0)
  })
})
