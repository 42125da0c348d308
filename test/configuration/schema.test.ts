import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineCounter, parse, parseDocument } from 'yaml'
import { configurationFile, publishedSchema } from '../../src/configuration/document.ts'
import { createPlaces, type Mistake } from '../../src/configuration/mistakes.ts'
import { readShape, type Rule } from '../../src/configuration/shape.ts'
import { readDocument } from '../documents/markdown.ts'
import { malformed, wellFormed } from './examples.ts'
import { generatedFile, spoiledFile } from './files.ts'

const published = JSON.parse(readDocument('docs/signet.schema.json')) as object // a schema is an object
const validate = new Ajv2020({ allErrors: true, keywords: ['errorMessage'] }).compile(published)

/** What the reader has against the form alone. */
function mistakesOfForm (text: string): readonly Mistake[] {
  const lineCounter = new LineCounter()
  const mistakes: Mistake[] = []
  const yaml = parseDocument(text, { lineCounter, prettyErrors: false })
  readShape(configurationFile as unknown as Rule, { yaml, lineCounter, places: createPlaces(), report: (mistake) => { mistakes.push(mistake) } }) // as read.ts sees it
  return mistakes
}

describe('the JSON Schema for editors', () => {
  it('is the one that files are read by: npm run schema writes it', () => {
    expect(readDocument('docs/signet.schema.json')).toBe(publishedSchema())
  })

  it.each(wellFormed)('accepts what the reader accepts: %s', (file) => {
    expect(mistakesOfForm(file)).toEqual([])
    expect(validate(parse(file)), JSON.stringify(validate.errors)).toBe(true)
  })

  it.each(malformed)('refuses what the reader refuses: %s', (file) => {
    expect(mistakesOfForm(file)).not.toEqual([])
    expect(validate(parse(file))).toBe(false)
  })

  it('agrees with the reader about any file', () => {
    const verdicts = { accepted: 0, refused: 0 }
    fc.assert(fc.property(fc.oneof(generatedFile, spoiledFile), (file) => {
      const isAccepted = mistakesOfForm(JSON.stringify(file)).length === 0
      verdicts[isAccepted ? 'accepted' : 'refused'] += 1
      expect(validate(file), JSON.stringify(validate.errors)).toBe(isAccepted)
    }), { numRuns: 500 })
    expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(50)
  })

  it('has a description for every member', () => {
    const undescribed: string[] = []
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return
      if ('properties' in value && typeof value.properties === 'object') {
        for (const [name, member] of Object.entries(value.properties ?? {})) if (!Object.hasOwn(Object(member) as object, 'description')) undescribed.push(`${path}.${name}`) // Object() of an object is itself
      }
      for (const [name, member] of Object.entries(value)) visit(member, `${path}.${name}`)
    }
    visit(published, '')
    expect(undescribed).toEqual([])
  })
})
