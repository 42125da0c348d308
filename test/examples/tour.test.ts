/** `npm run example` as a newcomer runs it: everything is started by it, and what it prints is pasted into a shell. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newDataFolder, type DataFolder } from '../support/data-folder.ts'
import { within } from '../support/requests.ts'
import { freePort } from '../support/server.ts'
import { processesOf, projectFolder } from '../support/signet-process.ts'

let folder: DataFolder
let example: ChildProcess
let environment: Record<string, string>
let output = ''

beforeAll(async () => {
  folder = await newDataFolder()
  const [port, examplePort] = [await freePort(), await freePort()]
  environment = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', PORT: String(port), EXAMPLE_PORT: String(examplePort), SIGNET_DATA_DIR: folder.dataDir, LOG_LEVEL: 'warn', WORKERS: '2' }
  example = spawn('npm', ['run', 'example'], { cwd: projectFolder, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: environment })
  for (const stream of [example.stdout, example.stderr]) stream?.on('data', (chunk: Buffer) => { output += chunk.toString() })
  expect(await within(60, async () => output.includes('Ctrl-C ends everything') || example.exitCode !== null), output).toBe(true)
}, 90_000)
afterAll(async () => {
  if (example.pid !== undefined && example.exitCode === null && example.signalCode === null) process.kill(-example.pid, 'SIGKILL')
  await folder.remove()
})

async function paste (commands: readonly string[]): Promise<string> {
  return (await promisify(execFile)('sh', ['-c', commands.join('\n')])).stdout
}

describe('npm run example, with nothing set up', () => {
  it('prints commands that are the tour: a token, calls, too small a scope, revoke, refused by introspection', async () => {
    const commands = output.split('\n').filter((line) => /^ {2}(token=|curl )/.test(line))
    expect(commands).toHaveLength(8)
    const answers = await paste(commands)
    expect(answers.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['200', '200', '403', '204', '200', '401'].map((status) => `HTTP/1.1 ${status}`))
    expect(answers).toContain('Spring Cup')
    expect(answers).toContain('error="insufficient_scope"')
    expect(answers).toContain('The access token is not active any more')
  })

  it('makes no sample besides, and shows the secrets of its own clients only', () => {
    expect(output).not.toContain('Sample')
  })

  it('says which variable to set when its port is taken, before it prints what to paste', { timeout: 40_000 }, async () => {
    const second = promisify(execFile)(process.execPath, ['scripts/example.js'], { cwd: projectFolder, env: environment })
    await expect(second).rejects.toMatchObject({ code: 1, stdout: expect.not.stringContaining('Paste') as unknown, stderr: expect.stringContaining(`Port ${environment['EXAMPLE_PORT'] ?? ''} is taken by another program. Set EXAMPLE_PORT to a free one.\n`) as unknown })
    const { stdout } = await promisify(execFile)(process.execPath, ['scripts/example.js', '--help'], { cwd: projectFolder, env: environment })
    expect(stdout).toContain('EXAMPLE_PORT')
  })

  it('ends everything at Ctrl-C', { timeout: 40_000 }, async () => {
    const ended = once(example, 'exit')
    if (example.pid !== undefined) process.kill(-example.pid, 'SIGINT')
    await ended
    expect(await within(10, async () => (await processesOf(folder.dataDir)).length === 0)).toBe(true)
  })
})
