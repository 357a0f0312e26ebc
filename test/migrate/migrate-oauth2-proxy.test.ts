import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { readConfig } from '../../src/edge/config/config.ts'
import { FATES } from '../../src/migrate/oauth2-proxy/flags.ts'
import { gateOf, queryConditions } from '../../src/migrate/oauth2-proxy/gate.ts'
import { readSettings } from '../../src/migrate/oauth2-proxy/settings.ts'
import { convert } from '../../src/migrate/oauth2-proxy/vestibule-config.ts'
import { run } from '../commands/policy-lint-support.ts'
import { filledIn } from './support-translate.ts'

const FILE = `
provider = "oidc"
oidc_issuer_url = "https://idp.example.com"
client_id = "proxy"   # the "client"
client_secret = "SECRET-CANARY"
cookie_secret = 'COOKIE-CANARY # not a comment'
redirect_url = "https://auth.example.com/oauth2/callback"
cookie_domains = [".example.com"]
email_domains = [
  "example.com",   # ours
  ".corp.example",
]
allowed_groups = ["sre", "ops"]
session_store_type = "redis"
redis_connection_url = "redis://user:PASSWORD-CANARY@redis.vestibule.svc.cluster.local:6379/0"
cookie_expire = "168h0m0s"
skip_auth_routes = ["GET=^/health$", "/metrics"]
upstreams = ["static://202"]
frobnicate = 1
`

const settings = (text: string) => readSettings({ file: 'oauth2-proxy.cfg', text })

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vestibule-oauth2-proxy-'))
  writeFileSync(join(folder, 'oauth2-proxy.cfg'), FILE)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ask = (...args: readonly string[]) => run(['migrate', 'oauth2-proxy', ...args])

describe('settings', () => {
  test.each([
    ['its file', 'email_domains = ["a.example", "b.example"]\nclient_id = "c"'],
    ['its flags', '--email-domain=a.example\n- --email-domain b.example\n--client-id=c'],
    ['its flags, in one', '--email-domain=a.example,b.example\n--client-id c'],
    [
      'its variables',
      'export OAUTH2_PROXY_EMAIL_DOMAINS="a.example,b.example"\nOAUTH2_PROXY_CLIENT_ID=c',
    ],
  ])('are read from %s', (_name, text) => {
    const { byFlag, leftovers } = settings(text)
    expect(byFlag.get('email-domain')?.values).toEqual(['a.example', 'b.example'])
    expect(byFlag.get('client-id')?.values).toEqual(['c'])
    expect(leftovers).toEqual([])
  })

  test('a switch needs no value, and does not eat the next flag', () => {
    const { byFlag } = settings('--skip-auth-preflight\n--client-id=c\n--reverse-proxy=false')
    expect(byFlag.get('skip-auth-preflight')?.values).toEqual(['true'])
    expect(byFlag.get('reverse-proxy')?.values).toEqual(['false'])
    expect(byFlag.get('client-id')?.values).toEqual(['c'])
  })

  test('what is not known is named, with its line', () => {
    const { leftovers } = settings('client_id = "c"\nfrobnicate = 1\nscope = {a = 1}\n')
    expect(leftovers.map(({ origin, what }) => [origin.line, what])).toEqual([
      [2, 'frobnicate'],
      [3, 'scope'],
    ])
  })
})

describe('every flag', () => {
  test.each([...FATES.keys()])('%s ends somewhere, or says why not', (flag) => {
    const text = `--${flag}=https://x.example`
    const [fate] = convert(settings(text)).flags
    expect(fate?.flag).toBe(flag)
    expect(fate?.text).toMatch(/\S{4}/)
    expect(fate?.text).not.toBe('carried')
  })
})

