import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { ask, type Reply } from '../../demo/http-client.ts'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { newKey, until } from '../attacks/support-replicas.ts'
import { askPublic, providerSettings, signIn, startProvider } from '../support/sign-in.ts'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule, type VestibuleSettings } from '../support/vestibule.ts'

jest.setTimeout(30_000)

const TOKEN = 'an-admin-token-CANARY-0123456789'
const POLICIES = {
  'app.yaml': 'hosts: [app.test]\npolicy:\n  - allow: { and: [ { authenticated_user: true } ] }\n',
}

let idp: IdentityProvider
let vestibule: Vestibule

const launch = async (settings: Partial<VestibuleSettings> = {}): Promise<Vestibule> => {
  const provider = providerSettings(idp)
  return await startVestibule({
    policies: POLICIES,
    ...settings,
    config: { ...provider.config, ...settings.config },
    environment: {
      ...provider.environment,
      VESTIBULE_ADMIN_TOKEN: TOKEN,
      ...settings.environment,
    },
  })
}

beforeAll(async () => {
  idp = await startProvider()
  vestibule = await launch()
})
afterAll(async () => {
  await vestibule.stop()
  await idp.stop()
})

type Asked = { readonly method?: string; readonly token?: string; readonly on?: Vestibule }

const admin = async (
  path: string,
  { method = 'GET', token = `Bearer ${TOKEN}`, on = vestibule }: Asked = {},
): Promise<Reply> =>
  await ask(`http://127.0.0.1:${on.opsPort}${path}`, {
    method,
    headers: token === '' ? {} : { authorization: token },
  })

type Listed = { readonly key: string; readonly browser: string | null; readonly createdAt: string }
const listed = async (query: string): Promise<readonly Listed[]> => {
  const { body } = await admin(`/admin/sessions${query}`)
  return (JSON.parse(body) as { readonly sessions: readonly Listed[] }).sessions
}
const errorOf = ({ body }: Reply): unknown => (JSON.parse(body) as { readonly error: string }).error
const endAll = async (): Promise<void> => {
  const { status } = await admin('/admin/sessions?all=true', { method: 'DELETE' })
  expect(status).toBe(200)
}
const statusFor = async (cookie: string): Promise<number> =>
  (await askVerify(vestibule.verifyPort, { cookie })).status

describe('who may ask', () => {
  test.each([
    ['no token', ''],
    ['another token', 'Bearer nope'],
    ['the token with more behind it', `Bearer ${TOKEN}x`],
    ['a part of the token', `Bearer ${TOKEN.slice(0, -1)}`],
    ['another scheme', `Basic ${TOKEN}`],
    ['no scheme', TOKEN],
  ])('%s gets 401 and nothing else', async (_what, token) => {
    for (const method of ['GET', 'DELETE', 'POST']) {
      const reply = await admin('/admin/sessions?all=true', { token, method })
      expect([reply.status, errorOf(reply)]).toEqual([401, 'invalid_token'])
      expect(reply.headers['www-authenticate']).toMatch(/^Bearer realm="vestibule admin"/)
      expect(reply.headers['cache-control']).toBe('no-store')
      expect(reply.body).not.toContain('CANARY')
    }
  })

  test('a token in the query is none, and beside a good one it is refused', async () => {
    const path = `/admin/sessions?access_token=${TOKEN}`
    expect((await admin(path, { token: '' })).status).toBe(401)
    const reply = await admin(path)
    expect([reply.status, errorOf(reply)]).toEqual([400, 'bad_request'])
    expect(reply.body).toContain('access_token')
    expect(reply.body).not.toContain('CANARY')
  })

  test('paths that are not there say so to those with a token only', async () => {
    expect((await admin('/admin/x', { token: '' })).status).toBe(401)
    expect((await admin('/admin/x')).status).toBe(404)
    expect((await askPublic(vestibule, '/admin/sessions')).status).toBe(404)
    expect((await admin('/admin/sessions', { method: 'POST' })).status).toBe(405)
  })

  test('without a configured token nobody may, and the answer says what to set', async () => {
    const open = await launch({ environment: { VESTIBULE_ADMIN_TOKEN: undefined } })
    try {
      for (const token of ['', `Bearer ${TOKEN}`, 'Bearer undefined', 'Bearer ']) {
        const reply = await admin('/admin/sessions', { token, on: open })
        expect([reply.status, errorOf(reply)]).toEqual([403, 'no_admin_token'])
        expect(reply.body).toContain('admin.tokenFile')
      }
    } finally {
      await open.stop()
    }
  })

  test('a body larger than a few kilobytes is refused', async () => {
    const form = { padding: 'x'.repeat(10_000) }
    const reply = await ask(`http://127.0.0.1:${vestibule.opsPort}/admin/sessions?subject=alice`, {
      method: 'DELETE',
      form,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-length': '10008' },
    })
    expect(reply.status).toBe(413)
  })
})

