import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { askRaw, headerOf } from '../support/raw-http.ts'
import { askVerify } from '../support/verify-request.ts'
import { type DecisionLine, startVestibule, type Vestibule } from '../support/vestibule.ts'

const POLICY = `
hosts: [app.test]
policy:
  - allow: { and: [ { http_path: /status } ] }
    public: true
    owner: ops@test
    until: 2099-01-01
  - allow: { and: [ { groups: { has: staff } } ] }
`

describe('the verify listener', () => {
  let vestibule: Vestibule

  beforeAll(async () => {
    vestibule = await startVestibule({ policies: { 'app.yaml': POLICY } })
  })
  afterAll(() => vestibule.stop())

  test('answers an allow with 200, no body, and every identity header, empty for nobody', async () => {
    const answer = await askVerify(vestibule.verifyPort, { url: 'https://app.test/status' })
    expect(answer.status).toBe(200)
    expect(answer.body).toBe('')
    expect(headerOf(answer, 'content-length')).toBe('0')
    expect(headerOf(answer, 'cache-control')).toBe('no-store')
    expect(headerOf(answer, 'x-vestibule-reason')).toBe('public_rule')
    expect(answer.headers.filter(([name]) => /^x-auth-request|assertion/.test(name))).toEqual([
      ['x-auth-request-user', ''],
      ['x-auth-request-email', ''],
      ['x-auth-request-preferred-username', ''],
      ['x-auth-request-groups', ''],
      ['x-auth-request-actor', ''],
      ['x-vestibule-assertion', ''],
    ])
  })

  test('challenges somebody anonymous with one Bearer challenge', async () => {
    const answer = await askVerify(vestibule.verifyPort, {})
    expect(answer.status).toBe(401)
    expect(headerOf(answer, 'x-vestibule-reason')).toBe('not_signed_in')
    expect(answer.headers.filter(([name]) => name === 'www-authenticate')).toEqual([
      ['www-authenticate', 'Bearer'],
    ])
  })

  test.each(['/', '/verify/', '/VERIFY', '/metrics', '/healthz', '/verify%2f', '//verify'])(
    'answers 404 without a body to %s',
    async (path) => {
      const answer = await askRaw(
        vestibule.verifyPort,
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      )
      expect([answer.status, answer.body]).toEqual([404, ''])
    },
  )

  test('writes one decision line per answer', async () => {
    // Those of earlier tests are written behind their answers.
    let about: readonly DecisionLine[] = []
    await askVerify(vestibule.verifyPort, { lines: ['X-Request-ID: abc-123'] })
    for (let tries = 0; tries < 100 && about.length === 0; tries += 1) {
      about = (await vestibule.decisions()).filter((line) => line['requestId'] === 'abc-123')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(about).toHaveLength(1)
    expect(about[0]).toMatchObject({
      effect: 'challenge',
      reason: 'not_signed_in',
      status: 401,
      host: 'app.test',
      path: '/x',
      requestId: 'abc-123',
      credential: 'none',
      clientIp: '203.0.113.7',
    })
  })
})
