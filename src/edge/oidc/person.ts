import { decodeProtectedHeader } from 'jose'
import * as client from 'openid-client'
import { epochSeconds } from '../../core/ids.ts'
import {
  type Authenticated,
  type ClaimMapping,
  type Claims,
  claimAt,
  parseSubject,
  principalOf,
} from '../../core/principal.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type SignedInPerson, type Tokens } from '../../flow/ports.ts'
import { idTokenFault, personalClaims } from './id-token-claims.ts'

export type TokenAnswer = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers

export type PersonOptions = {
  readonly mapping: ClaimMapping
  /** Before a slash they begin subjects of bearer tokens, which no person may be called by. */
  readonly tokenNames: readonly string[]
  readonly nowSeconds: () => number
}

/**
 * Who a token answer is about. Many providers keep e-mail address and groups for the userinfo
 * endpoint; it is asked where the ID token lacks a claim that is mapped. What the ID token says
 * counts, since it is signed.
 *
 * @returns the fault of an ID token that proves nobody; throws what the library throws
 */
export const personOf = async (
  options: PersonOptions,
  config: client.Configuration,
  answer: TokenAnswer,
): Promise<Result<SignedInPerson, string>> => {
  const claims = answer.claims()
  const idToken = answer.id_token
  if (claims === undefined || idToken === undefined) return fail('no ID token')
  const fault = idTokenFault(claims, decodeProtectedHeader(idToken).typ, options.nowSeconds())
  const subject = parseSubject(claims.sub)
  if (fault !== undefined || subject === undefined) return fail(`ID token: ${fault ?? 'subject'}`)
  if (isOfToken(subject, options)) return fail('ID token: subject is that of a bearer token')
  const more = lacksClaims(claims, options.mapping)
    ? await userInfo(config, answer.access_token, subject)
    : {}
  return ok({
    principal: personalPrincipal({ ...more, ...claims }, options.mapping, claims.iss, subject),
    tokens: tokensOf(answer, idToken, options.nowSeconds()),
    issuedAt: epochSeconds(claims.iat),
  })
}

/** Rules and revocations tell people and programs apart by such names. */
const isOfToken = (subject: string, { tokenNames }: PersonOptions): boolean =>
  tokenNames.some((name) => subject.startsWith(`${name}/`))

export const personalPrincipal = (
  claims: Claims,
  mapping: ClaimMapping,
  issuer: string,
  subject: string,
): Authenticated =>
  principalOf(personalClaims(claims), mapping, { actor: 'human', subject, issuer })

const lacksClaims = (claims: Claims, mapping: ClaimMapping): boolean =>
  [mapping.email, mapping.groups, mapping.preferredUsername].some(
    (name) => claimAt(claims, name) === undefined,
  )

/** The library checks that the answer is about the same subject (OIDC Core section 5.3.2). */
export const userInfo = async (
  config: client.Configuration,
  accessToken: string,
  subject: string,
): Promise<Claims> =>
  config.serverMetadata().userinfo_endpoint === undefined
    ? {}
    : await client.fetchUserInfo(config, accessToken, subject)

export const tokensOf = (answer: TokenAnswer, idToken: string, nowSeconds: number): Tokens => {
  const expiresIn = answer.expiresIn()
  return {
    idToken,
    accessToken: answer.access_token,
    accessExpiresAt: expiresIn === undefined ? undefined : nowSeconds + expiresIn,
    refreshToken: answer.refresh_token,
  }
}