describe('what there is', () => {
  test('the sessions of a subject, newest first; no text of the client is kept', async () => {
    await endAll()
    const { sessionCookie } = await signIn(vestibule, 'alice')
    const hostile = '<script>alert(1)</script> Firefox/1.0 Linux'
    const started = await signIn(vestibule, 'alice')
    expect(started.sessionCookie).not.toBe(sessionCookie)
    const found = await listed('?subject=alice')
    expect(found).toHaveLength(2)
    expect(new Set(found.map(({ key }) => key.length))).toEqual(new Set([43]))
    expect(Date.parse(found[0]?.createdAt ?? '')).toBeGreaterThan(Date.now() - 60_000)
    const reply = await askPublic(vestibule, '/oauth2/sessions', {
      cookies: [sessionCookie],
      headers: { 'user-agent': hostile, accept: 'application/json' },
    })
    expect(reply.body).not.toContain('script')
    expect(await listed('?subject=nobody')).toEqual([])
    expect(await listed('?subject=alice&limit=1')).toHaveLength(1)
  })

  test('all sessions by key; one by its key, or by a beginning that only one has', async () => {
    await endAll()
    await signIn(vestibule, 'alice')
    await signIn(vestibule, 'bob')
    const [one] = await listed('?subject=bob')
    expect((await listed('')).map(({ key }) => key)).toContain(one?.key)
    for (const start of [one?.key, one?.key.slice(0, 8), one?.key.slice(0, 12)]) {
      const reply = await admin(`/admin/sessions/${start ?? ''}`)
      expect(JSON.parse(reply.body)).toMatchObject({ key: one?.key, browser: null })
    }
    expect((await admin('/admin/sessions/AAAAAAAA')).status).toBe(404)
  })

  test.each([
    '/admin/sessions?subject=a&subject=b',
    '/admin/sessions?subjct=alice',
    '/admin/sessions?limit=0',
    '/admin/sessions?limit=-1',
    '/admin/sessions?limit=99999',
    '/admin/sessions/short',
    '/admin/sessions/..%2F..%2Fmetrics',
    '/admin/sessions/%2A%2A%2A%2A%2A%2A%2A%2A',
    '/admin/sessions/%5Ba-z%5D%5Ba-z%5D',
    '/admin/sessions/AAAAAAAA%0D%0AX',
    '/admin/sessions/%E0%A4%A',
    `/admin/sessions/${'A'.repeat(44)}`,
    '/admin/sessions/AAAAAAAA?x=1',
  ])('%s is refused', async (path) => {
    expect((await admin(path)).status).toBe(400)
  })
})

