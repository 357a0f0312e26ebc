import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { expect, jest } from '@jest/globals'
import { sendRaw } from '../support/raw-http.ts'
import { type VerifyRequest, verifyRequest } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'
import { type IssuerServer, startIssuer } from '../tokens/support-tokens.ts'
import { type Outcome, outcomeOf } from './support-requests.ts'
import { expectSoundAnswer, type Verdict } from './support-requests-invariants.ts'

jest.setTimeout(30_000)

export type Claims = Readonly<Record<string, unknown>>
export type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'ES384'

/** A key as its issuer has it; `kid` and `alg` are what it publishes. */
export type SigningKey = {
  readonly kid: string
  readonly algorithm: Algorithm
  readonly privateKey: KeyObject
}

const EC_CURVES = { ES256: 'P-256', ES384: 'P-384' } as const

export const createKey = (kid: string, algorithm: Algorithm, bits = 2048): SigningKey => {
  const { privateKey } =
    algorithm === 'ES256' || algorithm === 'ES384'
      ? generateKeyPairSync('ec', { namedCurve: EC_CURVES[algorithm] })
      : generateKeyPairSync('rsa', { modulusLength: bits })
  return { kid, algorithm, privateKey }
}

export const publicJwk = ({ kid, algorithm, privateKey }: SigningKey): Claims => ({
  ...createPublicKey(privateKey).export({ format: 'jwk' }),
  kid,
  alg: algorithm,
  use: 'sig',
})

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Signs whatever stands before it, as no library would. */
export const signText = (input: string, { algorithm, privateKey }: SigningKey): string => {
  const padding = algorithm === 'PS256' ? { padding: 6, saltLength: 32 } : {}
  return sign(algorithm.replace(/^../, 'sha'), Buffer.from(input), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
    ...padding,
  }).toString('base64url')
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1000)

export type Minting = {
  /** Members that are undefined are left out. */
  readonly claims?: Claims
  readonly header?: Claims
  readonly by?: SigningKey
}

export type BearerWorld = {
  readonly vestibule: Vestibule
  /** Called `idp`, with the keys `rs` and `es`. */
  readonly idp: IssuerServer
  /** Called `idp2`, with another key that is called `es` too. */
  readonly idp2: IssuerServer
  /** Called `strict`: nothing but access tokens by RFC 9068. It shares the keys of `idp`. */
  readonly strict: IssuerServer
  readonly keys: {
    readonly rs: SigningKey
    readonly es: SigningKey
    readonly es2: SigningKey
    readonly foreign: SigningKey
  }
  /** Claims of a good token of alice. */
  readonly good: () => Claims
  readonly mint: (minting?: Minting) => string
  /** A token over exactly these texts. */
  readonly mintText: (header: string, payload: string, by?: SigningKey) => string
  readonly ask: (authorization: string, request?: VerifyRequest) => Promise<Verdict>
  /** Calls to all issuers so far. */
  readonly calls: () => number
  readonly stop: () => Promise<void>
}

const host = (name: string, condition: string): string =>
  `hosts: [${name}.test]\npolicy: [ { allow: { and: [ ${condition} ] } } ]\n`

const POLICIES = {
  'app.yaml': host('app', '{ authenticated_user: true }'),
  'admin.yaml': host('admin', '{ groups: { has: admins } }'),
  'people.yaml': host('people', '{ actor: human }'),
  'mail.yaml': host('mail', '{ domain: company.com }'),
  'alice.yaml': host('alice', '{ user: alice }'),
  'scope.yaml': host('scope', '{ claim/scope: admin }'),
}

/** Where a request goes, by the host's first label. */
export const to = (name: string): VerifyRequest => ({
  host: `${name}.test`,
  url: `https://${name}.test/x`,
})

const withoutUndefined = (members: Claims): Claims =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

