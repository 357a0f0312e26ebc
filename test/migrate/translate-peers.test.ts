import { describe, expect, test } from '@jest/globals'
import { type Gates } from '../../src/migrate/translate/auth-url.ts'
import { NOTHING, type Translation } from '../../src/migrate/translate/draft.ts'
import { translateIngresses } from '../../src/migrate/translate/ingress-controls.ts'
import { translatePomerium } from '../../src/migrate/translate/pomerium.ts'
import { readPathPattern } from '../../src/migrate/translate/request-conditions.ts'
import { translateForwardAuth } from '../../src/migrate/translate/traefik-forward-auth.ts'
import { gateOfVouch } from '../../src/migrate/translate/vouch.ts'
import { faultsOf } from '../support/policies.ts'
import {
  type Asking,
  clusterFrom,
  filesOf,
  lets,
  loadedFrom,
  sourceOf,
} from './support-translate.ts'

const asking = (changes: Partial<Asking> = {}): Asking => ({
  host: 'app.test',
  path: '/',
  method: 'GET',
  ip: '203.0.113.7',
  groups: ['staff'],
  ...changes,
})

const expectAnswers = async (
  translation: Translation,
  table: readonly (readonly [Partial<Asking>, boolean])[],
): Promise<void> => {
  const policies = await loadedFrom(translation)
  for (const [changes, expected] of table) {
    expect([changes, lets(policies, asking(changes))]).toEqual([changes, expected])
  }
}

const pomerium = (...routes: readonly object[]): Translation =>
  translatePomerium(sourceOf(JSON.stringify({ routes }, null, 1), 'pomerium.yaml'))

const FROM = { from: 'https://app.test', to: 'http://app' }

describe('Pomerium', () => {
  test('a policy is taken as it stands', async () => {
    const translation = pomerium({
      ...FROM,
      policy: { allow: { and: [{ groups: { has: 'sre' } }] } },
    })
    expect(filesOf(translation)['app.test.yaml']).toContain('- { groups: { has: sre } }')
    await expectAnswers(translation, [
      [{ groups: ['sre'] }, true],
      [{ groups: ['staff'] }, false],
      [{ groups: undefined }, false],
    ])
  })

  test('the first route that fits takes the request, whatever its policy says', async () => {
    const translation = pomerium(
      { ...FROM, prefix: '/admin', policy: { allow: { and: [{ groups: { has: 'sre' } }] } } },
      { ...FROM, allow_any_authenticated_user: true },
    )
    await expectAnswers(translation, [
      [{ path: '/page' }, true],
      [{ path: '/admin' }, false],
      [{ path: '/administrator' }, false],
      [{ path: '/admin', groups: ['sre'] }, true],
    ])
  })

  test('nothing comes after a route for the whole host', async () => {
    const translation = pomerium(
      { ...FROM, policy: { allow: { and: [{ groups: { has: 'sre' } }] } } },
      { ...FROM, prefix: '/open', allow_public_unauthenticated_access: true },
    )
    await expectAnswers(translation, [[{ path: '/open', groups: undefined }, false]])
  })

  test('a deny by prefix refuses as much as it did, an allow admits no more', async () => {
    const paths = { http_path: { starts_with: '/admin' } }
    const denying = { allow: { or: [{ authenticated_user: true }] }, deny: { or: [paths] } }
    await expectAnswers(pomerium({ ...FROM, policy: [denying] }), [
      [{ path: '/administrator' }, false],
      [{ path: '/page' }, true],
    ])
    const negated = { allow: { and: [{ authenticated_user: true }, { not: [paths] }] } }
    await expectAnswers(pomerium({ ...FROM, policy: [negated] }), [
      [{ path: '/administrator' }, false],
    ])
  })

  test('GET is not HEAD', async () => {
    const policy = { allow: { and: [{ authenticated_user: true }, { http_method: 'GET' }] } }
    await expectAnswers(pomerium({ ...FROM, policy }), [
      [{}, true],
      [{ method: 'HEAD' }, false],
    ])
  })

  test('the older keys are alternatives', async () => {
    const route = { ...FROM, allowed_users: ['ada@example.com'], allowed_domains: ['b.example'] }
    await expectAnswers(pomerium(route), [
      [{ email: 'ada@example.com' }, true],
      [{ email: 'x@b.example' }, true],
      [{ email: 'x@c.example' }, false],
    ])
  })

  test.each([
    ['a criterion of its own', { allow: { and: [{ record: { type: 'x' } }] } }, 'record'],
    [
      'one in a deny',
      { allow: { and: [{ user: 'a' }] }, deny: { or: [{ device: { is: 'x' } }] } },
      'device',
    ],
    ['one under another', { allow: { and: [{ not: [{ mcp_tool: 'x' }] }] } }, 'mcp_tool'],
  ])('%s keeps the rule waiting, and is named', async (_name, policy, what) => {
    const translation = pomerium({ ...FROM, policy })
    expect(translation.leftovers.map((leftover) => leftover.what)).toContain(what)
    expect((await faultsOf(filesOf(translation))).join('\n')).toContain('and')
  })

  test('routes that are no web hosts are named', () => {
    const { drafts, leftovers } = pomerium({ from: 'tcp+https://db.test:5432', to: 'tcp://db' })
    expect(drafts).toEqual([])
    expect(leftovers.map(({ origin }) => origin.line)).toEqual([4])
  })
})

