/**
 * `npm run example`: the tournament API beside a Signet. Starts a Signet unless one answers already, applies the
 * API's configuration file, starts the API, and prints what to try. Ctrl-C ends whatever this started.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { prepare, root } from './prepare.js'

const startPatienceSeconds = 120
const partnerId = 'cl_live_examplepartner'
const apiId = 'cl_live_exampleapi'
const example = join(root, 'examples', 'tournament-api')
const configuration = join(example, 'signet.yaml')
const secretsFile = join(example, '.env')

const usage = `npm run example: the tournament API of examples/tournament-api beside a Signet. Ctrl-C ends it.

  PORT or ISSUER   where the Signet is that it works with; it starts one if none answers there (8080)
  EXAMPLE_PORT     where the API listens (8090)
`

if (process.argv.length > 2) {
  process.stdout.write(usage)
  process.exit(['--help', '-h'].includes(process.argv[2]) ? 0 : 2)
}
await prepare()
if (existsSync('.env')) process.loadEnvFile('.env')
const issuer = (process.env.ISSUER ?? `http://127.0.0.1:${process.env.PORT ?? 8080}`).replace(/\/+$/, '')
const apiPort = process.env.EXAMPLE_PORT ?? '8090'
const children = new Set()
let stopping = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { stop() })
try {
  await run()
} catch (error) {
  if (!stopping) {
    say(error.message)
    process.exitCode = 1
  }
  stop()
}

async function run () {
  const secrets = readSecrets()
  const environment = { PARTNER_CLIENT_SECRET: secrets.partner, INTROSPECTION_CLIENT_SECRET: secrets.api }
  const startsSignet = !(await isReady())
  if (startsSignet) {
    say(`no Signet answers at ${issuer}, so this starts one; if one runs elsewhere, set PORT or ISSUER to what that has`)
    start('start.js', [], { ...environment, SIGNET_CONFIG: process.env.SIGNET_CONFIG ?? configuration }, 'Signet')
    await until(isReady, `Signet did not answer at ${issuer}/health/ready within ${startPatienceSeconds} seconds. See what it says above.`)
  } else {
    say(`using the Signet at ${issuer}`)
  }
  if (!startsSignet || process.env.SIGNET_CONFIG !== undefined) {
    say('applying examples/tournament-api/signet.yaml')
    await finished(start('signet.js', ['apply', configuration], environment))
  }
  await until(knowsPartner(secrets.partner), `The Signet at ${issuer} does not know the example's client. Give this command the same DATABASE_URL or SIGNET_DATA_DIR as the server.`, 10)
  if (await isTaken(Number(apiPort))) throw new Error(`Port ${apiPort} is taken by another program. Set EXAMPLE_PORT to a free one.`)
  start(join(example, 'server.js'), [], { ISSUER: issuer, HOST: '127.0.0.1', PORT: apiPort, INTROSPECTION_CLIENT_ID: apiId, ...environment }, 'the tournament API')
  await until(() => answers(`http://127.0.0.1:${apiPort}/health`), 'The tournament API did not answer within 15 seconds.', 15)
  printTour(secrets.partner)
}

function say (line) {
  process.stderr.write(`signet: ${line}\n`)
}

/**
 * @param {string} script absolute, or beside this one
 * @param {string} [name] of a child that has to live: when it ends, everything ends
 */
function start (script, parameters, environment, name) {
  const child = spawn(process.execPath, [resolve(root, 'scripts', script), ...parameters], { env: { ...process.env, ...environment }, stdio: ['ignore', 'inherit', 'inherit'] })
  children.add(child)
  child.once('exit', (code) => {
    children.delete(child)
    if (name === undefined || stopping) return
    say(`${name} ended`)
    process.exitCode = code ?? 1
    stop()
  })
  return child
}

function stop () {
  stopping = true
  for (const child of [...children].reverse()) child.kill('SIGTERM')
}

async function finished (child) {
  const code = await new Promise((resolve) => { child.once('exit', resolve) })
  if (code !== 0) throw new Error('The configuration of the example was not applied, see above.')
}

async function until (condition, problem, seconds = startPatienceSeconds) {
  const deadline = performance.now() + seconds * 1000
  while (!(await condition())) {
    if (stopping) throw new Error('stopped')
    if (performance.now() > deadline) throw new Error(problem)
    await pause(200)
  }
}

/** Of this very issuer: another program may have the port. */
async function isReady () {
  const metadata = await ask(`${issuer}/.well-known/openid-configuration`)
  return metadata?.issuer === issuer && await answers(`${new URL(issuer).origin}/health/ready`)
}

async function isTaken (port) {
  const probe = connect(port, '127.0.0.1')
  try {
    await once(probe, 'connect')
    return true
  } catch {
    return false
  } finally {
    probe.destroy()
  }
}

async function answers (url) {
  return await ask(url) !== undefined
}

async function ask (url, init = {}) {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(2_000) })
    return response.ok ? await response.json() : undefined
  } catch {
    return undefined
  }
}

function knowsPartner (secret) {
  const body = new URLSearchParams({ client_id: partnerId, client_secret: secret })
  return async () => await ask(`${issuer}/oauth/v2/token`, { method: 'POST', body }) !== undefined
}

/** Made once and kept in a file that git ignores and a shell can read. */
function readSecrets () {
  if (!existsSync(secretsFile)) {
    const text = `partner_id=${partnerId}\npartner_secret=${randomBytes(32).toString('hex')}\napi_id=${apiId}\napi_secret=${randomBytes(32).toString('hex')}\n`
    writeFileSync(secretsFile, text, { mode: 0o600, flag: 'wx' })
  }
  const values = Object.fromEntries(readFileSync(secretsFile, 'utf8').trim().split('\n').map((line) => line.split('=')))
  return { partner: values.partner_secret, api: values.api_secret }
}

function printTour (secret) {
  const api = `http://127.0.0.1:${apiPort}`
  const tokenRequest = (scope) => `curl -s ${issuer}/oauth/v2/token -d client_id=${partnerId} -d client_secret=${secret} -d scope=${scope} | sed -E 's/.*"access_token":"([^"]+)".*/\\1/'`
  process.stdout.write(`
Paste these into another terminal, one by one.

A token that may read, and a call with it:

  token=$(${tokenRequest('tournaments:read')})
  curl -i ${api}/tournaments -H "Authorization: Bearer $token"

The API also wants to know which client calls (X-Api-Key):

  curl -i ${api}/usage -H "Authorization: Bearer $token" -H 'X-Api-Key: ${partnerId}'

Too small a scope:

  curl -i -X DELETE ${api}/tournaments/1 -H "Authorization: Bearer $token"

A token that may write, and the call again:

  token=$(${tokenRequest('tournaments:write')})
  curl -i -X DELETE ${api}/tournaments/1 -H "Authorization: Bearer $token"

Revoke it. Before it deletes, the API asks Signet, and refuses:

  curl -i ${issuer}/oauth/v2/revoke -d client_id=${partnerId} -d client_secret=${secret} -d token=$token; sleep 1
  curl -i -X DELETE ${api}/tournaments/2 -H "Authorization: Bearer $token"

The secrets are in examples/tournament-api/.env. Ctrl-C ends everything that this command started.

`)
}
