/**
 * The command line tool again and again in one process, so that what every start loads, which takes most of a second,
 * is loaded once. Each run evaluates the entry anew with arguments, environment, folder and streams of its own, and
 * what it leaves at the process is taken away. How a process is interrupted or ends is not for this.
 */
import { Readable, Writable } from 'node:stream'

class Ended {
  constructor (exitCode) {
    this.exitCode = exitCode
  }
}

const ownListeners = new Map(process.eventNames().map((name) => [name, process.listeners(name)]))
let runs = 0
let last = Promise.resolve()

process.exit = (exitCode) => { throw new Ended(exitCode) }
process.on('disconnect', () => { process.reallyExit(0) })
process.on('message', (request) => {
  last = last.then(async () => {
    process.send({ id: request.id, ...await run(request) })
  })
})

async function run ({ entry, parameters, environment, cwd, input }) {
  const [stdout, stderr] = [collect(), collect()]
  for (const [name, value] of Object.entries({ stdin: Readable.from(input === '' ? [] : [Buffer.from(input)]), stdout: stdout.stream, stderr: stderr.stream })) {
    Object.defineProperty(process, name, { value, configurable: true })
  }
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, environment)
  process.chdir(cwd)
  process.argv = [process.execPath, entry, ...parameters]
  let exitCode = 0
  try {
    runs += 1
    await import(`file://${entry}?run=${runs}`)
  } catch (error) {
    if (error instanceof Ended) exitCode = error.exitCode
    else {
      exitCode = 1
      stderr.stream.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    }
  }
  for (const name of process.eventNames()) {
    for (const listener of process.listeners(name)) if (!ownListenersOf(name).includes(listener)) process.removeListener(name, listener)
  }
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() }
}

function ownListenersOf (name) {
  return name === 'message' || name === 'disconnect' ? process.listeners(name) : ownListeners.get(name) ?? []
}

function collect () {
  const chunks = []
  const stream = new Writable({
    write (chunk, _encoding, done) {
      chunks.push(chunk)
      done()
    }
  })
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') }
}