describe('whom it lets in', () => {
  const who = (text: string) => gateOf(settings(text)).who

  test.each<readonly [string, string, readonly object[]]>([
    ['a domain', '--email-domain=a.example', [{ domain: 'a.example' }]],
    [
      'domains or what is below one',
      '--email-domain=a.example,.b.example',
      [{ or: [{ domain: 'a.example' }, { domain: { ends_with: '.b.example' } }] }],
    ],
    ['everybody', '--email-domain=*', [{ authenticated_user: true }]],
    [
      'a domain and a group',
      '--email-domain=a.example\n--allowed-group=sre,ops',
      [{ domain: 'a.example' }, { groups: { in: ['sre', 'ops'] } }],
    ],
  ])('%s', (_name, text, expected) => {
    expect(who(text)).toEqual(expected)
  })

  test.each([
    'github-org',
    'gitlab-group',
    'google-group',
    'keycloak-group',
    'allowed-role',
    'azure-tenant',
  ])('--%s narrows, so it is never dropped', (flag) => {
    const gate = gateOf(settings(`--email-domain=*\n--${flag}=acme`))
    expect(JSON.stringify(gate.who)).toContain('TODO')
    expect(gate.leftovers.map(({ what }) => what)).toEqual([`${flag} acme`])
  })

  test('nothing about e-mail is not everybody', () => {
    expect(JSON.stringify(who('--client-id=c'))).toContain('TODO')
  })

  test.each([
    ['allowed_groups=sre,ops&allowed_groups=dev', [{ groups: { in: ['sre', 'ops', 'dev'] } }]],
    ['allowed_emails=a@x.example', [{ email: { is: 'a@x.example' } }]],
    [
      'allowed_email_domains=.x.example',
      [{ or: [{ domain: { ends_with: '.x.example' } }, { domain: 'x.example' }] }],
    ],
  ])('the query %s', (query, expected) => {
    expect(queryConditions(new URLSearchParams(query))).toEqual(expected)
  })

  test.each(['allowed_groups=', 'allowed_groups=,', 'allowed_teams=x'])(
    'the query %s waits for somebody',
    (query) => {
      expect(JSON.stringify(queryConditions(new URLSearchParams(query)))).toContain('TODO')
    },
  )

  test.each([
    ['GET=^/health$', true],
    ['^/public/', true],
    ['/health', false],
    ['GET!=^/health$', false],
    ['^/a|^/b', false],
    ['^/.well-known', false],
  ])('the route %s is carried over: %s', (route, isCarried) => {
    const { open, leftovers } = gateOf(settings(`--email-domain=*\n--skip-auth-route=${route}`))
    expect([open.length, leftovers.length]).toEqual(isCarried ? [1, 0] : [0, 1])
    expect(open.every((rule) => rule.isPublic)).toBe(true)
  })
})

