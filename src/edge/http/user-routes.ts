import { type Request, Router } from 'express'
import { idleEnd, type Session } from '../../core/session.ts'
import { type Found } from '../../flow/ports.ts'
import { only } from './browser-request.ts'
import { sendPage } from './page.ts'
import { storeUnreachable, welcome } from './pages.ts'
import { type PublicOptions } from './public-options.ts'

/** Who am I, for people and applications; and the keys to verify assertions with. */
export const userRoutes = (options: PublicOptions): Router => {
  const router = Router({ caseSensitive: true, strict: true })
  router.all('/oauth2/userinfo', only('GET'), async (request, response) => {
    const found = await sessionOf(options, request)
    if (!found.ok) response.status(503).json({ error: 'session_store_unreachable' })
    else if (found.value === undefined) response.status(401).json({ error: 'not_signed_in' })
    else response.json(userInfo(found.value, options))
  })
  router.all('/', only('GET', 'HEAD'), async (request, response) => {
    const found = await sessionOf(options, request)
    if (!found.ok) sendPage(response, 503, storeUnreachable('/'))
    else sendPage(response, 200, welcome(nameOf(found.value)))
  })
  router.get('/.well-known/jwks.json', (_request, response) => {
    response.set('Cache-Control', 'public, max-age=300').json({ keys: options.publicKeys() })
  })
  router.get('/.well-known/openid-configuration', (_request, response) => {
    response
      .set('Cache-Control', 'public, max-age=300')
      .json(discovery(options.returnUrls.publicOrigin, algorithmsOf(options)))
  })
  return router
}

const sessionOf = async (
  { cookies, ports }: PublicOptions,
  request: Request,
): Promise<Found<Session>> => {
  const credential = cookies.session(request)
  return credential.kind === 'cookie'
    ? await ports.sessions.find(credential.sessionId)
    : { ok: true, value: undefined }
}

const userInfo = (
  session: Session,
  { limits, ports }: PublicOptions,
): Readonly<Record<string, unknown>> => {
  const { subject, email, groups, preferredUsername, actor } = session.principal
  return {
    user: subject,
    email: email ?? null,
    groups: groups ?? [],
    preferredUsername: preferredUsername ?? null,
    actor,
    session: {
      createdAt: isoTime(session.createdAt),
      expiresAt: isoTime(idleEnd(session, limits, ports.now())),
    },
  }
}

const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString()

const nameOf = (session: Session | undefined): string | undefined => {
  if (session === undefined) return undefined
  const { preferredUsername, email, subject } = session.principal
  return preferredUsername ?? email ?? subject
}

/** What verifiers of the assertion look for (OpenID Connect Discovery 1.0 section 3). */
const discovery = (
  issuer: string,
  algorithms: readonly string[],
): Readonly<Record<string, unknown>> => ({
  issuer,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
  authorization_endpoint: `${issuer}/oauth2/start`,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: algorithms,
})

const algorithmsOf = ({ publicKeys }: PublicOptions): readonly string[] => [
  ...new Set(publicKeys().flatMap(({ alg }) => alg ?? [])),
]
