/**
 * Can a caller tell by the time of a refusal whether the client that it named exists, is disabled, or had its credential
 * expired or revoked? Cases of one form of credential are asked in random order on one connection, and each is compared
 * with a client that does not exist. Ends with 1 when a case is distinguishable, with 2 when this machine is too noisy to say.
 */
import { parseArgs } from 'node:util'
import { createCertificates, createForms } from './refusal-cases.js'
import { openConnection, startSignet } from './signet.js'
import { croppedT, mannWhitney, quantile } from './statistics.js'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '150' }, // for all forms together
    rounds: { type: 'string', default: '6000' }, // of each form at most; one that hashes passwords gets a tenth
    form: { type: 'string', default: '' } // a part of the name of the forms that are wanted
  }
})
const [seconds, rounds] = [Number(options.seconds), Number(options.rounds)]
if (!(seconds > 0) || !(rounds >= 2)) throw new Error('--seconds and --rounds take numbers above 0 and 1')

/** In standard errors. One comparison in a million is further apart by chance; there are fewer than a hundred. */
const farApart = 5
/** Requests of a case that are prepared beforehand: no two of them are the same where they carry an assertion. */
const prepared = 50

let certificates
const signet = await startSignet(async (folder) => {
  certificates = await createCertificates(folder)
  return { CLIENT_CERTIFICATE_HEADER: 'Client-Cert', TRUST_PROXY: '127.0.0.1', TLS_CLIENT_CA_FILE: certificates.authorityFile }
})
let worst = 0
try {
  const forms = (await createForms(signet, certificates)).filter(({ name }) => name.includes(options.form))
  const connection = await openConnection(signet.port)
  await untilSeen(connection, forms)
  const shares = forms.map(({ isSlow = false }) => isSlow ? 3 : 1)
  const share = seconds / shares.reduce((sum, each) => sum + each, 0)
  console.log('| form of the credential | case | samples | median (µs) | difference | Mann-Whitney z | cropped t |\n|---|---|---|---|---|---|---|')
  for (const [index, form] of forms.entries()) {
    process.stderr.write(`${index + 1} of ${forms.length}: ${form.name}\n`)
    report(form, await measure(connection, form, shares[index] * share, form.isSlow ?? false ? Math.ceil(rounds / 10) : rounds))
  }
  connection.close()
} finally {
  await signet.stop()
}
console.log(['\nNo case is distinguishable from a client that does not exist.', '\nThere are distinguishable cases.', '\nThis machine is too noisy: a client that does not exist is distinguishable from another one.'][worst])
process.exitCode = worst

/** What was registered last is seen last, and every form that can succeed does. */
async function untilSeen (connection, forms) {
  for (const { name, good } of forms.filter((form) => form.good !== undefined)) {
    const deadline = performance.now() + 10_000
    for (;;) {
      const { status, body } = await connection.ask(good())
      if (status === 200) break
      if (performance.now() > deadline) throw new Error(`${name}: the good credential is answered ${status} ${body}`)
      await new Promise((resolve) => { setTimeout(resolve, 50) })
    }
  }
}

async function measure (connection, { name, refused, isSlow = false }, ownSeconds, ownRounds) {
  const cases = Object.entries(refused).map(([label, make]) => ({ label, requests: Array.from({ length: Math.min(prepared, ownRounds) }, make), times: [] }))
  const bodies = new Set()
  const deadline = performance.now() + ownSeconds * 1000
  const warmUp = isSlow ? 1 : Math.min(100, Math.floor(ownRounds / 10))
  for (let round = -warmUp; round < 2 || (round < ownRounds && performance.now() < deadline); round += 1) {
    for (const { requests, times } of shuffled(cases)) {
      const { micros, status, body } = await connection.ask(requests[Math.floor(Math.random() * requests.length)])
      bodies.add(`${status} ${body}`)
      if (round >= 0) times.push(micros)
    }
  }
  if (bodies.size !== 1 || !/^40[01] /.test([...bodies][0])) throw new Error(`${name}: there is not one refusal: ${[...bodies].join(' ')}`)
  return new Map(cases.map(({ label, times }) => [label, times]))
}

function shuffled (list) {
  const all = [...list]
  for (let index = all.length - 1; index > 0; index -= 1) {
    const other = Math.floor(Math.random() * (index + 1));
    [all[index], all[other]] = [all[other], all[index]]
  }
  return all
}

function report ({ name }, times) {
  const unknown = times.get('unknown')
  for (const [label, own] of times) {
    const [z, t, difference] = [mannWhitney(own, unknown), croppedT(own, unknown), quantile(own, 0.5) - quantile(unknown, 0.5)]
    const cells = label === 'unknown' ? ['', '', ''] : [difference.toFixed(1), z.toFixed(1), t.toFixed(1)]
    console.log(`| ${[name, label, own.length, quantile(own, 0.5).toFixed(1), ...cells].join(' | ')} |`)
    if (Math.abs(z) > farApart) worst = Math.max(worst, label === 'again' ? 2 : 1)
  }
}
