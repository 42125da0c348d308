/**
 * Runs every command and every piece of TypeScript of the pages in docs/flows as it stands, from top to bottom, in one shell
 * beside a Signet. Pages that go on from "Prepare" share a Signet, as they do at a reader's.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { freePort } from '../support/signet-process.ts'
import { readBlocks, readDocument, repository } from './markdown.ts'
import { normalize, shownPattern } from './shown-output.ts'
import { openShell, runInForeground, type Foreground, type Shell, type TerminalOptions } from './terminal.ts'

const startAgain = '<!-- start Signet again -->'
const pagePort = '127.0.0.1:8080'
const preparation = 'docs/flows/README.md'
const pages = readdirSync(join(repository, 'docs', 'flows')).map((name) => `docs/flows/${name}`).filter((page) => page !== preparation)
const prepared = pages.filter((page) => readDocument(page).includes('(README.md#prepare)'))
/** One page makes certificates with it. */
const hasOpenssl = spawnSync('openssl', ['version']).status === 0
/** A page that has Signet started anew changes what comes after it. */
const inOrder = [...prepared].sort((one, other) => Number(restarts(one)) - Number(restarts(other)))
const groups = [[preparation, ...inOrder], ...pages.filter((page) => !prepared.includes(page)).map((page) => [page])]

function restarts (page: string): boolean {
  return readDocument(page).includes(startAgain)
}

describe.each(groups.map((group) => ({ group, names: group.join(', ') })))('every command of $names, in order', { timeout: 60_000 }, ({ group }) => {
  let scratch: string
  let database: TestDatabase
  let terminal: TerminalOptions
  let port: number
  let shell: Shell
  let server: Foreground | undefined

  async function start (): Promise<void> {
    await server?.interrupt(30)
    const started = runInForeground(`exec '${process.execPath}' '${join(repository, 'dist', 'main.js')}'`, terminal)
    server = started
    expect(await started.shows((output) => output.includes('listening on'), 60), started.output()).toBe(true)
  }

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'signet-flow-'))
    const [folder, programs] = [join(scratch, 'partner'), join(scratch, 'bin')]
    for (const each of [folder, programs]) mkdirSync(each)
    symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(programs, 'signet'), `#!/bin/sh\nexec '${process.execPath}' '${join(repository, 'dist', 'cli', 'main.js')}' "$@"\n`, { mode: 0o755 })
    database = await createTestDatabase()
    port = await freePort()
    const environment = {
      PATH: `${programs}:${process.env['PATH'] ?? ''}`, HOME: process.env['HOME'] ?? scratch, PORT: String(port), WORKERS: '1', DRAIN_SECONDS: '0', DATABASE_URL: database.url, MASTER_KEY: 'f1'.repeat(32)
    }
    terminal = { folder, environment }
    shell = openShell(terminal, scratch)
    await start()
  }, 120_000)

  afterAll(async () => {
    shell.close()
    await server?.interrupt(30)
    await database.drop()
    rmSync(scratch, { recursive: true, force: true })
  }, 60_000)

  for (const page of group) {
    const blocks = readBlocks(readDocument(page))
    for (const [index, { language, line, text, before }] of blocks.entries()) {
      if (language !== 'sh' && language !== 'ts') continue

      it.skipIf(!hasOpenssl && readDocument(page).includes('openssl '))(`${page}, line ${line}: ${text.split('\n')[0] ?? ''}`, async () => {
        if (before.includes(startAgain)) await start()
        const here = (written: string): string => written.replaceAll(pagePort, `127.0.0.1:${port}`)
        const { output, status } = await shell.run(language === 'sh' ? here(text) : program(`line-${line}`, here(text)))
        const next = blocks[index + 1]
        if (next?.language === 'text' && next.before.trim() === '') expect(normalize(output)).toMatch(shownPattern(here(next.text)))
        expect(status, output).toBe(0)
      })
    }
  }

  /** @returns the command that runs it, as Node.js 22 runs TypeScript: the types are taken away */
  function program (name: string, text: string): string {
    const { outputText } = ts.transpileModule(text, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 } })
    writeFileSync(join(terminal.folder, `${name}.mjs`), outputText)
    return `node ${name}.mjs`
  }
})

describe('the code on the pages of flows', () => {
  const blocks = pages.flatMap((page) => readBlocks(readDocument(page)).map((block) => ({ page, ...block })))

  it('is TypeScript without a mistake of types, where it says so', () => {
    const sources = new Map(blocks.filter(({ language }) => language === 'ts').map(({ page, line, text }) => [join(repository, `${page.replaceAll('/', '-')}-${line}.mts`), text]))
    expect(sources.size).toBeGreaterThan(5)
    const options: ts.CompilerOptions = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, strict: true, skipLibCheck: true, noEmit: true, types: ['node'] }
    const host = ts.createCompilerHost(options)
    const { readFile, fileExists, getSourceFile } = host
    host.readFile = (path) => sources.get(path) ?? readFile(path)
    host.fileExists = (path) => sources.has(path) || fileExists(path)
    host.getSourceFile = (path, version, ...rest) => {
      const text = sources.get(path)
      return text === undefined ? getSourceFile(path, version, ...rest) : ts.createSourceFile(path, text, version)
    }
    const mistakes = ts.getPreEmitDiagnostics(ts.createProgram([...sources.keys()], options, host))
    expect(mistakes.map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)).toEqual([])
  })

  it('shows client credentials with curl and in five languages, each at the same endpoint', () => {
    const shown = blocks.filter(({ page }) => page === 'docs/flows/client-credentials.md')
    expect([...new Set(shown.map(({ language }) => language))].sort()).toEqual(['go', 'java', 'php', 'python', 'sh', 'text', 'ts'])
  })

  it('names the token endpoint alike in the languages that are not run here, and takes credentials from the environment', () => {
    const others = blocks.filter(({ language }) => ['go', 'java', 'php', 'python'].includes(language))
    expect(others.length).toBeGreaterThan(8)
    for (const { page, line, text } of others) {
      expect([...text.matchAll(/https?:\/\/[^"']*\/token/g)].map(([url]) => url), `${page}:${line}`).toEqual(['http://127.0.0.1:8080/oauth/v2/token'])
      expect(text, `${page}:${line}`).toMatch(/environ|[Gg]etenv/)
    }
  })

  it('is on pages that README.md and docs/flows/README.md lead to', () => {
    for (const page of pages) {
      expect(readDocument('README.md')).toContain(`(${page})`)
      expect(readDocument(preparation)).toMatch(new RegExp(`\\(${page.replace('docs/flows/', '')}[#)]`))
    }
  })
})
