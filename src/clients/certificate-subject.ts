/** Whose certificate is whose: a registered subject held against a certificate. */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'

/** As the client metadata of RFC 8705 names them, after `tls_client_auth_`. */
export const subjectKinds = ['subject_dn', 'san_dns', 'san_uri', 'san_ip', 'san_email'] as const
type SubjectKind = typeof subjectKinds[number]

/** A name without the spellings that some libraries take for several names, such as a dot in front. */
const patterns: Readonly<Record<SubjectKind, string>> = {
  subject_dn: '[^\\x00-\\x1F\\x7F]*=[^\\x00-\\x1F\\x7F]*',
  san_dns: '[\\w-]+(?:\\.[\\w-]+)*',
  san_uri: '[A-Za-z][A-Za-z0-9+.-]*:[\\x21-\\x7E]+',
  san_ip: '(?:(?:\\d{1,3}\\.){3}\\d{1,3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+|::)',
  san_email: '[\\x21-\\x3F\\x41-\\x7E]+@[\\w.-]+'
}
export const subjectPattern = `^(?=.{1,266}$)(?:${subjectKinds.map((kind) => `${kind}:${patterns[kind]}`).join('|')})$`
export const subjectRule = `It takes one of ${subjectKinds.map((kind) => `${kind}:`).join(' ')} and a name, such as san_dns:backend.example.com.`

export function isSubject (text: string): boolean {
  return new RegExp(subjectPattern).test(text)
}

const comparisons: Readonly<Record<SubjectKind, (certificate: X509Certificate, name: string) => boolean>> = {
  subject_dn: (certificate, name) => distinguishedName(subjectParts(certificate).reverse()) === distinguishedName(name.split(/(?<!\\),/)),
  san_dns: (certificate, name) => certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined,
  san_uri: ({ subjectAltName }, name) => alternativeNames(subjectAltName).includes(`URI:${name}`),
  san_ip: (certificate, name) => isIP(name) !== 0 && certificate.checkIP(name) !== undefined,
  san_email: (certificate, name) => certificate.checkEmail(name, { subject: 'never' }) !== undefined
}

/** What a certificate is held against where there is nothing to hold it against. */
const nobodysNames: Readonly<Record<SubjectKind, string>> = {
  subject_dn: 'CN=nobody,O=Nobody', san_dns: 'nobody.invalid', san_uri: 'https://nobody.invalid', san_ip: '192.0.2.0', san_email: 'nobody@nobody.invalid'
}

/**
 * Names of every kind are compared, whatever is registered: the time tells nothing about the client.
 * @param registered null where there is no client, or none that registered a subject
 * @see [RFC 8705 §2.1.2](https://www.rfc-editor.org/rfc/rfc8705.html#section-2.1.2)
 */
export function matchesSubject (certificate: X509Certificate, registered: string | null): boolean {
  const colon = registered?.indexOf(':') ?? -1
  const [kind, name] = [registered?.slice(0, colon), registered?.slice(colon + 1) ?? '']
  const matches = subjectKinds.map((each) => comparisons[each](certificate, each === kind ? name : nobodysNames[each]) && each === kind)
  return matches.includes(true)
}

/**
 * The last part of a name comes first (RFC 4514 §2.1), which Node.js leaves in the certificate's order, escaped already.
 * Values are compared as they are, for what differs in case may be two people's.
 */
function distinguishedName (parts: readonly string[]): string {
  return parts.map((part) => {
    const equals = part.indexOf('=')
    return `${part.slice(0, equals).trim().toUpperCase()}=${part.slice(equals + 1).trim()}`
  }).join(',')
}

/**
 * Node.js has none then, whatever its types say: the subject is in the alternative names alone.
 * @see [RFC 5280 §4.1.2.6](https://www.rfc-editor.org/rfc/rfc5280.html#section-4.1.2.6)
 */
function subjectParts ({ subject }: { readonly subject?: string | undefined }): string[] {
  return subject?.split('\n') ?? []
}

/** Node.js quotes a name that could be taken for several; such a name is nobody's. */
function alternativeNames (list: string | undefined): readonly string[] {
  return (list?.match(/(?:[^",]|"(?:[^"\\]|\\.)*")+/g) ?? []).map((name) => name.trim())
}
