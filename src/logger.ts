import { pino, type DestinationStream, type Logger } from 'pino'
import pretty from 'pino-pretty'
import type { LogLevel } from './config.ts'
import { errorCode } from './error-code.ts'
import { redact } from './http/redact.ts'

/** JSON lines on standard output, or to the destination given; readable ones on a terminal. An error is logged without the data it carries. */
export function createLogger (level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
    redact: { paths: ['authorization', '*.authorization', 'client_secret', '*.client_secret'], censor: '[redacted]' }
  }
  if (destination !== undefined) return pino(options, destination)
  return process.stdout.isTTY ? pino(options, pretty({ sync: true, ignore: 'pid', translateTime: 'SYS:HH:MM:ss.l' })) : pino(options)
}

/** Errors of PostgreSQL and Prisma quote rows and parameters in other members, so those stay out. */
function describeError (error: unknown): unknown {
  if (!(error instanceof Error)) return redact(String(error))
  return { type: error.name, message: redact(error.message), code: errorCode(error), stack: redact(error.stack ?? '') }
}
