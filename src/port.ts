import { createServer } from 'node:net'
import type { Config } from './config.ts'
import { errorCode } from './error-code.ts'
import { OperatorError } from './operator-error.ts'

type Address = Pick<Config, 'host' | 'port'>

/** Fails before anything slow or lasting is done, instead of when the workers listen. */
export async function checkPortIsFree ({ host, port }: Address): Promise<void> {
  const probe = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject)
      probe.listen({ host, port, exclusive: true }, resolve)
    })
  } catch (error) {
    throw listenProblem(error, { host, port })
  } finally {
    if (probe.listening) await new Promise<void>((resolve) => { probe.close(() => { resolve() }) })
  }
}

/**
 * Turns what listen() answered into a sentence for the operator; any other error passes unchanged.
 * @param names of the variables that the address is from
 */
export function listenProblem (error: Error, { host, port }: Address, names?: Readonly<Record<keyof Address, string>>): Error
export function listenProblem (error: unknown, { host, port }: Address, names?: Readonly<Record<keyof Address, string>>): unknown
export function listenProblem (error: unknown, { host, port }: Address, names = { host: 'HOST', port: 'PORT' }): unknown {
  const sentence = {
    EADDRINUSE: `Port ${port} on ${host} is taken by another program. Stop that program, or set ${names.port} to a free one.`,
    EACCES: `This user may not listen on port ${port}. Set ${names.port} to one above 1023.`,
    EADDRNOTAVAIL: `${names.host} is ${host}, which is no address of this machine. Set it to one that is, or to 0.0.0.0.`,
    ENOTFOUND: `${names.host} is ${host}, which cannot be resolved. Set it to an address of this machine.`,
    EAI_AGAIN: `${names.host} is ${host}, which cannot be resolved at the moment. Set it to an address of this machine.`
  }[errorCode(error) ?? '']
  return sentence === undefined ? error : new OperatorError(sentence, { cause: error })
}
