import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type Browser, type BrowserContext, type Page } from 'playwright-core'
import { type Application, startApplication } from '../../demo/applications.ts'
import { createCertificate } from '../../demo/certificate.ts'
import { type Cleanup, createCleanup } from '../../demo/cleanup.ts'
import { readIngresses } from '../../demo/controller/ingress.ts'
import { startController } from '../../demo/controller.ts'
import { freePort } from '../../demo/free-port.ts'
import { startIdentityProvider } from '../../demo/identity-provider.ts'
import { startVestibule } from '../../demo/vestibule.ts'
import { CLUSTER_NAME, DOMAIN } from '../../demo/world.ts'
import { greeting, heading, launchChromium, press, shown, signInAt } from './support-browser.ts'

jest.setTimeout(60_000)

const DEMO = resolve(import.meta.dirname, '../../demo')

let cleanup: Cleanup
let application: Application
let port: number
let browser: Browser
let context: BrowserContext
let page: Page

const url = (name: string, path = '/'): string => `https://${name}.${DOMAIN}:${port}${path}`

/** The demonstration as it would be in production: over TLS, with secure cookies and HTTP/2. */
const startSecurely = async (): Promise<void> => {
  port = await freePort()
  const origin = url('auth', '')
  const identityProvider = await startIdentityProvider({
    clients: [
      {
        redirectUris: [`${origin}/oauth2/callback`],
        postLogoutRedirectUris: [`${origin}/oauth2/signed_out`],
      },
    ],
  })
  cleanup.add(identityProvider.stop)
  const ports = { verify: await freePort(), public: await freePort(), ops: await freePort() }
  const vestibule = await startVestibule({
    publicUrl: origin,
    cookieDomain: DOMAIN,
    issuer: identityProvider.issuer,
    policies: join(DEMO, 'policies'),
    ports,
    store: 'memory',
  })
  cleanup.add(vestibule.stop)
  const jwksUrl = `http://127.0.0.1:${ports.public}/.well-known/jwks.json`
  application = await startApplication({ name: 'any', jwksUrl })
  cleanup.add(application.stop)
  const certificate = createCertificate([`*.${DOMAIN}`])
  cleanup.add(async () => {
    certificate.remove()
    await Promise.resolve()
  })
  const { address } = application
  const controller = await startController({
    https: { ...certificate, port, http2: true },
    ingresses: readIngresses(join(DEMO, 'ingresses'), (yaml) =>
      yaml.replaceAll(`http://auth.${DOMAIN}:8000`, origin),
    ),
    services: {
      'vestibule-public': `127.0.0.1:${ports.public}`,
      grafana: address,
      wiki: address,
      api: address,
    },
    clusterNames: { [CLUSTER_NAME]: `127.0.0.1:${ports.verify}` },
  })
  cleanup.add(controller.stop)
}

beforeAll(async () => {
  cleanup = createCleanup()
  await startSecurely()
  browser = await launchChromium()
  cleanup.add(async () => await browser.close())
  context = await browser.newContext({ ignoreHTTPSErrors: true })
  page = await context.newPage()
})

afterAll(async () => {
  await cleanup.run()
})

describe('over TLS, as in production', () => {
  test("one click leads to the page, and the cookies are the browser's strictest", async () => {
    await signInAt(page, url('grafana', '/d/latency?from=now-6h'), 'alice')
    expect(page.url()).toBe(url('grafana', '/d/latency?from=now-6h'))
    expect([await greeting(page), await shown(page, 'iss')]).toEqual([
      'Hello, alice.',
      url('auth', ''),
    ])
    const cookies = (await context.cookies()).filter(({ domain }) => domain !== 'localhost')
    expect(
      cookies.map(({ name, domain, path, httpOnly, secure, sameSite }) => ({
        name,
        place: `${domain}${path}`,
        flags: [httpOnly, secure, sameSite],
      })),
    ).toEqual([
      {
        name: '__Host-vestibule-sign-in',
        place: `auth.${DOMAIN}/`,
        flags: [true, true, 'Lax'],
      },
      { name: '__Secure-vestibule', place: `.${DOMAIN}/`, flags: [true, true, 'Lax'] },
    ])
  })

  test('the next host needs no sign-in', async () => {
    await page.goto(url('wiki', '/page'))
    expect([page.url(), await greeting(page)]).toEqual([url('wiki', '/page'), 'Hello, alice.'])
  })

  test('signing out takes the cookie away, here and at the provider', async () => {
    await page.goto(url('auth', '/oauth2/sign_out'))
    await press(page, page.locator('button[name=logout]'))
    expect(await heading(page)).toBe('You are signed out')
    expect((await context.cookies()).map(({ name }) => name)).not.toContain('__Secure-vestibule')
    await page.goto(url('wiki', '/page'))
    expect(await heading(page)).toBe('Who are you?')
  })
})
