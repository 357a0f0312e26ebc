import { z } from 'zod'
import { DEFAULT_IDENTITY_HEADERS } from '../../core/identity-headers.ts'
import { IDENTITY_SOURCES } from '../../core/identity-source.ts'
import { parseHostName } from '../../core/ids.ts'
import { duration } from './duration.ts'
import { claimName, issuerUrl, secretFile, text } from './fields.ts'
import { SESSION_SCHEMA } from './session-schema.ts'
import { TOKEN_ISSUER_SCHEMA } from './token-issuer-schema.ts'
import { httpUrl, isDevelopmentUrl } from './url.ts'

const listenAddress = z
  .string()
  .regex(
    /^(?:[0-9.]+|\[[0-9a-f:]+\]|localhost):(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$/i,
    'is not an address and port. Write it as 0.0.0.0:8080 or [::]:8080',
  )

/** Each has caches and connections of its own; whoever needs more needs more replicas. */
export const MOST_WORKERS = 64

const claims = z
  .strictObject({
    email: claimName.default('email').describe('Claim that holds the e-mail address.'),
    groups: claimName.default('groups').describe('Claim that holds the groups; `a/b` goes deeper.'),
    preferredUsername: claimName
      .default('preferred_username')
      .describe('Claim with the name to show.'),
  })
  .describe('Which claim holds what.')

const HEADER_NAME = /^[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*$/
const NOT_OURS =
  /^(?:host|cookie|authorization|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|proxy-.*|set-cookie|location|www-authenticate|cache-control|date|keep-alive|x-accel-.*|x-vestibule-(?:decision|reason)|impersonate-.*)$/i

const identityHeaders = z
  .record(z.string(), z.enum(IDENTITY_SOURCES))
  .superRefine((headers, context) => {
    const seen = new Set<string>()
    for (const name of Object.keys(headers)) {
      const problem = headerProblem(name, seen)
      seen.add(name.toLowerCase())
      if (problem !== undefined)
        context.addIssue({ code: 'custom', message: problem, path: [name] })
    }
  })

const headerProblem = (name: string, seen: ReadonlySet<string>): string | undefined => {
  if (!HEADER_NAME.test(name))
    return 'is no header name that every proxy passes. Use letters, digits and hyphens'
  if (NOT_OURS.test(name)) return 'has a meaning of its own in HTTP or here. Choose another name'
  return seen.has(name.toLowerCase()) ? 'stands twice, ignoring case. Keep one' : undefined
}

const cookieDomain = z.string().refine((name) => parseHostName(name) !== undefined, {
  error: 'is not a domain name. Write it as example.com, without a leading dot',
})

export const CONFIG_SCHEMA = z.strictObject({
  publicUrl: httpUrl
    .refine((url) => !/^https?:\/\/[^/?#]*[/?#]./.test(url), {
      error: 'has a path or query. Name the origin only, such as https://auth.example.com',
    })
    .refine((url) => url.startsWith('https:') || isDevelopmentUrl(url), {
      error:
        'must be https. Plain http is accepted on loopback, *.localhost and *.test only, for development',
    })
    .describe('Origin of the public listener, as browsers reach it.'),
  listen: z
    .strictObject({
      verify: listenAddress.default('0.0.0.0:8080').describe('For the ingress controller only.'),
      public: listenAddress.default('0.0.0.0:8081').describe('For browsers, through an Ingress.'),
      ops: listenAddress.default('0.0.0.0:9090').describe('For Prometheus and the kubelet.'),
    })
    .prefault({}),
  cookie: z.strictObject({
    domain: cookieDomain.describe('Parent domain of all protected hosts and of `publicUrl`.'),
    name: z
      .string()
      .regex(
        /^[A-Za-z0-9_-]{1,64}$/,
        'is not a cookie name. Use letters, digits, hyphens, underscores',
      )
      .optional()
      .describe('Default `__Secure-vestibule`; `vestibule` where `publicUrl` is http.'),
  }),
  identityProvider: z.strictObject({
    issuer: issuerUrl.describe('Its issuer; everything else is found by discovery.'),
    clientId: text.describe('What the provider calls Vestibule.'),
    clientSecret: text
      .optional()
      .describe('From the environment only; in a file use `clientSecretFile`.'),
    clientSecretFile: secretFile.optional(),
    scopes: z
      .array(text)
      .min(1)
      .default(['openid', 'email', 'profile', 'groups'])
      .describe('Scopes to ask for.'),
    claims: claims.prefault({}),
    trustEmail: z.boolean().default(false).describe('Take its e-mail addresses as verified.'),
    timeout: duration('100ms', '30s').default(5000).describe('Deadline of each call to it.'),
    logoutTokens: z
      .strictObject({
        allowUntyped: z
          .boolean()
          .default(false)
          .describe('Take back-channel logout tokens without `typ: logout+jwt`: older providers.'),
        allowWithoutExpiry: z
          .boolean()
          .default(false)
          .describe('Take back-channel logout tokens without `exp`: older providers.'),
      })
      .prefault({}),
  }),
  session: SESSION_SCHEMA.prefault({}),
  tokenIssuers: z.array(TOKEN_ISSUER_SCHEMA).default([]).describe('Issuers of bearer tokens.'),
  dpop: z
    .strictObject({
      window: duration('5s', '10m')
        .default(60_000)
        .describe('How far the `iat` of a proof may lie from now, to either side.'),
      nonce: z
        .boolean()
        .default(false)
        .describe(
          'Ask for a nonce; nginx has to pass `DPoP-Nonce` on, for which it needs a snippet.',
        ),
    })
    .prefault({})
    .describe('Tokens that are bound to a key (RFC 9449).'),
  admin: z
    .strictObject({
      token: text.optional().describe('From the environment only; in a file use `tokenFile`.'),
      tokenFile: secretFile.optional(),
    })
    .prefault({})
    .describe('Who may use `/admin/*` on the ops listener; without a token, nobody.'),
  assertion: z
    .strictObject({
      keys: text.optional().describe('From the environment only; in a file use `keysFile`.'),
      keysFile: secretFile.optional(),
      algorithm: z
        .enum(['ES256', 'RS256'])
        .default('ES256')
        .describe('`RS256` for back ends that know nothing else; the file has to hold such a key.'),
      lifetime: duration('10s', '5m').default(300_000).describe('`exp` − `iat` of the assertion.'),
    })
    .prefault({}),
  identityHeaders: identityHeaders
    .default(Object.fromEntries(DEFAULT_IDENTITY_HEADERS))
    .describe('Header name → what it carries. List the same names in `auth-response-headers`.'),
  verify: z
    .strictObject({
      requireHost: z
        .boolean()
        .default(true)
        .describe('false decides by a host that clients can forge: last resort.'),
    })
    .prefault({}),
  policies: text.describe('Folder with the policy files.'),
  workers: z
    .union([z.literal('auto'), z.int().min(1).max(MOST_WORKERS)], {
      error: `is neither auto nor a number from 1 to ${MOST_WORKERS}. Write workers: auto, or a number`,
    })
    .default(1)
    .describe(
      'Processes that answer requests; `auto`: one for each core. More than one needs a shared `session.store`.',
    ),
  decisionLog: z
    .strictObject({ to: text.default('stdout').describe('`stdout`, or a file to append to.') })
    .prefault({}),
  shutdown: z
    .strictObject({
      drain: duration('1s', '5m')
        .default(10_000)
        .describe('How long running requests may take after SIGTERM.'),
    })
    .prefault({}),
})

export type ConfigFile = z.infer<typeof CONFIG_SCHEMA>
