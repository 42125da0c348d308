/**
 * What is refused and must take the same time: for each form of credential a client that does not exist (twice, which
 * shows how far apart the same thing is), and one that does and is refused for another reason each.
 */
import 'reflect-metadata' // what @peculiar/x509 is built on asks for it
import { createHash, createHmac, generateKeyPairSync, randomBytes, sign, webcrypto } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import { lowerCaseRandom } from '../dist/identifiers.js'

const tokenPath = '/oauth/v2/token'
const grants = { credentials: 'client_credentials', bearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer' }
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const past = new Date(Date.now() - 60_000)
const unknownId = () => `cl_live_${lowerCaseRandom(20)}`

function requestOf (parameters, headers = {}) {
  const body = new URLSearchParams(parameters).toString()
  const fields = { Host: '127.0.0.1', 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(body), ...headers }
  return Buffer.from(`POST ${tokenPath} HTTP/1.1\r\n${Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`)
}

const post = (clientId, secret) => () => requestOf({ grant_type: grants.credentials, client_id: clientId, client_secret: secret })
const basic = (clientId, secret) => () => requestOf({ grant_type: grants.credentials }, { Authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` })
const shown = (clientId, { der }) => () => requestOf({ grant_type: grants.credentials, client_id: clientId }, { 'Client-Cert': `:${der.toString('base64')}:` })

/** @returns {{ name: string, good?: () => Buffer, refused: Record<string, () => Buffer> }[]} */
export async function createForms (signet, certificates) {
  const secrets = await secretClients(signet)
  return [
    ...[['client_secret_post', post], ['client_secret_basic', basic]].flatMap(([method, present]) => secretForms(signet, secrets, method, present)),
    ...await macForms(signet),
    ...await signedForms(signet),
    ...await certificateForms(signet, certificates)
  ]
}

async function secretClients ({ client, database, registration, hasher }) {
  const [known, disabled, plain, ...importers] = [await client(), await client(), await client(), await client(), await client(), await client(), await client()]
  const [expired, revoked, deleted] = await Promise.all([1, 2, 3].map(() => registration.addSecret(known.client, null)))
  await database.clientSecret.update({ where: { id: expired.secretId }, data: { expiresAt: past } })
  await database.clientSecret.update({ where: { id: revoked.secretId }, data: { revokedAt: past } })
  await database.clientSecret.delete({ where: { id: deleted.secretId } })
  const text = 'a-secret-of-the-operators-own-0123456789'
  for (const [index, state] of [{}, { expiresAt: past }, { revokedAt: past }, {}].entries()) {
    await database.clientSecret.create({ data: { id: lowerCaseRandom(16), clientId: importers[index].id, imported: true, hash: await hasher.hash(text), ...state } })
  }
  for (const { id } of [disabled, importers[3]]) await database.client.update({ where: { id }, data: { disabledAt: past } })
  return { known, disabled, plain, expired, revoked, deleted, text, importers }
}

function secretForms ({ format }, { known, disabled, plain, expired, revoked, deleted, text, importers }, method, present) {
  const [nobody, other] = [unknownId(), unknownId()]
  const genuine = (clientId) => format.generate(clientId, 'live').secret
  const forged = (secret) => `${secret.slice(0, -22)}${'0'.repeat(22)}`
  const imported = (index, secret = text) => present(importers[index].id, secret)
  return [
    {
      name: `${method}, generated, good tag`,
      good: present(known.id, known.secret),
      refused: {
        unknown: present(nobody, genuine(nobody)),
        again: present(other, genuine(other)),
        wrong: present(known.id, deleted.secret),
        disabled: present(disabled.id, disabled.secret),
        expired: present(known.id, expired.secret),
        revoked: present(known.id, revoked.secret)
      }
    },
    {
      name: `${method}, generated, forged tag`,
      refused: {
        unknown: present(nobody, forged(genuine(nobody))),
        again: present(other, forged(genuine(other))),
        wrong: present(known.id, forged(known.secret)),
        disabled: present(disabled.id, forged(disabled.secret)),
        expired: present(known.id, forged(expired.secret)),
        revoked: present(known.id, forged(revoked.secret))
      }
    },
    {
      name: `${method}, imported`,
      isSlow: true,
      good: imported(0),
      refused: {
        unknown: present(nobody, text),
        again: present(other, text),
        wrong: imported(0, text.replace('operators', 'attackers')),
        disabled: imported(3),
        expired: imported(1),
        revoked: imported(2),
        'has none': present(plain.id, text)
      }
    }
  ]
}

function compact (header, claims, signer) {
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${input}.${signer(input).toString('base64url')}`
}

/** Each with a jti of its own, and good for as long as one may be. */
function claimsOf (signet, clientId, sub) {
  const seconds = Math.floor(Date.now() / 1000)
  return { iss: clientId, sub, aud: signet.issuer, iat: seconds, exp: seconds + 290, jti: randomBytes(16).toString('base64url') }
}

const asClient = (signet, header, signer) => (clientId) => () => requestOf({
  grant_type: grants.credentials, client_assertion_type: assertionType, client_assertion: compact(header, claimsOf(signet, clientId, clientId), signer)
})
const asGrant = (signet, header, signer) => (clientId) => () => requestOf({ grant_type: grants.bearer, assertion: compact(header, claimsOf(signet, clientId, 'player-1'), signer) })

const mac = (secret) => (input) => createHmac('sha256', secret).update(input).digest()

async function macForms (signet) {
  const { client, database, registration, format } = signet
  const forms = []
  for (const [name, present, input] of [
    ['client_secret_jwt', asClient, { authenticationMethods: ['client_secret_jwt'] }],
    ['assertion of a grant, HS256', asGrant, { type: 'jwt' }]
  ]) {
    const [known, disabled] = [await client(input), await client(input)]
    const [expired, revoked] = await Promise.all([1, 2].map(() => registration.addSecret(known.client, null)))
    await database.clientSecret.update({ where: { id: expired.secretId }, data: { expiresAt: past } })
    await database.clientSecret.update({ where: { id: revoked.secretId }, data: { revokedAt: past } })
    await database.client.update({ where: { id: disabled.id }, data: { disabledAt: past } })
    for (const hasKid of [true, false]) {
      const by = (clientId, secretId, secret) => present(signet, { alg: 'HS256', ...hasKid ? { kid: secretId } : {} }, mac(secret))(clientId)
      const stranger = format.generate(unknownId(), 'live')
      forms.push({
        name: `${name}, ${hasKid ? 'kid' : 'no kid'}`,
        good: by(known.id, known.secretId, known.secret),
        refused: {
          unknown: by(unknownId(), stranger.id, stranger.secret),
          again: by(unknownId(), stranger.id, stranger.secret),
          wrong: by(known.id, known.secretId, stranger.secret),
          disabled: by(disabled.id, disabled.secretId, disabled.secret),
          expired: by(known.id, expired.secretId, expired.secret),
          revoked: by(known.id, revoked.secretId, revoked.secret)
        }
      })
    }
  }
  return forms
}

function newPair (algorithm) {
  const { privateKey, publicKey } = algorithm === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = randomBytes(8).toString('hex')
  return { kid, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm }, signer: (input) => sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }) }
}

