/** The completion scripts, in the real shells: bash, which every machine has, and zsh where it is installed. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCli, type Cli } from './cli-process.ts'

const hasZsh = spawnSync('zsh', ['--version']).status === 0

let cli: Cli
let folder: string

beforeAll(async () => {
  cli = await createCli()
  folder = await mkdtemp(join(tmpdir(), 'signet-completion-'))
  for (const [shell, file] of [['bash', 'signet.bash'], ['zsh', '_signet']] as const) {
    const { exitCode, stdout } = await cli('completion', shell)
    expect(exitCode).toBe(0)
    await writeFile(join(folder, file), stdout)
  }
  await writeFile(join(folder, 'back up.gz'), '')
})
afterAll(async () => {
  await cli.remove()
  await rm(folder, { recursive: true, force: true })
})

/** What Tab offers after each line; `|` is where bash itself splits off a word within one, as it does at `=`. */
const cases: readonly (readonly [line: string, offered: readonly string[] | 'all commands'])[] = [
  ['', 'all commands'],
  ['cl', ['client']],
  ['migrate ', ['status']],
  ['--json key ', ['list', 'rotate', 'revoke']],
  ['client create --en', ['--environment']],
  ['client create --environment ', ['live', 'test']],
  ['client create --environment| = |t', ['test']],
  ['client create --name live --environment l', ['live']],
  ['completion ', ['bash', 'zsh']],
  ['client show ', []],
  ['restore --r', ['--revoke-tokens']],
  ['backup back', ['back up.gz']]
]

describe('signet completion', { timeout: 60_000 }, () => {
  it('refuses other shells, and prints the script as JSON too', async () => {
    const [refused, json] = await Promise.all([cli('completion', 'fish'), cli.record('completion', 'bash')])
    expect(refused).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('bash, zsh') as string })
    expect(json).toEqual({ shell: 'bash', script: expect.stringContaining('complete -F _signet signet') as string })
  })

  it('bash offers commands, options, their values and file names, in every place', async () => {
    const lines = cases.map(([line]) => words(line)).map((each) => `offer ${each.map(quote).join(' ')}`)
    const answers = run('bash', ['--norc', '--noprofile'], `
      . ./signet.bash
      complete -p signet
      offer () { COMP_WORDS=(signet "$@"); COMP_CWORD=$#; COMPREPLY=(); _signet 2> /dev/null; (IFS='|'; echo "\${COMPREPLY[*]}"); }
      ${lines.join('\n')}`)
    expect(answers.shift()).toBe('complete -F _signet signet')
    const commands = await commandsOf()
    for (const [index, [line, offered]] of cases.entries()) {
      expect(answers[index], `signet ${line}`).toBe((offered === 'all commands' ? commands : offered).join('|'))
    }
  })

  it('bash knows every command and every option that help knows', async () => {
    for (const command of await commandsOf()) {
      const help = (await cli(command, '--help')).stdout
      const flags = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag).filter((flag) => flag !== '--version').sort()
      const [, offered = ''] = run('bash', [], `. ./signet.bash\ncomplete -p signet\nCOMP_WORDS=(signet ${command} --); COMP_CWORD=2; _signet; echo "\${COMPREPLY[*]}"`)
      expect(offered.split(' ').sort(), command).toEqual(flags)
    }
  })

  it.skipIf(!hasZsh)('zsh loads it from a folder of fpath and offers the same', async () => {
    execFileSync('zsh', ['-n', join(folder, '_signet')])
    const lines = cases.filter(([line]) => !line.includes('|')).map(([line, offered]) => [words(line), offered] as const)
    // Completion itself needs a terminal: in its place stand functions that print what they are given.
    const answers = run('zsh', ['-f'], `
      fpath=(${quote(folder)} $fpath)
      autoload -Uz compinit && compinit -u -D
      print -r -- $_comps[signet]
      _describe () { [[ $1 == -o ]] && shift; local -a all; all=("\${(@P)2}"); offered=("\${(@)all%%:*}") }
      compadd () { offered=("\${(@P)2}") }
      _files () { offered=(back*) }
      offer () { local -a words offered; words=(signet "$@"); integer CURRENT=$#words; _signet; offered=(\${(M)offered:#\${words[-1]}*}); print -r -- "\${(j:|:)offered}" }
      ${lines.map(([each]) => `offer ${each.map(quote).join(' ')}`).join('\n')}`)
    expect(answers.shift()).toBe('_signet')
    const commands = await commandsOf()
    for (const [index, [each, offered]] of lines.entries()) {
      expect(answers[index], each.join(' ')).toBe((offered === 'all commands' ? commands : offered).join('|'))
    }
  })
})

/** The last word is the one at the cursor. */
function words (line: string): string[] {
  return line.replaceAll('|', '').split(' ')
}

function quote (word: string): string {
  return `'${word}'`
}

function run (shell: string, parameters: readonly string[], script: string): string[] {
  const { status, stdout, stderr } = spawnSync(shell, parameters, { cwd: folder, input: script, encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.split('\n').slice(0, -1)
}

let known: string[] | undefined

async function commandsOf (): Promise<string[]> {
  if (known === undefined) {
    const [, list = ''] = /^Commands:\n((?: {2}.*\n)+)/m.exec((await cli('--help')).stdout) ?? []
    known = [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help')
  }
  return known
}
