import { once } from 'node:events'
import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Certificate, createCertificate } from '../../demo/certificate.ts'
import { expectSoundRecords } from './support-requests-invariants.ts'
import { type Proxied, startProxied } from './support-requests-proxy.ts'

let certificate: Certificate
let proxied: Proxied

beforeAll(async () => {
  certificate = createCertificate(['app.test', 'admin.test'])
  proxied = await startProxied({ https: { ...certificate, http2: true } })
})
afterAll(async () => {
  await proxied.stop()
  certificate.remove()
})

/** One request over TLS and HTTP/2: its status, and which applications were reached. */
const ask = async (
  headers: OutgoingHttpHeaders,
  servername = 'app.test',
): Promise<readonly [status: number | undefined, reached: readonly string[]]> => {
  const { web, admin } = proxied.applications
  web.reset()
  admin.reset()
  proxied.world.lose()
  const session = connect(`https://${servername}`, {
    ca: certificate.certificate,
    host: '127.0.0.1',
    port: proxied.controller.httpsPort ?? 0,
    servername,
  })
  try {
    const stream = session.request({ ':path': '/x', ...headers })
    const [answer] = (await once(stream, 'response')) as [
      IncomingHttpHeaders & { readonly ':status'?: number },
    ]
    stream.resume()
    await once(stream, 'close')
    const reached = Object.entries({ web, admin }).filter(([, { hits }]) => hits() > 0)
    return [answer[':status'], reached.map(([name]) => name)]
  } finally {
    session.close()
  }
}

describe('over TLS and HTTP/2', () => {
  const alice = (): string => proxied.world.cookies.alice

  test('people pass as ever', async () => {
    expect(await ask({ ':authority': 'app.test' })).toEqual([401, []])
    expect(await ask({ ':authority': 'app.test', cookie: alice() })).toEqual([200, ['web']])
    expect(proxied.applications.web.received('X-Auth-Request-User')).toEqual(['alice'])
    expect(await ask({ ':authority': 'admin.test', cookie: alice() })).toEqual([403, []])
  })

  // The connection was made for another name, as browsers do that share connections.
  test('E1 the host of the request decides, not that of the connection', async () => {
    expect(await ask({ ':authority': 'admin.test', cookie: alice() }, 'app.test')).toEqual([
      403,
      [],
    ])
    expect(await ask({ ':authority': 'app.test', cookie: alice() }, 'admin.test')).toEqual([
      200,
      ['web'],
    ])
  })

  test.each([
    ['admin.test', 'app.test'],
    ['app.test', 'admin.test'],
  ])('E1 :authority %s beside host %s is refused by nginx', async (authority, host) => {
    const headers = { ':authority': authority, host, cookie: alice() }
    expect(await ask(headers)).toEqual([400, []])
  })

  test.each(['admin.test:443@app.test', 'admin.test:1#', 'app.test:1?x'])(
    'U1 :authority %s is refused',
    async (authority) => {
      expect(await ask({ ':authority': authority, cookie: alice() })).toEqual([403, []])
    },
  )

  test('K1 cookies in several fields count together', async () => {
    const { bob } = proxied.world.cookies
    const cookie = [alice(), bob] as unknown as string
    expect(await ask({ ':authority': 'app.test', cookie })).toEqual([401, []])
    const crumbs = ['a=1', alice(), 'b=2'] as unknown as string
    expect(await ask({ ':authority': 'app.test', cookie: crumbs })).toEqual([200, ['web']])
  })

  test('H15 identity headers are overwritten', async () => {
    const forged = { 'x-auth-request-user': 'root', 'x-auth-request-groups': 'admins' }
    expect(await ask({ ':authority': 'app.test', cookie: alice(), ...forged })).toEqual([
      200,
      ['web'],
    ])
    expect(proxied.applications.web.received('X-Auth-Request-User')).toEqual(['alice'])
    expect(proxied.applications.web.received('X-Auth-Request-Groups')).toEqual([])
  })
})

test('no line was too long, nothing leaked, and labels stayed closed', async () => {
  await expectSoundRecords(proxied.world)
})