async function signedForms (signet) {
  const { client, addKey, database } = signet
  const forms = []
  for (const [name, present, algorithm, input] of [
    ['private_key_jwt', asClient, 'ES256', { authenticationMethods: ['private_key_jwt'] }],
    ['private_key_jwt', asClient, 'RS256', { authenticationMethods: ['private_key_jwt'] }],
    ['assertion of a grant', asGrant, 'ES256', { type: 'jwt' }]
  ]) {
    const [known, disabled] = [await client(input), await client(input)]
    const keys = Object.fromEntries(['good', 'expired', 'revoked', 'disabled', 'stranger'].map((role) => [role, newPair(algorithm)]))
    for (const role of ['good', 'expired', 'revoked']) await addKey(known.id, keys[role].jwk)
    await addKey(disabled.id, keys.disabled.jwk)
    const rowOf = ({ kid }) => ({ where: { clientId_kid: { clientId: known.id, kid } } })
    await database.clientKey.update({ ...rowOf(keys.expired), data: { expiresAt: past } })
    await database.clientKey.update({ ...rowOf(keys.revoked), data: { revokedAt: past } })
    await database.client.update({ where: { id: disabled.id }, data: { disabledAt: past } })
    const by = (clientId, { kid, signer }, named = kid) => present(signet, { alg: algorithm, kid: named }, signer)(clientId)
    forms.push({
      name: `${name}, ${algorithm}`,
      good: by(known.id, keys.good),
      refused: {
        unknown: by(unknownId(), keys.stranger),
        again: by(unknownId(), keys.stranger),
        wrong: by(known.id, keys.stranger, keys.good.kid),
        disabled: by(disabled.id, keys.disabled),
        expired: by(known.id, keys.expired),
        revoked: by(known.id, keys.revoked)
      }
    })
  }
  return forms
}

