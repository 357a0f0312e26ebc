import { type Request, type Response } from 'express'
import { type Credential, cookieCredential } from '../../core/credential.ts'
import { type SessionId } from '../../core/ids.ts'

export type CookieOptions = {
  readonly name: string
  /** Parent domain of the protected hosts. */
  readonly domain: string
  /** False only in development, where `publicUrl` is http. */
  readonly secure: boolean
  /** Life of the session cookie; at least that of the session. */
  readonly maxAgeSeconds: number
}

/** The session cookie, and the one that ties sign-in attempts to a browser. */
export type SignInCookies = {
  readonly session: (request: Request) => Credential
  readonly setSession: (response: Response, id: SessionId) => void
  readonly clearSession: (response: Response) => void
  readonly browser: (request: Request) => string | undefined
  readonly setBrowser: (response: Response, secret: string) => void
}

const HOUR_MS = 3_600_000

export const createSignInCookies = (options: CookieOptions): SignInCookies => {
  const { name, domain, secure, maxAgeSeconds } = options
  const attributes = { domain, path: '/', httpOnly: true, secure, sameSite: 'lax' } as const
  // Host-only, so that no sibling host can plant one (RFC 6265bis section 4.1.3.2).
  const browserName = secure ? '__Host-vestibule-sign-in' : 'vestibule-sign-in'
  return {
    session: (request) => cookieCredential(linesOf(request), name),
    setSession: (response, id) => {
      response.cookie(name, id, { ...attributes, maxAge: maxAgeSeconds * 1000 })
    },
    // Browsers ignore a deletion whose attributes differ from those of the cookie.
    clearSession: (response) => {
      response.clearCookie(name, attributes)
    },
    browser: (request) => {
      const found = cookieCredential(linesOf(request), browserName)
      return found.kind === 'cookie' ? found.sessionId : undefined
    },
    setBrowser: (response, secret) => {
      response.cookie(browserName, secret, {
        path: '/',
        httpOnly: true,
        secure,
        sameSite: 'lax',
        maxAge: HOUR_MS,
      })
    },
  }
}

const linesOf = (request: Request): readonly string[] => {
  const line = request.headers.cookie
  return line === undefined ? [] : [line]
}