describe('what is ended', () => {
  test('one session, by a beginning of its key, and no other', async () => {
    await endAll()
    const gone = await signIn(vestibule, 'alice')
    const kept = await signIn(vestibule, 'bob')
    const [one] = await listed('?subject=alice')
    const start = one?.key.slice(0, 12) ?? ''
    const reply = await admin(`/admin/sessions/${start}`, { method: 'DELETE' })
    expect(JSON.parse(reply.body)).toEqual({ ended: 'session', sessions: 1 })
    expect(await statusFor(gone.sessionCookie)).toBe(401)
    expect(await statusFor(kept.sessionCookie)).toBe(200)
    expect((await admin(`/admin/sessions/${start}`, { method: 'DELETE' })).status).toBe(404)
  })

  test('all sessions of a subject; he can sign in again at once, and is listed again', async () => {
    const cookies = [await signIn(vestibule, 'carol'), await signIn(vestibule, 'carol')]
    const reply = await admin('/admin/sessions?subject=carol', { method: 'DELETE' })
    expect(JSON.parse(reply.body)).toEqual({ ended: 'subject', sessions: 2 })
    for (const { sessionCookie } of cookies) expect(await statusFor(sessionCookie)).toBe(401)
    expect(await listed('?subject=carol')).toEqual([])
    const again = await signIn(vestibule, 'carol')
    expect(await statusFor(again.sessionCookie)).toBe(200)
    expect(await listed('?subject=carol')).toHaveLength(1)
    expect(vestibule.notices().join('')).toContain('an administrator ended sessions')
  })

  test('everything before a moment, or all; what was ended is listed no more', async () => {
    const { sessionCookie } = await signIn(vestibule, 'alice')
    const past = '2020-01-01T00:00:00Z'
    const early = await admin(`/admin/sessions?before=${past}`, { method: 'DELETE' })
    expect(JSON.parse(early.body)).toEqual({ ended: 'before', sessions: null })
    expect(await statusFor(sessionCookie)).toBe(200)
    await endAll()
    expect(await listed('?subject=alice')).toEqual([])
    expect(await statusFor(sessionCookie)).toBe(401)
  })

  test.each([
    ['', 'name one of'],
    ['?all=1', 'all has to be true'],
    ['?all=true&subject=alice', 'name one of'],
    ['?subject=', 'subject is no name'],
    ['?subject=a%00b', 'subject is no name'],
    ['?before=2020-01-01', 'before is no moment'],
    ['?before=2020-13-01T00:00:00Z', 'before is no moment'],
    ['?before=2999-01-01T00:00:00Z', 'in the future'],
    ['?id=x', 'unknown query parameter: id'],
  ])('"%s" ends nothing: %s', async (query, problem) => {
    const { sessionCookie } = await signIn(vestibule, 'alice')
    const reply = await admin(`/admin/sessions${query}`, { method: 'DELETE' })
    expect([reply.status, reply.body]).toEqual([400, expect.stringContaining(problem)])
    expect(await statusFor(sessionCookie)).toBe(200)
  })
})

describe('a store that does not answer', () => {
  test('makes every order a 503 that promises nothing', async () => {
    const redis: Redis = await startRedis()
    const shared = await launch({
      config: { session: { store: redis.url, storeTimeout: '200ms' } },
      environment: { VESTIBULE_SESSION_KEYS: newKey() },
    })
    try {
      const isReady = async (): Promise<boolean> =>
        (await admin('/readyz', { on: shared })).status === 200
      await until(isReady)
      await signIn(shared, 'alice')
      redis.child.signal('SIGKILL')
      await redis.child.ended
      for (const [method, path] of [
        ['GET', '/admin/sessions'],
        ['GET', '/admin/sessions?subject=alice'],
        ['GET', '/admin/sessions/AAAAAAAAAAAA'],
        ['GET', `/admin/sessions/${'A'.repeat(43)}`],
        ['DELETE', '/admin/sessions?subject=alice'],
        ['DELETE', '/admin/sessions?all=true'],
        ['DELETE', '/admin/sessions?before=2020-01-01T00:00:00Z'],
        ['DELETE', `/admin/sessions/${'A'.repeat(43)}`],
      ] as const) {
        const reply = await admin(path, { method, on: shared })
        expect([reply.status, errorOf(reply)]).toEqual([503, 'session_store_unreachable'])
      }
    } finally {
      await shared.stop()
      await redis.stop()
    }
  })
})
