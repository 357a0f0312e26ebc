import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import {
  createKey,
  encode,
  nowSeconds,
  publicJwk,
  type SigningKey,
  signText,
} from '../attacks/support-bearer.ts'
import { headerOf } from '../support/raw-http.ts'
import { until } from '../support/redis.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

/* Files of keys that are replaced while the service runs, as Kubernetes and SPIRE replace them. */

jest.setTimeout(60_000)

const ISSUER = 'https://ci.test'
const SVID = 'spiffe://prod.test/ns/shop/sa/checkout'

let folder: string
let vestibule: Vestibule

const first = { ci: createKey('one', 'RS256'), mesh: createKey('a', 'ES256') }

/** In one step, as a mounted Secret changes. */
const replace = async (name: string, text: string): Promise<void> => {
  await writeFile(join(folder, `${name}.new`), text)
  await rename(join(folder, `${name}.new`), join(folder, name))
}

const jwks = (...keys: readonly SigningKey[]): string =>
  JSON.stringify({ keys: keys.map(publicJwk) })

const bundle = (...keys: readonly SigningKey[]): string =>
  JSON.stringify({ keys: keys.map((key) => ({ ...publicJwk(key), use: 'jwt-svid' })) })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vestibule-keys-'))
  await replace('jwks.json', jwks(first.ci))
  await replace('bundle.json', bundle(first.mesh))
  vestibule = await startVestibule({
    policies: {
      'app.yaml':
        'hosts: [app.test]\npolicy: [ { allow: { and: [ { authenticated_user: true } ] } } ]\n',
    },
    config: {
      tokenIssuers: [
        {
          name: 'ci',
          issuer: ISSUER,
          audiences: ['vestibule'],
          algorithms: ['RS256', 'ES256'],
          jwksFile: join(folder, 'jwks.json'),
        },
        {
          name: 'mesh',
          preset: 'spiffe',
          trustDomain: 'prod.test',
          audiences: ['vestibule'],
          jwksFile: join(folder, 'bundle.json'),
        },
      ],
    },
  })
})
afterAll(async () => {
  await vestibule.stop()
  await rm(folder, { recursive: true, force: true })
})

const tokenBy = (key: SigningKey, claims: object): string => {
  const now = nowSeconds()
  const payload = { aud: 'vestibule', iat: now, exp: now + 300, ...claims }
  const input = `${encode({ alg: key.algorithm, kid: key.kid, typ: 'JWT' })}.${encode(payload)}`
  return `${input}.${signText(input, key)}`
}

const ciToken = (key: SigningKey): string => tokenBy(key, { iss: ISSUER, sub: 'deploy' })
const meshToken = (key: SigningKey): string => tokenBy(key, { sub: SVID })

const outcomeOf = async (token: string): Promise<string> => {
  const answer = await askVerify(vestibule.verifyPort, { authorization: `Bearer ${token}` })
  return `${answer.status} ${headerOf(answer, 'x-vestibule-reason') ?? ''}`
}

const ALLOWED = '200 rule_matched'
const INVALID = '401 invalid_token'

describe.each([
  ['jwksFile', 'jwks.json', first.ci, ciToken, jwks],
  ['the trust bundle of a SPIFFE domain', 'bundle.json', first.mesh, meshToken, bundle],
] as const)('%s', (_what, file, old, tokenOf, write) => {
  const next = createKey('next', 'ES256')

  test('with a key more is taken over; tokens of both keys are good', async () => {
    const known = tokenOf(old)
    await until('keys are read', async () => (await outcomeOf(known)) === ALLOWED)
    expect(await outcomeOf(tokenOf(next))).toBe(INVALID)
    await replace(file, write(old, next))
    await until('the new key counts', async () => (await outcomeOf(tokenOf(next))) === ALLOWED)
    expect(await outcomeOf(known)).toBe(ALLOWED)
  })

  test('that is half written, empty or gone changes nothing', async () => {
    const texts = [write(old, next).slice(0, 40), '', '{"keys":[]}', 'null']
    for (const text of texts) {
      await replace(file, text)
      // An unknown key makes it read the file.
      await outcomeOf(tokenOf(createKey('unknown', 'ES256')))
      expect(await outcomeOf(tokenOf(next))).toBe(ALLOWED)
    }
    await rm(join(folder, file))
    await outcomeOf(tokenOf(createKey('unknown', 'ES256')))
    expect(await outcomeOf(tokenOf(old))).toBe(ALLOWED)
  })

  test('without the old key: its tokens die by themselves, those that are known too', async () => {
    const known = tokenOf(old)
    expect(await outcomeOf(known)).toBe(ALLOWED)
    await replace(file, write(next))
    await until('the old key is gone', async () => (await outcomeOf(known)) === INVALID)
    expect(await outcomeOf(tokenOf(old))).toBe(INVALID)
    expect(await outcomeOf(tokenOf(next))).toBe(ALLOWED)
  })
})

test('a token that is known is refused once it has expired, in the service too', async () => {
  const key = createKey('brief', 'ES256')
  await replace('jwks.json', jwks(key))
  const now = nowSeconds()
  const [alive, brief] = [
    tokenBy(key, { iss: ISSUER, sub: 'alive' }),
    // Within the tolerance of 30 seconds, for two seconds more.
    tokenBy(key, { iss: ISSUER, sub: 'brief', iat: now - 60, exp: now - 28 }),
  ]
  await until('the key counts', async () => (await outcomeOf(alive)) === ALLOWED)
  const allowedAt: number[] = []
  await until('it expires', async () => {
    const askedAt = nowSeconds()
    const outcome = await outcomeOf(brief)
    if (outcome === ALLOWED) allowedAt.push(askedAt)
    return outcome === '401 expired_token'
  })
  expect(allowedAt.filter((at) => at >= now + 2)).toEqual([])
})
