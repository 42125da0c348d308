/**
 * Runs the commands of docs/cli.md as they stand, from top to bottom in one shell, on a database that is empty at
 * first: the page makes what it works with. A block `text` that directly follows shows what is printed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { readBlocks, readDocument, repository } from './markdown.ts'
import { normalize, shownPattern } from './shown-output.ts'
import { openShell, type Shell } from './terminal.ts'

const blocks = readBlocks(readDocument('docs/cli.md'))
const main = join(repository, 'dist', 'cli', 'main.js')

describe('every command of docs/cli.md, in order', { timeout: 120_000 }, () => {
  let folder: string
  let database: TestDatabase
  let shell: Shell

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'signet-cli-page-'))
    database = await createTestDatabase()
    const environment = { PATH: process.env['PATH'] ?? '', HOME: folder, DATABASE_URL: database.url, MASTER_KEY: 'c4'.repeat(32) }
    shell = openShell({ folder, environment }, folder)
    await shell.run(`signet () { '${process.execPath}' '${main}' "$@"; }`)
    await shell.run('signet key list') // the first command of all makes the keys, as a server that started has done
  }, 60_000)

  afterAll(async () => {
    shell.close()
    await database.drop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('shows what each block prints', () => {
    for (const [index, { language, line }] of blocks.entries()) {
      const next = blocks[index + 1]
      if (language === 'sh') expect(`${next?.language ?? ''} ${next?.before.trim() ?? ''}`, `line ${line}`).toBe('text ')
    }
  })

  for (const [index, { language, line, text }] of blocks.entries()) {
    if (language !== 'sh') continue

    it(`line ${line}: ${text.split('\n')[0] ?? ''}`, async () => {
      const { output, status } = await shell.run(text)
      expect(normalize(output)).toMatch(shownPattern(blocks[index + 1]?.text ?? ''))
      expect(status, output).toBe(0)
    })
  }
})
