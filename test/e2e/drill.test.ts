import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { freePort } from '../../demo/free-port.ts'
import { type Nginx, startNginx } from '../../demo/nginx.ts'
import { type Redis, startRedis } from '../../demo/redis.ts'
import { createWorkplace, type Ran, type Workplace } from '../commands/policy-reports-support.ts'
import { ingressYaml } from './support-ingress.ts'
import { type Site, startSite } from './support-world.ts'

jest.setTimeout(60_000)

const POLICY = (host: string): string => `
hosts: [${host}.vestibule.localhost]
policy:
  - allow: { and: [ { groups: { has: sre } } ] }
`
const CACHED = { 'auth-cache-key': '$cookie_vestibule', 'auth-cache-duration': '200 5m' }

let redis: Redis
let site: Site
/** The same nginx, but for one line: it keeps answers although Vestibule forbids it. */
let disobedient: Nginx
let disobedientPort: number
let work: Workplace

beforeAll(async () => {
  redis = await startRedis()
  site = await startSite({
    store: redis.url,
    ingresses: {
      'drilled.yaml': ingressYaml('drilled', 'wiki'),
      'cached.yaml': ingressYaml('cached', 'wiki', CACHED),
    },
    policies: { 'drilled.yaml': POLICY('drilled'), 'cached.yaml': POLICY('cached') },
  })
  disobedientPort = await freePort()
  disobedient = await startNginx(
    site.controller
      .config()
      .replaceAll(String(site.ports.nginx), String(disobedientPort))
      .replaceAll(
        'proxy_cache auth_cache;',
        'proxy_cache auth_cache;\nproxy_ignore_headers Cache-Control;',
      ),
  )
  work = await createWorkplace()
})
afterAll(async () => {
  await work.remove()
  await disobedient.stop()
  await site.stop()
  await redis.stop()
})

const drill = async (host: string, port: number, ...words: readonly string[]): Promise<Ran> =>
  await work.run(
    ...`drill revoke --config ${site.vestibule.configFile}`.split(' '),
    ...`--host ${host}.vestibule.localhost --subject drill --group sre`.split(' '),
    ...`--through http://127.0.0.1:${port}/ --within 1s`.split(' '),
    ...words,
  )

describe('a drill through a real nginx', () => {
  test('sees the application, and then the way to the sign-in or 401', async () => {
    const ran = await drill('drilled', site.ports.nginx)
    expect([ran.err, ran.code]).toEqual(['', 0])
    expect(ran.out).toMatch(/let in: +200\n/)
    expect(ran.out).toMatch(/refused: +401, [0-9.]+ ms after the order\n/)
  })

  test('passes where the Ingress asks for a cache of answers, which Vestibule forbids', async () => {
    const ran = await drill('cached', site.ports.nginx)
    expect([ran.err, ran.code]).toEqual(['', 0])
  })

  test('fails where nginx keeps answers all the same, and says where to look', async () => {
    const ran = await drill('cached', disobedientPort)
    expect(ran.code).toBe(1)
    expect(ran.out).toContain('NOT refused within 1000 ms: 200')
    expect(ran.out).toContain('auth-cache-key')
    const control = await drill('drilled', disobedientPort)
    expect([control.err, control.code]).toEqual(['', 0])
  })

  test('counts as refused neither what lets everybody in nor what does not answer', async () => {
    const ran = await drill('drilled', site.ports.public)
    expect([ran.code, ran.out]).toEqual([1, expect.stringContaining('NOT refused')])
    const nobody = await drill('drilled', 1)
    expect([nobody.code, nobody.out]).toEqual([
      2,
      expect.stringContaining('no answer of 127.0.0.1:1'),
    ])
  })
})
