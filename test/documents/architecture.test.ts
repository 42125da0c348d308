import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { maxTokenLength } from '../../src/access-tokens/verify.ts'
import { maxAssertionLength, maxAssertionLifetimeSeconds } from '../../src/clients/client-assertion.ts'
import { maxUsableKeys } from '../../src/clients/key-registration.ts'
import { keysTriedUnnamed } from '../../src/clients/private-key-jwt.ts'
import { maxUsableSecrets } from '../../src/clients/registration.ts'
import { maxSecretLength } from '../../src/clients/secret-verification.ts'
import { argon2Parameters } from '../../src/clients/secrets.ts'
import { patience } from '../../src/db.ts'
import { documentMaxAgeSeconds } from '../../src/http/cacheable.ts'
import { maxParameters } from '../../src/http/form.ts'
import { httpLimits } from '../../src/http/server.ts'
import { defaultAccessTokenTtlSeconds, maxAccessTokenTtlSeconds } from '../../src/oauth/claims.ts'
import { maxScopeLength, maxScopes } from '../../src/oauth/scope.ts'
import { readBlocks, readCodeSpans, readDocument, readSection, readTable, repository, repositoryFiles } from './markdown.ts'

const architecture = readDocument('ARCHITECTURE.md')
const [tree] = readBlocks(readSection(architecture, '## Layout'))
const layout = readLayout(tree?.text ?? '')

describe('ARCHITECTURE.md', () => {
  it('names files and folders that are there', () => {
    const diagrams = readBlocks(architecture).filter(({ text }) => text !== tree?.text)
    const named = [...layout, ...pathsIn(readCodeSpans(architecture)), ...pathsIn(diagrams.flatMap(({ text }) => text.split(/[\s,:]+/)))]
    expect(named.length).toBeGreaterThan(100)
    expect(named.filter((path) => !isThere(path))).toEqual([])
  })

  it('names every folder of src and prisma, and every file directly in src and scripts', () => {
    const folders = ['src', 'prisma'].flatMap((parent) => readdirSync(join(repository, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory()).map(({ name }) => `${parent}/${name}/`))
    const files = repositoryFiles().filter((path) => /^(src|scripts)\/[^/]+$/.test(path))
    expect([...folders.filter((folder) => holdsFiles(folder)), ...files].filter((path) => !layout.includes(path))).toEqual([])
  })

  it('gives the limits that the code has', () => {
    const limits: Readonly<Record<string, number>> = {
      ...prefixed('httpLimits', httpLimits),
      ...prefixed('argon2Parameters', argon2Parameters),
      ...prefixed('patience', patience),
      maxParameters,
      maxScopes,
      maxScopeLength,
      maxSecretLength,
      maxUsableSecrets,
      maxUsableKeys,
      keysTriedUnnamed,
      maxAssertionLength,
      maxAssertionLifetimeSeconds,
      maxTokenLength,
      defaultAccessTokenTtlSeconds,
      maxAccessTokenTtlSeconds,
      documentMaxAgeSeconds
    }
    const rows = readTable(readSection(architecture, '## Limits')).map(([, limit = '', where = '']): [string, number] => [where.replaceAll('`', ''), parseInt(limit)])
    const named = rows.filter(([where]) => /^[\w.]+$/.test(where))
    expect(named.filter(([where, limit]) => limits[where] !== limit)).toEqual([])
    expect(named.map(([where]) => where).sort()).toEqual(Object.keys(limits).sort())
  })
})

/** The indented tree of "Layout", as paths; folders end in a slash. */
function readLayout (text: string): string[] {
  const parents: string[] = []
  return text.split('\n').map((line) => {
    const depth = (line.length - line.trimStart().length) / 2
    const [name = ''] = line.trim().split(/\s+/)
    parents.length = depth
    parents.push(name)
    return parents.join('')
  })
}

/** What looks like a path: it has a slash inside or at its end and letters before it, or it is a source file. */
function pathsIn (words: readonly string[]): string[] {
  return words.filter((word) => /^\.?[a-z][\w.-]*(\/[\w.-]+)*\/?$/.test(word) && (/\.(ts|js|cjs|md|prisma)$/.test(word) || word.endsWith('/')))
}

/** Paths are seen from the root or from src. Some files are in several folders, such as `store.ts`. */
function isThere (path: string): boolean {
  if (existsSync(join(repository, path)) || existsSync(join(repository, 'src', path))) return true
  return !path.includes('/') && repositoryFiles().some((file) => file.startsWith('src/') && file.endsWith(`/${path}`))
}

function holdsFiles (folder: string): boolean {
  return folder === 'src/generated/' || repositoryFiles().some((file) => file.startsWith(folder))
}

function prefixed (prefix: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]))
}
