import { z } from 'zod'
import { parseOriginalUrl } from '../../core/original-url.ts'
import { secondsOf } from '../../core/policy/duration.ts'
import { isReason } from './reasons.ts'

const text = z.string({ error: 'is not text. Write a string' }).min(1, 'is empty. Write a value')

const path = z
  .string({ error: 'is not a path. Write it as /api' })
  .refine((written) => parseOriginalUrl(`https://app.test${written}`) !== undefined, {
    error: 'is not a path. Start with /, and percent-encode what is not printable ASCII',
  })

const origin = z
  .string({ error: 'is not an origin. Write https://app.example.com' })
  .refine((written) => /^https?:\/\/[^/?#]+$/i.test(written) && isUrl(`${written}/`), {
    error: 'is not an origin. Write https://app.example.com, without a path',
  })

const isUrl = (written: string): boolean => parseOriginalUrl(written) !== undefined

/** Pods and NodePorts are called by their addresses, which `parseOriginalUrl` takes for names. */
const directUrl = z
  .string({ error: 'is not a URL. Write http://grafana.monitoring.svc.cluster.local/' })
  .refine(
    (written) => /^https?:\/\/[^/?#@\s]+\/[\x21-\x7e]*$/i.test(written) && canParse(written),
    {
      error: 'is not a URL. Write http://grafana.monitoring.svc.cluster.local/, with its path',
    },
  )

const canParse = (written: string): boolean => URL.canParse(written)

const ADDRESS = /^(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+):[1-9][0-9]{0,4}$/i

const address = z
  .string({ error: 'is no address. Write 10.0.0.7:443' })
  .regex(ADDRESS, 'is no address. Write 10.0.0.7:443')
  .describe('Where to connect, in place of what the name service says.')

const method = z
  .enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], {
    error: 'is no method. Write GET',
  })
  .default('GET')

const status = z
  .int({ error: 'is no status. Write 200' })
  .min(200, 'is no status. Write 200')
  .max(599, 'is no status. Write 200')

const callerName = text.regex(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  'is no name. Use letters, digits, . _ and -',
)

const variable = text.regex(
  /^[A-Z_][A-Z0-9_]*$/i,
  'is no variable of the environment. Write a name such as ALICE_COOKIE',
)

const CALLER = z.strictObject({
  cookieEnv: variable
    .describe('The variable that holds the value of the session cookie.')
    .optional(),
  cookieFile: text.describe('The file that holds the value of the session cookie.').optional(),
  tokenEnv: variable.describe('The variable that holds a bearer token.').optional(),
  tokenFile: text.describe('The file that holds a bearer token.').optional(),
  subject: text
    .describe('As the decision log names the caller; `ISSUER/SUB` of a token.')
    .optional(),
  email: text.optional(),
  actor: z
    .enum(['human', 'workload', 'agent'], { error: 'is no actor. Use human, workload or agent' })
    .optional(),
})

const VISIT = z.strictObject({
  caller: callerName,
  method,
  path: path.default('/'),
  status: status.default(200),
})

const REFUSED = z.strictObject({
  caller: callerName,
  method,
  path: path.default('/'),
  reason: z
    .string({ error: 'is no reason. docs/decisions.md lists them' })
    .refine(isReason, { error: 'is no reason. docs/decisions.md lists them' })
    .optional(),
})

const ANONYMOUS = z.strictObject({
  path: path.default('/'),
  answer: z
    .enum(['sign_in', '401', '403'], { error: 'is no answer. Use sign_in, "401" or "403"' })
    .default('sign_in'),
})

const IDENTITY = z.strictObject({ caller: callerName.optional(), path, shows: text })

const DIRECT = z.strictObject({
  url: directUrl,
  address: address.optional(),
  answer: z
    .enum(['none', 'refused'], { error: 'is no answer. Use none or refused' })
    .default('none'),
})

/** That a key is missing is said in the same words for all. */
const unlessMissing =
  (problem: string) =>
  ({ input }: { readonly input?: unknown }): string | undefined =>
    input === undefined ? undefined : problem

const MOST = 1000
const list = <Item extends z.ZodType>(item: Item): z.ZodArray<Item> =>
  z
    .array(item, { error: unlessMissing('is not a list. Begin each entry with -') })
    .max(MOST, `has too many entries. Keep to ${MOST}`)

const HOST = z.strictObject({
  origin,
  address: address.optional(),
  mode: z
    .enum(['enforce', 'observe'], { error: 'is no mode. Use enforce or observe' })
    .default('enforce'),
  anonymous: ANONYMOUS.prefault({}),
  right: list(VISIT).min(1, 'names nobody. Name a caller whom the policy admits'),
  wrong: list(REFUSED).min(1, 'names nobody. Name a caller whom the policy refuses'),
  identity: IDENTITY.optional(),
  direct: list(DIRECT).default([]),
})

const duration = text.refine((written) => secondsOf(written) <= 60, {
  error: 'is not a duration up to 60s. Write 5s',
})

export const IDENTITY_HEADERS = [
  'X-Auth-Request-User',
  'X-Auth-Request-Email',
  'X-Auth-Request-Preferred-Username',
  'X-Auth-Request-Groups',
  'X-Auth-Request-Actor',
  'X-Vestibule-Assertion',
]

/** The plan of `vestibule migrate verify`. */
export const PLAN_SCHEMA = z.strictObject({
  signIn: text
    .refine((written) => !/[?#]/.test(written) && isUrl(written), {
      error: 'is not a URL. Write https://auth.example.com/oauth2/start, without a query',
    })
    .optional(),
  deadline: duration.default('5s'),
  logWait: duration.default('10s'),
  caFile: text.describe('Certificates to trust besides those of Node, as PEM.').optional(),
  cookieName: text
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is no name of a cookie. Write __Secure-vestibule')
    .default('__Secure-vestibule'),
  identityHeaders: list(
    text.regex(/^[A-Za-z0-9-]+$/, 'is no name of a header. Write X-Auth-Request-User'),
  )
    .min(1, 'is empty. Leave it out to check those that are sent by default')
    .default(IDENTITY_HEADERS),
  callers: z.record(callerName, CALLER, {
    error: 'is no mapping. Write { alice: { cookieEnv: … } }',
  }),
  hosts: list(HOST).min(1, 'is empty. Name a host to verify'),
})

export type PlanFile = z.infer<typeof PLAN_SCHEMA>
export type CallerFile = z.infer<typeof CALLER>
