/** The imported secrets of a file: from the environment, from files of their own, or from the file itself. */
import { resolve } from 'node:path'
import { errorCode } from '../error-code.ts'
import { readAtMost } from './bounded.ts'
import { importedSecretPattern, secretRule, type ConfigurationFile, type Partially, type SecretEntry } from './document.ts'
import { mistakeAt, type Mistake, type Path, type Places } from './mistakes.ts'

export interface SecretSources {
  /** Where relative paths start. */
  readonly folder: string
  readonly readVariable: (name: string) => string | undefined
}

interface Read { readonly texts: ReadonlyMap<string, string>, readonly mistakes: readonly Mistake[] }

const maxSecretFileBytes = 4_096

/** No sentence holds a secret, nor a part of one. */
export async function readSecrets (document: Partially<ConfigurationFile>, sources: SecretSources, places: Places): Promise<Read> {
  const texts = new Map<string, string>()
  const mistakes: Mistake[] = []
  for (const [clientId, client] of Object.entries(document.clients ?? {})) {
    const entry = client?.secret
    if (entry === undefined) continue
    const [member, found] = await readOne(entry, sources)
    if (member === undefined) continue
    const path: Path = ['clients', clientId, 'secret', member]
    const sentence = 'problem' in found ? found.problem : problemOf(found.text)
    if (sentence === undefined && 'text' in found) texts.set(clientId, found.text)
    else mistakes.push(mistakeAt(places.value(path), path, sentence ?? ''))
  }
  return { texts, mistakes }
}

type Found = { readonly text: string } | { readonly problem: string }

async function readOne (entry: Partially<SecretEntry>, { folder, readVariable }: SecretSources): Promise<[keyof SecretEntry | undefined, Found]> {
  if (entry.from_environment !== undefined) {
    const text = readVariable(entry.from_environment)
    return ['from_environment', text === undefined || text === '' ? { problem: `The environment variable ${entry.from_environment} is not set. Set it to the secret.` } : { text }]
  }
  if (entry.from_file !== undefined) return ['from_file', await readSecretFile(resolve(folder, entry.from_file))]
  return entry.value === undefined ? [undefined, { problem: '' }] : ['value', { text: entry.value }]
}

async function readSecretFile (path: string): Promise<Found> {
  try {
    const found = await readAtMost(path, maxSecretFileBytes)
    if (!('bytes' in found)) return { problem: `${path} is ${found.kind === 'folder' ? 'a folder' : 'a pipe or a device'}. Name a file that holds the secret.` }
    return found.bytes.length > maxSecretFileBytes ? { problem: 'The file is too large to hold a secret.' } : { text: found.bytes.toString('utf8').replace(/\r?\n$/, '') }
  } catch (error) {
    return { problem: `The file ${path} cannot be read (${errorCode(error) ?? 'unknown'}). Put the secret there.` }
  }
}

function problemOf (text: string): string | undefined {
  return new RegExp(importedSecretPattern, 'u').test(text) ? undefined : `The secret there is not usable. ${secretRule}`
}
