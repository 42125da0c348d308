/** Runs every command of the pages in docs/flows as it stands, from top to bottom, beside a Signet that runs on the embedded database. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/signet-process.ts'
import { readBlocks, readDocument, repository } from './markdown.ts'
import { normalize, shownPattern } from './shown-output.ts'
import { openShell, runInForeground, type Foreground, type Shell, type TerminalOptions } from './terminal.ts'

const pages = readdirSync(join(repository, 'docs', 'flows')).map((name) => `docs/flows/${name}`)
const pagePort = '127.0.0.1:8080'

describe.each(pages)('every command of %s, in order', { timeout: 60_000 }, (page) => {
  const blocks = readBlocks(readDocument(page))
  let scratch: string
  let terminal: TerminalOptions
  let port: number
  let shell: Shell
  let server: Foreground | undefined

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'signet-flow-'))
    const [folder, programs] = [join(scratch, 'partner'), join(scratch, 'bin')]
    chmodSync(scratch, 0o755) // as root, PostgreSQL runs as another user
    for (const each of [folder, programs]) mkdirSync(each)
    symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(programs, 'signet'), `#!/bin/sh\nexec '${process.execPath}' '${join(repository, 'dist', 'cli', 'main.js')}' "$@"\n`, { mode: 0o755 })
    port = await freePort()
    const environment = { PATH: `${programs}:${process.env['PATH'] ?? ''}`, HOME: process.env['HOME'] ?? scratch, PORT: String(port), WORKERS: '1', DRAIN_SECONDS: '0' }
    terminal = { folder, environment }
    shell = openShell(terminal, scratch)
    server = runInForeground(`exec '${process.execPath}' '${join(repository, 'dist', 'main.js')}'`, terminal)
    expect(await server.shows((output) => output.includes('listening on'), 60), server.output()).toBe(true)
  }, 120_000)

  afterAll(async () => {
    shell.close()
    await server?.interrupt(30)
    const link = join(terminal.folder, '.signet', 'postgres')
    // As root it may be where rm -r of this folder does not reach.
    const cluster = existsSync(link) ? realpathSync(link) : ''
    if (cluster.startsWith('/var/lib/signet/')) rmSync(dirname(cluster), { recursive: true, force: true })
    rmSync(scratch, { recursive: true, force: true })
  }, 60_000)

  for (const [index, { language, line, text }] of blocks.entries()) {
    if (language !== 'sh') continue

    it(`line ${line}: ${text.split('\n')[0] ?? ''}`, async () => {
      const { output, status } = await shell.run(text.replaceAll(pagePort, `127.0.0.1:${port}`))
      const next = blocks[index + 1]
      if (next?.language === 'text' && next.before.trim() === '') expect(normalize(output)).toMatch(shownPattern(next.text))
      expect(status, output).toBe(0)
    })
  }
})
