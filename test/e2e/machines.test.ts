import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { type Application } from '../../demo/applications.ts'
import { createBrowser } from '../../demo/browser.ts'
import { ask, type Reply } from '../../demo/http-client.ts'
import { ingressYaml } from './support-ingress.ts'
import { type Site, signIn, startSite, until, withSession } from './support-world.ts'

jest.setTimeout(60_000)

/** An application with bearer tokens of its own. */
const POLICY = `
hosts: [tokens.vestibule.localhost]
credentials: [cookie]
policy:
  - allow: { and: [ { authenticated_user: true } ] }
`

/** What the issuer of the configuration says of its workload. */
const CI_CLAIMS = { sub: 'ci', aud: 'vestibule', client_id: 'ci' }

let site: Site | undefined
let api: Application
let alice: { readonly cookie: string }

const theSite = (): Site => {
  if (site === undefined) throw new Error('the site has not started')
  return site
}

beforeAll(async () => {
  site = await startSite({
    ingresses: { 'tokens.yaml': ingressYaml('tokens', 'api') },
    policies: { 'tokens.yaml': POLICY },
  })
  const found = site.applications.get('api')
  if (found === undefined) throw new Error('there is no application api')
  api = found
  alice = withSession(await signIn(site, 'alice'))
})

afterAll(async () => {
  await site?.stop()
})

beforeEach(() => {
  api.reset()
})

