/** The source files of the server and of the packages, as paths from the repository's root. */
import { readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')
process.chdir(root)

/** Sorted; generated files are nobody's style. */
export function sourceFiles (): string[] {
  return filesBelow('src').filter((path) => !path.startsWith('src/generated/'))
}

/** Of what is published beside the server. */
export function packageFiles (): string[] {
  return readdirSync('packages').flatMap((name) => filesBelow(join('packages', name, 'src')))
}

function filesBelow (folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative('.', join(entry.parentPath, entry.name)))
    .sort()
}

/** The folders that hold files of their own, below src. */
export function sourceFolders (): string[] {
  return [...new Set(sourceFiles().map((path) => dirname(path)).filter((folder) => folder !== 'src'))].sort()
}
