import { describe, expect, it } from 'vitest'
import { formatRecord, formatTable } from '../../src/cli/table.ts'
import { printable } from '../../src/names.ts'

const rows = [
  { client_id: 'cl_live_0123456789', name: 'Partner backend', created_at: '2026-11-23T06:44:39.501Z', disabled_at: null },
  { client_id: 'cl_test_0123456789', name: 'A client with a rather long name', created_at: '2026-11-23T06:44:39.501Z', disabled_at: null }
]
const columns = ['client_id', 'name', 'created_at', 'disabled_at']

describe('tables', () => {
  it('align their columns, to the minute, with a dash where there is nothing', () => {
    expect(formatTable(rows, columns)).toBe([
      'CLIENT ID           NAME                              CREATED            DISABLED',
      'cl_live_0123456789  Partner backend                   2026-11-23 06:44Z  -',
      'cl_test_0123456789  A client with a rather long name  2026-11-23 06:44Z  -',
      ''
    ].join('\n'))
  })

  it('fit the width of the terminal by shortening names, never ids and times', () => {
    for (const width of [60, 70, 80]) {
      const lines = formatTable(rows, columns, width).trimEnd().split('\n')
      expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width)
      expect(lines[2]).toMatch(/^cl_test_0123456789 {2}A client.*… {2}2026-11-23 06:44Z {2}-$/)
    }
  })

  it('become blocks of lines where not even that helps', () => {
    expect(formatTable(rows, columns, 40)).toBe([
      'client_id   cl_live_0123456789', 'name        Partner backend', 'created_at  2026-11-23 06:44:39Z', '',
      'client_id   cl_test_0123456789', 'name        A client with a rather long name', 'created_at  2026-11-23 06:44:39Z', ''
    ].join('\n'))
  })

  it('cannot be used to send control characters to the terminal', () => {
    expect(formatTable([{ name: 'a\u001b[2Jb\u202ec\nd' }], ['name'])).toBe('NAME\na\uFFFD[2Jb\uFFFDc\uFFFDd\n')
    expect(formatRecord({ claims: { 'x\u009b': 'y\u0007' } })).toBe('\nclaims\nx\uFFFD  y\uFFFD\n')
    expect(printable('می\u200cخواهم 👩\u200d💻')).toBe('می\u200cخواهم 👩\u200d💻')
  })
})

describe('records', () => {
  it('have a line for each member with a value, and sections for what is nested', () => {
    expect(formatRecord({ name: 'x', active: true, none: null, list: ['a', 'b'], claims: { exp: 1 }, secrets: [{ secret_id: 'y' }], empty: [] })).toBe([
      'name    x', 'active  yes', 'list    a b', 'empty   -', '', 'claims', 'exp  1', '', 'secrets', 'SECRET ID', 'y', ''
    ].join('\n'))
  })
})
