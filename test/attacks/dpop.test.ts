import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { askVerify, type VerifyRequest } from '../support/verify-request.ts'
import { startVestibule } from '../support/vestibule.ts'
import {
  createDpopKey,
  type DpopKey,
  type ProofChanges,
  proofFor,
  reheaded,
} from './support-dpop.ts'
import {
  expectOutcome,
  type Outcome,
  outcomeOf,
  startWorld,
  type World,
} from './support-requests.ts'
import { expectSoundRecords } from './support-requests-invariants.ts'

/*
 * D8 (the store is down) and the reuse on another replica (D5) need Redis: see dpop-redis.test.ts.
 * D10 (certificates), D11 and D12 (step-up): see mtls.test.ts and step-up.test.ts.
 * D13 (introspection) has a file of its own.
 */

const ALLOWED = '200 rule_matched'
const BAD = '401 invalid_dpop_proof'
const UNBOUND = '401 binding_not_proven'

let world: World
let key: DpopKey
let other: DpopKey
let token: string

beforeAll(async () => {
  world = await startWorld()
  key = await createDpopKey()
  other = await createDpopKey()
  token = await world.token({ sub: 'robot', cnf: { jkt: key.thumbprint } })
})
afterAll(() => world.stop())

const dpop = (proof: string, sent = token): VerifyRequest => ({
  authorization: `DPoP ${sent}`,
  lines: [`DPoP: ${proof}`],
})

const expectProof = async (
  changes: ProofChanges,
  outcome: Outcome,
  request: VerifyRequest = {},
): Promise<void> => {
  const proof = await proofFor(token, key, changes)
  await expectOutcome(world, { ...request, ...dpop(proof) }, outcome)
}

