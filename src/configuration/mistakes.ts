/** What is wrong with a configuration file, and where: `file:line:column: path: sentence`. */
import { printable } from '../names.ts'
import { exitCodes, OperatorError } from '../operator-error.ts'

/** Names of members and indexes of lists, from the top of the file. */
export type Path = readonly (string | number)[]

export interface Place {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column: number
}

export interface Mistake extends Place {
  readonly path: string
  readonly sentence: string
  /** What may have been meant, to append to the sentence. It takes time, so it is found out for what is shown only. */
  readonly suggest?: () => string
}

/** Where the values of a file stand, and the names of their members. */
export interface Places {
  add (path: Path, value: Place, name?: Place): void
  value (path: Path): Place
  /** Where the member is named. */
  name (path: Path): Place
}

const beginning: Place = { line: 1, column: 1 }
const maxShown = 100

export function createPlaces (): Places {
  const values = new Map<string, Place>()
  const names = new Map<string, Place>()
  return {
    add (path, value, name) {
      values.set(pathText(path), value)
      if (name !== undefined) names.set(pathText(path), name)
    },
    value: (path) => values.get(pathText(path)) ?? beginning,
    name: (path) => names.get(pathText(path)) ?? values.get(pathText(path)) ?? beginning
  }
}

/** `resources["https://api.example.com"].scopes["tournaments:read"].default` */
export function pathText (path: Path): string {
  return path.map((step, index) => {
    if (typeof step === 'number') return `[${step}]`
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(step)) return index === 0 ? step : `.${step}`
    return `[${JSON.stringify(step)}]`
  }).join('')
}

export function mistakeAt ({ line, column }: Place, path: Path, sentence: string, suggest?: () => string): Mistake {
  return { line, column, path: pathText(path), sentence, ...suggest === undefined ? {} : { suggest } }
}

/** In the order of the file; one that was found twice is told once. */
export function inOrder (mistakes: readonly Mistake[]): readonly Mistake[] {
  const seen = new Set<string>()
  return mistakes
    .filter((mistake) => {
      const key = JSON.stringify([mistake.line, mistake.column, mistake.path, mistake.sentence])
      return !seen.has(key) && seen.add(key)
    })
    .sort((one, other) => one.line - other.line || one.column - other.column)
}

export function formatMistake (file: string, { line, column, path, sentence, suggest }: Mistake): string {
  return printable(`${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${sentence}${suggest?.() ?? ''}`)
}

export function refusal (file: string, mistakes: readonly Mistake[]): OperatorError {
  const sorted = inOrder(mistakes)
  const lines = sorted.slice(0, maxShown).map((mistake) => formatMistake(file, mistake))
  if (sorted.length > maxShown) lines.push(`${sorted.length - maxShown} more mistakes are not shown.`)
  const count = sorted.length === 1 ? 'There is a mistake' : `There are ${sorted.length} mistakes`
  return new OperatorError(`${count} in ${file}. Nothing was changed: correct the file and apply it again.`, { exitCode: exitCodes.refused, lines })
}