describe('traefik-forward-auth', () => {
  const translate = (text: string): Translation =>
    translateForwardAuth({ file: 'tfa.ini', text }).translation

  test('rules by host and path, and the default for the rest', async () => {
    const translation = translate(
      [
        'domain = example.com',
        'rule.pub.action = allow',
        'rule.pub.rule = Host(`app.test`) && PathPrefix(`/pub`)',
        'rule.ops.rule = Host(`app.test`) && Path(`/ops`)',
        'rule.ops.whitelist = ada@example.com',
      ].join('\n'),
    )
    await expectAnswers(translation, [
      [{ path: '/public', groups: undefined }, true],
      [{ path: '/page', email: 'x@example.com' }, true],
      [{ path: '/page', email: 'x@other.example' }, false],
      [{ path: '/ops', email: 'x@example.com' }, false],
      [{ path: '/ops', email: 'ada@example.com' }, true],
    ])
  })

  test.each([
    ['whitelist = a@x.example\ndomain = x.example', 'b@x.example', false],
    [
      'whitelist = a@x.example\ndomain = x.example\nmatch-whitelist-or-domain = true',
      'b@x.example',
      true,
    ],
    ['--domain=x.example', 'b@x.example', true],
    ['DOMAIN=x.example', 'b@y.example', false],
  ])('%j lets in %s: %s', async (text, email, expected) => {
    const translation = translate(`${text}\nrule.a.rule = Host(\`app.test\`)`)
    await expectAnswers(translation, [[{ email }, expected]])
  })

  test.each(['HostRegexp(`{a:.+}.test`)', 'Host(`a.test`) || Path(`/x`)', 'Path(`/x`)', ''])(
    'a rule %j stays closed, and is named',
    (rule) => {
      const { drafts, leftovers } = translate(`rule.a.rule = ${rule}`)
      expect(drafts).toEqual([])
      expect(leftovers.map(({ origin }) => origin.line)).toEqual([1])
    },
  )
})

const NO_GATES: Gates = { oauth2Proxies: [], vouch: undefined, forwardAuth: undefined }
const NGINX = 'nginx.ingress.kubernetes.io/'

const ingress = (name: string, annotations: Readonly<Record<string, string>>, path = '/'): string =>
  JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name,
      namespace: 'shop',
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [NGINX + key, value]),
      ),
    },
    spec: {
      rules: [
        {
          host: 'app.test',
          http: {
            paths: [
              {
                path,
                pathType: 'Prefix',
                backend: { service: { name: 'app', port: { number: 80 } } },
              },
            ],
          },
        },
      ],
    },
  })

const translated = async (
  objects: readonly string[],
  gates: Gates = NO_GATES,
): Promise<Translation> =>
  translateIngresses((await clusterFrom(objects.join('\n---\n'))).ingresses, gates, new Set())

describe('vouch', () => {
  const VALIDATE = { 'auth-url': 'https://vouch.test/validate' }
  const through = (config: object): Promise<Translation> =>
    translated([ingress('app', VALIDATE)], {
      ...NO_GATES,
      vouch: gateOfVouch(sourceOf(JSON.stringify({ vouch: config }), 'config.yml')),
    })

  test('a domain covers what is below it', async () => {
    await expectAnswers(await through({ domains: ['x.example'] }), [
      [{ email: 'a@x.example' }, true],
      [{ email: 'a@b.x.example' }, true],
      [{ email: 'a@notx.example' }, false],
    ])
  })

  test('the first list that is there counts alone', async () => {
    const config = { domains: ['x.example'], whiteList: ['ada@y.example'] }
    await expectAnswers(await through(config), [
      [{ email: 'a@x.example' }, false],
      [{ email: 'ada@y.example' }, true],
    ])
  })

  test('teams wait for a group', async () => {
    const translation = await through({ domains: ['x.example'], teamWhitelist: ['org/team'] })
    expect(translation.leftovers.map(({ what }) => what)).toEqual(['teamWhitelist org/team'])
    await expectAnswers(translation, [[{ email: 'a@x.example' }, false]])
  })
})

