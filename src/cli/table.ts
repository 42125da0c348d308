/** Aligned text for terminals. What it prints cannot move the cursor or reverse the text, whatever the database holds. */
import { printable } from '../names.ts'

type Row = Readonly<Record<string, unknown>>

/** Free text gives way on a narrow terminal; ids and times are never cut, for they are there to be copied. */
const elasticColumns = new Set(['name', 'organization', 'identifier', 'resource', 'description', 'scope', 'scopes'])
/** Where a minute is no answer. */
const secondsColumns = new Set(['in_force_at'])
const narrowestColumn = 10
const gap = '  '

/** On a terminal too narrow for the columns, a block of lines for each row. */
export function formatTable (rows: readonly Row[], columns: readonly string[], width = Infinity): string {
  const table = columns.map((name) => {
    const cells = [headingOf(name), ...rows.map((row) => formatCell(row[name], secondsColumns.has(name) ? 'second' : 'minute'))]
    return { isElastic: elasticColumns.has(name), cells, width: Math.max(...cells.map(lengthOf)) }
  })
  let excess = table.reduce((sum, column) => sum + column.width + gap.length, -gap.length) - width
  for (; excess > 0; excess -= 1) {
    const [widest] = table.filter((column) => column.isElastic && column.width > narrowestColumn).sort((one, other) => other.width - one.width)
    if (widest === undefined) return rows.map((row) => formatRecord(pick(row, columns))).join('\n')
    widest.width -= 1
  }
  return ['', ...rows]
    .map((_, line) => table.map((column) => fit(column.cells[line] ?? '', column.width)).join(gap).trimEnd())
    .join('\n') + '\n'
}

/** A line for each member that has a value; objects and lists of objects follow in sections of their own. */
export function formatRecord (record: Row, width?: number): string {
  const members = Object.entries(record).filter(([, value]) => value !== null && value !== undefined)
  const plain = members.filter(([, value]) => !isSection(value))
  const labelWidth = Math.max(0, ...plain.map(([name]) => lengthOf(printable(name))))
  const lines = plain.map(([name, value]) => `${fit(printable(name), labelWidth)}${gap}${formatCell(value, 'second')}\n`)
  const sections = members.filter(([, value]) => isSection(value))
    .map(([name, value]) => `\n${printable(name)}\n${formatSection(value, width)}`)
  return [...lines, ...sections].join('')
}

function formatSection (section: unknown, width: number | undefined): string {
  if (!Array.isArray(section)) return isRow(section) ? formatRecord(section, width) : ''
  const rows = section.filter(isRow)
  const columns = Object.keys(rows[0] ?? {}).filter((name) => rows.some((row) => row[name] !== null))
  return formatTable(rows, columns, width)
}

function isSection (value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 && value.every(isRow) : isRow(value)
}

function isRow (value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function pick (row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(columns.map((name) => [name, row[name]]))
}

/** `expires_at` is headed EXPIRES. */
function headingOf (name: string): string {
  return name.replace(/_at$/, '').replaceAll('_', ' ').toUpperCase()
}

/** To the minute, times fit narrow terminals; JSON has the milliseconds. */
type Precision = 'minute' | 'second'

function formatCell (value: unknown, precision: Precision): string {
  if (value === null || value === undefined || value === '') return '-'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return printable(formatTime(value, precision))
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return printable(value.join(' ')) || '-'
  return printable(JSON.stringify(value))
}

function formatTime (text: string, precision: Precision): string {
  return text.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)\.\d{3}Z$/, precision === 'minute' ? '$1 $2Z' : '$1 $2$3Z')
}

/** The words of a text in lines; a word that is longer than a line gets one of its own. */
export function wrapWords (text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || lengthOf(last) + 1 + lengthOf(word) > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

function lengthOf (text: string): number {
  return Array.from(text).length
}

function fit (text: string, width: number): string {
  const length = lengthOf(text)
  return length <= width ? text + ' '.repeat(width - length) : `${Array.from(text).slice(0, width - 1).join('')}…`
}