/** With the first issuer down, nobody listens there when the service starts. */
export const startBearerWorld = async (isIdpDown = false): Promise<BearerWorld> => {
  const [idp, idp2, strict] = await Promise.all([startIssuer(), startIssuer(), startIssuer()])
  const keys = {
    rs: createKey('rs', 'RS256'),
    es: createKey('es', 'ES256'),
    es2: createKey('es', 'ES256'),
    foreign: createKey('rs', 'RS256'),
  }
  const ours = { keys: [publicJwk(keys.rs), publicJwk(keys.es)] }
  idp.publish(ours)
  if (isIdpDown) await idp.stop()
  strict.publish(ours)
  idp2.publish({ keys: [publicJwk(keys.es2)] })
  // The file repeats lists, so each has to be one of its own: it takes no aliases.
  const common = () => ({ audiences: ['api'], algorithms: ['RS256', 'ES256'], actor: 'human' })
  const vestibule = await startVestibule({
    policies: POLICIES,
    config: {
      tokenIssuers: [
        { name: 'idp', issuer: idp.url, trustEmail: true, ...common() },
        { name: 'idp2', issuer: idp2.url, ...common() },
        { name: 'strict', issuer: strict.url, accessTokensOnly: true, ...common() },
      ],
    },
  })
  const good = (): Claims => {
    const now = nowSeconds()
    return { iss: idp.url, sub: 'alice', aud: 'api', iat: now, exp: now + 300 }
  }
  const mintText = (header: string, payload: string, by = keys.rs): string => {
    const input = `${encode(header)}.${encode(payload)}`
    return `${input}.${signText(input, by)}`
  }
  const mint = ({ claims, header, by = keys.rs }: Minting = {}): string =>
    mintText(
      JSON.stringify(withoutUndefined({ alg: by.algorithm, kid: by.kid, typ: 'JWT', ...header })),
      JSON.stringify(withoutUndefined({ ...good(), ...claims })),
      by,
    )
  const ask = async (authorization: string, request: VerifyRequest = {}): Promise<Verdict> =>
    expectSoundAnswer(
      await sendRaw(vestibule.verifyPort, verifyRequest({ ...request, authorization })),
    )
  return {
    vestibule,
    idp,
    idp2,
    strict,
    keys,
    good,
    mint,
    mintText,
    ask,
    calls: () => idp.count() + idp2.count() + strict.count(),
    stop: async () => {
      await vestibule.stop()
      await Promise.all([idp.stop(), idp2.stop(), strict.stop()])
    },
  }
}

/** Asks with that token and wants that answer, without any call to any issuer. */
export const expectToken = async (
  world: BearerWorld,
  token: string,
  outcome: Outcome,
  request?: VerifyRequest,
): Promise<Verdict> => {
  const verdict = await world.ask(`Bearer ${token}`, request)
  expect(outcomeOf(verdict)).toBe(outcome)
  // None while the cool-down lasts; on a machine so slow that it ends, one for each issuer.
  const { calls, since } = warm.get(world) ?? { calls: 0, since: Date.now() }
  const coolDowns = Math.floor((Date.now() - since) / COOL_DOWN_MS)
  expect(world.calls() - calls).toBeLessThanOrEqual(3 * coolDowns)
  return verdict
}

const COOL_DOWN_MS = 30_000

/** Calls to issuers until each world was warm, and when that was. */
const warm = new WeakMap<BearerWorld, { readonly calls: number; readonly since: number }>()

/** Waits until the keys of all issuers were fetched, and lets the one refetch of each go by. */
export const untilWarm = async (world: BearerWorld): Promise<void> => {
  const { keys, idp, idp2, strict } = world
  const since = Date.now()
  const each = [
    [idp, keys.rs],
    [idp2, keys.es2],
    [strict, keys.rs],
  ] as const
  for (const [issuer, by] of each) {
    const claims = { iss: issuer.url, client_id: 'c', jti: '1' }
    const token = world.mint({ claims, by, header: { typ: 'at+jwt' } })
    expect(await untilKnown(world, token)).toBe('200 rule_matched')
    const unknown = { ...by, kid: 'unknown' }
    const lost = world.mint({ claims, by: unknown, header: { typ: 'at+jwt' } })
    expect(await untilKnown(world, lost)).toBe('401 invalid_token')
  }
  warm.set(world, { calls: world.calls(), since })
}

/** A busy machine may take longer to fetch keys than a request waits for them. */
const untilKnown = async (world: BearerWorld, token: string): Promise<string> => {
  for (let tries = 0; ; tries += 1) {
    const outcome = outcomeOf(await world.ask(`Bearer ${token}`))
    if (tries === 10 || outcome !== '503 issuer_keys_unreachable') return outcome
  }
}