async function certificateForms ({ client, database }, { authority, issued, selfSigned, otherSelfSigned }) {
  const registered = async (method, members, disabledAt = null) => {
    const { id } = await client({ authenticationMethods: [method], ...members })
    await database.client.update({ where: { id }, data: { disabledAt } })
    return id
  }
  const [plain, subject] = [(await client()).id, { certificateSubject: 'san_dns:backend.example' }]
  const thumbprints = (...all) => ({ certificateThumbprints: all.map(({ thumbprint }) => thumbprint) })
  const casesOf = async (method, certificate, right, wrong) => {
    const [good, other, disabled] = [await registered(method, right), await registered(method, wrong), await registered(method, right, past)]
    return {
      name: method,
      good: shown(good, certificate),
      refused: { unknown: shown(unknownId(), certificate), again: shown(unknownId(), certificate), wrong: shown(other, certificate), disabled: shown(disabled, certificate), 'another method': shown(plain, certificate) }
    }
  }
  return [
    await casesOf('self_signed_tls_client_auth', selfSigned, thumbprints(selfSigned), thumbprints(otherSelfSigned)),
    await casesOf('tls_client_auth', issued, subject, { certificateSubject: 'san_dns:another.example' }),
    await casesOf('tls_client_auth', await createCertificate('CN=by name', { issuer: authority }), { certificateSubject: 'subject_dn:CN=by name' }, { certificateSubject: 'subject_dn:CN=another' })
  ].map((form, index) => index === 2 ? { ...form, name: 'tls_client_auth, by name' } : form)
}

/** @param {string} folder where the file of the authorities is put */
export async function createCertificates (folder) {
  const authority = await createCertificate('CN=Authority', { isAuthority: true })
  await writeFile(join(folder, 'authority.pem'), authority.pem)
  return {
    authority,
    authorityFile: join(folder, 'authority.pem'),
    issued: await createCertificate('CN=backend', { issuer: authority, names: [{ type: 'dns', value: 'backend.example' }] }),
    selfSigned: await createCertificate('CN=self', {}),
    otherSelfSigned: await createCertificate('CN=self', {})
  }
}

async function createCertificate (subject, { issuer, isAuthority = false, names = [] }) {
  const { privateKey, publicKey } = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    subject,
    issuer: issuer?.subject ?? subject,
    publicKey,
    signingKey: issuer?.privateKey ?? privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    notBefore: past,
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [new BasicConstraintsExtension(isAuthority, undefined, true), ...names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]]
  })
  const der = Buffer.from(certificate.rawData)
  return { subject, privateKey, der, pem: certificate.toString('pem'), thumbprint: createHash('sha256').update(der).digest('base64url') }
}
