import { type Fault } from '../core/fault.ts'
import { type PolicySet } from '../core/policy/policy.ts'
import { fail, ok, type Result } from '../core/result.ts'
import {
  type AssertionKeys,
  parseAssertionKeys,
  randomAssertionKeys,
} from '../edge/assertion/assertion-keys.ts'
import { type Config } from '../edge/config/config.ts'
import { isHttp } from '../edge/config/cross-checks.ts'
import { loadPolicies } from '../edge/policies/policy-folder.ts'
import { type KeyRing, parseKeyRing, randomKeyRing } from '../edge/sessions/key-ring.ts'
import { tokenFileFaults } from '../service/token-files.ts'

/** What has to be read and understood before the service may start. */
export type Prepared = {
  readonly policies: PolicySet
  readonly ring: KeyRing
  readonly assertionKeys: AssertionKeys
}

/** Reads keys and policies that the configuration names; all faults together. */
export const prepare = async (config: Config): Promise<Result<Prepared, readonly Fault[]>> => {
  const ring = readKeyRing(config)
  const assertionKeys = await assertionKeysOf(config)
  const policies = await loadPolicies(config.policies)
  const tokenFiles = await tokenFileFaults(config)
  if (ring.ok && assertionKeys.ok && policies.ok && tokenFiles.length === 0) {
    return ok({
      ring: ring.value,
      assertionKeys: assertionKeys.value,
      policies: policies.value,
    })
  }
  const parts = [ring, assertionKeys, policies]
  return fail([...parts.flatMap((part) => (part.ok ? [] : part.failure)), ...tokenFiles])
}

/** The session keys that the configuration names, or some that end with the process. */
export const readKeyRing = ({ session }: Config): Result<KeyRing, readonly Fault[]> => {
  if (session.keyRing === undefined) return ok(randomKeyRing())
  const ring = parseKeyRing(session.keyRing.reveal())
  if (ring.ok) return ring
  const { line, problem } = ring.failure
  return fail([
    {
      file: session.keysFile ?? 'environment variable VESTIBULE_SESSION_KEYS',
      line,
      column: 1,
      key: 'session.keysFile',
      problem,
      remedy: 'Write one key a line; `vestibule keys generate session` makes one.',
    },
  ])
}

const assertionKeysOf = async ({
  assertion,
}: Config): Promise<Result<AssertionKeys, readonly Fault[]>> => {
  if (assertion.keySet === undefined) return ok(await randomAssertionKeys(assertion.algorithm))
  const keys = await parseAssertionKeys(assertion.keySet.reveal(), assertion.algorithm)
  if (keys.ok) return keys
  return fail([
    {
      file: assertion.keysFile ?? 'environment variable VESTIBULE_ASSERTION_KEYS',
      line: undefined,
      column: undefined,
      key: 'assertion.keysFile',
      ...keys.failure,
    },
  ])
}

const SHORTEST_TOKEN = 16

/** What an operator should know about a configuration that is accepted all the same. */
const warningsOf = (config: Config): readonly string[] => {
  const warnings: readonly (readonly [boolean, string])[] = [
    [
      config.session.store === 'memory',
      'session.store is memory: for one replica, and all sessions end when it stops',
    ],
    [
      config.workers === 'auto' && config.session.store === 'memory',
      'workers is auto and session.store is memory, which workers cannot share: one process answers',
    ],
    [isHttp(config), 'publicUrl is http: for development only, the session cookie is not Secure'],
    [
      config.identityProvider.issuer.startsWith('http:'),
      'identityProvider.issuer is http: for development only',
    ],
    [
      !config.verify.requireHost,
      'verify.requireHost is false: the policy is chosen by a host that clients can forge',
    ],
    [
      config.assertion.keySet === undefined,
      'assertion.keysFile is not set: made up a key; assertions of other replicas and of earlier starts do not verify',
    ],
    [
      (config.admin.token?.reveal().length ?? SHORTEST_TOKEN) < SHORTEST_TOKEN,
      `admin.tokenFile holds fewer than ${SHORTEST_TOKEN} characters, which can be guessed: use openssl rand -base64 32`,
    ],
    [
      config.identityProvider.secret === undefined,
      'identityProvider.clientSecretFile is not set: signing in as a public client, with PKCE alone',
    ],
  ]
  return warnings.filter(([applies]) => applies).map(([, text]) => text)
}

/** Browsers do not send the cookie to such hosts, so signing in there goes round in circles. */
const hostsWithoutCookie = ({ cookie }: Config, policies: PolicySet): readonly string[] => {
  const domain = cookie.domain.toLowerCase()
  return [...policies.exact, ...policies.below].flatMap(([name, { label, credentials }]) =>
    !credentials.has('cookie') || name === domain || name.endsWith(`.${domain}`) ? [] : [label],
  )
}

/** Warnings of the configuration, and of what policies ask of it. */
export const allWarnings = (config: Config, policies: PolicySet): readonly string[] => {
  const outside = hostsWithoutCookie(config, policies)
  return outside.length === 0
    ? warningsOf(config)
    : [
        ...warningsOf(config),
        `not under cookie.domain (${config.cookie.domain}), so nobody can sign in there: ${outside.join(', ')}. Write credentials: [bearer] in their policies if that is meant`,
      ]
}
