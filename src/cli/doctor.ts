import type { Command } from 'commander'
import type { Finding } from '../doctor/finding.ts'
import { printable } from '../names.ts'
import { OperatorError } from '../operator-error.ts'
import { counted } from '../phrases.ts'
import type { CommandContext } from './command.ts'
import { examples } from './help.ts'

export function addDoctorCommand (program: Command, { output, environment }: CommandContext): void {
  program.command('doctor')
    .description('Check everything that tends to be wrong: configuration, files, database, schema, keys, clocks, and the server as clients see it through ISSUER. ' +
      'It changes nothing. A problem ends with exit code 1, a warning does not.')
    .addHelpText('after', examples('signet doctor', 'signet doctor --json'))
    .action(async () => {
      const { examine } = await import('../doctor/doctor.ts')
      const { withDatabase } = await import('./session.ts')
      const tell = (): void => { if (process.stderr.isTTY) output.note('asking the database and the server; this takes 15 seconds at most') }
      const telling = setTimeout(tell, 1_000)
      const findings = await examine({
        ...environment,
        clock: Date.now,
        withDatabase: (config, work) => withDatabase({ config, clock: Date.now, progress: () => {} }, ({ url }) => work(url))
      }).finally(() => { clearTimeout(telling) })
      const count = (state: Finding['state']): number => findings.filter((finding) => finding.state === state).length
      const [problems, warnings] = [count('problem'), count('warning')]
      await output.text(formatFindings(findings), { problems, warnings, checks: findings })
      if (problems > 0) throw new OperatorError(`${counted(problems, 'problem')} and ${counted(warnings, 'warning')}: the lines above say what to do.`)
      output.note(warnings === 0 ? 'nothing is wrong' : `no problem, ${counted(warnings, 'warning')}`)
    })
}

function formatFindings (findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  return findings.map(({ check, state, found, advice }) => {
    const said = state === 'not checked' ? `not checked: ${found}` : found
    const mark = state === 'not checked' ? '-' : state
    return `${mark.padEnd('problem'.length)}  ${check.padEnd(width)}  ${printable(advice === null ? said : `${said}. ${advice}`)}\n`
  }).join('')
}
