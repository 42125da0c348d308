import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { environmentSchema, loadConfig } from '../../src/config.ts'
import { readDocument } from '../documents/markdown.ts'

const one = readDocument('deploy/systemd/signet.service')
const several = readDocument('deploy/systemd/signet@.service')
const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0

describe('the units of deploy/systemd', () => {
  it('differ in the port, and in what they say about themselves, only', () => {
    const lines = one.split('\n')
    const other = several.split('\n')
    expect(other.length).toBe(lines.length)
    expect(other.filter((line, index) => line !== lines[index]).map((line) => line.split('=')[0]?.split(':')[0])).toEqual(['# One of several instances', 'Description', 'Environment'])
    expect(several).toMatch(/^Environment=.* PORT=%i$/m)
  })

  it('set variables that Signet knows', () => {
    const names = [...one.matchAll(/^Environment=(.*)$/gm)].flatMap(([, pairs = '']) => pairs.split(' ').map((pair) => pair.split('=')[0] ?? ''))
    expect(names.filter((name) => name !== 'NODE_ENV' && !(name in environmentSchema.properties))).toEqual([])
  })

  it('let the server drain before they end it, and run files that the build makes', () => {
    const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(one)?.[1])
    expect(seconds).toBeGreaterThan(loadConfig({}).drainSeconds + loadConfig({}).shutdownTimeoutSeconds)
    const programs = [...one.matchAll(/node_modules\/signet\/dist\/(\S+)\.js/g)].map(([, name = '']) => name)
    expect(programs).toEqual(['main', 'healthcheck'])
    for (const name of programs) expect(readDocument(`src/${name}.ts`)).not.toBe('')
  })

  it.skipIf(!canVerify)('have nothing that systemd objects to', { timeout: 60_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'signet-units-'))
    try {
      for (const [name, text] of [['signet.service', one], ['signet@8080.service', several]] as const) {
        const unit = join(folder, name)
        writeFileSync(unit, text.replaceAll('/usr/bin/node', process.execPath))
        const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' })
        expect({ status, complaints: stderr.split('\n').filter((line) => line.includes(folder)) }).toEqual({ status: 0, complaints: [] })
        const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', unit], { encoding: 'utf8' })
        expect(Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThanOrEqual(2)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
