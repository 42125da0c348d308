/** The few shapes that these tests use of two libraries that come without types. */

declare module 'simple-oauth2' {
  export interface Options {
    readonly client: { readonly id: string, readonly secret: string }
    readonly auth: { readonly tokenHost: string, readonly tokenPath: string, readonly revokePath: string }
    readonly options?: { readonly authorizationMethod?: 'header' | 'body', readonly credentialsEncodingMode?: 'strict' | 'loose' }
  }

  export interface AccessToken {
    readonly token: Readonly<Record<string, unknown>>
    expired (windowSeconds?: number): boolean
    revoke (type: 'access_token' | 'refresh_token'): Promise<unknown>
  }

  export class ClientCredentials {
    constructor (options: Options)
    getToken (parameters: { readonly scope?: string | readonly string[] }): Promise<AccessToken>
  }
}

declare module 'express' {
  import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

  export type Request = IncomingMessage & Express.Request
  export interface Response extends ServerResponse {
    json (value: unknown): void
  }
  export type Handler = (request: Request, response: Response, next: (error?: unknown) => void) => void

  export interface Application extends RequestListener {
    get (path: string, ...handlers: readonly Handler[]): this
  }

  export default function express (): Application
}
