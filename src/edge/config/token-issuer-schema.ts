import { z } from 'zod'
import { ISSUER_PRESETS } from '../../presets/issuers.ts'
import { duration } from './duration.ts'
import { ALGORITHMS, claimName, issuerUrl, secretFile, text } from './fields.ts'

const claims = z
  .strictObject({
    subject: claimName.optional().describe('Claim that names the caller; `sub` if absent.'),
    email: claimName.optional().describe('Claim that holds the e-mail address; `email` if absent.'),
    groups: claimName
      .optional()
      .describe('Claim that holds the groups, `groups` if absent; `a/b` goes deeper.'),
    preferredUsername: claimName
      .optional()
      .describe('Claim with the name to show; `preferred_username` if absent.'),
  })
  .describe('Which claim holds what; a preset has names of its own.')

const tokenReview = z.strictObject({
  url: issuerUrl
    .default('https://kubernetes.default.svc/apis/authentication.k8s.io/v1/tokenreviews')
    .describe(
      "Where the cluster reviews tokens; Vestibule's account needs `system:auth-delegator`.",
    ),
  cacheFor: duration('1s', '5m')
    .default(10_000)
    .describe('How long an answer counts; the token of a deleted pod passes so long.'),
})

const introspection = z
  .strictObject({
    endpoint: issuerUrl.optional().describe('Where to ask; found by discovery if absent.'),
    clientId: text.describe('What the issuer calls Vestibule.'),
    authentication: z
      .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt'])
      .default('client_secret_basic')
      .describe('How Vestibule proves itself.'),
    clientSecret: text
      .optional()
      .describe('From the environment only; in a file use `clientSecretFile`.'),
    clientSecretFile: secretFile.optional(),
    clientKey: text
      .optional()
      .describe('From the environment only; in a file use `clientKeyFile`.'),
    clientKeyFile: secretFile
      .optional()
      .describe('For `private_key_jwt`: a JWK Set of private keys; the first one signs.'),
    tokenPrefix: text
      .max(64)
      .optional()
      .describe('How its opaque tokens begin; needed where several issuers are asked.'),
    requireAudience: z
      .boolean()
      .default(true)
      .describe('false where the issuer never says `aud` and answers about your tokens only.'),
    cacheFor: duration('1s', '5m')
      .default(30_000)
      .describe('How long an answer counts; a revoked token passes so long.'),
  })
  .superRefine((written, context) => {
    const key = written.authentication === 'private_key_jwt' ? 'clientKey' : 'clientSecret'
    if (written[key] !== undefined || written[`${key}File`] !== undefined) return
    context.addIssue({
      code: 'custom',
      path: [`${key}File`],
      message: `is missing. ${written.authentication} needs it: name a mounted file`,
    })
  })

export const TOKEN_ISSUER_SCHEMA = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'is not a name. Use lower-case letters, digits and hyphens')
    .describe('Short name; the principal is called `<name>/<sub>`.'),
  preset: z
    .enum(ISSUER_PRESETS, { error: `is no preset. Known: ${ISSUER_PRESETS.join(', ')}` })
    .optional()
    .describe('A well-known kind of issuer; fills in what is not written here.'),
  issuer: issuerUrl
    .optional()
    .describe('The exact `iss` of its tokens; needed where no preset knows it.'),
  tenant: z
    .string()
    .regex(
      /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
      'is no tenant id. Write it as 00000000-0000-0000-0000-000000000000, in lower case',
    )
    .optional()
    .describe('For `entra`: the id of the tenant.'),
  trustDomain: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9._-]{0,254}$/,
      'is no trust domain. Write it as prod.example.com, without spiffe://',
    )
    .optional()
    .describe('For `spiffe`: the trust domain.'),
  audiences: z
    .array(text)
    .min(1, 'is empty. Name at least one audience')
    .describe('Accepted `aud`; one has to match.'),
  actor: z
    .enum(['human', 'workload', 'agent'])
    .optional()
    .describe('What its callers are; `workload` unless a preset knows better.'),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1)
    .optional()
    .describe('Accepted signature algorithms; RS256, PS256, ES256, ES384 and EdDSA if absent.'),
  accessTokensOnly: z
    .boolean()
    .default(false)
    .describe('Accept nothing but access tokens by RFC 9068 (`typ: at+jwt`).'),
  acceptIdTokens: z
    .boolean()
    .optional()
    .describe('Accept ID tokens (with `nonce` or `at_hash`) as proof too; false if absent.'),
  jwksUri: issuerUrl.optional().describe('Where its keys are; found by discovery if absent.'),
  jwksFile: secretFile
    .optional()
    .describe('File with its keys (JWK Set or SPIFFE trust bundle), instead of asking for them.'),
  caFile: secretFile
    .optional()
    .describe('PEM certificates that vouch for its servers, instead of the public ones.'),
  bearerTokenFile: secretFile
    .optional()
    .describe("Vestibule's own token, shown to `jwksUri` and `tokenReview.url`."),
  timeout: duration('100ms', '30s').default(5000).describe('Deadline of each call to it.'),
  tokenReview: tokenReview
    .optional()
    .describe('For `kubernetes`: ask the cluster about each token whose signature is good.'),
  introspection: introspection
    .optional()
    .describe('Ask the issuer what a token is (RFC 7662), instead of checking a signature.'),
  claims: claims.prefault({}),
  trustEmail: z.boolean().default(false).describe('Take its e-mail addresses as verified.'),
  maxLifetime: duration('1m', '400d')
    .default(86_400_000)
    .describe('Longest accepted `exp` − `iat`; where there is no `exp`, longest time since `iat`.'),
  clockTolerance: duration('1s', '5m').default(30_000).describe('Accepted difference of clocks.'),
})

export type TokenIssuerFile = z.infer<typeof TOKEN_ISSUER_SCHEMA>
