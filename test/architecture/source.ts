/** The server's own source files, as paths from the repository's root. */
import { readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')
process.chdir(root)

/** Sorted; generated files are nobody's style. */
export function sourceFiles (): string[] {
  return readdirSync('src', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative('.', join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('src/generated/'))
    .sort()
}

/** The folders that hold files of their own, below src. */
export function sourceFolders (): string[] {
  return [...new Set(sourceFiles().map((path) => dirname(path)).filter((folder) => folder !== 'src'))].sort()
}
