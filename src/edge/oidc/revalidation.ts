import * as client from 'openid-client'
import { type Authenticated, type Claims, parseSubject } from '../../core/principal.ts'
import { fail, ok } from '../../core/result.ts'
import { type IdentityProvider, type Tokens } from '../../flow/ports.ts'
import { type Person, type PersonOptions, personalPrincipal, tokensOf, userInfo } from './person.ts'

type Revalidated = Awaited<ReturnType<IdentityProvider['revalidate']>>

/**
 * Asks the provider again about somebody: with the refresh token where there is one, else with the
 * access token at the userinfo endpoint, as long as that token lives.
 */
export const revalidate = async (
  options: PersonOptions,
  config: client.Configuration,
  tokens: Tokens,
  principal: Authenticated,
): Promise<Revalidated> => {
  try {
    return tokens.refreshToken === undefined
      ? await askUserInfo(options, config, tokens, principal)
      : await refresh(options, config, { ...tokens, refreshToken: tokens.refreshToken }, principal)
  } catch (error) {
    return fail(failureOf(error))
  }
}

const refresh = async (
  options: PersonOptions,
  config: client.Configuration,
  tokens: Tokens & { readonly refreshToken: string },
  principal: Authenticated,
): Promise<Revalidated> => {
  const answer = await client.refreshTokenGrant(config, tokens.refreshToken)
  const claims = answer.claims()
  // OIDC Core section 12.2: a new ID token must be about the same person, from the same issuer.
  if (claims !== undefined && !isSamePerson(claims, principal)) return fail('ended')
  const more = await userInfo(config, answer.access_token, principal.subject)
  return ok(
    renewed(
      options,
      principal,
      { ...more, ...claims },
      {
        ...tokensOf(answer, answer.id_token ?? tokens.idToken, options.nowSeconds()),
        // A provider that does not rotate sends none; the old one goes on.
        refreshToken: answer.refresh_token ?? tokens.refreshToken,
      },
    ),
  )
}

const isSamePerson = (claims: Claims, principal: Authenticated): boolean =>
  parseSubject(claims['sub']) === principal.subject && claims['iss'] === principal.issuer

const askUserInfo = async (
  options: PersonOptions,
  config: client.Configuration,
  tokens: Tokens,
  principal: Authenticated,
): Promise<Revalidated> => {
  const { accessExpiresAt } = tokens
  const isOver = accessExpiresAt !== undefined && options.nowSeconds() >= accessExpiresAt
  const cannotAsk = config.serverMetadata().userinfo_endpoint === undefined
  // Nobody vouches for the session any more, and nobody can be asked: it has to begin anew.
  if (isOver || cannotAsk) return fail('ended')
  const claims = await userInfo(config, tokens.accessToken, principal.subject)
  return ok(renewed(options, principal, claims, tokens))
}

const ABOUT_THE_SIGN_IN: ReadonlySet<string> = new Set(['acr', 'amr', 'auth_time', 'sid'])

/**
 * What the provider says now replaces what it said before; about the sign-in itself (acr, amr,
 * auth_time) it may say nothing new, and that has not changed.
 */
const renewed = (
  { mapping }: PersonOptions,
  principal: Authenticated,
  claims: Claims,
  tokens: Tokens,
): Person => {
  const kept = Object.entries(principal.claims).filter(([name]) => ABOUT_THE_SIGN_IN.has(name))
  const all: Claims = { ...Object.fromEntries(kept), ...claims }
  return {
    principal: personalPrincipal(all, mapping, principal.issuer, principal.subject),
    tokens,
  }
}

/** A clear no ends the session; a fault does not. */
const failureOf = (error: unknown): 'ended' | 'unreachable' => {
  if (error instanceof client.ResponseBodyError) {
    return error.error === 'invalid_grant' ? 'ended' : 'unreachable'
  }
  if (error instanceof client.WWWAuthenticateChallengeError) {
    return error.status === 401 || error.status === 403 ? 'ended' : 'unreachable'
  }
  return 'unreachable'
}
