import { copyFileSync, linkSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../documents/markdown.ts'

/**
 * What `npm ci` installs, without the network: a node_modules of its own whose files are those of the repository,
 * at once and for no room, for nobody changes packages in place. What scripts of ours noted there is left out.
 */
export function linkPackages (folder: string): void {
  linkTree(join(repository, 'node_modules'), join(folder, 'node_modules'), (name) => !name.startsWith('.signet'))
}

function linkTree (from: string, to: string, isWanted: (name: string) => boolean = () => true): void {
  mkdirSync(to, { mode: lstatSync(from).mode, recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (!isWanted(entry.name)) continue
    if (entry.isDirectory()) linkTree(source, target)
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
    else linkFile(source, target)
  }
}

/** Across file systems there are no links. */
function linkFile (source: string, target: string): void {
  try {
    linkSync(source, target)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error
    copyFileSync(source, target)
  }
}
