import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readConfigurationFile } from '../../src/configuration/file.ts'
import { malformed, sample } from './examples.ts'
import { mistakesIn, readText } from './world.ts'

describe('a configuration file', () => {
  it('is read into what it says, with the place of everything', async () => {
    const { document, places, secrets, mistakes, name } = await readText(sample)
    expect(mistakes).toEqual([])
    expect(name).toBe('signet')
    expect(JSON.parse(JSON.stringify(document))).toEqual(parse(sample))
    expect(places.name(['resources', 'https://api.example.com', 'scopes', 'tournaments:write'])).toEqual({ line: 16, column: 7 })
    expect(places.value(['clients', 'cl_live_samplebackend', 'scopes', 1])).toEqual({ line: 22, column: 34 })
    expect([...secrets]).toEqual([['cl_live_samplebackend', 'only-for-local-stacks-0123456789']])
  })

  it.each(malformed)('%s', async (file, ...mistakes) => {
    expect(await mistakesIn(file)).toEqual(mistakes)
  })

  it('gives a JWT client no token exchange, whose form alone is right', async () => {
    const file = 'clients: { cl_live_x: { organization: org_x, name: X, type: jwt, grants: ["urn:ietf:params:oauth:grant-type:token-exchange"] } }'
    expect(await mistakesIn(file)).toEqual(['1:74: clients.cl_live_x.grants: Only a service client can have the grant urn:ietf:params:oauth:grant-type:token-exchange: it is for services that are shown tokens.'])
  })

  it('tells syntax by line and column, and never quotes a line, which may hold a secret', async () => {
    const secret = 'hunter2-hunter2-hunter2'
    const cases: readonly (readonly [string, RegExp])[] = [
      [`a: {${secret}`, /^1:\d+: This is not YAML: [^:]+\.$/],
      [`a: [1\n${secret}: 2`, /^\d:\d+: This is not YAML: /],
      [`a: "${secret}`, /^1:\d+: This is not YAML: /],
      ['a: 1\n\tb: 2', /^2:1: This is not YAML: /],
      ['clients: {}\nclients: {}', /^2:1: It is here twice\.$/],
      ['clients: {}\n---\nclients: {}', /^2:1: There is a second document in the file\. Remove it and the line --- before it\.$/],
      ['clients: !set {}', /^1:10: This tag is not known\. Write the value without a tag\.$/],
      ['%YAML 1.1\n---\nclients: {}', /^1:1: The file is read as YAML 1\.2 only\. Remove the line %YAML\.$/],
      ['', /^1:1: The file is empty\. Write \{\} if it is to say nothing\.$/],
      ['# nothing\n', /^1:1: The file is empty\./],
      [`name: *${secret}`, /^1:7: name: There is no such anchor before this alias\. Write out what it stands for\.$/],
      ['clients: &a { <<: *a }', /^1:15: clients\["<<"\]: Merge keys are not supported\. Write out what is meant\.$/],
      ['['.repeat(100_000), /^1:1: The file is nested too deeply\.$/],
      ['[{a: '.repeat(2_000), /^1:1: It takes a mapping, not a list\.$|^1:/]
    ]
    for (const [file, expected] of cases) {
      const mistakes = await mistakesIn(file)
      expect(mistakes[0], file.slice(0, 60)).toMatch(expected)
      expect(mistakes.join('\n')).not.toContain(secret)
    }
  })

  it('is refused when it is too large, no text, or a bomb of aliases', async () => {
    const lines = Array.from({ length: 9 }, (_, level) => `a${level}: &a${level} [${Array.from({ length: 10 }, () => level === 0 ? 'x' : `*a${level - 1}`).join(', ')}]`)
    const bomb = 'resources: { https://a.example: { name: A, scopes: { a: { description: A } } } }\nclients:\n  cl_live_x: { organization: org_x, name: X, scopes: *a8 }\n'
    const large = `# ${'x'.repeat(4 * 1024 * 1024)}`
    expect(await mistakesIn(large)).toEqual(['1:1: The file is larger than 4 MiB. Divide it into several with names of their own.'])
    expect((await mistakesIn(`${lines.join('\n')}\n${bomb}`)).length).toBeLessThan(20)
    const nested = 'clients: &c\n  cl_live_x: { organization: org_x, name: X, secret: *c }\n'
    const started = performance.now()
    expect((await mistakesIn(nested)).length).toBeGreaterThan(0)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it('is read no further than its limit, and not at all when it is a folder, a pipe or a device', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signet-configuration-'))
    try {
      const [sparse, pipe] = [join(folder, 'sparse'), join(folder, 'pipe')]
      await writeFile(sparse, '')
      await truncate(sparse, 2 ** 40)
      spawnSync('mkfifo', [pipe])
      const read = (path: string): ReturnType<typeof readConfigurationFile> => readConfigurationFile({ path, readVariable: () => undefined })
      expect((await read(sparse)).mistakes).toMatchObject([{ sentence: 'The file is larger than 4 MiB. Divide it into several with names of their own.' }])
      await expect(read(folder)).rejects.toMatchObject({ exitCode: 2, message: `The configuration file ${folder} is a folder. Give the path of a file, or apply - to read standard input.` })
      for (const path of [pipe, '/dev/zero']) {
        await expect(read(path)).rejects.toMatchObject({ exitCode: 2, message: `The configuration file ${path} is a pipe or a device. Give the path of a file, or apply - to read standard input.` })
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('may use anchors and aliases', async () => {
    const { document, mistakes } = await readText('clients:\n  cl_live_a: { organization: org_x, name: A, scopes: &scopes [a, b] }\n  cl_live_b: { organization: org_x, name: B, scopes: *scopes }\n')
    expect(mistakes).toEqual([])
    expect(document.clients?.['cl_live_b']?.scopes).toEqual(['a', 'b'])
  })

  it('may not say in one place what it contradicts in another', async () => {
    const file = `
organizations:
  org_a: { name: Same }
  org_b: { name: Same }
resources:
  https://a.example: { name: A, scopes: { read: { description: R } } }
  https://b.example: { name: B, scopes: { read: { description: R } } }
  https:///no-host: { name: C }
clients:
  cl_live_a: { organization: org_a, name: A, environment: test }
  cl_live_b: { organization: org_a, name: B, scopes: [read], grants: [] }
  cl_live_c: { organization: org_a, name: C, grants: [] }
  cl_live_d: { organization: org_a, name: D, scopes: [], grants: [] }
  cl_live_e: { organization: org_a, name: E, grants: [], resource_server: https://a.example }
`
    expect(await mistakesIn(file)).toEqual([
      '4:18: organizations.org_b.name: org_a has this name too, and names of organizations are unique. Choose another name.',
      '7:43: resources["https://b.example"].scopes.read: The resource https://a.example defines this scope too, and names of scopes are unique. Choose another name.',
      '8:3: resources["https:///no-host"]: It takes an absolute URI without a fragment, of at most 255 characters, such as https://api.example.com.',
      '10:59: clients.cl_live_a.environment: The id cl_live_a is one of the environment live. Change the id or this.',
      '11:70: clients.cl_live_b.grants: A client with scopes needs a grant, for without one it gets no tokens. Name a grant, leave the member out, or write scopes: [].',
      '12:54: clients.cl_live_c.grants: A client with scopes needs a grant, for without one it gets no tokens. Name a grant, leave the member out, or write scopes: [].'
    ])
  })
})

describe('the secrets of a configuration file', () => {
  const file = (secret: string): string => `clients:\n  cl_live_x:\n    organization: org_x\n    name: X\n    secret: { ${secret} }\n`

  it('come from the environment, or from a file of their own, without the line break at its end', async () => {
    expect((await readText(file('from_environment: PARTNER'), { PARTNER: 'a-secret-of-partner' })).secrets.get('cl_live_x')).toBe('a-secret-of-partner')
    expect((await readText(file('from_file: fixtures/partner-secret.txt'))).secrets.get('cl_live_x')).toBe(readFileSync(new URL('fixtures/partner-secret.txt', import.meta.url), 'utf8').trim())
  })

  it('must be there and usable; what is told of them shows nothing of them', async () => {
    const rule = 'The secret there is not usable. It takes 16 to 512 printable ASCII characters without spaces, and must not begin with sgs_, as the secrets that Signet generates do.'
    const at = '5:33: clients.cl_live_x.secret.from_environment:'
    expect(await mistakesIn(file('from_environment: PARTNER'))).toEqual([`${at} The environment variable PARTNER is not set. Set it to the secret.`])
    for (const secret of ['short', 'x'.repeat(513), 'with spaces in the middle', 'not-ascii-ü-not-ascii', 'sgs_live_0123456789abcdef']) {
      expect(await mistakesIn(file('from_environment: PARTNER'), { PARTNER: secret })).toEqual([`${at} ${rule}`])
    }
    expect(await mistakesIn(file('from_file: fixtures'))).toEqual([expect.stringMatching(/ \S+fixtures is a folder\. Name a file that holds the secret\.$/)])
    expect(await mistakesIn(file('from_file: /dev/zero'))).toEqual([expect.stringMatching(/ \/dev\/zero is a pipe or a device\. Name a file that holds the secret\.$/)])
    expect(await mistakesIn(file('from_file: ../../package-lock.json'))).toEqual([expect.stringMatching(/ The file is too large to hold a secret\.$/)])
    expect(await mistakesIn(file('from_file: not-there.txt'))).toEqual([expect.stringMatching(/^5:26: clients\.cl_live_x\.secret\.from_file: The file \S+ cannot be read \(ENOENT\)\. Put the secret there\.$/)])
  })
})
