/**
 * Runs every command of the README as it stands, from top to bottom, in a copy of the repository: what a stranger
 * does with a fresh clone. A block that goes on running, a server's, goes into a terminal of its own; a block `text`
 * that directly follows shows what is printed. What may differ from the text: ports that are taken, and the address
 * of the PostgreSQL of the reader's own.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { linkPackages } from '../support/installed-packages.ts'
import { freePort } from '../support/server.ts'
import { readBlocks, readDocument, repository, repositoryFiles, type Block } from './markdown.ts'
import { normalize, shownPattern } from './shown-output.ts'
import { openShell, runInForeground, type Foreground, type Shell, type TerminalOptions } from './terminal.ts'

const blocks = readBlocks(readDocument('README.md'))
const readmePort = 8080
const examplePort = 8090
const readmeDatabaseUrl = 'postgresql://signet:change%20me@127.0.0.1:5432/signet'
const interrupts = '<!-- Ctrl-C -->'
const interruptsExample = '<!-- Ctrl-C in the second terminal -->'

describe('every command of README.md, in order, in a copy of the repository', () => {
  let scratch: string
  let clone: string
  let port: number
  let apiPort: number
  let database: TestDatabase
  let environment: Record<string, string>
  let shell: Shell
  let server: Foreground | undefined
  let example: Foreground | undefined

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'signet-readme-'))
    chmodSync(scratch, 0o755) // as root, PostgreSQL runs as another user
    clone = join(scratch, 'clone')
    copyRepository(clone)
    port = await choosePort(Number(process.env['PORT'] ?? readmePort))
    apiPort = await choosePort(examplePort)
    console.log(`README.md is run on port ${port}`)
    database = await createTestDatabase({ migrated: false })
    environment = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? scratch, EXAMPLE_PORT: String(apiPort), ...port === readmePort ? {} : { PORT: String(port) } }
    shell = openShell(terminal(), scratch)
  }, 120_000)

  afterAll(async () => {
    shell.close()
    await example?.interrupt(30)
    await server?.interrupt(30)
    await database.drop()
    rmSync(scratch, { recursive: true, force: true })
  }, 60_000)

  function terminal (): TerminalOptions {
    return { folder: clone, environment }
  }

  function adapt (text: string): string {
    return text.replaceAll(`127.0.0.1:${readmePort}`, `127.0.0.1:${port}`).replaceAll(`127.0.0.1:${examplePort}`, `127.0.0.1:${apiPort}`).replaceAll(readmeDatabaseUrl, database.url)
  }

  async function stopServer (): Promise<void> {
    expect(await server?.interrupt(30), 'the exit code after Ctrl-C').toBe(0)
    server = undefined
    expect(existsSync(join(clone, '.signet', 'postgres', 'postmaster.pid')), 'PostgreSQL goes on running').toBe(false)
  }

  for (const [index, block] of blocks.entries()) {
    if (block.language !== 'sh') continue
    const shown = shownAfter(blocks, index)

    it(`line ${block.line}: ${firstCommand(block)}`, { timeout: 300_000 }, async () => {
      if (block.before.includes(interrupts)) await stopServer()
      if (block.before.includes(interruptsExample)) {
        expect(await example?.interrupt(30), 'the exit code of the example after Ctrl-C').toBe(0)
        example = undefined
      }
      const command = goesOnRunning(block)
      if (command !== undefined) {
        const started = runInForeground(adapt(block.text), terminal())
        if (command === 'npm start') server = started
        else example = started
        const expected = shownPattern(adapt(shown ?? ''))
        const isShown = await started.shows((output) => expected.test(normalize(output)), 180)
        if (!isShown) expect(normalize(started.output())).toMatch(expected)
        return
      }
      const { output, status } = await shell.run(adapt(block.text))
      if (shown !== undefined) expect(normalize(output)).toMatch(shownPattern(adapt(shown)))
      expect(status, output).toBe(0)
    })

    if (index === 0) {
      it('the commands that the first start prints work as they are printed', { timeout: 60_000 }, async () => {
        const [request = '', introspection = ''] = server?.output().split('\n').filter((line) => line.startsWith('  curl ')) ?? []
        const [token, inspected] = [await shell.run(request), await shell.run(introspection)]
        expect(JSON.parse(token.output)).toMatchObject({ token_type: 'Bearer', expires_in: 90_000, scope: 'tournaments:read' })
        expect(JSON.parse(inspected.output)).toMatchObject({ active: true, aud: 'https://api.example.com', iss: `http://127.0.0.1:${port}` })
      })
    }
  }

  it('nothing is left running, and git sees nothing that was made', () => {
    expect(server).toBeUndefined()
    const ignored = execFileSync('git', ['check-ignore', '.signet/', 'dist/', 'node_modules/', 'src/generated/', '.env'], { cwd: repository, encoding: 'utf8' })
    expect(ignored.trim().split('\n')).toHaveLength(5)
  })
})

function copyRepository (clone: string): void {
  for (const path of repositoryFiles()) {
    mkdirSync(dirname(join(clone, path)), { recursive: true })
    cpSync(join(repository, path), join(clone, path))
  }
  linkPackages(clone)
}

async function choosePort (wanted: number): Promise<number> {
  const probe = createServer()
  try {
    await once(probe.listen(wanted, '127.0.0.1'), 'listening')
    return wanted
  } catch {
    return await freePort()
  } finally {
    probe.close()
  }
}

/** The output that the document shows, if a block `text` follows with nothing in between. */
function shownAfter (all: readonly Block[], index: number): string | undefined {
  const next = all[index + 1]
  return next?.language === 'text' && next.before.trim() === '' ? next.text : undefined
}

function goesOnRunning ({ text }: Block): string | undefined {
  return text.split('\n').find((line) => ['npm start', 'npm run example'].includes(line))
}

function firstCommand ({ text }: Block): string {
  return text.split('\n')[0]?.slice(0, 70) ?? ''
}
