import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Application, startApplication } from '../../demo/applications.ts'
import { type Ingress, parseIngresses } from '../../demo/controller/ingress.ts'
import { type Controller, startController } from '../../demo/controller.ts'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { PREFIX } from '../../src/migrate/ingress/annotation-rules.ts'
import { run } from '../commands/policy-lint-support.ts'
import { get } from '../demo/raw-http.ts'
import { providerSettings, signIn, startProvider } from '../support/sign-in.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

/** What nginx of the demonstration does not render (whitelist, basic) must be gone afterwards. */
const BEFORE = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: app
  namespace: shop
  annotations:
    ${PREFIX}whitelist-source-range: 127.0.0.0/8
    ${PREFIX}auth-type: basic
    ${PREFIX}auth-secret: people
    ${PREFIX}satisfy: any
    ${PREFIX}auth-keepalive: "10"
    ${PREFIX}auth-cache-key: $remote_addr
    ${PREFIX}proxy-body-size: 2m
spec:
  ingressClassName: nginx
  rules:
    - host: app.test
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: { service: { name: web, port: { number: 80 } } }
`

const POLICY = `
hosts: [app.test]
owner: shop@example.com
app: grafana-proxy
credentials: [cookie]
policy:
  - allow: { and: [ { groups: { has: sre } } ] }
  - allow: { and: [ { http_path: { starts_with: /api/public } } ] }
    public: true
    owner: shop@example.com
    until: 2099-01-01
`

type Planned = {
  readonly ingresses: readonly {
    readonly mergePatch: { readonly metadata: { readonly annotations: Patch } }
    readonly twins: readonly unknown[]
  }[]
}
type Patch = Readonly<Record<string, string | null>>

let idp: IdentityProvider
let vestibule: Vestibule
let web: Application
let controller: Controller
let cookie: (person: string) => Promise<string>

const patched = (ingress: Ingress, patch: Patch): Ingress => {
  const annotations = new Map(Object.entries(ingress.metadata.annotations ?? {}))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) annotations.delete(name)
    else annotations.set(name, value)
  }
  return {
    ...ingress,
    metadata: { ...ingress.metadata, annotations: Object.fromEntries(annotations) },
  }
}

/** The Ingresses after `migrate ingress`, as a controller would read them. */
const migrated = async (): Promise<readonly Ingress[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-guarded-'))
  try {
    writeFileSync(join(folder, 'ingress.yaml'), BEFORE)
    writeFileSync(join(folder, 'app.yaml'), POLICY)
    const { code, out } = await run([
      'migrate',
      'ingress',
      join(folder, 'ingress.yaml'),
      '--public-url',
      'https://auth.test',
      '--app',
      'grafana-proxy',
      '--json',
    ])
    expect(code).toBe(0)
    const [planned] = (JSON.parse(out) as Planned).ingresses
    const [before] = parseIngresses(BEFORE)
    if (planned === undefined || before === undefined) throw new Error('nothing was planned')
    return [
      patched(before, planned.mergePatch.metadata.annotations),
      ...planned.twins.flatMap((twin) => parseIngresses(JSON.stringify(twin))),
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

beforeAll(async () => {
  idp = await startProvider()
  vestibule = await startVestibule({ policies: { 'app.yaml': POLICY }, ...providerSettings(idp) })
  web = await startApplication({ name: 'web' })
  controller = await startController({
    services: { web: web.address },
    clusterNames: {
      'vestibule.vestibule.svc.cluster.local:8080': `127.0.0.1:${vestibule.verifyPort}`,
    },
    ingresses: await migrated(),
  })
  const cookies = new Map<string, string>()
  cookie = async (person) => {
    const known = cookies.get(person) ?? (await signIn(vestibule, person)).sessionCookie
    cookies.set(person, known)
    return known
  }
})

afterAll(async () => {
  await controller.stop()
  await Promise.all([web.stop(), vestibule.stop(), idp.stop()])
})

beforeEach(() => web.reset())

const ask = (path: string, ...headers: readonly string[]) =>
  get(controller.port, 'app.test', path, headers)

describe('an Ingress after its patch, in a real nginx', () => {
  test('sends somebody unknown to sign in, and back to where he was', async () => {
    const { status, headers } = await ask('/page?x=1')
    expect(status).toBe(302)
    expect(headers.get('location')?.[0]).toMatch(
      /^https:\/\/auth\.test\/oauth2\/start\?rd=http:\/\/app\.test/,
    )
    expect(web.hits()).toBe(0)
  })

  test('does not ask for the old password, nor let the old address in', async () => {
    const { status, headers } = await ask('/', `Authorization: Basic ${btoa('people:secret')}`)
    expect([status, headers.has('www-authenticate')]).toEqual([302, false])
  })

  test('lets in whom the policy admits, and says who it is', async () => {
    const { status } = await ask('/', `Cookie: ${await cookie('alice')}`)
    expect([status, web.hits()]).toEqual([200, 1])
    expect(web.received('x-auth-request-email')).toEqual(['alice@example.com'])
    expect(web.received('x-webauth-user')).toEqual(['alice'])
  })

  test('gives the application its own cookies, and not that of the session', async () => {
    const { status } = await ask('/', `Cookie: theme=dark; ${await cookie('alice')}; lang=de`)
    expect([status, web.received('cookie')]).toEqual([200, ['theme=dark; lang=de']])
  })

  test('refuses whom it does not', async () => {
    const { status } = await ask('/', `Cookie: ${await cookie('bob')}`)
    expect([status, web.hits()]).toEqual([403, 0])
  })

  test('asks again at once: nothing is cached', async () => {
    const alice = `Cookie: ${await cookie('alice')}`
    expect((await ask('/', alice)).status).toBe(200)
    expect((await ask('/')).status).toBe(302)
  })

  test('answers programs 401 instead of a redirect', async () => {
    const { status, headers } = await ask('/api/things')
    expect([status, headers.has('location'), web.hits()]).toEqual([401, false, 0])
  })

  test('lets programs with tokens of the application through where a public rule says so', async () => {
    const { status } = await ask(
      '/api/public/x',
      'Authorization: Bearer of-the-application',
      'X-WEBAUTH-USER: admin',
      'X-Auth-Request-User: admin',
    )
    expect([status, web.hits()]).toEqual([200, 1])
    expect(web.received('authorization')).toEqual(['Bearer of-the-application'])
    // Whoever may call without signing in must not be able to say that he is somebody.
    expect(web.received('x-webauth-user').join('')).toBe('')
    expect(web.received('x-auth-request-user').join('')).toBe('')
  })
})
