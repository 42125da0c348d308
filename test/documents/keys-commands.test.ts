/**
 * Runs every command of docs/keys.md as it stands, from top to bottom in one shell, in a folder with a Signet that runs on
 * the embedded database. A block `text` that directly follows shows what is printed.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, requestToken, sampleOf } from '../support/signet-process.ts'
import { readBlocks, readDocument, repository } from './markdown.ts'
import { normalize, shownPattern } from './shown-output.ts'
import { openShell, runInForeground, type Foreground, type Shell } from './terminal.ts'

const blocks = readBlocks(readDocument('docs/keys.md'))

describe('every command of docs/keys.md, in order', { timeout: 120_000 }, () => {
  let scratch: string
  let folder: string
  let port: number
  let shell: Shell
  let server: Foreground

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'signet-keys-page-'))
    folder = join(scratch, 'signet')
    const programs = join(scratch, 'bin')
    chmodSync(scratch, 0o755) // as root, PostgreSQL runs as another user
    for (const each of [folder, join(folder, 'elsewhere'), programs]) mkdirSync(each)
    writeFileSync(join(programs, 'signet'), `#!/bin/sh\nexec '${process.execPath}' '${join(repository, 'dist', 'cli', 'main.js')}' "$@"\n`, { mode: 0o755 })
    port = await freePort()
    const environment = { PATH: `${programs}:${process.env['PATH'] ?? ''}`, HOME: process.env['HOME'] ?? scratch, PORT: String(port), WORKERS: '1', DRAIN_SECONDS: '0' }
    server = runInForeground(`exec '${process.execPath}' '${join(repository, 'dist', 'main.js')}'`, { folder, environment })
    expect(await server.shows((output) => output.includes('Metadata:'), 60), server.output()).toBe(true)
    shell = openShell({ folder, environment }, scratch)
  }, 120_000)

  afterAll(async () => {
    shell.close()
    await server.interrupt(30)
    const cluster = join(folder, '.signet', 'postgres')
    if (existsSync(cluster) && realpathSync(cluster).startsWith('/var/lib/signet/')) rmSync(dirname(realpathSync(cluster)), { recursive: true, force: true })
    rmSync(scratch, { recursive: true, force: true })
  }, 60_000)

  for (const [index, block] of blocks.entries()) {
    if (block.language !== 'sh') continue
    const next = blocks[index + 1]
    const shown = next?.language === 'text' && next.before.trim() === '' ? next.text : undefined

    it(`line ${block.line}: ${block.text.split('\n')[0] ?? ''}`, async () => {
      // Whoever has the key in a variable has it in a file, too.
      if (block.text.includes('export MASTER_KEY_FILE')) await shell.run('cp .signet/master.key old-master.key')
      const { output, status } = await shell.run(block.text)
      expect(status, output).toBe(0)
      if (shown !== undefined) expect(normalize(output)).toMatch(shownPattern(shown))
      expect(await requestToken(`http://127.0.0.1:${port}`, sampleOf(server.output()))).toBe(200)
    })
  }
})
