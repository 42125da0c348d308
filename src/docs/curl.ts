/** A request as a `curl` command that can be pasted: what the reader has is a variable of the shell. */
import { samples } from '../oauth/samples.ts'
import type { WireRequest } from './openapi-types.ts'

/** What the reader sets before pasting. */
export const shellVariables: Readonly<Record<string, string>> = {
  client_id: samples.clientId,
  client_secret: samples.clientSecret,
  api_id: samples.apiId,
  api_secret: samples.apiSecret,
  other_id: samples.otherId,
  other_secret: samples.otherSecret,
  login_id: samples.jwtClientId,
  login_secret: samples.jwtClientSecret,
  assertion: samples.assertion,
  service_id: samples.serviceId,
  service_secret: samples.serviceSecret,
  service_token: samples.serviceToken,
  token: samples.token,
  list_id: samples.statusListId,
  test_list_id: samples.testStatusListId
}

const formMediaType = 'application/x-www-form-urlencoded'

/** @param server that the path is below */
export function curlOf ({ method, path, headers, body }: WireRequest, server: string): string {
  const { Authorization: authorization, 'Content-Type': contentType, ...others } = headers
  const options = [
    ...method === (body === undefined ? 'GET' : 'POST') ? [] : [`-X ${method}`],
    ...authorization === undefined ? [] : [`-u ${quote(Buffer.from(authorization.replace('Basic ', ''), 'base64').toString())}`],
    ...Object.entries(others).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...contentType === undefined || contentType === formMediaType ? [] : [`-H ${quote(`Content-Type: ${contentType}`)}`],
    ...body === undefined ? [] : dataOf(body, contentType)
  ]
  return [`curl ${quote(server + path)}`, ...options].join(' \\\n  ')
}

function dataOf (body: string, contentType: string | undefined): string[] {
  if (contentType !== formMediaType) return [`-d ${quote(body)}`]
  return [...new URLSearchParams(body)].map(([name, value]) =>
    `${/[ %&+#]/.test(value) ? '--data-urlencode' : '-d'} ${quote(`${name}=${value}`)}`)
}

function quote (text: string): string {
  const withVariables = Object.entries(shellVariables).reduce((line, [name, value]) => line.replaceAll(value, `$${name}`), text)
  if (withVariables !== text) return `"${withVariables}"`
  return /^[\w:/.,=-]+$/.test(text) ? text : `'${text.replaceAll('\'', '\'\\\'\'')}'`
}
