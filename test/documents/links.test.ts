import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readAnchors, readDocument, readLinks, repository, repositoryFiles } from './markdown.ts'

const files = repositoryFiles()
const documents = files.filter((path) => path.endsWith('.md'))

describe.each(documents)('the links of %s', (document) => {
  const links = readLinks(readDocument(document)).filter(({ target }) => !/^[a-z]+:/.test(target))

  it('lead to files of the repository, and to headings that are there', () => {
    const broken = links.filter(({ target }) => !resolves(document, target))
    expect(broken).toEqual([])
  })
})

describe('the documents', () => {
  it('are those that a reader looks for', () => {
    for (const path of ['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'CHANGELOG.md', 'LICENSE', '.env.example']) expect(files).toContain(path)
  })

  it('docs/adr/README.md lists every decision', () => {
    const listed = readLinks(readDocument('docs/adr/README.md')).map(({ target }) => target).filter((target) => /^\d{4}-/.test(target))
    const present = documents.map((path) => path.replace('docs/adr/', '')).filter((name) => /^\d{4}-/.test(name))
    expect(listed).toEqual(present.sort())
    expect(present.map((name) => Number(name.slice(0, 4)))).toEqual(present.map((_, index) => index + 1))
  })
})

function resolves (document: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? document : normalize(join(dirname(document), path)).replace(/\/$/, '')
  if (!existsSync(join(repository, target))) return false
  if (!files.includes(target) && !files.some((file) => file.startsWith(`${target}/`))) return false
  return anchor === undefined || (target.endsWith('.md') && readAnchors(readDocument(target)).has(anchor))
}
