import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Application, startApplication } from '../../demo/applications.ts'
import { get } from './raw-http.ts'

let application: Application

beforeAll(async () => {
  application = await startApplication({ name: 'wiki', title: 'The <wiki>' })
})

afterAll(async () => {
  await application.stop()
})

describe('a sample application', () => {
  test('shows the identity it was told, as a page without script', async () => {
    const { headers, body } = await get(application.port, 'wiki.test', '/', [
      'X-Auth-Request-User: <b>alice</b>',
    ])
    expect(headers.get('content-type')).toEqual(['text/html; charset=utf-8'])
    expect(body).toContain('The &lt;wiki&gt;')
    expect(body).toContain('Hello, &lt;b&gt;alice&lt;/b&gt;.')
    expect(body).not.toContain('<script')
  })

  test('shows all headers as JSON, duplicates as a list and credentials abridged', async () => {
    const { body } = await get(application.port, 'wiki.test', '/x?y', [
      'Accept: application/json',
      'X-Auth-Request-User: alice',
      'X-Twice: 1',
      'X-Twice: 2',
      `Cookie: vestibule=${'s'.repeat(43)}`,
    ])
    expect(JSON.parse(body)).toMatchObject({
      application: 'wiki',
      method: 'GET',
      url: '/x?y',
      identity: { 'x-auth-request-user': 'alice' },
      headers: { 'x-twice': ['1', '2'], cookie: expect.stringMatching(/^vestibule=s{14}[^s]/) },
    })
  })

  test('counts its hits and keeps the last headers as they came', async () => {
    application.reset()
    await get(application.port, 'wiki.test', '/', ['X-MiXeD: a', 'X-MiXeD: b'])
    expect(application.hits()).toBe(1)
    expect(application.lastRequest()?.rawHeaders).toContain('X-MiXeD')
    expect(application.received('x-mixed')).toEqual(['a', 'b'])
  })
})
