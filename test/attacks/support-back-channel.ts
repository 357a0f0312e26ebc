import { expect } from '@jest/globals'
import { SignJWT } from 'jose'
import { type Reply } from '../../demo/http-client.ts'
import { type AskPublic, askPublic, CLIENT } from '../support/sign-in.ts'
import { type Vestibule } from '../support/vestibule.ts'
import { sessionCookieOf, signInAt } from './support-callback.ts'
import { type Claims, type ScriptedProvider } from './support-scripted-provider.ts'

export const BACK_CHANNEL = '/oauth2/backchannel_logout'
export const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

type Public = Pick<Vestibule, 'publicPort'>

export const nowSeconds = (): number => Math.floor(Date.now() / 1000)

/** What an honest provider says when somebody signs out. */
export const logoutClaims = (idp: Pick<ScriptedProvider, 'issuer'>, whom: Claims): Claims => ({
  iss: idp.issuer,
  aud: CLIENT.id,
  iat: nowSeconds(),
  exp: nowSeconds() + 120,
  jti: crypto.randomUUID(),
  events: { [EVENT]: {} },
  ...whom,
})

export type Signing = {
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: Parameters<SignJWT['sign']>[0]
}

/** Signs anything as the provider signs; a header of `undefined` leaves that member out. */
export const signed = async (
  { keys }: Pick<ScriptedProvider, 'keys'>,
  claims: Claims,
  { header = {}, key = keys.published }: Signing = {},
): Promise<string> => {
  const all = { alg: 'ES256', kid: 'es', typ: 'logout+jwt', ...header }
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  return await new SignJWT({ ...claims }).setProtectedHeader({ alg: all.alg, ...given }).sign(key)
}

export const logoutToken = (
  idp: ScriptedProvider,
  whom: Claims,
  signing: Signing = {},
): Promise<string> => signed(idp, logoutClaims(idp, whom), signing)

/** What the provider sends; the address of a browser plays no part in it. */
export const post = (
  vestibule: Public,
  form: Readonly<Record<string, string>>,
  question: Omit<AskPublic, 'form'> = {},
): Promise<Reply> => askPublic(vestibule, BACK_CHANNEL, { method: 'POST', form, ...question })

export const logout = async (
  vestibule: Public,
  idp: ScriptedProvider,
  whom: Claims,
  signing: Signing = {},
): Promise<Reply> => await post(vestibule, { logout_token: await logoutToken(idp, whom, signing) })

/** Signs somebody in at a session of the provider; the cookie. */
export const signInWithSid = async (
  vestibule: Public,
  idp: ScriptedProvider,
  subject: string,
  sid: string | undefined,
): Promise<string> => {
  idp.play({ claims: (honest) => ({ ...honest, ...(sid === undefined ? {} : { sid }) }) })
  const cookie = sessionCookieOf(await signInAt(vestibule, idp, { subject }))
  if (cookie === undefined) throw new Error(`${subject} was not signed in`)
  return cookie
}

const expectQuiet = (reply: Reply): void => {
  expect(reply.headers['cache-control']).toBe('no-store')
  expect(reply.setCookies).toEqual([])
  expect(reply.location).toBeUndefined()
}

/** BL200: done. */
export const expectDone = (reply: Reply): void => {
  expect([reply.status, reply.body]).toEqual([200, ''])
  expectQuiet(reply)
}

/** BL400: one constant answer, whatever was wrong; no oracle, no echo. */
export const expectRefused = (reply: Reply, status = 400): void => {
  expect([reply.status, reply.body]).toEqual([
    status,
    '{"error":"invalid_request","error_description":"No valid logout token."}',
  ])
  expect(reply.headers['content-type']).toBe('application/json; charset=utf-8')
  expectQuiet(reply)
}

/** BL503 and 429: nothing was done, and the sender may try again. */
export const expectLater = (reply: Reply, status: 429 | 503): void => {
  expect([reply.status, reply.headers['retry-after']]).toEqual([status, '1'])
  expect(JSON.parse(reply.body)).toMatchObject({ error: 'temporarily_unavailable' })
  expectQuiet(reply)
}
