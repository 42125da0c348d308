import { describe, expect, it } from 'vitest'
import { environmentSchema } from '../../src/config.ts'
import { readDocument, readSection, readTable } from './markdown.ts'

interface Variable {
  readonly name: string
  readonly fallback: string
  readonly explanation: string
}

const variables = Object.entries(environmentSchema.properties).map(([name, schema]): Variable => ({
  name,
  fallback: 'default' in schema ? String(schema.default) : '',
  explanation: 'description' in schema ? schema.description : ''
}))

describe('the configuration as the documents describe it', () => {
  it('README.md has every variable of the schema, in its order, with its default and its explanation', () => {
    const rows = readTable(readSection(readDocument('README.md'), '## Configuration'))
    expect(rows.map(([name, fallback, explanation]) => ({ name, fallback, explanation })))
      .toEqual(variables.map(({ name, fallback, explanation }) => ({ name: `\`${name}\``, fallback: fallback === '' ? '' : `\`${fallback}\``, explanation })))
  })

  it('.env.example has every variable of the schema, in its order, with its default and its explanation', () => {
    expect(readExample()).toEqual(variables)
  })

  it('.env.example sets nothing: copied as it is, it changes nothing and holds no secret', () => {
    const lines = readDocument('.env.example').split('\n')
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([])
    expect(variables.filter(({ name, fallback }) => /KEY(_FILE)?$/.test(name) && fallback !== '')).toEqual([])
  })
})

/** Paragraphs of comments, each an explanation that ends with `# NAME=default`; the first paragraph is about the file. */
function readExample (): Variable[] {
  const [, ...paragraphs] = readDocument('.env.example').trim().split('\n\n')
  return paragraphs.map((paragraph) => {
    const lines = paragraph.split('\n').map((line) => line.replace(/^# /, ''))
    const [name = '', ...fallback] = lines.at(-1)?.split('=') ?? []
    return { name, fallback: fallback.join('='), explanation: lines.slice(0, -1).join(' ') }
  })
}