const open = async (
  name: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> => await ask(theSite().url(name, path), { headers })

const bearer = (token: string): { readonly authorization: string } => ({
  authorization: `Bearer ${token}`,
})

describe('a program with a bearer token', () => {
  test('passes, and the application learns which program it is', async () => {
    const token = await theSite().identityProvider.workloadToken()
    expect((await open('api', '/v1/orders', bearer(token))).status).toBe(200)
    expect(api.received('x-auth-request-user')).toEqual(['ci/ci'])
    expect(api.received('x-auth-request-actor')).toEqual(['workload'])
    expect(api.received('authorization')).toEqual([`Bearer ${token}`])
  })

  test('is not let in where only people are', async () => {
    const token = await theSite().identityProvider.workloadToken()
    expect((await open('grafana', '/d', bearer(token))).status).toBe(403)
  })

  const past = Math.floor(Date.now() / 1000) - 3600

  test.each<readonly [string, () => Promise<string>]>([
    ['forged', () => theSite().identityProvider.issueToken(CI_CLAIMS, { forged: true })],
    ['expired', () => theSite().identityProvider.issueToken({ ...CI_CLAIMS, exp: past })],
    [
      'for somebody else',
      () => theSite().identityProvider.issueToken({ ...CI_CLAIMS, aud: 'other' }),
    ],
    ['no JWT', () => Promise.resolve('nonsense')],
    ['empty', () => Promise.resolve('')],
  ])('%s is answered 401, and a good cookie beside it does not help', async (_name, issue) => {
    const reply = await open('api', '/v1/orders', { ...bearer(await issue()), ...alice })
    expect(reply.status).toBe(401)
    expect(reply.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/)
    expect(api.hits()).toBe(0)
    expect((await open('api', '/v1/orders', alice)).status).toBe(200)
  })

  test('without one is told how to prove itself', async () => {
    const reply = await open('api', '/v1/orders')
    expect([reply.status, reply.headers['www-authenticate'], reply.location]).toEqual([
      401,
      'Bearer',
      undefined,
    ])
    expect(api.hits()).toBe(0)
  })
})

describe('a script that is not signed in', () => {
  test.each<readonly [string, Readonly<Record<string, string>>]>([
    ['accepts JSON', { accept: 'application/json' }],
    ['says that it is an XMLHttpRequest', { accept: '*/*', 'x-requested-with': 'XMLHttpRequest' }],
    ['is curl, git or kubectl', { accept: '*/*' }],
    [
      'is fetch() in a browser',
      { accept: 'text/html', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
    ],
  ])('that %s ends in 401 JSON, not on a page', async (_name, headers) => {
    const end = await createBrowser().open(theSite().url('grafana', '/api/x'), { headers })
    expect([end.status, end.setCookies]).toEqual([401, []])
    expect(end.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(JSON.parse(end.body)).toMatchObject({ error: 'not_signed_in' })
  })
})

describe('a host whose application has bearer tokens of its own', () => {
  const own = bearer('glpat-token-of-the-application')

  test('takes the cookie as proof, and leaves Authorization to the application', async () => {
    expect((await open('tokens', '/', { ...alice, ...own })).status).toBe(200)
    expect(api.received('authorization')).toEqual([own.authorization])
    expect(api.received('x-auth-request-user')).toEqual(['alice'])
  })

  test('takes no bearer token as proof, not even a good one', async () => {
    const good = bearer(await theSite().identityProvider.workloadToken())
    for (const headers of [own, good]) {
      const reply = await open('tokens', '/', headers)
      expect([reply.status, reply.headers['www-authenticate']]).toEqual([401, undefined])
    }
    expect(api.hits()).toBe(0)
  })
})

const CANARY = 'canary-7d1f0c'

describe('what operators see of it', () => {
  const metric = async (line: RegExp): Promise<number> => {
    const { body } = await ask(`http://127.0.0.1:${theSite().ports.ops}/metrics`)
    return Number(line.exec(body)?.[1] ?? '0')
  }

  test('metrics count each decision under its host, effect and reason', async () => {
    const allowed =
      /^vestibule_decisions_total\{host="wiki.vestibule.localhost",effect="allow",reason="rule_matched",mode="enforce",actor="human"\} (\d+)$/m
    const denied =
      /^vestibule_decisions_total\{host="grafana.vestibule.localhost",effect="deny",reason="no_rule_matched",mode="enforce",actor="workload"\} (\d+)$/m
    const before = [await metric(allowed), await metric(denied)]
    const token = bearer(await theSite().identityProvider.workloadToken())
    for (let count = 0; count < 3; count += 1) await open('wiki', '/', alice)
    for (let count = 0; count < 2; count += 1) await open('grafana', '/d', token)
    const after = [await metric(allowed), await metric(denied)]
    expect(after.map((value, index) => value - (before[index] ?? 0))).toEqual([3, 2])
  })

  test('a decision line carries the request id that the application got, and no secret', async () => {
    const token = await theSite().identityProvider.issueToken({ ...CI_CLAIMS, note: CANARY })
    const path = `/v1/orders?secret=${CANARY}`
    const cookies = `${alice.cookie}; other=${CANARY}`
    await open('api', path, { ...bearer(token), cookie: cookies, referer: `http://x/${CANARY}` })
    await open('wiki', `/?q=${CANARY}`, alice)
    await open('api', path, { ...bearer(CANARY), 'user-agent': CANARY, 'x-custom': CANARY })
    const [requestId = ''] = api.received('x-request-id')
    expect(await theSite().decisionOn(requestId)).toMatchObject({
      effect: 'allow',
      status: 200,
      path: '/v1/orders',
      credential: 'bearer',
      principal: { actor: 'workload', subject: 'ci/ci' },
      ns: 'shop',
      ingress: 'api-v1',
      service: 'api',
    })
    const last = (await open('wiki', '/', { ...alice, 'x-request-id': 'the-last-one' })).status
    expect([last, (await theSite().decisionOn('the-last-one')).status]).toEqual([200, 200])
    const written = [...theSite().lines, ...theSite().notices].join('\n')
    const sessionId = alice.cookie.split('=')[1] ?? ''
    for (const secret of [CANARY, sessionId, token, token.split('.')[2] ?? '']) {
      expect(written.includes(secret)).toBe(false)
    }
  })

  test.each(['/verify', '/oauth2/auth', '/metrics', '/healthz', '/readyz', '/admin/sessions'])(
    '%s is 404 for the outside',
    async (path) => {
      const reply = await open('auth', path)
      expect([reply.status, reply.body]).toEqual([404, ''])
    },
  )

  test('each listener knows its own paths only', async () => {
    const { verify, ops } = theSite().ports
    for (const url of [
      `http://127.0.0.1:${verify}/oauth2/start`,
      `http://127.0.0.1:${ops}/verify`,
    ]) {
      const reply = await ask(url)
      expect([reply.status, reply.body]).toEqual([404, ''])
    }
    await until(async () => (await ask(`http://127.0.0.1:${ops}/readyz`)).status === 200, 'ready')
  })
})
