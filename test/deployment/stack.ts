/** docker-compose.yml as it is written, and its service `secrets` run without Docker. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { parse } from 'yaml'
import { readDocument, repository } from '../documents/markdown.ts'
import { isRoot } from '../support/data-folder.ts'

export interface Service {
  readonly image?: string
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly volumes?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly ports?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly stop_grace_period?: string
}

export interface Stack {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

export function readStack (): Stack {
  return parse(readDocument('docker-compose.yml')) as Stack // its linter knows its schema
}

/** A variable of a service; from outside nothing is set. */
export function variablesOf (name: string): Record<string, string> {
  const entries = Object.entries(readStack().services[name]?.environment ?? {})
  return Object.fromEntries(entries.map(([variable, value]) => [variable, String(value).replace(/\$\{\w+:-([^}]*)\}/g, '$1')]))
}

/** The entry point of the service, with the one capability that it has; where we are not root, files keep their owner. */
export function makeSecrets (folder: string): void {
  const [shell = '', ...parameters] = readStack().services['secrets']?.entrypoint ?? []
  const command = [shell, ...parameters.map((each) => each === '/make-secrets.sh' ? join(repository, 'deploy/compose/make-secrets.sh') : each.replace('/run/signet', folder))]
  if (isRoot) execFileSync('setpriv', ['--no-new-privs', '--bounding-set=-all,+chown', '--inh-caps=-all,+chown', ...command])
  else execFileSync('sh', ['-c', 'chown () { :; }; set -- "$1"; . "$0"', ...command.slice(1)])
}
