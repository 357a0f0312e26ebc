import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { type RawAnswer } from '../support/raw-http.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'
import { createDpopKey, type DpopKey, proofFor } from './support-dpop.ts'
import { newKey, until } from './support-replicas.ts'

jest.setTimeout(30_000)

let redis: Redis
let idp: IdentityProvider
let replicas: readonly [Vestibule, Vestibule]
let key: DpopKey
let token: string

const startOne = async (keys: string): Promise<Vestibule> => {
  const vestibule = await startVestibule({
    policies: {
      'app.yaml': 'hosts: [app.test]\npolicy: { allow: { and: [ { actor: workload } ] } }\n',
    },
    config: {
      session: { store: redis.url, storeTimeout: '500ms' },
      tokenIssuers: [{ name: 'ci', issuer: idp.issuer, audiences: ['vestibule'] }],
    },
    environment: { VESTIBULE_SESSION_KEYS: keys },
  })
  await until(async () => (await fetch(`http://${vestibule.addresses.ops}/readyz`)).ok)
  return vestibule
}

beforeAll(async () => {
  redis = await startRedis()
  idp = await startIdentityProvider()
  const keys = newKey()
  replicas = [await startOne(keys), await startOne(keys)]
  key = await createDpopKey()
  token = await idp.issueToken({
    aud: 'vestibule',
    sub: 'robot',
    cnf: { jkt: key.thumbprint },
  })
})
afterAll(async () => {
  await Promise.all(replicas.map((each) => each.stop()))
  await idp.stop()
  await redis.stop()
})

const send = async (replica: Vestibule, proof: string): Promise<readonly [number, string]> => {
  const answer = await askVerify(replica.verifyPort, {
    authorization: `DPoP ${token}`,
    lines: [`DPoP: ${proof}`],
  })
  return [answer.status, reasonOf(answer)]
}

const reasonOf = ({ headers }: RawAnswer): string =>
  headers.find(([name]) => name === 'x-vestibule-reason')?.[1] ?? ''

test('D5 a proof that one replica took is refused by the other', async () => {
  const proof = await proofFor(token, key)
  expect(await send(replicas[0], proof)).toEqual([200, 'rule_matched'])
  expect(await send(replicas[1], proof)).toEqual([401, 'invalid_dpop_proof'])
})

test('D5 of forty that reach both replicas at once one passes', async () => {
  const proof = await proofFor(token, key)
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_each, index) => send(replicas[index % 2 === 0 ? 0 : 1], proof)),
  )
  expect(answers.filter(([status]) => status === 200)).toHaveLength(1)
})

test('D8 while the store hangs nobody passes with a proof, and it is said why', async () => {
  redis.child.signal('SIGSTOP')
  try {
    expect(await send(replicas[0], await proofFor(token, key))).toEqual([
      503,
      'replay_store_unreachable',
    ])
    const plain = await idp.issueToken({ aud: 'vestibule', sub: 'robot' })
    const answer = await askVerify(replicas[0].verifyPort, { authorization: `Bearer ${plain}` })
    expect([answer.status, reasonOf(answer)]).toEqual([200, 'rule_matched'])
  } finally {
    redis.child.signal('SIGCONT')
  }
  await until(async () => (await send(replicas[0], await proofFor(token, key)))[0] === 200)
})
