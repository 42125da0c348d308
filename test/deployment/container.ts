/**
 * Runs the command of an image that was built without Docker, as near to a container as this machine allows: as root, as
 * the image's own user with every file system read-only; otherwise as oneself, with the image's files read-only.
 */
import { spawn, spawnSync, execFileSync, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { inImage, type Image } from './dockerfile.ts'
import { isRoot } from '../support/data-folder.ts'

export interface Container {
  readonly pid: number
  output (): string
  readonly ended: Promise<number | null>
}

export interface RunOptions {
  readonly environment: Readonly<Record<string, string>>
  /** Of the image's own if not given. */
  readonly command?: readonly string[]
}

/** Root may make everything read-only for the processes of a container alone, where the machine lets it. */
export const hasReadOnlyRoot = isRoot && spawnSync('unshare', ['--mount', 'sh', '-c', readOnly('true')]).status === 0

function readOnly (command: string): string {
  return `mount --make-rprivate / && awk '{ print $5 }' /proc/self/mountinfo | while read -r point; do mount -o remount,bind,ro "$point" 2> /dev/null; done; ! touch / 2> /dev/null && ${command}`
}

export function sealImage ({ root }: Image): void {
  execFileSync('chmod', ['-R', 'a-w', root])
}

export function unsealImage ({ root }: Image): void {
  execFileSync('chmod', ['-R', 'u+w', root])
}

/** Exec form: no shell sees the command of the image. */
export function runInImage (image: Image, { environment, command = image.command }: RunOptions): Container {
  const [uid = '', gid = ''] = image.user.split(':')
  const [program = '', ...parameters] = command.map((each) => inImage(image.root, each))
  const own = [program === 'node' ? process.execPath : program, ...parameters]
  const asUser = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', ...own]
  const [first = '', ...rest] = !isRoot ? own : !hasReadOnlyRoot ? asUser : ['unshare', '--mount', 'sh', '-c', readOnly('exec "$@"'), 'sh', ...asUser]
  const child = spawn(first, rest, { cwd: join(image.root, image.workdir), env: environmentOf(image, environment), stdio: ['ignore', 'pipe', 'pipe'] })
  return observe(child)
}

function environmentOf (image: Image, given: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = { PATH: `${join(image.root, 'usr/local/bin')}:${process.env['PATH'] ?? ''}`, HOME: '/nonexistent' }
  const mapped = Object.entries(image.environment).map(([name, value]): [string, string] => [name, inImage(image.root, value)])
  return { ...inherited, ...Object.fromEntries(mapped), ...given }
}

function observe (child: ChildProcess): Container {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { output += text })
  const ended = new Promise<number | null>((resolve) => { child.once('close', resolve) })
  return { pid: child.pid ?? 0, output: () => output, ended }
}
