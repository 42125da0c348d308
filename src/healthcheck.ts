/**
 * `node dist/healthcheck.js [--wait SECONDS]`: may the server of this environment be sent requests? For what has no curl,
 * such as the container image. It loads nothing of the server, so that it ends in a moment.
 */
import { get } from 'node:http'
import { get as getOverTls } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'

interface Answer {
  readonly ready: boolean
  readonly text: string
}

const timeoutMilliseconds = 2_000
const longestText = 500
const wildcards: Readonly<Record<string, string>> = { '': '127.0.0.1', '0.0.0.0': '127.0.0.1', '::': '::1' }

const [option, seconds = ''] = process.argv.slice(2)
if (option !== undefined && (option !== '--wait' || !/^\d{1,4}$/.test(seconds))) {
  console.error('signet: usage: node dist/healthcheck.js [--wait SECONDS]')
  process.exit(2)
}
const deadline = performance.now() + Number(seconds) * 1000
let answer = await ask()
while (!answer.ready && performance.now() < deadline) {
  await pause(200)
  answer = await ask()
}
console.log(answer.text)
process.exitCode = answer.ready ? 0 : 1

async function ask (): Promise<Answer> {
  const address = process.env['HOST']?.trim() ?? ''
  const host = wildcards[address] ?? address
  const port = Number(process.env['PORT']?.trim()) || 8080
  return await new Promise((resolve) => {
    const fail = (error: Error): void => { resolve({ ready: false, text: `There is no answer from ${host} port ${port} (${error.message}).` }) }
    try {
      // The certificate names the issuer, not this address; nothing that is sent or believed here is secret.
      const options = { host, port, path: '/health/ready', agent: false, rejectUnauthorized: false, signal: AbortSignal.timeout(timeoutMilliseconds) } as const
      const endsTls = (process.env['TLS_CERTIFICATE_FILE']?.trim() ?? '') !== ''
      const request = (endsTls ? getOverTls : get)(options, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => { text = (text + chunk).slice(0, longestText) })
        response.on('end', () => { resolve({ ready: response.statusCode === 200, text }) }).on('error', fail)
      })
      request.on('error', fail)
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error))) // a port past 65535
    }
  })
}