describe('a token that is bound to a key', () => {
  test('passes with a proof of that key, and the application learns who it is', async () => {
    const verdict = await expectOutcome(world, dpop(await proofFor(token, key)), ALLOWED)
    expect(verdict.identity.slice(0, 1)).toEqual(['ci/robot'])
    await expectOutcome(
      world,
      { ...dpop(await proofFor(token, key)), authorization: `dpop ${token}` },
      ALLOWED,
    )
  })

  test.each(['ES256', 'ES384', 'RS256', 'PS256', 'Ed25519'])('passes with %s', async (alg) => {
    const own = await createDpopKey(alg)
    const bound = await world.token({ sub: 'robot', cnf: { jkt: own.thumbprint } })
    const proof = await proofFor(bound, own, { header: { alg } })
    await expectOutcome(world, dpop(proof, bound), ALLOWED)
  })

  test('D1 two headers, two proofs in one, or none', async () => {
    const [one, two] = [await proofFor(token, key), await proofFor(token, key)]
    const authorization = `DPoP ${token}`
    for (const lines of [
      [`DPoP: ${one}`, `DPoP: ${two}`],
      [`DPoP: ${one}`, `dpop: ${one}`],
      [`DPoP: ${one}, ${two}`],
      [`DPoP: ${one},${two}`],
      ['DPoP: '],
      [],
    ]) {
      await expectOutcome(world, { authorization, lines }, BAD)
    }
    await expectOutcome(world, { authorization, lines: [`DPoP: ${one}`] }, ALLOWED)
  })

  test.each([
    ['no typ', { typ: undefined }],
    ['typ JWT', { typ: 'JWT' }],
    ['typ in capitals', { typ: 'DPOP+JWT' }],
    ['no jwk', { jwk: undefined }],
    ['a jwk that is text', { jwk: 'x' }],
    ['a symmetric jwk', { jwk: { kty: 'oct', k: 'AAAA' } }],
    ['an unknown curve', { jwk: { kty: 'EC', crv: 'P-257', x: 'AAAA', y: 'AAAA' } }],
    ['a curve without a name', { jwk: { kty: 'EC', crv: '', x: 'AAAA', y: 'AAAA' } }],
    ['a nameless curve of Edwards', { jwk: { kty: 'OKP', crv: '', x: 'AAAA' } }],
    ['a point off its curve', { jwk: { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' } }],
    ['an algorithm of another kind of key', { alg: 'RS256' }],
    ['a crit that nobody knows', { crit: ['x'], x: 1 }],
    ['a jku', { jwk: undefined, jku: 'http://127.0.0.1:1/jwks' }],
  ])('D2 a proof with %s', async (_what, header) => {
    const [head = ''] = (await proofFor(token, key)).split('.')
    const own = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>
    const proof = reheaded(await proofFor(token, key), { ...own, ...header })
    await expectOutcome(world, dpop(proof), BAD)
  })

  test('D2 a proof with no type is refused by that, not by its signature', async () => {
    for (const typ of [undefined, 'JWT', 'at+jwt']) await expectProof({ header: { typ } }, BAD)
  })

  test('D2 a jwk with its private half, though the signature is right', async () => {
    await expectProof({ header: { jwk: key.privateJwk } }, BAD)
  })

  test('D2 alg none and HS256 with the public key as the secret', async () => {
    const proof = await proofFor(token, key)
    const header = { typ: 'dpop+jwt', jwk: key.jwk }
    await expectOutcome(world, dpop(reheaded(proof, { ...header, alg: 'none' }, '')), BAD)
    await expectOutcome(world, dpop(reheaded(proof, { ...header, alg: 'none' }, 'AAAA')), BAD)
    await expectOutcome(world, dpop(reheaded(proof, { ...header, alg: 'HS256' })), BAD)
  })

  test('D2 an RSA key of 1024 bits', async () => {
    const n = Buffer.alloc(128, 0xa5).toString('base64url')
    const proof = reheaded(await proofFor(token, key), {
      typ: 'dpop+jwt',
      alg: 'RS256',
      jwk: { kty: 'RSA', n, e: 'AQAB' },
    })
    await expectOutcome(world, dpop(proof), BAD)
  })

  test('D3 the method is that of the client, not that of the subrequest', async () => {
    await expectProof({}, BAD, { method: 'POST' })
    await expectProof({ claims: { htm: 'POST' } }, ALLOWED, { method: 'POST' })
    await expectProof({ claims: { htm: 'POST' } }, BAD)
    await expectProof({ claims: { htm: 'get' } }, BAD)
  })

  test.each<readonly [string, unknown, Outcome]>([
    ['another path', 'https://app.test/y', BAD],
    ['another host', 'https://plain.test/x', BAD],
    ['http behind a balancer that ends TLS', 'http://app.test/x', BAD],
    ['a host that only begins alike', 'https://app.test.evil.test/x', BAD],
    ['a user before the host', 'https://app.test@evil.test/x', BAD],
    ['a slash more', 'https://app.test/x/', BAD],
    ['an encoded slash', 'https://app.test/%2fx', BAD],
    ['no path', 'https://app.test', BAD],
    ['no URL', '/x', BAD],
    ['a list', ['https://app.test/x'], BAD],
    ['nothing', undefined, BAD],
    ['capitals and the default port', 'HTTPS://APP.TEST:443/x', ALLOWED],
    ['a query and a fragment', 'https://app.test/x?a=b#c', ALLOWED],
    ['dots that lead to the same path', 'https://app.test/a/../x', ALLOWED],
    ['an encoded letter', 'https://app.test/%78', ALLOWED],
    ['a dot behind the host', 'https://app.test./x', ALLOWED],
    ['a port that is none', 'https://app.test:99999/x', BAD],
    ['a blank behind it', 'https://app.test/x ', BAD],
  ])('D3 htu names %s', async (_what, htu, outcome) => {
    await expectProof({ claims: { htu } }, outcome)
  })

  test('D3 the query of the request is no part of it', async () => {
    await expectProof({}, ALLOWED, { url: 'https://app.test/x?secret=1' })
  })

  const now = Math.floor(Date.now() / 1000)
  test.each([
    ['ten minutes ago', now - 600],
    ['in ten minutes', now + 600],
    ['text', String(now)],
    ['infinite', 1e300],
    ['negative', -now],
    ['missing', undefined],
  ])('D5 an iat that is %s', async (_what, iat) => {
    await expectProof({ claims: { iat } }, BAD)
  })

  test.each([
    [{ exp: now - 600 }, BAD],
    [{ exp: String(now + 60) }, BAD],
    [{ nbf: now + 600 }, BAD],
    [{ exp: now + 600, nbf: now - 600 }, ALLOWED],
  ] as const)(
    'D5 what a proof need not say counts where it says it: %j',
    async (claims, outcome) => {
      await expectProof({ claims }, outcome)
    },
  )

  test.each([
    ['missing', undefined],
    ['empty', ''],
    ['a number', 7],
    ['of 257 characters', 'x'.repeat(257)],
    ['of 10 KiB', 'x'.repeat(10_240)],
  ])('D5 a jti that is %s', async (_what, jti) => {
    await expectProof({ claims: { jti } }, BAD)
  })

  test('D5 a proof that was used, and its jti in another proof of the same key', async () => {
    const jti = crypto.randomUUID()
    const proof = await proofFor(token, key, { claims: { jti } })
    await expectOutcome(world, dpop(proof), ALLOWED)
    await expectOutcome(world, dpop(proof), BAD)
    await expectProof({ claims: { jti, htu: 'https://app.test/x?y' } }, BAD)
  })

  test('D5 of fifty at once one passes', async () => {
    const proof = await proofFor(token, key)
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => askVerify(world.vestibule.verifyPort, dpop(proof))),
    )
    for (let each = 0; each < 50; each += 1) world.lose()
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('D5 nobody can use up the jti of another key, nor without a good proof', async () => {
    const jti = crypto.randomUUID()
    const mine = await world.token({ sub: 'evil', cnf: { jkt: other.thumbprint } })
    await expectOutcome(
      world,
      dpop(await proofFor(mine, other, { claims: { jti } }), mine),
      ALLOWED,
    )
    await expectProof({ claims: { jti }, by: other }, BAD)
    await expectProof({ claims: { jti } }, ALLOWED)
  })

  test.each([
    ['missing', undefined],
    ['that of another token', 'a'.repeat(43)],
    ['a number', 1],
  ])('D6 an ath that is %s', async (_what, ath) => {
    await expectProof({ claims: { ath } }, BAD)
  })

  test('D6 a proof of another key, shown or hidden', async () => {
    await expectOutcome(world, dpop(await proofFor(token, other)), BAD)
    await expectProof({ by: other }, BAD)
    await expectProof({ header: { jwk: other.jwk } }, BAD)
  })

  test('D6 a token without cnf under the scheme DPoP', async () => {
    const plain = await world.token({ sub: 'robot' })
    await expectOutcome(world, dpop(await proofFor(plain, key), plain), BAD)
    await expectOutcome(world, { authorization: `Bearer ${plain}` }, ALLOWED)
  })

  test('D7 under the scheme Bearer, with and without a proof', async () => {
    const authorization = `Bearer ${token}`
    await expectOutcome(world, { authorization }, UNBOUND)
    const lines = [`DPoP: ${await proofFor(token, key)}`]
    await expectOutcome(world, { authorization, lines }, UNBOUND)
  })

  test.each([
    ['nothing', {}],
    ['something unknown', { other: 1 }],
    ['a key and something unknown', { jkt: 'a'.repeat(43), kid: 'x' }],
    ['a key that is no thumbprint', { jkt: 'x' }],
    ['a list', ['jkt']],
    ['text', 'jkt'],
    ['null', null],
  ])('T29 a token whose cnf is %s', async (_what, cnf) => {
    const odd = await world.token({ sub: 'robot', cnf })
    await expectOutcome(world, { authorization: `Bearer ${odd}` }, UNBOUND)
    await expectOutcome(world, dpop(await proofFor(odd, key), odd), UNBOUND)
  })

  test('D7 with which an agent acts for somebody is bound all the same', async () => {
    const act = { sub: 'helper', cnf: {} }
    const delegated = await world.token({ sub: 'robot', act, cnf: { jkt: key.thumbprint } })
    await expectOutcome(world, { authorization: `Bearer ${delegated}` }, UNBOUND)
    await expectOutcome(world, dpop(await proofFor(delegated, other), delegated), BAD)
    await expectOutcome(world, dpop(await proofFor(delegated, key), delegated), ALLOWED)
  })

  test('a bad proof is no reason to take the cookie beside it', async () => {
    const request = { ...dpop('x.y.z'), cookie: world.cookies.root }
    await expectOutcome(world, request, BAD)
  })

  test('a forged or expired token is told so under its own scheme', async () => {
    const forged = await world.idp.issueToken(
      { aud: 'vestibule', sub: 'robot', cnf: { jkt: key.thumbprint } },
      { forged: true },
    )
    await expectOutcome(world, dpop(await proofFor(forged, key), forged), '401 invalid_token')
    const reply = await askVerify(
      world.vestibule.verifyPort,
      dpop(await proofFor(forged, key), forged),
    )
    world.lose()
    expect(reply.headers.find(([name]) => name === 'www-authenticate')?.[1]).toMatch(
      /^DPoP error="invalid_token", algs="ES256 /,
    )
  })

  test.each(['DPoP', 'DPoP ', 'DPoP  x', 'DPoP a b', 'DPoP,x', 'dpop\tx'])(
    '%j is no token, and no other scheme either',
    async (authorization) => {
      const request = { authorization, cookie: world.cookies.root }
      await expectOutcome(world, request, '401 invalid_token')
    },
  )

  test('where tokens are the application’s own, DPoP is, too', async () => {
    const request = { ...dpop('x'), host: 'grafana.test', url: 'https://grafana.test/x' }
    await expectOutcome(world, { ...request, cookie: world.cookies.root }, ALLOWED)
  })
})

describe('a host that takes bound tokens only', () => {
  const at = (host: string): VerifyRequest => ({ host, url: `https://${host}/x` })

  test.each(['bound.test', 'dpop-only.test'])('%s refuses a plain one', async (host) => {
    const plain = await world.token({ sub: 'robot' })
    const request = { ...at(host), authorization: `Bearer ${plain}` }
    await expectOutcome(world, request, '401 token_not_bound')
  })

  test.each(['bound.test', 'dpop-only.test'])('%s takes one that is bound', async (host) => {
    const proof = await proofFor(token, key, { claims: { htu: `https://${host}/x` } })
    await expectOutcome(world, { ...at(host), ...dpop(proof) }, ALLOWED)
  })

  test('asks nothing of sessions', async () => {
    await expectOutcome(world, { ...at('bound.test'), cookie: world.cookies.alice }, ALLOWED)
  })
})

test('with a nonce asked for, the answer names one, and a proof with it passes', async () => {
  const vestibule = await startVestibule({
    policies: {
      'app.yaml':
        'hosts: [app.test]\npolicy: { allow: { and: [{ issuer: { starts_with: http } }] } }',
    },
    config: {
      dpop: { nonce: true },
      tokenIssuers: [{ name: 'ci', issuer: world.idp.issuer, audiences: ['vestibule'] }],
    },
  })
  try {
    const send = async (nonce: string | undefined) => {
      const proof = await proofFor(token, key, { claims: { nonce } })
      const { status, headers } = await askVerify(vestibule.verifyPort, dpop(proof))
      const of = (wanted: string) => headers.find(([name]) => name === wanted)?.[1]
      return { status, challenge: of('www-authenticate'), nonce: of('dpop-nonce') }
    }
    const first = await send(undefined)
    expect([first.status, first.challenge]).toEqual([
      401,
      expect.stringMatching(/^DPoP error="use_dpop_nonce"/),
    ])
    expect((await send('made-up')).status).toBe(401)
    expect((await send(`${first.nonce ?? ''}x`)).status).toBe(401)
    expect((await send(first.nonce)).status).toBe(200)
  } finally {
    await vestibule.stop()
  }
})

test('no line was too long, nothing leaked, and labels stayed closed', async () => {
  expect(outcomeOf(await world.send('GET /verify HTTP/1.1\r\nConnection: close\r\n\r\n'))).toBe(
    '403 misconfigured_auth_url',
  )
  await expectSoundRecords(world)
})
