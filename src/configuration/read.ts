/** From the text of a configuration file to what it says, with the place of everything and every mistake at once. */
import { LineCounter, parseDocument, type Document } from 'yaml'
import { configurationFile, defaultFileName, type ConfigurationFile, type Partially } from './document.ts'
import { createPlaces, mistakeAt, type Mistake, type Places } from './mistakes.ts'
import { readSecrets, type SecretSources } from './secrets.ts'
import { readShape, type Rule } from './shape.ts'
import { checkDocument } from './within.ts'

export interface ReadFile {
  /** What messages call the file: its path as it was given. */
  readonly label: string
  /** What the database calls it. */
  readonly name: string
  /** Without the parts that are wrong. */
  readonly document: Partially<ConfigurationFile>
  readonly places: Places
  /** The imported secrets by client id. */
  readonly secrets: ReadonlyMap<string, string>
  readonly mistakes: readonly Mistake[]
}

/** A file as it may be applied. */
export interface ReadyFile extends ReadFile {
  readonly document: ConfigurationFile
}

interface ReadOptions extends SecretSources {
  readonly label: string
  readonly bytes: Uint8Array
}

const rules = configurationFile as unknown as Rule // the same object, seen as the JSON Schema that it is

export const maxFileBytes = 4 * 1024 * 1024
/** The first of them cause most of the others. */
const maxSyntaxMistakes = 10
const tooDeep = 'The file is nested too deeply.'

export async function readConfiguration ({ label, bytes, ...sources }: ReadOptions): Promise<ReadFile> {
  const mistakes: Mistake[] = []
  const places = createPlaces()
  const document = readDocument(bytes, places, mistakes)
  mistakes.push(...checkDocument(document, places))
  const secrets = await readSecrets(document, sources, places)
  mistakes.push(...secrets.mistakes)
  return { label, name: document.name ?? defaultFileName, document, places, secrets: secrets.texts, mistakes }
}

export function isReady (file: ReadFile): file is ReadyFile {
  return file.mistakes.length === 0
}

function readDocument (bytes: Uint8Array, places: Places, mistakes: Mistake[]): Partially<ConfigurationFile> {
  const atTop = (sentence: string): Partially<ConfigurationFile> => {
    mistakes.push(mistakeAt({ line: 1, column: 1 }, [], sentence))
    return {}
  }
  if (bytes.length > maxFileBytes) return atTop('The file is larger than 4 MiB. Divide it into several with names of their own.')
  const text = decode(bytes)
  if (text === undefined) return atTop('The file is not text in UTF-8. Save it as such.')
  const lineCounter = new LineCounter()
  try {
    const yaml = parseDocument(text, { lineCounter, strict: true, uniqueKeys: true, version: '1.2', schema: 'core', merge: false, prettyErrors: false, keepSourceTokens: false })
    const syntax = mistakesOf(yaml, lineCounter)
    mistakes.push(...syntax)
    if (syntax.length > 0) return {}
    if (yaml.contents === null) return atTop('The file is empty. Write {} if it is to say nothing.')
    const found = readShape(rules, { yaml, lineCounter, places, report: (mistake) => { mistakes.push(mistake) } })
    return found === undefined ? {} : found as Partially<ConfigurationFile> // readShape let through what the schema allows and nothing else
  } catch (error) {
    if (error instanceof RangeError) return atTop(tooDeep)
    throw error
  }
}

function decode (bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** The library's messages may quote what is written, and that may be a secret: they end before it. */
function mistakesOf (yaml: Document, lineCounter: LineCounter): Mistake[] {
  const all = [...yaml.errors, ...yaml.warnings]
  if (all.some(({ message }) => message.includes('call stack'))) return [mistakeAt({ line: 1, column: 1 }, [], tooDeep)]
  const found = all.slice(0, maxSyntaxMistakes).map(({ code, message, pos: [offset] }) => {
    const { line, col } = lineCounter.linePos(offset)
    return mistakeAt({ line: Math.max(line, 1), column: Math.max(col, 1) }, [], sentences[code] ?? `This is not YAML: ${withoutQuotes(message)}.`)
  })
  if (yaml.directives?.yaml.explicit === true && yaml.directives.yaml.version !== '1.2') {
    found.push(mistakeAt({ line: 1, column: 1 }, [], 'The file is read as YAML 1.2 only. Remove the line %YAML.'))
  }
  return found
}

const sentences: Readonly<Partial<Record<string, string>>> = {
  DUPLICATE_KEY: 'It is here twice.',
  MULTIPLE_DOCS: 'There is a second document in the file. Remove it and the line --- before it.',
  TAG_RESOLVE_FAILED: 'This tag is not known. Write the value without a tag.',
  TAB_AS_INDENT: 'This is not YAML: it is indented with a tab. Use spaces.'
}

function withoutQuotes (message: string): string {
  return message.replace(/^(Missing closing ).*/s, '$1quote').replace(/(["'`]|: ).*$/s, '').replace(/\.$/, '').trim()
}