describe('an Ingress', () => {
  test.each([
    ['an address list', { 'whitelist-source-range': '10.8.0.0/16' }],
    ['a password', { 'auth-type': 'basic', 'auth-secret': 'people' }],
    ['satisfy', { 'whitelist-source-range': '10.8.0.0/16', satisfy: 'any' }],
    ['a service that nobody read', { 'auth-url': 'http://other.shop/check' }],
    [
      'an oauth2-proxy that nobody read',
      { 'auth-url': 'http://o2p.shop/oauth2/auth?allowed_groups=a' },
    ],
    ['nothing', {}],
  ])('with %s waits for somebody, and lets nobody in by itself', async (_name, annotations) => {
    const translation = await translated([ingress('app', annotations)])
    expect((await faultsOf(filesOf(translation))).join('\n')).toMatch(/policy\[0\].*TODO/)
    await expectAnswers(translation, [
      [{ ip: '10.8.0.1' }, false],
      [{ ip: '10.8.0.1', groups: undefined }, false],
    ])
  })

  test('of several for one host, each speaks for its own paths', async () => {
    const gate = { who: [{ groups: { has: 'staff' } }], open: [], leftovers: [] }
    const gates: Gates = { ...NO_GATES, oauth2Proxies: [{ services: [], gate }] }
    const url = { 'auth-url': 'https://$host/oauth2/auth' }
    const strict = { 'auth-url': 'https://$host/oauth2/auth?allowed_groups=sre' }
    const objects = [ingress('app', url), ingress('admin', strict, '/admin')]
    await expectAnswers(await translated(objects, gates), [
      [{ path: '/page' }, true],
      [{ path: '/admin/x' }, false],
      [{ path: '/admin/x', groups: ['staff', 'sre'] }, true],
      [{ path: '/administrator' }, true],
    ])
  })

  test('keeps ranges as a comment that can be put to use', async () => {
    const [text = ''] = Object.values(
      filesOf(await translated([ingress('app', { 'whitelist-source-range': '10.8.0.0/16' })])),
    )
    expect(text).toContain('# ')
    expect(text).toContain('{ source_ip: [10.8.0.0/16] }')
  })

  test('whose host has a policy from elsewhere still names what it asks besides', async () => {
    const { ingresses } = await clusterFrom(ingress('app', { 'auth-type': 'basic' }))
    const { drafts, leftovers } = translateIngresses(ingresses, NO_GATES, new Set(['app.test']))
    expect([drafts, leftovers.map(({ what }) => what)]).toEqual([
      NOTHING.drafts,
      ['auth-type basic'],
    ])
  })

  test('cannot write lines of its own into a policy', async () => {
    const evil = '10.0.0.0/8\npolicy: { allow: { and: [{ accept: true }] }, public: true }\n#'
    const translation = await translated([ingress('app', { 'whitelist-source-range': evil })])
    const [text = ''] = Object.values(filesOf(translation))
    expect(text.split('\n').filter((line) => line.startsWith('policy'))).toEqual(['policy:'])
  })
})

describe('a pattern on paths', () => {
  test.each([
    ['^/api([/?].*)?$', 'segment', '/api', true],
    ['^/api(/.*)?$', 'segment', '/api', false],
    ['^/api/.*$', 'segment', '/api/', true],
    ['^/api', 'prefix', '/api', true],
    ['^/a\\.b$', 'exact', '/a.b', false],
    ['^.*$', 'everything', '/', true],
  ])('%s is %s %s', (pattern, kind, path, takesQuery) => {
    expect(readPathPattern(pattern)).toEqual({ kind, path, takesQuery })
  })

  test.each([
    '/api',
    '^/a.b$',
    '^/a|/b',
    '^/[a-z]+$',
    '^/a/../b$',
    '^/a//b',
    '(?i)^/a',
    'a$',
    '^/a?',
  ])('%s is not read as one', (pattern) => {
    expect(readPathPattern(pattern)).toBeUndefined()
  })
})
