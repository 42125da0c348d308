import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { errorCauses } from '../../src/docs/error-causes.ts'
import { renderErrorDocument } from '../../src/docs/error-page.ts'
import { errorTable } from '../../src/oauth/errors.ts'
import { sourceFiles } from '../architecture/source.ts'
import { readAnchors, readDocument } from './markdown.ts'

const codes = Object.keys(errorTable)
/** `invalid_scope` is made by `invalidScope`. */
const codeOf = new Map(codes.map((code) => [code.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), code]))
/** Their argument is the cause, for the log; the description is one. */
const constant = ['invalid_client', 'invalid_grant', 'server_error', 'use_dpop_nonce', 'unsupported_grant_type']
/** Descriptions that have a name, each also a text of the sources. */
const named = ['description', 'notStored', 'noSuchStatusList']

interface Description {
  readonly code: string
  readonly text: string
}

const sources = sourceFiles().filter((path) => !/^src\/docs\/|^src\/oauth\/errors\.ts$/.test(path)).map((path) => ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest))
const documented = Object.entries(errorCauses).flatMap(([code, causes]) => causes.flatMap(({ says = [] }) => says.map((text): Description => ({ code, text }))))

describe('docs/errors.md', () => {
  it('is what the table says; npm run errors makes it so', () => {
    expect(readDocument('docs/errors.md') === renderErrorDocument()).toBe(true)
  })

  it('has the anchors that error_uri names', () => {
    const anchors = readAnchors(readDocument('docs/errors.md'))
    expect(codes.filter((code) => !anchors.has(code))).toEqual([])
  })
})

describe('the causes of each error', () => {
  it('are there, each with a cure, in whole sentences', () => {
    for (const [code, causes] of Object.entries(errorCauses)) {
      expect(causes.length, code).toBeGreaterThan(0)
      for (const { why, cure } of causes) for (const text of [why, cure]) expect(text, code).toMatch(/^[A-Z`].*\.$/)
    }
  })

  it('name every description that an answer of that error can have', () => {
    const thrown = sources.flatMap(thrownIn)
    expect(thrown.length).toBeGreaterThan(50)
    const known = documented.map(({ code, text }) => `${code}: ${text}`)
    expect(thrown.map(({ code, text }) => `${code}: ${text}`).filter((each) => !known.includes(each))).toEqual([])
  })

  it('name no description that none has', () => {
    const texts = [...sources, ts.createSourceFile('errors.ts', readFileSync('src/oauth/errors.ts', 'utf8'), ts.ScriptTarget.Latest)].flatMap((source) => textsIn(source))
    expect(documented.map(({ text }) => text).filter((text) => !texts.includes(text))).toEqual([])
  })
})

/** Every description that is given to a function of the error table. */
function thrownIn (source: ts.SourceFile): Description[] {
  const found: Description[] = []
  visit(source, (node) => {
    if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return
    const code = codeOf.get(node.expression.text)
    const [description] = node.arguments
    if (code === undefined || description === undefined || constant.includes(code)) return
    if (ts.isIdentifier(description)) expect(named, source.fileName).toContain(description.text)
    else found.push(...alternativesOf(description).map((text) => ({ code, text })))
  })
  return found
}

function alternativesOf (node: ts.Expression): string[] {
  return ts.isConditionalExpression(node) ? [...alternativesOf(node.whenTrue), ...alternativesOf(node.whenFalse)] : [textOf(node) ?? node.kind.toString()]
}

function textsIn (source: ts.SourceFile): string[] {
  const texts: string[] = []
  visit(source, (node) => {
    const text = textOf(node)
    if (text !== undefined) texts.push(text)
  })
  return texts
}

/** A literal as it reads, with `…` for what is put into it. */
function textOf (node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text
  return ts.isTemplateExpression(node) ? [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…') : undefined
}

function visit (node: ts.Node, look: (node: ts.Node) => void): void {
  look(node)
  ts.forEachChild(node, (child) => { visit(child, look) })
}
