import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { type Application } from '../../demo/applications.ts'
import { ask, type Reply } from '../../demo/http-client.ts'
import { ingressYaml } from './support-ingress.ts'
import { SESSION_COOKIE, type Site, signIn, startSite } from './support-world.ts'

jest.setTimeout(60_000)

const ANY_USER = 'policy:\n  - allow: { and: [ { authenticated_user: true } ] }\n'
const policy = (name: string, more = ''): string =>
  `hosts: [${name}.vestibule.localhost]\n${more}${ANY_USER}`

const HEADERS =
  'X-Auth-Request-User,X-Auth-Request-Email,X-Auth-Request-Preferred-Username,X-Auth-Request-Groups,X-Auth-Request-Actor,X-Vestibule-Assertion,Cookie'
const WITH_AUTHORIZATION = { 'auth-response-headers': `${HEADERS},Authorization` }

let site: Site | undefined
let api: Application
let session: string

const theSite = (): Site => {
  if (site === undefined) throw new Error('the site has not started')
  return site
}

beforeAll(async () => {
  site = await startSite({
    ingresses: {
      'plain.yaml': ingressYaml('plain', 'api'),
      'big.yaml': ingressYaml('big', 'api', { 'proxy-buffer-size': '16k' }),
      'kept.yaml': ingressYaml('kept', 'api', WITH_AUTHORIZATION),
      'own.yaml': ingressYaml('own', 'api'),
      'own-listed.yaml': ingressYaml('own-listed', 'api', WITH_AUTHORIZATION),
    },
    policies: {
      'plain.yaml': policy('plain'),
      'big.yaml': policy('big', 'proxyBufferSize: 16k\n'),
      'kept.yaml': policy('kept', 'forwardBearer: false\n'),
      'own.yaml': policy('own', 'credentials: [cookie]\n'),
      'own-listed.yaml': policy('own-listed', 'credentials: [cookie]\nforwardBearer: false\n'),
    },
  })
  const found = site.applications.get('api')
  if (found === undefined) throw new Error('there is no application api')
  api = found
  session = `${SESSION_COOKIE}=${await signIn(site, 'alice')}`
})
afterAll(async () => {
  await site?.stop()
})
beforeEach(() => {
  api.reset()
})

const open = async (name: string, headers: Readonly<Record<string, string>>): Promise<Reply> =>
  await ask(theSite().url(name, '/x'), { headers })

const metric = async (line: RegExp): Promise<number> => {
  const { body } = await ask(`http://127.0.0.1:${theSite().ports.ops}/metrics`)
  return Number(line.exec(body)?.[1] ?? '0')
}

describe('the session cookie', () => {
  test.each([
    ['first', (ours: string) => `${ours}; theme=dark; lang=de`],
    ['between', (ours: string) => `theme=dark; ${ours}; lang=de`],
    ['last', (ours: string) => `theme=dark; lang=de; ${ours}`],
  ])('never reaches the application, %s among its own, which do', async (_where, line) => {
    expect((await open('plain', { cookie: line(session) })).status).toBe(200)
    expect(api.received('x-auth-request-user')).toEqual(['alice'])
    expect(api.received('cookie')).toEqual(['theme=dark; lang=de'])
  })

  test('alone leaves no Cookie header behind', async () => {
    expect((await open('plain', { cookie: session })).status).toBe(200)
    expect(api.received('cookie')).toEqual([])
  })

  test('does not reach it beside a bearer token either', async () => {
    const token = await theSite().identityProvider.workloadToken()
    const headers = { authorization: `Bearer ${token}`, cookie: `a=1; ${session}` }
    expect((await open('plain', headers)).status).toBe(200)
    expect([api.received('cookie'), api.received('authorization')]).toEqual([
      ['a=1'],
      [`Bearer ${token}`],
    ])
  })

  test('nor one that was planted beside it, or an old one, on a public page', async () => {
    const planted = `${SESSION_COOKIE}=${'a'.repeat(43)}; a=1; ${session}`
    const reply = await ask(theSite().url('wiki', '/public/x'), { headers: { cookie: planted } })
    expect(reply.status).toBe(200)
    const wiki = theSite().applications.get('wiki')
    expect(wiki?.received('cookie')).toEqual(['a=1'])
  })

  test('odd cookies of the application stay byte for byte', async () => {
    const odd = 'q="a, b"; enc=%3B%20; empty=; flag; a=1; a=2; json={"x":[1]}'
    await open('plain', { cookie: `${odd}; ${session}` })
    expect(api.received('cookie')).toEqual([odd])
  })
})

describe('cookies that do not fit into nginx’s buffer', () => {
  const large = `big=${'x'.repeat(6000)}`

  test('are left out as a whole, and counted; the session cookie with them', async () => {
    const count = (): Promise<number> =>
      metric(
        /^vestibule_credentials_not_passed_total\{host="plain.vestibule.localhost",header="cookie"\} (\d+)$/m,
      )
    const before = await count()
    const headers = { cookie: `${large}; ${session}`, 'x-request-id': 'too-large' }
    expect((await open('plain', headers)).status).toBe(200)
    expect(api.received('cookie')).toEqual([])
    expect((await count()) - before).toBe(1)
    expect(await theSite().decisionOn('too-large')).toMatchObject({ notPassed: ['cookie'] })
  })

  test('fit where Ingress and policy name a larger one', async () => {
    expect((await open('big', { cookie: `${large}; ${session}; a=1` })).status).toBe(200)
    expect(api.received('cookie')).toEqual([`${large}; a=1`])
  })
})

describe('forwardBearer: false', () => {
  test('keeps our token from the application', async () => {
    const token = await theSite().identityProvider.workloadToken()
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const reply = await open('kept', { authorization: `${scheme} ${token}` })
      expect(reply.status).toBe(200)
      expect(api.received('x-auth-request-user')).toEqual(['ci/ci'])
      expect(api.received('authorization')).toEqual([])
    }
  })

  test('lets credentials of the application through', async () => {
    const authorization = 'Basic YWxpY2U6c2VjcmV0'
    expect((await open('kept', { authorization, cookie: session })).status).toBe(200)
    expect(api.received('authorization')).toEqual([authorization])
  })
})

describe('credentials: [cookie]', () => {
  test.each(['own', 'own-listed'])(
    'on %s, tokens of the application’s own survive',
    async (name) => {
      for (const authorization of ['Bearer glpat-own', 'DPoP own', 'Basic YTpi', 'Token x']) {
        expect((await open(name, { authorization, cookie: `${session}; a=1` })).status).toBe(200)
        expect([api.received('authorization'), api.received('cookie')]).toEqual([
          [authorization],
          ['a=1'],
        ])
      }
    },
  )
})
