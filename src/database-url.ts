/** `DATABASE_URL`, with the password of `DATABASE_PASSWORD_FILE` in it. No message of this file holds a password. */
import { readFileSync } from 'node:fs'
import { errorCode } from './error-code.ts'
import { OperatorError } from './operator-error.ts'

interface DatabaseVariables {
  readonly DATABASE_URL?: string
  readonly DATABASE_PASSWORD_FILE?: string
}

/**
 * @returns undefined when no database is named: the embedded one is meant
 * @throws OperatorError
 */
export function readDatabaseUrl ({ DATABASE_URL: url, DATABASE_PASSWORD_FILE: file }: DatabaseVariables): string | undefined {
  if (url === undefined) {
    if (file === undefined) return undefined
    throw new OperatorError('DATABASE_PASSWORD_FILE is set and DATABASE_URL is not. Set DATABASE_URL to the database that the password is for, or remove DATABASE_PASSWORD_FILE.')
  }
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new OperatorError('DATABASE_URL is not a PostgreSQL URL. It looks like postgresql://user:password@host:5432/name.')
  }
  return file === undefined ? url : withPassword(url, file)
}

function withPassword (url: string, file: string): string {
  const [, start = '', user = '', rest = ''] = /^(\w+:\/\/)([^/?#@]*)@(.*)$/s.exec(url) ?? []
  if (user.includes(':')) throw new OperatorError('DATABASE_URL holds a password and DATABASE_PASSWORD_FILE is set. Keep one of them.')
  if (user === '') throw new OperatorError('DATABASE_URL names no user for the password of DATABASE_PASSWORD_FILE. It looks like postgresql://user@host:5432/name.')
  return `${start}${user}:${encodeURIComponent(readPassword(file))}@${rest}`
}

function readPassword (file: string): string {
  const password = read(file).replace(/[\r\n]+$/, '')
  if (password === '') throw new OperatorError(`DATABASE_PASSWORD_FILE names ${file}, which is empty. Write the password into it.`)
  if (/[\r\n\0]/.test(password)) throw new OperatorError(`DATABASE_PASSWORD_FILE names ${file}, which has more than one line. It must hold the password and nothing else.`)
  return password
}

function read (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new OperatorError(`DATABASE_PASSWORD_FILE names ${file}, which cannot be read (${errorCode(error) ?? 'unknown error'}). Put the file there, or make it readable for this user.`, { cause: error })
  }
}
