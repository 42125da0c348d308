/**
 * Builds a stage of a Dockerfile without Docker: each instruction is replayed in an empty folder that stands for the
 * stage's root. What it is not: the base image is this machine's Node.js and npm, absolute paths are moved below the
 * folder by their text, there are no layers, and where all packages are installed, those of the repository are linked;
 * production's are really installed. An instruction that it does not know stops it.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, posix, relative } from 'node:path'
import { promisify } from 'node:util'
import { Copy, DockerfileParser, Healthcheck, type Instruction } from 'dockerfile-ast'
import { repository } from '../documents/markdown.ts'
import { linkPackages } from '../support/installed-packages.ts'

export interface Image {
  /** The folder that stands for `/`. */
  readonly root: string
  readonly environment: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly workdir: string
  readonly user: string
  readonly stopSignal: string
  readonly healthcheck: { readonly flags: Readonly<Record<string, string>>, readonly command: readonly string[] }
  readonly command: readonly string[]
  readonly ports: readonly string[]
}

interface Stage {
  readonly name: string
  readonly instructions: readonly Instruction[]
}

type Draft = { -readonly [Key in keyof Image]: Image[Key] }

const run = promisify(execFile)

export function readDockerfile (): { readonly stages: readonly Stage[], readonly baseImage: string } {
  const instructions = DockerfileParser.parse(readFileSync(join(repository, 'Dockerfile'), 'utf8')).getInstructions()
  const stages: { name: string, instructions: Instruction[] }[] = []
  let baseImage = ''
  for (const instruction of instructions) {
    const content = instruction.getArgumentsContent() ?? ''
    if (instruction.getKeyword() === 'FROM') {
      const name = /^\$\{NODE_IMAGE\} AS (\w+)$/.exec(content)?.[1]
      if (name === undefined) throw new Error(`an unknown base: FROM ${content}`)
      stages.push({ name, instructions: [] })
    } else if (stages.length === 0) {
      baseImage = content.replace(/^NODE_IMAGE=/, '')
    } else {
      stages.at(-1)?.instructions.push(instruction)
    }
  }
  return { stages, baseImage }
}

/** Builds a stage and those that it copies from, each once and side by side, as BuildKit does. */
export function createBuilder (scratch: string): (name: string) => Promise<Image> {
  const { stages } = readDockerfile()
  const images = new Map<string, Promise<Image>>()
  return function build (name) {
    const stage = stages.find((each) => each.name === name)
    if (stage === undefined) throw new Error(`there is no stage ${name}`)
    const image = images.get(name) ?? buildStage(stage, join(scratch, name), build)
    images.set(name, image)
    return image
  }
}

async function buildStage ({ instructions }: Stage, root: string, build: (name: string) => Promise<Image>): Promise<Image> {
  const sources = new Map<string, Promise<Image>>()
  for (const instruction of instructions) {
    const from = instruction instanceof Copy ? flagsOf(instruction)['from'] : undefined
    if (from !== undefined) sources.set(from, build(from))
  }
  const image: Draft = {
    root, environment: {}, labels: {}, workdir: '/', user: 'root', stopSignal: '', healthcheck: { flags: {}, command: [] }, command: [], ports: []
  }
  mkdirSync(join(root, 'usr', 'local', 'bin'), { recursive: true }) // as the base image has it
  const variables: Record<string, string> = {}
  for (const instruction of instructions) {
    const content = instruction.getArgumentsContent() ?? ''
    const expanded = content.replace(/\$\{(\w+)\}/g, (_, name: string) => variables[name] ?? '')
    switch (instruction.getKeyword()) {
      case 'ARG': Object.assign(variables, readPairs(content)); break
      case 'ENV': image.environment = { ...image.environment, ...readPairs(expanded) }; break
      case 'LABEL': image.labels = { ...image.labels, ...readPairs(expanded) }; break
      case 'WORKDIR':
        image.workdir = posix.resolve(image.workdir, content)
        mkdirSync(join(root, image.workdir), { recursive: true })
        break
      case 'COPY': {
        const from = flagsOf(instruction)['from']
        copy(content.split(/\s+/), from === undefined ? undefined : await sources.get(from), image)
        break
      }
      case 'RUN': await runCommand(content, image); break
      case 'USER': image.user = content; break
      case 'EXPOSE': image.ports = [...image.ports, content]; break
      case 'STOPSIGNAL': image.stopSignal = content; break
      case 'HEALTHCHECK': image.healthcheck = { flags: flagsOf(instruction), command: readJson(content.replace(/^CMD /, '')) }; break
      case 'CMD': image.command = readJson(content); break
      default: throw new Error(`an unknown instruction: ${instruction.getKeyword()} ${content}`)
    }
  }
  return image
}

/** Moves the absolute paths of a command below the root. */
export function inImage (root: string, text: string): string {
  return text.replace(/(?<![\w./:'"])\/(?=[a-z])/g, `${root}/`)
}

async function runCommand (command: string, { root, workdir, environment }: Image): Promise<void> {
  if (/^npm ci (?!.*--omit)/.test(command)) {
    linkPackages(join(root, workdir))
    return
  }
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], npm_config_prefer_offline: 'true', npm_config_update_notifier: 'false', ...environment }
  await run('sh', ['-c', `umask 022; ${inImage(root, command)}`], { cwd: join(root, workdir), env, maxBuffer: 16 * 1024 * 1024 })
}

function copy (paths: readonly string[], from: Image | undefined, { root, workdir }: Image): void {
  const [target = '', ...sources] = paths.toReversed()
  const source = from?.root ?? repository
  const destination = join(root, posix.resolve(workdir, target))
  for (const each of sources) {
    const path = join(source, each)
    const isFolder = statSync(path).isDirectory()
    const to = !isFolder && target.endsWith('/') ? join(destination, basename(each)) : destination
    mkdirSync(isFolder ? to : dirname(to), { recursive: true })
    const filter = from === undefined ? (candidate: string) => isSent(relative(repository, candidate)) : () => true
    if (from === undefined && !isSent(each)) throw new Error(`${each} is not sent to the build: see .dockerignore`)
    cpSync(path, to, { recursive: true, verbatimSymlinks: true, filter })
  }
}

/** Whether .dockerignore lets a path through: the last line that matches decides. Only plain paths and `*` are understood. */
export function isSent (path: string): boolean {
  const lines = readFileSync(join(repository, '.dockerignore'), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  let sent = true
  for (const line of lines) {
    const pattern = line.replace(/^!/, '')
    if (pattern === '*' || path === pattern || path.startsWith(`${pattern}/`)) sent = line.startsWith('!')
  }
  return sent
}

function flagsOf (instruction: Instruction): Record<string, string> {
  const flags = instruction instanceof Copy || instruction instanceof Healthcheck ? instruction.getFlags() : []
  return Object.fromEntries(flags.map((flag) => [flag.getName(), flag.getValue() ?? '']))
}

function readPairs (content: string): Record<string, string> {
  return Object.fromEntries([...content.matchAll(/([\w.]+)=("([^"]*)"|\S*)/g)].map(([, name = '', value = '', quoted]) => [name, quoted ?? value]))
}

function readJson (content: string): string[] {
  const value: unknown = JSON.parse(content)
  if (!Array.isArray(value)) throw new Error(`not in exec form: ${content}`)
  return value.map(String)
}

export function filesBelow (folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
}
