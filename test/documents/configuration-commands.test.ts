/** Runs the commands of docs/configuration-file.md as they stand, from top to bottom in one shell, with the page's own example as `signet.yaml`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { readBlocks, readDocument, repository } from './markdown.ts'
import { openShell, type Shell } from './terminal.ts'

const blocks = readBlocks(readDocument('docs/configuration-file.md'))

describe('every command of docs/configuration-file.md, in order', { timeout: 60_000 }, () => {
  let folder: string
  let database: TestDatabase
  let shell: Shell

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'signet-configuration-page-'))
    database = await createTestDatabase()
    const [example] = blocks.filter(({ language }) => language === 'yaml')
    writeFileSync(join(folder, 'signet.yaml'), example?.text ?? '')
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { signet: `exec '${process.execPath}' '${join(repository, 'dist', 'cli', 'main.js')}'` } }))
    const environment = { PATH: process.env['PATH'] ?? '', HOME: folder, DATABASE_URL: database.url, MASTER_KEY: 'c4'.repeat(32) }
    shell = openShell({ folder, environment }, folder)
  }, 60_000)

  afterAll(async () => {
    shell.close()
    await database.drop()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const { text, line } of blocks.filter(({ language }) => language === 'sh')) {
    it(`line ${line}: ${text.split('\n')[0] ?? ''}`, async () => {
      const { output, status } = await shell.run(text)
      expect(status, output).toBe(0)
    })
  }

  it('export what the example made', () => {
    expect(readFileSync(join(folder, 'exported.yaml'), 'utf8')).toContain('cl_live_sampleapi')
  })
})
