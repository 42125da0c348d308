/** Holds YAML against the schema: every mistake with its place, and as much of a value as is without one. */
import { isAlias, isMap, isScalar, isSeq, type Document, type LineCounter, type Node, type Pair, type Scalar } from 'yaml'
import { didYouMean } from '../nearest.ts'
import { mistakeAt, type Mistake, type Path, type Place, type Places } from './mistakes.ts'

/** As much of JSON Schema as the schema of the file uses. */
export interface Rule {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Rule>>
  readonly patternProperties?: Readonly<Record<string, Rule>>
  readonly propertyNames?: Rule
  readonly required?: readonly string[]
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly items?: Rule
  readonly uniqueItems?: boolean
  readonly maxItems?: number
  readonly enum?: readonly string[]
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  /** The sentence for whoever wrote something else. */
  readonly errorMessage?: string
}

interface ShapeOptions {
  readonly yaml: Document
  readonly lineCounter: LineCounter
  readonly places: Places
  readonly report: (mistake: Mistake) => void
}

/** An alias makes the parser's tree larger than the file; this many times it may. */
export const maxAliases = 100

/** @returns the value without the parts that are wrong; undefined when nothing of it is right */
export function readShape (schema: Rule, { yaml, lineCounter, places, report }: ShapeOptions): unknown {
  let aliases = 0
  const patterns = new Map<string, RegExp>()

  function matches (pattern: string, text: string): boolean {
    const compiled = patterns.get(pattern) ?? new RegExp(pattern, 'u')
    patterns.set(pattern, compiled)
    return compiled.test(text)
  }

  function placeOf (node: Node | null | undefined): Place {
    const { line, col } = lineCounter.linePos(node?.range?.[0] ?? 0)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }

  /** @returns undefined: nothing of the value is right */
  function wrong (path: Path, place: Place, sentence: string): unknown {
    report(mistakeAt(place, path, sentence))
    return undefined
  }

  function resolve (node: Node | null | undefined, path: Path): Node | null | undefined {
    if (!isAlias(node)) return node
    aliases += 1
    const target = aliases > maxAliases ? undefined : node.resolve(yaml)
    if (target === undefined && aliases <= maxAliases + 1) {
      wrong(path, placeOf(node), aliases > maxAliases ? `There are more than ${maxAliases} aliases, one inside another perhaps. Write out what they stand for.` : 'There is no such anchor before this alias. Write out what it stands for.')
    }
    return target
  }

  function read (written: Node | null | undefined, rule: Rule, path: Path): unknown {
    const node = resolve(written, path)
    if (isAlias(written) && node === undefined) return undefined
    if (rule.type === 'object') return isMap<Node, Node | null>(node) ? readMembers(node.items, rule, path, placeOf(node)) : wrongType(node, 'a mapping', path)
    if (rule.type === 'array') return isSeq<Node>(node) ? readItems(node.items, rule, path, placeOf(node)) : wrongType(node, 'a list', path)
    return isScalar(node) ? readScalar(node, rule, path) : wrongType(node, expectedOf(rule), path)
  }

  function wrongType (node: Node | null | undefined, expected: string, path: Path): unknown {
    return wrong(path, placesOf(path, node), `It takes ${expected}, not ${kindOf(node)}.${kindOf(node) === 'nothing' ? ' Write it out, or leave the member out.' : ''}`)
  }

  /** Nothing has no place of its own but that of its name. */
  function placesOf (path: Path, node: Node | null | undefined): Place {
    return isScalar(node) && node.value === null && node.source === '' ? places.name(path) : placeOf(node)
  }

  function readMembers (pairs: readonly Pair<Node, Node | null>[], rule: Rule, path: Path, place: Place): unknown {
    // A scope may be called __proto__.
    const found: Record<string, unknown> = Object.create(null) as Record<string, unknown> // of no type yet
    const names = new Set<string>()
    for (const pair of pairs) {
      const name = nameOf(pair.key)
      if (name === undefined) {
        wrong(path, placeOf(pair.key), 'The name of a member is text, not a list or a mapping.')
        continue
      }
      const memberPath = [...path, name]
      places.add(memberPath, placeOf(pair.value ?? pair.key), placeOf(pair.key))
      if (names.has(name)) wrong(memberPath, placeOf(pair.key), 'It is here twice.')
      names.add(name)
      const member = memberRule(name, rule, memberPath, placeOf(pair.key))
      if (member === undefined) continue
      const value = read(pair.value, member, memberPath)
      // What it holds may be wrong; that it is there, others may rely on.
      if (value !== undefined || rule.patternProperties !== undefined) found[name] = value
    }
    for (const name of rule.required ?? []) if (!names.has(name)) wrong(path, path.length === 0 ? place : places.name(path), `The member ${name} is missing.`)
    if (names.size < (rule.minProperties ?? 0) || names.size > (rule.maxProperties ?? Infinity)) return wrong(path, places.name(path), rule.errorMessage ?? 'It has too few or too many members.')
    return found
  }

  function memberRule (name: string, rule: Rule, path: Path, place: Place): Rule | undefined {
    const known = Object.hasOwn(rule.properties ?? {}, name) ? rule.properties?.[name] : undefined
    if (known !== undefined) return known
    if (name === '<<') {
      wrong(path, place, 'Merge keys are not supported. Write out what is meant.')
      return undefined
    }
    if (rule.patternProperties === undefined) {
      const names = Object.keys(rule.properties ?? {})
      wrong(path, place, `There is no such member.${didYouMean(name, names) || ` There are: ${names.join(', ')}.`}`)
      return undefined
    }
    const [pattern = '', value] = Object.entries(rule.patternProperties)[0] ?? []
    const isShort = Array.from(name).length <= (rule.propertyNames?.maxLength ?? Infinity)
    if (isShort && matches(pattern, name)) return value
    wrong(path, place, rule.errorMessage ?? 'It may not be named so.')
    return undefined
  }

  function readItems (nodes: readonly Node[], rule: Rule, path: Path, place: Place): unknown {
    if (nodes.length > (rule.maxItems ?? Infinity)) return wrong(path, place, `It takes at most ${rule.maxItems ?? 0} items.`)
    const found: unknown[] = []
    for (const [index, node] of nodes.entries()) {
      const itemPath = [...path, index]
      places.add(itemPath, placeOf(node))
      const item = read(node, rule.items ?? {}, itemPath)
      const isTwice = rule.uniqueItems === true && item !== undefined && found.includes(item)
      if (isTwice) wrong(itemPath, placeOf(node), 'It is in the list twice.')
      found.push(isTwice ? undefined : item)
    }
    return nodes.length > 0 && found.every((item) => item === undefined) ? undefined : found
  }

  function readScalar (node: Scalar, rule: Rule, path: Path): unknown {
    const { value } = node
    const isOfType = rule.type === 'integer' ? Number.isInteger(value) : rule.type === 'boolean' ? typeof value === 'boolean' : typeof value === 'string'
    if (!isOfType) return wrong(path, placesOf(path, node), `It takes ${expectedOf(rule)}, not ${kindOf(node)}.${rule.type === 'string' && value !== null ? ' Put it in quotes.' : ''}`)
    const isRight = typeof value === 'string' ? isText(value, rule) : typeof value !== 'number' || isWithin(value, rule)
    if (isRight) return value
    const choice = rule.enum === undefined ? '' : `It takes ${alternatives(rule.enum.map(String))}.${typeof value === 'string' ? didYouMean(value, rule.enum) : ''}`
    return wrong(path, placeOf(node), rule.errorMessage ?? (choice || `It takes ${expectedOf(rule)}.`))
  }

  function isText (value: string, rule: Rule): boolean {
    const length = Array.from(value).length
    return length >= (rule.minLength ?? 0) && length <= (rule.maxLength ?? Infinity) &&
      (rule.pattern === undefined || matches(rule.pattern, value)) && (rule.enum === undefined || rule.enum.includes(value))
  }

  return read(yaml.contents, schema, [])
}

function isWithin (value: number, { minimum = -Infinity, maximum = Infinity }: Rule): boolean {
  return value >= minimum && value <= maximum
}

function expectedOf ({ type, minimum, maximum }: Rule): string {
  if (type === 'integer') return `a whole number from ${minimum ?? 0} to ${maximum ?? Infinity}`
  return type === 'boolean' ? 'true or false' : 'text'
}

function kindOf (node: Node | null | undefined): string {
  if (isMap(node)) return 'a mapping'
  if (isSeq(node)) return 'a list'
  const value = isScalar(node) ? node.value : null
  if (value === null) return 'nothing'
  if (typeof value === 'string') return 'text'
  return typeof value === 'boolean' ? 'true or false' : 'a number'
}

/** As it is written: a scope may be called 404. */
function nameOf (node: Node | null): string | undefined {
  if (!isScalar(node)) return node === null ? '' : undefined
  return typeof node.value === 'string' ? node.value : node.source ?? String(node.value)
}

function alternatives (values: readonly string[]): string {
  return [...values.length > 1 ? [values.slice(0, -1).join(', ')] : [], ...values.slice(-1)].join(' or ')
}
