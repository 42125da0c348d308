/** Two terminals, as a reader of the README has them: one in which the server runs, one for everything else. */
import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

export interface TerminalOptions {
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
}

export interface Shell {
  /** Runs a pasted block to its end, in the same shell as the ones before: variables and functions stay. */
  run (block: string): Promise<{ readonly output: string, readonly status: number }>
  close (): void
}

export interface Foreground {
  output (): string
  /** Waits until the output so far is as wanted. @returns whether it came to that */
  shows (wanted: (output: string) => boolean, seconds: number): Promise<boolean>
  /** Ctrl-C: SIGINT to the whole process group. @returns the exit code, undefined if it does not end in time */
  interrupt (seconds: number): Promise<number | undefined>
}

const endOfBlock = '\u001E'

/** A plain POSIX shell that sources one file after the other. */
export function openShell ({ folder, environment }: TerminalOptions, scratch: string): Shell {
  const loop = 'exec 2>&1; while IFS= read -r file; do . "$file" < /dev/null; printf "\\036%s\\n" "$?"; done'
  const child = spawn('sh', ['-c', loop], { cwd: folder, env: environment, stdio: ['pipe', 'pipe', 'ignore'] })
  let output = ''
  let onOutput: () => void = () => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    onOutput()
  })
  child.on('exit', () => { onOutput() })
  let count = 0

  async function run (block: string): Promise<{ output: string, status: number }> {
    count += 1
    const file = join(scratch, `block-${count}.sh`)
    writeFileSync(file, `${block}\n`)
    output = ''
    child.stdin.write(`${file}\n`)
    for (;;) {
      const [, said, status] = new RegExp(`^([^]*)${endOfBlock}(\\d+)\\n$`).exec(output) ?? []
      if (said !== undefined) return { output: said, status: Number(status) }
      if (child.exitCode !== null) throw new Error(`the shell ended in: ${block}\n${output}`)
      await new Promise<void>((resolve) => { onOutput = resolve })
    }
  }

  return { run, close: () => { child.kill('SIGKILL') } }
}

/** Runs a block that goes on running. */
export function runInForeground (block: string, { folder, environment }: TerminalOptions): Foreground {
  // A process group of its own, as a terminal gives it to what it runs; the shell survives Ctrl-C, as an interactive one does.
  const child = spawn('sh', ['-c', `exec 2>&1; trap : INT\n${block}`], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })

  return {
    output: () => output,
    async shows (wanted, seconds) {
      const deadline = performance.now() + seconds * 1000
      while (performance.now() < deadline && !hasEnded(child)) {
        if (wanted(output)) return true
        await pause(100)
      }
      return wanted(output)
    },
    async interrupt (seconds) {
      if (child.pid !== undefined && !hasEnded(child)) process.kill(-child.pid, 'SIGINT')
      const deadline = performance.now() + seconds * 1000
      while (performance.now() < deadline && !hasEnded(child)) await pause(50)
      return child.exitCode ?? undefined
    }
  }
}

function hasEnded (child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
