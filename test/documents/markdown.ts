/** Reading the project's Markdown: its fenced blocks, tables, headings and links. It must not know what they say. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const repository = join(import.meta.dirname, '..', '..')

export interface Block {
  readonly language: string
  readonly text: string
  /** Of its opening fence, from 1. */
  readonly line: number
  /** What stands between the block before and this one. */
  readonly before: string
}

export interface Link {
  readonly target: string
  readonly line: number
}

export function readDocument (path: string): string {
  return readFileSync(join(repository, path), 'utf8')
}

/** Tracked files and new ones that are not ignored: what a clone of the next commit has. */
export function repositoryFiles (): string[] {
  const output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: repository, encoding: 'utf8' })
  return output.split('\0').filter((path) => path !== '' && existsSync(join(repository, path)))
}

/** @see [CommonMark §4.5](https://spec.commonmark.org/0.31.2/#fenced-code-blocks) */
export function readBlocks (markdown: string): Block[] {
  const blocks: Block[] = []
  let open: { language: string, line: number, lines: string[], before: string } | undefined
  let before: string[] = []
  for (const [index, text] of markdown.split('\n').entries()) {
    const fence = /^```(\S*)\s*$/.exec(text)
    if (open === undefined && fence !== null) {
      open = { language: fence[1] ?? '', line: index + 1, lines: [], before: before.join('\n') }
    } else if (open !== undefined && fence !== null) {
      blocks.push({ language: open.language, line: open.line, text: open.lines.join('\n'), before: open.before })
      open = undefined
      before = []
    } else {
      (open?.lines ?? before).push(text)
    }
  }
  if (open !== undefined) throw new Error(`the block of line ${open.line} is never closed`)
  return blocks
}

/** The text under a heading, up to the next one of the same level or above, with its subsections. */
export function readSection (markdown: string, heading: string): string {
  const lines = markdown.split('\n')
  const start = lines.indexOf(heading)
  if (start === -1) throw new Error(`there is no heading "${heading}"`)
  const level = heading.indexOf(' ')
  const length = lines.slice(start + 1).findIndex((line) => new RegExp(`^#{1,${level}} `).test(line))
  return lines.slice(start + 1, length === -1 ? undefined : start + 1 + length).join('\n')
}

/** The rows of the first table of a text, without its head; each cell as it stands. */
export function readTable (markdown: string): string[][] {
  const lines = markdown.split('\n')
  const start = lines.findIndex((line) => /^\|(-+\|)+$/.test(line.replaceAll(' ', '')))
  const length = lines.slice(start + 1).findIndex((line) => !line.startsWith('|'))
  const rows = lines.slice(start + 1, length === -1 ? undefined : start + 1 + length)
  return rows.map((row) => row.replace(/^\||\|$/g, '').split(/(?<!\\)\|/).map((cell) => cell.trim()))
}

/** Every anchor that GitHub gives the headings. */
export function readAnchors (markdown: string): Set<string> {
  const anchors = new Set<string>()
  for (const line of withoutBlocks(markdown)) {
    const heading = /^#{1,6} +(.+?) *#*$/.exec(line)?.[1]
    if (heading === undefined) continue
    const slug = heading.toLowerCase().replace(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-')
    let anchor = slug
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`
    anchors.add(anchor)
  }
  return anchors
}

export function readLinks (markdown: string): Link[] {
  return withoutBlocks(markdown).flatMap((line, index) =>
    [...line.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ target, line: index + 1 })))
}

/** Every text in backticks, outside of blocks. */
export function readCodeSpans (markdown: string): string[] {
  return withoutBlocks(markdown).flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text))
}

function withoutBlocks (markdown: string): string[] {
  let inside = false
  return markdown.split('\n').map((line) => {
    const isFence = line.startsWith('```')
    if (isFence) inside = !inside
    return inside || isFence ? '' : line
  })
}
