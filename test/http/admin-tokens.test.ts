import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { askVerify } from '../support/verify-request.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

const TOKEN = 'an-admin-token-CANARY-0123456789'

let vestibule: Vestibule

beforeAll(async () => {
  vestibule = await startVestibule({
    policies: {
      'app.yaml': 'hosts: [app.test]\npolicy: [ { allow: { and: [ { actor: workload } ] } } ]\n',
    },
    environment: { VESTIBULE_ADMIN_TOKEN: TOKEN },
  })
})
afterAll(async () => {
  await vestibule.stop()
})

type Reply = { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

const admin = async (
  method: string,
  path: string,
  body?: unknown,
  authorization = `Bearer ${TOKEN}`,
): Promise<Reply> => {
  const response = await fetch(`http://127.0.0.1:${vestibule.opsPort}/admin${path}`, {
    method,
    headers: { authorization },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  expect(response.headers.get('cache-control')).toBe('no-store')
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Reply['body']) }
}

const ORDER = {
  owner: 'sre@test.example',
  purpose: 'backups',
  hosts: ['app.test'],
  expires: '30d',
}

const statusOf = async (token: unknown): Promise<number> =>
  (await askVerify(vestibule.verifyPort, { authorization: `Bearer ${String(token)}` })).status

const created = async (): Promise<Reply['body']> => {
  const { status, body } = await admin('POST', '/tokens', ORDER)
  expect(status).toBe(201)
  return body
}

describe('tokens at the ops listener', () => {
  test('are made, listed, shown, rotated and revoked', async () => {
    const { token, id, ...known } = await created()
    expect(known).toMatchObject({ state: 'in_force', hosts: ['app.test'], groups: null })
    expect(await statusOf(token)).toBe(200)
    const listed = await admin('GET', '/tokens')
    expect(JSON.stringify(listed.body)).toContain(String(id))
    expect(JSON.stringify(listed.body)).not.toContain(String(token).slice(21))
    expect((await admin('GET', `/tokens/${String(id)}`)).body).toMatchObject({
      id,
      ...known,
      lastUsedAt: expect.any(String),
    })
    const rotated = await admin('POST', `/tokens/${String(id)}/rotate`, { overlap: '0s' })
    expect([rotated.status, await statusOf(rotated.body['token'])]).toEqual([200, 200])
    expect(await statusOf(token)).toBe(401)
    const ended = await admin('DELETE', `/tokens/${String(id)}`)
    expect(ended).toEqual({ status: 200, body: { ended: 'token', id } })
    expect(await statusOf(rotated.body['token'])).toBe(401)
    expect((await admin('POST', `/tokens/${String(id)}/rotate`, {})).status).toBe(409)
    const notices = vestibule.notices().join('')
    for (const what of ['created', 'rotated', 'revoked']) {
      expect(notices).toContain(`an administrator ${what} a service token`)
    }
    expect(notices).not.toContain(String(token).slice(21))
  })

  test('are nobody’s business without the admin token; one of them is none', async () => {
    const { token, id } = await created()
    for (const authorization of ['', 'Bearer nope', `Bearer ${String(token)}`]) {
      for (const [method, path] of [
        ['GET', '/tokens'],
        ['POST', '/tokens'],
        ['GET', `/tokens/${String(id)}`],
        ['DELETE', `/tokens/${String(id)}`],
        ['POST', `/tokens/${String(id)}/rotate`],
      ] as const) {
        const reply = await admin(
          method,
          path,
          method === 'POST' ? ORDER : undefined,
          authorization,
        )
        expect([reply.status, reply.body['error']]).toEqual([401, 'invalid_token'])
      }
    }
    expect(await statusOf(token)).toBe(200)
  })

  test.each<readonly [string, unknown]>([
    ['no body', undefined],
    ['no JSON', 'owner=sre'],
    ['a list', [ORDER]],
    ['null', 'null'],
    ['bytes that are no text', '\u0000\ufffd{'],
    ['an unknown key', { ...ORDER, subject: 'alice' }],
    ['another prototype', `{"__proto__":{"owner":"a@b.test"},"purpose":"x"}`],
    ['deep nesting', '['.repeat(4000)],
    ['a host of everybody', { ...ORDER, hosts: ['*'] }],
  ])('make nothing of %s', async (_what, body) => {
    const before = await admin('GET', '/tokens')
    const reply = await admin('POST', '/tokens', body)
    expect([reply.status, reply.body['error']]).toEqual([400, 'bad_request'])
    expect((await admin('GET', '/tokens')).body).toEqual(before.body)
  })

  test.each([
    ['GET', '/tokens?subject=alice', 400],
    ['GET', '/tokens/short', 400],
    ['GET', '/tokens/AAAAAAAAAAAAAAAA', 400],
    ['GET', '/tokens/..%2Fsessions', 400],
    ['DELETE', '/tokens/%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A%2A', 400],
    ['GET', '/tokens/aaaaaaaaaaaaaaaa', 404],
    ['DELETE', '/tokens/aaaaaaaaaaaaaaaa', 404],
    ['POST', '/tokens/aaaaaaaaaaaaaaaa/rotate', 400],
  ])('%s %s is %i', async (method, path, status) => {
    expect((await admin(method, path)).status).toBe(status)
  })

  test('answer no other method, and too large a body not at all', async () => {
    for (const [method, path] of [
      ['DELETE', '/tokens'],
      ['PUT', '/tokens'],
      ['GET', '/tokens/aaaaaaaaaaaaaaaa/rotate'],
    ] as const) {
      expect((await admin(method, path)).status).toBe(405)
    }
    const large = { ...ORDER, purpose: 'x'.repeat(20_000) }
    expect((await admin('POST', '/tokens', large)).status).toBe(413)
  })
})
