/** docs/deployment.md: what it prints for every machine is run as it stands; what needs Docker, root or a cluster names what is there. */
import { existsSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBlocks, readDocument, repository } from '../documents/markdown.ts'
import { normalize, shownPattern } from '../documents/shown-output.ts'
import { openShell, type Shell } from '../documents/terminal.ts'
import { createDeployment, type Deployment } from '../support/deployment.ts'
import { createTestDatabase, type TestDatabase } from '../support/embedded.ts'
import { freePort } from '../support/server.ts'
import { readStack, variablesOf } from './stack.ts'

const page = readDocument('docs/deployment.md')
const blocks = readBlocks(page)
const shellBlocks = blocks.filter(({ language }) => language === 'sh')

describe('the commands of docs/deployment.md', () => {
  let scratch: string
  let database: TestDatabase
  let server: Deployment
  let shell: Shell
  let port: number

  beforeAll(async () => {
    scratch = realpathSync(mkdtempSync(join(tmpdir(), 'signet-page-')))
    symlinkSync(join(repository, 'dist'), join(scratch, 'dist'))
    port = await freePort()
    database = await createTestDatabase()
    server = createDeployment({ dataDir: join(scratch, 'data'), port, environment: { DATABASE_URL: database.url, MASTER_KEY: '5a'.repeat(32), WORKERS: '1' } })
    await server.start()
    shell = openShell({ folder: scratch, environment: { PATH: process.env['PATH'] ?? '', PORT: String(port) } }, scratch)
  }, 60_000)

  afterAll(async () => {
    shell.close()
    await server.stop()
    await database.drop()
    rmSync(scratch, { recursive: true, force: true })
  }, 30_000)

  it.each(shellBlocks.map((block) => ({ line: block.line, block })))('line $line', { timeout: 60_000 }, async ({ block }) => {
    const shown = blocks[blocks.indexOf(block) + 1]
    const { output, status } = await shell.run(block.text.replaceAll(':8080', `:${port}`))
    expect(status, output).toBe(0)
    if (shown?.language === 'text' && shown.before.trim() === '') expect(normalize(output)).toMatch(shownPattern(shown.text))
  })

  it('make a master key that only its owner can read', () => {
    const key = statSync(join(scratch, 'master.key'))
    expect(key.mode & 0o777).toBe(0o600)
    expect(key.size).toBe(65)
  })
})

describe('what docs/deployment.md prints for Docker, root and a cluster', () => {
  const lines = blocks.filter(({ language }) => language === 'console').flatMap(({ text }) => text.split('\n'))

  it('is marked as such, line by line', () => {
    expect(lines.filter((line) => !line.startsWith('$ '))).toEqual([])
    expect(shellBlocks.length).toBeGreaterThanOrEqual(4)
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['console', 'sh', 'text']))
  })

  it('names services, files and ports that are there', () => {
    const services = lines.flatMap((line) => [...line.matchAll(/docker compose (?:exec(?: -T)?|logs --follow) (\w+)/g)]).map(([, service]) => service)
    expect(new Set(services)).toEqual(new Set(['signet']))
    const files = lines.flatMap((line) => [...line.matchAll(/(?<= )deploy\/[\w./-]+/g)]).map(([path]) => path)
    expect(files.length).toBeGreaterThan(1)
    expect(files.filter((path) => !existsSync(join(repository, path.replace(/signet\*?\.?$/, ''))))).toEqual([])
    const ports = [...page.matchAll(/http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, number]) => number)
    const published = Object.values(readStack().services).flatMap(({ ports: each = [] }) => each.map((text) => /:-(\d+)\}/.exec(text)?.[1]))
    expect(ports.filter((number) => !published.includes(number))).toEqual([])
  })

  it('says which variables of the stack may be set, with their defaults', () => {
    const sentence = /`PORT` \(8080\), [^.]*\./.exec(page)?.[0] ?? ''
    const named = [...sentence.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name)
    const settable = [...readDocument('docker-compose.yml').matchAll(/\$\{(\w+):-/g)].map(([, name]) => name)
    expect(new Set(named)).toEqual(new Set(settable))
    expect(sentence).toContain(`\`WORKERS\` (${variablesOf('signet')['WORKERS'] ?? ''})`)
  })
})
