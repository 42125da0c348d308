import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageFiles, sourceFiles, sourceFolders } from './source.ts'

/** The file of each folder that a reader opens first. A new folder needs a line here. */
const mainFiles: Readonly<Record<string, string>> = {
  'packages/verifier/src': 'verifier.ts',
  'src/access-tokens': 'mint.ts',
  'src/audit': 'audit-record.ts',
  'src/backup': 'backup.ts',
  'src/changes': 'feed.ts',
  'src/cli': 'main.ts',
  'src/clients': 'client.ts',
  'src/configuration': 'document.ts',
  'src/credential-usage': 'usage.ts',
  'src/discovery': 'endpoint.ts',
  'src/docs': 'endpoint.ts',
  'src/doctor': 'doctor.ts',
  'src/dpop': 'proof.ts',
  'src/exchanged-tokens': 'exchanged-token.ts',
  'src/health': 'endpoint.ts',
  'src/http': 'server.ts',
  'src/introspection': 'endpoint.ts',
  'src/keys': 'ring.ts',
  'src/metrics': 'metrics.ts',
  'src/oauth': 'errors.ts',
  'src/organizations': 'organization.ts',
  'src/postgres': 'embedded.ts',
  'src/processes': 'presence.ts',
  'src/replay': 'guard.ts',
  'src/resources': 'resource.ts',
  'src/revocation': 'endpoint.ts',
  'src/sealing': 'sealer.ts',
  'src/setup': 'prepare.ts',
  'src/status-lists': 'status-list.ts',
  'src/token': 'endpoint.ts',
  'src/token/grants': 'index.ts'
}

const files = [...sourceFiles(), ...packageFiles()]

describe('the tree of src and packages', () => {
  it('has folders of known nouns only, none of them a drawer for everything', () => {
    expect([...new Set(packageFiles().map((path) => dirname(path))), ...sourceFolders()]).toEqual(Object.keys(mainFiles).sort())
  })

  it.each(Object.entries(mainFiles))('%s: its main file %s opens with what it owns, in one to three sentences', (folder, file) => {
    const path = `${folder}/${file}`
    expect(existsSync(path)).toBe(true)
    const [, comment = ''] = /^(?:#!.*\n)?\/\*\*([^]*?)\*\//.exec(readFileSync(path, 'utf8')) ?? []
    const text = comment.replace(/\n \*/g, ' ').trim()
    expect(text).toMatch(/[.?]$/)
    expect(text.length).toBeGreaterThan(40)
  })

  it.each(files)('%s has at most 250 lines', (path) => {
    expect(readFileSync(path, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(250)
  })

  it.each(files)('%s keeps to the house rules that no linter holds', (path) => {
    const text = readFileSync(path, 'utf8')
    expect(text, 'named exports only').not.toMatch(/^export default/m)
    expect(text, 'work is filed, not left in comments').not.toMatch(/\b(TODO|FIXME|XXX|HACK)\b/)
    const specifiers = [...text.matchAll(/(?:from|import\() ?'([^']+)'/g)].map(([, specifier = '']) => specifier)
    for (const specifier of specifiers.filter((each) => each.startsWith('.'))) expect(specifier).toMatch(/\.ts$/)
    const classes = [...text.matchAll(/\bclass (\w+)( extends (\w+))?/g)].filter(([, name = '']) => /^[A-Z]/.test(name))
    for (const [, name, , parent] of classes) expect(parent, name).toBe('Error')
    if (!['src/main.ts', 'src/cli/main.ts', 'src/healthcheck.ts'].includes(path)) expect(text, 'process.env in entry files only').not.toMatch(/process\.env\b/)
  })
})
