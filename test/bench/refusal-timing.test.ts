import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const script = join(import.meta.dirname, '..', '..', 'bench', 'refusal-timing.js')

it('bench:timing measures the refusals of every form of credential, and finds each form to have one answer', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--rounds', '2', '--seconds', '1'])
  const cells = stdout.split('\n').filter((line) => line.startsWith('| ')).map((line) => line.split('|').map((cell) => cell.trim()))
  const measured = cells.slice(1).map(([, form = '', label = '', samples]) => ({ form, label, samples }))
  for (const label of ['unknown', 'again', 'wrong', 'disabled']) expect(measured.filter((each) => each.label === label)).toHaveLength(16)
  for (const label of ['expired', 'revoked']) expect(measured.filter((each) => each.label === label)).toHaveLength(13)
  expect(new Set(measured.map(({ samples }) => samples))).toEqual(new Set(['2']))
  expect(new Set(measured.map(({ form }) => form.split(',')[0]))).toEqual(new Set([
    'client_secret_post', 'client_secret_basic', 'client_secret_jwt', 'private_key_jwt', 'assertion of a grant', 'self_signed_tls_client_auth', 'tls_client_auth'
  ]))
  expect(stdout).toContain('No case is distinguishable from a client that does not exist.')
})
