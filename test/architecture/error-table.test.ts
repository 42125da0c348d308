import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as errors from '../../src/oauth/errors.ts'
import { send } from '../support/requests.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { sourceFiles } from './source.ts'

const codes = Object.keys(errors.errorTable).sort()

/** Every function of the module that makes an error, called with what all of them can take. */
const made = Object.entries(errors).flatMap(([name, value]): [string, errors.OAuthError][] => {
  if (typeof value !== 'function' || name === 'OAuthError') return []
  const make = value as (text: string, seconds: number) => unknown // each takes some of these
  const error = make('A description.', 1)
  return error instanceof errors.OAuthError ? [[name, error]] : []
})

describe('the one error table', () => {
  it('has one function for each code, and a code for each function', () => {
    expect(made.map(([, { code }]) => code).sort()).toEqual(codes)
    for (const [name, { code }] of made) expect(name).toBe(code.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()))
  })

  it('gives each error the status of its code', () => {
    for (const [name, { code, status }] of made) expect(status, name).toBe(errors.errorTable[code].status)
  })

  it('says for each code where it is defined, what it means and what to do', () => {
    for (const [code, { source, meaning, cure }] of Object.entries(errors.errorTable)) {
      expect(source, code).toMatch(/^RFC \d+ §[\d.]+(, RFC \d+ §[\d.]+)*$/)
      for (const text of [meaning, cure]) expect(text, code).toMatch(/^[A-Z].*\.$/)
    }
  })

  it('is the only place where protocol errors are made: nothing else builds an error body or names a code', () => {
    const builders = sourceFiles().filter((path) => /\berror_(description|uri):/.test(readFileSync(path, 'utf8')))
    expect(builders).toEqual(['src/http/error-body.ts'])
    const naming = sourceFiles().filter((path) => path !== 'src/oauth/errors.ts' && readFileSync(path, 'utf8').includes('new OAuthError('))
    expect(naming).toEqual([])
  })
})

describe('the error page', () => {
  let server: TestServer

  beforeAll(async () => { server = await startTestServer() })
  afterAll(async () => { await server.stop() })

  it('has a section for every code that an answer can bear, and links to pages of this server only', async () => {
    const { status, text, headers } = await send(`${server.origin}/docs/errors`)
    expect(status).toBe(200)
    expect([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id).sort()).toEqual(codes)
    expect([...text.matchAll(/ (?:href|src)="([^"]+)"/g)].map(([, link = '']) => link).filter((link) => !/^(#|\/docs(?=[/#]|$))/.test(link))).toEqual([])
    expect(headers.get('Content-Security-Policy')).toContain('default-src \'none\'')
    expect(text).not.toMatch(/<script|<form|\son\w+=/i)
  })
})
