import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { packageFiles, sourceFiles } from '../architecture/source.ts'
import { readDocument, readLinks, readTable, repository } from './markdown.ts'

interface Row {
  /** As a source links to it: `rfc` and its number, or the name of a draft. */
  readonly specification: string
  readonly section: string
  readonly level: string
  readonly sources: readonly string[]
  readonly titles: readonly string[]
}

const page = readDocument('docs/conformance.md')
const rows = page.split(/^## /m).slice(1).flatMap((part): Row[] => readTable(part).map(([section = '', level = '', , source = '', tests = '']) => ({
  specification: /^(RFC \d+|draft-[\w-]+): /.exec(part)?.[1]?.replace('RFC ', 'rfc') ?? '',
  section,
  level,
  sources: [...source.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path),
  titles: [...tests.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title.replaceAll('\\|', '|'))
})))
const titles = titlesOfTests()

describe('docs/conformance.md', () => {
  it('has a section, a level, a source and a test in each row', () => {
    expect(rows.length).toBeGreaterThan(100)
    for (const row of rows) {
      const address = row.specification.startsWith('rfc') ? `www\\.rfc-editor\\.org/rfc/${row.specification}\\.html` : `datatracker\\.ietf\\.org/doc/html/${row.specification}`
      expect(row.section, row.specification).toMatch(new RegExp(`^\\[[\\d.]+(?: \\(\\d+\\))?\\]\\(https://${address}#section-[\\d.]+\\)$`))
      expect(row.level, row.section).toMatch(/^(MUST|REQUIRED|SHOULD|RECOMMENDED|MAY|OPTIONAL|(MUST|SHOULD) NOT|note)$/)
      expect([row.sources.length, row.titles.length > 0], row.section).toEqual([1, true])
      expect(/^\[([\d.]+)/.exec(row.section)?.[1]).toBe(/section-([\d.]+)\)$/.exec(row.section)?.[1])
    }
  })

  it('names sources that are there and link to the specification', () => {
    const broken = rows.flatMap(({ specification, section, sources }) => sources.filter((path) => !existsSync(join(repository, path)) || !linksOf(path).includes(specification)).map((path) => `${path} for ${section}`))
    expect(broken).toEqual([])
  })

  it('names tests that are there', () => {
    expect(rows.flatMap(({ section, titles: named }) => named.filter((title) => !titles.has(title)).map((title) => `${section}: ${title}`))).toEqual([])
  })

  it('has every specification that a source links to', () => {
    const linked = new Set([...sourceFiles(), ...packageFiles()].flatMap((path) => linksOf(path)))
    const listed = new Set(rows.map(({ specification }) => specification))
    expect([...linked].filter((specification) => !listed.has(specification))).toEqual([])
    expect(linked.size).toBeGreaterThan(20)
  })

  it('is where a reader looks for it', () => {
    for (const document of ['README.md', 'ARCHITECTURE.md']) expect(readLinks(readDocument(document)).map(({ target }) => target), document).toContain('docs/conformance.md')
  })
})

function linksOf (path: string): string[] {
  return [...readFileSync(join(repository, path), 'utf8').matchAll(/rfc-editor\.org\/rfc\/(rfc\d+)\.html|datatracker\.ietf\.org\/doc\/html\/(draft-[\w-]+)#/g)].map(([, rfc, draft = '']) => rfc ?? draft)
}

/** What `it` and `describe` are called with, in every test file; `…` for what a template puts in. */
function titlesOfTests (): Set<string> {
  const files = readdirSync(join(repository, 'test'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'))
  const found = new Set<string>()
  for (const name of files) {
    const visit = (node: ts.Node): void => {
      const title = ts.isCallExpression(node) && /^(it|describe)$/.test(functionOf(node)) ? titleOf(node) : undefined
      if (title !== undefined) found.add(title)
      ts.forEachChild(node, visit)
    }
    visit(ts.createSourceFile(name, readFileSync(join(repository, 'test', name), 'utf8'), ts.ScriptTarget.Latest))
  }
  return found
}

/** Also of `it.each(table)(title, …)` and `describe.skipIf(condition)(title, …)`. */
function functionOf ({ expression }: ts.CallExpression): string {
  let inner: ts.Expression = expression
  while (ts.isCallExpression(inner) || ts.isPropertyAccessExpression(inner)) inner = inner.expression
  return ts.isIdentifier(inner) ? inner.text : ''
}

function titleOf ({ arguments: [title] }: ts.CallExpression): string | undefined {
  if (title === undefined) return undefined
  if (ts.isStringLiteralLike(title)) return title.text
  return ts.isTemplateExpression(title) ? [title.head.text, ...title.templateSpans.map(({ literal }) => literal.text)].join('…') : undefined
}
