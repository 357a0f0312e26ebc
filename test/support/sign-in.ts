import { createBrowser } from '../../demo/browser.ts'
import { ask, type Reply } from '../../demo/http-client.ts'
import {
  type IdentityProvider,
  type IdentityProviderSettings,
} from '../../demo/identity-provider.ts'
import { type Vestibule } from './vestibule.ts'

export const PUBLIC_ORIGIN = 'https://auth.test'
export const CLIENT = { id: 'vestibule', secret: 'a-secret-for-tests-only-CANARY' }

/** A real OpenID provider that knows Vestibule at `https://auth.test`. */
export const startProvider = async (
  settings: IdentityProviderSettings = {},
): Promise<IdentityProvider> => {
  // Many suites take something else from this file, and need not load it.
  const { startIdentityProvider } = await import('../../demo/identity-provider.ts')
  return await startIdentityProvider({
    clients: [
      {
        ...CLIENT,
        redirectUris: [`${PUBLIC_ORIGIN}/oauth2/callback`],
        postLogoutRedirectUris: [`${PUBLIC_ORIGIN}/oauth2/signed_out`],
      },
    ],
    ...settings,
  })
}

/** The configuration and environment with which Vestibule uses that provider. */
export const providerSettings = (
  idp: Pick<IdentityProvider, 'issuer'>,
): {
  readonly config: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string>>
} => ({
  config: {
    identityProvider: {
      issuer: idp.issuer,
      clientId: CLIENT.id,
      scopes: ['openid', 'email', 'profile', 'groups'],
    },
  },
  environment: { VESTIBULE_IDENTITY_PROVIDER_CLIENT_SECRET: CLIENT.secret },
})

export type AskPublic = {
  readonly cookies?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
  readonly form?: Readonly<Record<string, string>>
}

/** One request to the public listener, as nginx would pass it on for `https://auth.test`. */
export const askPublic = (
  vestibule: Pick<Vestibule, 'publicPort'>,
  path: string,
  { cookies = [], headers, ...question }: AskPublic = {},
): Promise<Reply> =>
  ask(`http://127.0.0.1:${vestibule.publicPort}${path}`, {
    ...question,
    headers: {
      host: 'auth.test',
      accept: 'text/html',
      ...(cookies.length === 0 ? {} : { cookie: cookies.join('; ') }),
      ...headers,
    },
  })

/** `name=value` of a Set-Cookie line. */
export const cookieOf = (line: string): string => line.split(';')[0] ?? ''

/** A sign-in up to the moment before the callback. */
export type Started = {
  readonly browserCookie: string
  readonly authorizationUrl: string
  /** Path and query of the callback that the provider sends the browser to. */
  readonly callbackPath: string
}

/** Starts signing in and lets the person say who he is at the provider. */
export const startSignIn = async (
  vestibule: Pick<Vestibule, 'publicPort'>,
  person: string,
  { rd, cookies = [] }: { readonly rd?: string; readonly cookies?: readonly string[] } = {},
): Promise<Started> => {
  const query = rd === undefined ? '' : `?rd=${encodeURIComponent(rd)}`
  const started = await askPublic(vestibule, `/oauth2/start${query}`, { cookies })
  if (started.location === undefined) throw new Error(`no redirect: ${started.status}`)
  const callbackPath = await answerAtProvider(started.location, person)
  return {
    browserCookie: cookieOf(started.setCookies[0] ?? ''),
    authorizationUrl: started.location,
    callbackPath,
  }
}

/** Follows an authorization URL in a fresh browser and clicks on the person. */
export const answerAtProvider = async (url: string, person: string): Promise<string> => {
  const browser = createBrowser()
  const before = `${PUBLIC_ORIGIN}/oauth2/callback`
  const page = await browser.open(url, { before })
  const done = page.url.startsWith(before)
    ? page
    : await browser.open(page.url, { form: { person }, before })
  return done.url.slice(PUBLIC_ORIGIN.length)
}

export type SignedIn = Started & {
  readonly reply: Reply
  /** `name=value` of the session cookie. */
  readonly sessionCookie: string
}

/** Signs a person in, all the way. */
export const signIn = async (
  vestibule: Pick<Vestibule, 'publicPort'>,
  person: string,
  options: { readonly rd?: string; readonly cookies?: readonly string[] } = {},
): Promise<SignedIn> => {
  const started = await startSignIn(vestibule, person, options)
  const reply = await askPublic(vestibule, started.callbackPath, {
    cookies: [started.browserCookie, ...(options.cookies ?? [])],
  })
  return { ...started, reply, sessionCookie: cookieOf(reply.setCookies[0] ?? '') }
}