describe('the configuration', () => {
  const convertText = (text: string) => convert(settings(text)).config

  test.each([
    ['', 'https://accounts.google.com'],
    ['--provider=gitlab', 'https://gitlab.com'],
    ['--provider=azure\n--azure-tenant=t1', 'https://login.microsoftonline.com/t1/v2.0'],
    ['--provider=azure', 'TODO: the issuer of an OpenID provider'],
    ['--provider=github', 'TODO: the issuer of an OpenID provider'],
    ['--oidc-issuer-url=https://idp.example', 'https://idp.example'],
  ])('knows the issuer of %j', (text, issuer) => {
    expect(convertText(text)).toMatchObject({ identityProvider: { issuer } })
  })

  test.each([
    ['168h0m0s', '168h'],
    ['1h30m', '90m'],
    ['9000h', undefined],
    ['soon', undefined],
  ])('a cookie of %s makes sessions of %s', (written, expected) => {
    const { session } = convertText(`--cookie-expire=${written}`) as {
      readonly session: { readonly absolute?: string }
    }
    expect(session.absolute).toBe(expected)
  })

  test('is taken by the service, with the policies, once the TODOs are filled in', async () => {
    const out = join(folder, 'out')
    const asked = await ask(
      '--settings',
      join(folder, 'oauth2-proxy.cfg'),
      '--host',
      'app.example.com',
      '--out',
      out,
    )
    expect(asked.code).toBe(1)
    const config = parse(readFileSync(join(out, 'vestibule.yaml'), 'utf8')) as object
    expect(config).toMatchObject({
      publicUrl: 'https://auth.example.com',
      cookie: { domain: 'example.com' },
      identityProvider: { issuer: 'https://idp.example.com', clientId: 'proxy' },
      session: { store: 'redis://redis.vestibule.svc.cluster.local:6379/0', absolute: '168h' },
    })
    const policy = join(out, 'policies/app.example.com.yaml')
    expect((await run(['policy', 'lint', join(out, 'policies')])).out).toContain('is still a TODO')
    writeFileSync(policy, filledIn(readFileSync(policy, 'utf8')))
    expect((await run(['policy', 'lint', join(out, 'policies')])).out).not.toContain('faulty_file')
    const secrets = join(folder, 'secrets')
    mkdirSync(secrets)
    writeFileSync(join(secrets, 'any'), 'x')
    const read = await readConfig(join(out, 'vestibule.yaml'), {
      VESTIBULE_IDENTITY_PROVIDER_CLIENT_SECRET_FILE: join(secrets, 'any'),
      VESTIBULE_SESSION_KEYS_FILE: join(secrets, 'any'),
    })
    const faults = read.ok ? [] : read.failure.map(({ key, problem }) => `${key} ${problem}`)
    expect(faults).toEqual([])
  })

  test('never shows a secret', async () => {
    for (const more of [[], ['--json']]) {
      const { out, err } = await ask('--settings', join(folder, 'oauth2-proxy.cfg'), ...more)
      expect(out + err).not.toContain('CANARY')
    }
  })

  test('does not overwrite what somebody filled in', async () => {
    const out = join(folder, 'twice')
    await ask('--settings', join(folder, 'oauth2-proxy.cfg'), '--out', out)
    expect((await ask('--settings', join(folder, 'oauth2-proxy.cfg'), '--out', out)).code).toBe(2)
  })
})

describe('among manifests', () => {
  const workload = (name: string, args: readonly string[]) =>
    JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'auth' },
      spec: {
        template: {
          metadata: { labels: { app: name } },
          spec: {
            containers: [{ name, image: 'quay.io/oauth2-proxy/oauth2-proxy:v7.15.3', args }],
          },
        },
      },
    })
  const service = (name: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'auth' },
      spec: { selector: { app: name }, ports: [{ port: 80 }] },
    })
  const ingress = JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: 'app',
      namespace: 'shop',
      annotations: {
        'nginx.ingress.kubernetes.io/auth-url':
          'http://one.auth.svc.cluster.local/oauth2/auth?allowed_groups=sre',
      },
    },
    spec: {
      rules: [
        {
          host: 'app.example.com',
          http: {
            paths: [
              {
                path: '/',
                pathType: 'Prefix',
                backend: { service: { name: 'app', port: { number: 80 } } },
              },
            ],
          },
        },
      ],
    },
  })

  const write = (...objects: readonly string[]): string => {
    const file = join(folder, 'cluster.yaml')
    writeFileSync(file, objects.join('\n---\n'))
    return file
  }

  test('finds the one that an Ingress asks, and its host', async () => {
    const file = write(workload('one', ['--email-domain=a.example']), service('one'), ingress)
    const { out } = await ask(file)
    expect(out).toContain('hosts: [app.example.com]')
    expect(out).toContain('{ domain: a.example }')
    expect(out).toContain('{ groups: { has: sre } }')
  })

  test('several of them have to be told apart', async () => {
    const file = write(
      workload('one', ['--email-domain=a.example']),
      workload('two', ['--email-domain=b.example']),
      service('one'),
      service('two'),
      ingress,
    )
    const refused = await ask(file)
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('auth/one, auth/two')])
    expect((await ask(file, '--proxy', 'auth/one')).out).toContain('a.example')
    expect((await ask(file, '--proxy', 'auth/two')).out).not.toContain('app.example.com')
  })
})
