import * as client from 'openid-client'
import { type Authenticated, type Claims, parseSubject } from '../../core/principal.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Revalidated, type RevalidationFailure, type Tokens } from '../../flow/ports.ts'
import { type PersonOptions, personalPrincipal, tokensOf, userInfo } from './person.ts'

type Answer = Result<Revalidated, RevalidationFailure>

/**
 * Asks the provider again about somebody: with the refresh token where there is one, else with the
 * access token at the userinfo endpoint, as long as that token lives. A refresh token that may be
 * spent is tried last: a provider that rotates them would take it for stolen.
 */
export const revalidate = async (
  options: PersonOptions,
  config: client.Configuration,
  { tokens, principal, refreshMayBeSpent }: Question,
): Promise<Answer> => {
  const { refreshToken } = tokens
  try {
    if (refreshToken === undefined || (refreshMayBeSpent && canAsk(options, config, tokens))) {
      return await askUserInfo(options, config, tokens, principal)
    }
    return await refresh(options, config, { ...tokens, refreshToken }, principal)
  } catch (error) {
    const failure = failureOf(error)
    // Spent, perhaps by one of ours; the outage rules decide for how long that is good enough.
    const isAmbiguous = refreshMayBeSpent && isInvalidGrant(error)
    return fail(isAmbiguous ? 'no_answer' : failure)
  }
}

export type Question = {
  readonly tokens: Tokens
  readonly principal: Authenticated
  readonly refreshMayBeSpent: boolean
}

const refresh = async (
  options: PersonOptions,
  config: client.Configuration,
  tokens: Tokens & { readonly refreshToken: string },
  principal: Authenticated,
): Promise<Answer> => {
  const answer = await client.refreshTokenGrant(config, tokens.refreshToken)
  const claims = answer.claims()
  // OIDC Core section 12.2: a new ID token must be about the same person, from the same issuer.
  if (claims !== undefined && !isSamePerson(claims, principal)) return fail('ended')
  const fresh: Tokens = {
    ...tokensOf(answer, answer.id_token ?? tokens.idToken, options.nowSeconds()),
    // A provider that does not rotate sends none; the old one goes on.
    refreshToken: answer.refresh_token ?? tokens.refreshToken,
  }
  try {
    const more = await userInfo(config, answer.access_token, principal.subject)
    const current = renewed(options, principal, { ...more, ...claims })
    return ok({ principal: current, tokens: fresh, isWhole: true })
  } catch (error) {
    if (failureOf(error) === 'ended') return fail('ended')
    // The old refresh token may be spent: the new one must not be lost with this answer.
    return ok({ principal, tokens: fresh, isWhole: false })
  }
}

const isSamePerson = (claims: Claims, principal: Authenticated): boolean =>
  parseSubject(claims['sub']) === principal.subject && claims['iss'] === principal.issuer

const canAsk = (
  options: PersonOptions,
  config: client.Configuration,
  { accessExpiresAt }: Tokens,
): boolean =>
  config.serverMetadata().userinfo_endpoint !== undefined &&
  (accessExpiresAt === undefined || options.nowSeconds() < accessExpiresAt)

const askUserInfo = async (
  options: PersonOptions,
  config: client.Configuration,
  tokens: Tokens,
  principal: Authenticated,
): Promise<Answer> => {
  // Nobody vouches for the session any more, and nobody can be asked: it has to begin anew.
  if (!canAsk(options, config, tokens)) return fail('ended')
  const claims = await userInfo(config, tokens.accessToken, principal.subject)
  // With a refresh token the ID token says more; what it said stays where this says nothing.
  const known = tokens.refreshToken === undefined ? {} : principal.claims
  return ok({
    principal: renewed(options, principal, { ...known, ...claims }),
    tokens: undefined,
    isWhole: true,
  })
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
): Authenticated => {
  const kept = Object.entries(principal.claims).filter(([name]) => ABOUT_THE_SIGN_IN.has(name))
  const all: Claims = { ...Object.fromEntries(kept), ...claims }
  return personalPrincipal(all, mapping, principal.issuer, principal.subject)
}

const isInvalidGrant = (error: unknown): boolean =>
  error instanceof client.ResponseBodyError && error.error === 'invalid_grant'

/** A clear no ends the session; a fault does not. */
const failureOf = (error: unknown): RevalidationFailure => {
  if (error instanceof client.ResponseBodyError) {
    return isInvalidGrant(error) ? 'ended' : 'unreachable'
  }
  if (error instanceof client.WWWAuthenticateChallengeError) {
    return error.status === 401 || error.status === 403 ? 'ended' : 'unreachable'
  }
  return 'no_answer'
}
