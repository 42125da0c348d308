import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFetchKeySet, fetchLimits } from '../../src/clients/fetch-key-set.ts'
import { createKeySets, keySetLimits } from '../../src/clients/key-sets.ts'
import type { KeySets } from '../../src/clients/key-sets.ts'
import { createDnsLookup, systemLookup, type LookUpName } from '../../src/clients/name-lookup.ts'
import { createPrivateKeyJwt } from '../../src/clients/private-key-jwt.ts'
import { readAssertion } from '../../src/clients/client-assertion.ts'
import type { Client } from '../../src/clients/client.ts'
import { assertionBy, assertionClaims, newPair, withAssertion, type Pair } from '../support/assertions.ts'
import { createCertificate } from '../support/certificates.ts'
import { startNameServer } from '../support/name-server.ts'
import { startTestServer } from '../support/server.ts'
import { clientWith } from '../unit/model.ts'

/** Resolves every name to these addresses. */
function resolvingTo (...addresses: readonly string[]): LookUpName {
  return async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
}

describe('jwks_uri: keys that a client publishes', () => {
  let partner: Server
  let port: number
  let cert: string
  let key: string
  let answer: (request: IncomingMessage, response: ServerResponse) => void
  let requests: string[]
  const pair = newPair('ES256', 'published')

  beforeAll(async () => {
    const own = await createCertificate({ subject: '/CN=localhost', names: ['DNS:localhost', 'IP:127.0.0.1'] })
    cert = own.certificate
    key = own.key
    partner = createServer({ cert, key }, (request, response) => {
      requests.push(request.url ?? '')
      answer(request, response)
    }).listen(0, '127.0.0.1')
    await once(partner, 'listening')
    const address = partner.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  })
  beforeEach(() => {
    requests = []
    publish(pair)
  })
  afterAll(() => {
    partner.closeAllConnections()
    partner.close()
  })

  function publish (...pairs: readonly Pair[]): void {
    answer = (_request, response) => { response.end(JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) })) }
  }

  const uri = (path = 'jwks'): string => `https://localhost:${port}/${path}`
  const fetchKeys = (allowPrivate = true): ReturnType<typeof createFetchKeySet> => createFetchKeySet({ allowPrivate, ca: cert })

  async function refusalOf (work: Promise<unknown>): Promise<string> {
    return await work.then(() => 'it was not refused', (error: unknown) => error instanceof Error ? error.message : String(error))
  }

  describe('R29 fetching', () => {
    it('gets the document', async () => {
      expect(await fetchKeys()(uri())).toEqual({ keys: [pair.jwk] })
      expect(requests).toEqual(['/jwks'])
    })

    it('connects to no loopback, private, link-local or mapped address, be it written or found for a name', async () => {
      const literals = ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '0.0.0.0', '10.0.0.1', '192.168.1.1', '169.254.169.254', '[fe80::1]', '[fd00::1]', '2130706433', '0x7f.1', '0177.0.0.1', '127.1']
      for (const host of literals) expect(await refusalOf(fetchKeys(false)(`https://${host}:${port}/jwks`)), host).toMatch(/is not public/)
      expect(await refusalOf(createFetchKeySet({ allowPrivate: false, ca: cert, lookUp: systemLookup })(uri()))).toMatch(/is not public/)
      expect(await refusalOf(fetchKeys(false)(uri()))).not.toBe('it was not refused')
      for (const found of [['10.1.2.3'], ['8.8.8.8', '127.0.0.1'], ['::1'], ['::ffff:127.0.0.1'], ['169.254.169.254'], ['2002:7f00:1::1']]) {
        const fetch = createFetchKeySet({ allowPrivate: false, ca: cert, lookUp: resolvingTo(...found) })
        expect(await refusalOf(fetch(`https://partner.example:${port}/jwks`)), found.join()).toMatch(/is not public/)
      }
      expect(requests).toEqual([])
    })

    it('waits for each name by itself: a name server that says nothing about many keeps nobody else waiting', async () => {
      const nameServer = await startNameServer((name) => name === 'partner.example' ? [203, 0, 113, 7] : undefined)
      const lookUp = createDnsLookup([nameServer.address])
      const silent = Array.from({ length: 8 }, (_, index) => refusalOf(lookUp(`silent-${index}.example`)))
      expect(await lookUp('partner.example')).toEqual([{ address: '203.0.113.7', family: 4 }])
      expect(await Promise.race([Promise.any(silent), lookUp('partner.example').then(() => 'still nothing of them')])).toBe('still nothing of them')
      for (const refused of await Promise.all(silent)) expect(refused).toMatch(/ETIMEOUT/)
      await nameServer.stop()
    })

    it('connects to the address that was checked, whatever the name', async () => {
      const fetch = createFetchKeySet({ allowPrivate: true, ca: cert, lookUp: resolvingTo('127.0.0.1') })
      // The connection arrives; the certificate is not one of that name.
      expect(await refusalOf(fetch(`https://partner.example:${port}/jwks`))).toMatch(/altnames|Hostname/)
    })

    it('needs https with a certificate that is trusted', async () => {
      expect(await refusalOf(fetchKeys()(`http://localhost:${port}/jwks`))).toMatch(/not https/)
      expect(await refusalOf(createFetchKeySet({ allowPrivate: true })(uri()))).toMatch(/self.signed|certificate/i)
    })

    it('follows no redirect, and takes no other status', async () => {
      for (const status of [301, 302, 303, 307, 308, 204, 404, 500]) {
        answer = (_request, response) => { response.writeHead(status, { Location: uri('elsewhere') }).end() }
        expect(await refusalOf(fetchKeys()(uri())), String(status)).toBe(`it answers ${status}`)
      }
      expect(requests).not.toContain('/elsewhere')
    })

    it('takes no other protocol, whose answer would never end, and fetches from others afterwards', async () => {
      const upgrading = createTlsServer({ cert, key }, (socket) => {
        socket.on('error', () => {})
        socket.once('data', () => { socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n') })
      }).listen(0, '127.0.0.1')
      await once(upgrading, 'listening')
      const elsewhere = (upgrading.address() as AddressInfo).port // it listens on TCP
      expect(await refusalOf(fetchKeys()(`https://localhost:${elsewhere}/jwks`))).toBe('it answers 101')
      const keySets = createKeySets(fetchKeys(), pino({ level: 'silent' }))
      await Promise.all(Array.from({ length: keySetLimits.fetches }, (_, index) => keySets.keysAt(`https://localhost:${elsewhere}/${index}`, 'any', 1)))
      expect(await keySets.keysAt(uri(), 'published', 1)).toHaveLength(1)
      upgrading.close()
    })

    it('takes some informational answers, and no stream of them', async () => {
      answer = (_request, response) => {
        for (let hints = 0; hints < fetchLimits.informational; hints += 1) response.writeEarlyHints({ link: '</style.css>; rel=preload' })
        response.end(JSON.stringify({ keys: [pair.jwk] }))
      }
      expect(await fetchKeys()(uri())).toEqual({ keys: [pair.jwk] })
      answer = (_request, response) => {
        for (let hints = 0; hints <= fetchLimits.informational; hints += 1) response.writeEarlyHints({ link: '</style.css>; rel=preload' })
      }
      expect(await refusalOf(fetchKeys()(uri()))).toMatch(/informational answers/)
    })

    it('ends an answer that is too long, without reading it all', async () => {
      let written = 0
      answer = (_request, response) => {
        const more = (): void => {
          while (!response.destroyed && written < 200_000_000) {
            written += 65_536
            if (!response.write(Buffer.alloc(65_536, 32))) {
              response.once('drain', more)
              return
            }
          }
        }
        more()
      }
      expect(await refusalOf(fetchKeys()(uri()))).toMatch(/more than 65536 bytes/)
      expect(written).toBeLessThan(50_000_000)
    })

    it('waits three seconds at most, for the head, the body and its every drop', async () => {
      const slow: (typeof answer)[] = [
        () => {},
        (_request, response) => { response.writeHead(200).write('{') },
        (_request, response) => {
          const timer = setInterval(() => { response.write(' ') }, 50)
          response.on('close', () => { clearInterval(timer) })
        }
      ]
      const start = performance.now()
      await Promise.all(slow.map(async (each) => {
        answer = each
        const work = fetchKeys()(uri())
        await once(partner, 'request')
        expect(await refusalOf(work)).toMatch(/aborted|timeout/i)
      }))
      expect(performance.now() - start).toBeLessThan(fetchLimits.millis * 3)
    }, 30_000)

    it('takes JSON only, and no compressed one', async () => {
      for (const body of ['', 'not json', '<html>', '\u001f\u008b']) {
        answer = (_request, response) => { response.end(body) }
        expect(await refusalOf(fetchKeys()(uri())), body).toMatch(/JSON/)
      }
    })
  })

  describe('in memory', () => {
    let now: number
    let sets: KeySets
    const warnings: string[] = []

    beforeEach(() => {
      now = Date.now()
      warnings.length = 0
      sets = createKeySets(fetchKeys(), pino({ level: 'warn' }, { write: (line: string) => { warnings.push(line) } }))
    })

    const kids = async (keyId?: string): Promise<string[]> => (await sets.keysAt(uri(), keyId, now)).map(({ kid }) => kid)

    it('asks once, however many ask at the same moment', async () => {
      const all = await Promise.all(Array.from({ length: 50 }, () => kids('published')))
      expect(all).toEqual(Array.from({ length: 50 }, () => ['published']))
      expect(requests).toHaveLength(1)
    })

    it('asks again for a kid that it does not know, but not before the cooldown has passed', async () => {
      await kids('published')
      const newer = newPair('ES256', 'newer')
      publish(pair, newer)
      for (let index = 0; index < 100; index++) expect(await kids(`random-${index}`)).toEqual(['published'])
      expect(requests).toHaveLength(1)
      now += keySetLimits.cooldownMillis
      expect(await kids('newer')).toEqual(['published', 'newer'])
      expect(await kids('newer')).toEqual(['published', 'newer'])
      expect(requests).toHaveLength(2)
    })

    it('asks again after five minutes, so that a withdrawn key goes', async () => {
      await kids('published')
      publish(newPair('ES256', 'newer'))
      now += keySetLimits.freshMillis - 1
      expect(await kids('published')).toEqual(['published'])
      now += 1
      expect(await kids('published')).toEqual(['newer'])
    })

    it('goes on with what it has for an hour while it cannot ask, tries again no sooner than the cooldown, and says so in the log', async () => {
      await kids('published')
      answer = (_request, response) => { response.writeHead(500).end() }
      now += keySetLimits.freshMillis
      expect(await kids('published')).toEqual(['published'])
      expect(await kids('published')).toEqual(['published'])
      expect(requests).toHaveLength(2)
      expect(warnings.join()).toContain('client.keys_not_fetched')
      now += keySetLimits.staleMillis
      expect(await kids('published')).toEqual([])
    })

    it('passes over keys that are not acceptable, and takes no document of another form or of more than 50 keys', async () => {
      const { privateKey } = pair
      answer = (_request, response) => {
        response.end(JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA' }, privateKey.export({ format: 'jwk' }), { ...pair.jwk, use: 'enc' }, null, 1, [], { kty: 'AKP' }, pair.jwk] }))
      }
      expect(await kids()).toEqual(['published'])
      for (const document of [[], {}, { keys: {} }, null, 1, { keys: Array.from({ length: 51 }, () => pair.jwk) }]) {
        sets = createKeySets(fetchKeys(), pino({ level: 'silent' }))
        answer = (_request, response) => { response.end(JSON.stringify(document)) }
        expect(await kids(), JSON.stringify(document).slice(0, 40)).toEqual([])
      }
    })

    it('R13 a registered key that was revoked does not come back by being published', async () => {
      const check = createPrivateKeyJwt(sets)
      const client: Client = { ...clientWith([]), jwksUri: uri() }
      const assertion = readAssertion(assertionBy(pair, assertionClaims('https://as.example', client.id, now)), ['client-authentication+jwt'])
      if ('refused' in assertion) throw new Error(assertion.refused)
      expect(await check(assertion, client, now)).toEqual({ verified: 'key:published' })
      expect(await check({ ...assertion, keyId: undefined }, client, now)).toEqual({ verified: 'key:published' })
      const revoked = { kid: pair.kid, algorithm: 'ES256', jwk: pair.jwk, createdAt: new Date(0), expiresAt: null, revokedAt: new Date(1), managedBy: null }
      const withRevoked = { ...client, keys: new Map([[pair.kid, revoked]]) }
      expect(await check(assertion, withRevoked, now)).toHaveProperty('refused')
      expect(await check({ ...assertion, keyId: undefined }, withRevoked, now)).toHaveProperty('refused')
    })
  })

  it('R29 the server itself refuses a jwks_uri on loopback with the one 401, and opens no connection', async () => {
    const server = await startTestServer()
    try {
      const { id: organizationId } = await server.fixtures.organization()
      const { id } = await server.fixtures.signingClient({ organizationId, keys: [], jwksUri: `https://127.0.0.1:${port}/jwks`, scopes: [] })
      const ask = async (): Promise<number> => (await withAssertion(server, assertionBy(pair, assertionClaims(server.issuer, id, Date.now())))).status
      const deadline = Date.now() + 2_000
      while (Date.now() < deadline && !server.logs.some(({ msg }) => msg === 'client.keys_not_fetched')) expect(await ask()).toBe(401)
      expect(server.logs.find(({ msg }) => msg === 'client.keys_not_fetched')).toMatchObject({ err: { message: expect.stringContaining('is not public') as unknown } })
      expect(requests).toEqual([])
    } finally {
      await server.stop()
    }
  })
})
