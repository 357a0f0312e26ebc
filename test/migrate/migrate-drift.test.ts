import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { PREFIX } from '../../src/migrate/ingress/annotation-rules.ts'
import {
  COOKIE_HEADER,
  guardAnnotations,
  STANDARD_HEADERS,
} from '../../src/migrate/ingress/guard.ts'
import { run } from '../commands/policy-lint-support.ts'

type Labels = Readonly<Record<string, string>>

const GUARD = {
  verifyOrigin: 'http://vestibule.vestibule.svc.cluster.local:8080',
  publicUrl: 'https://auth.example.com',
  identityHeaders: STANDARD_HEADERS,
}
const GUARDED = Object.fromEntries(guardAnnotations(GUARD, 'people', [COOKIE_HEADER]))

const ingress = (name: string, host: string, annotations: Labels = GUARDED, more: object = {}) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name, namespace: 'shop', annotations },
  spec: {
    ingressClassName: 'nginx',
    rules: [
      {
        host,
        http: {
          paths: [
            {
              path: '/',
              pathType: 'Prefix',
              backend: { service: { name: 'web', port: { number: 80 } } },
            },
          ],
        },
      },
    ],
    ...more,
  },
})

const changedBy = (annotations: Labels): Labels => ({
  ...GUARDED,
  ...Object.fromEntries(Object.entries(annotations).map(([name, value]) => [PREFIX + name, value])),
})

const RULES = 'policy: { allow: { and: [{ groups: sre }] } }\n'
const POLICIES: Labels = {
  'web.yaml': `hosts: [web.example.com]\nowner: shop@example.com\n${RULES}`,
  'observed.yaml': `hosts: [observed.example.com]\nowner: shop@example.com\nmode: observe\nuntil: 2099-01-01\n${RULES}`,
  'cookies.yaml': `hosts: [cookies.example.com]\nowner: shop@example.com\nstripCookie: false\n${RULES}`,
  'large.yaml': `hosts: [large.example.com]\nowner: shop@example.com\nproxyBufferSize: 16k\n${RULES}`,
  'grafana.yaml': `hosts: [grafana.example.com]\nowner: shop@example.com\napp: grafana-proxy\n${RULES}`,
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vestibule-drift-'))
  mkdirSync(join(folder, 'policies'))
  for (const [name, text] of Object.entries(POLICIES))
    writeFileSync(join(folder, 'policies', name), text)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Finding = {
  readonly id: string
  readonly object: string
  readonly line: number
  readonly severity: string
}

const ask = async (objects: readonly object[], ...args: readonly string[]) => {
  const file = join(folder, 'cluster.yaml')
  writeFileSync(
    file,
    objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n'),
  )
  const { code, out } = await run([
    'migrate',
    'drift',
    file,
    '--public-url',
    GUARD.publicUrl,
    '--policies',
    join(folder, 'policies'),
    '--json',
    ...args,
  ])
  return { code, findings: (JSON.parse(out) as { readonly findings: readonly Finding[] }).findings }
}

/** Findings but for policies that this cluster does not serve. */
const idsOf = async (objects: readonly object[], ...args: readonly string[]) =>
  (await ask(objects, ...args)).findings
    .map(({ id }) => id)
    .filter((id) => id !== 'policy_without_ingress')

describe('migrate drift', () => {
  test('a cluster as it should be has none', async () => {
    const grafana = Object.fromEntries(
      guardAnnotations(GUARD, 'people', [
        'X-WEBAUTH-USER',
        'X-WEBAUTH-EMAIL',
        'X-WEBAUTH-GROUPS',
        COOKIE_HEADER,
      ]),
    )
    const { code, findings } = await ask([
      ingress('web', 'web.example.com'),
      ingress('grafana', 'grafana.example.com', grafana),
      ingress(
        'observed',
        'observed.example.com',
        changedBy({ 'whitelist-source-range': '10.0.0.0/8' }),
      ),
      ingress('auth', 'auth.example.com', {}),
      ingress(
        'cookies',
        'cookies.example.com',
        changedBy({ 'auth-response-headers': STANDARD_HEADERS.join(',') }),
      ),
      ingress('large', 'large.example.com', changedBy({ 'proxy-buffer-size': '1m' })),
    ])
    expect(findings).toEqual([])
    expect(code).toBe(0)
  })

  test.each<readonly [string, string, object]>([
    ['without auth-url', 'ingress_not_guarded', ingress('web', 'web.example.com', {})],
    [
      'with another service',
      'ingress_not_guarded',
      ingress('web', 'web.example.com', changedBy({ 'auth-url': 'http://other/oauth2/auth' })),
    ],
    [
      'with another query',
      'auth_url_changed',
      ingress(
        'web',
        'web.example.com',
        changedBy({ 'auth-url': `${GUARD.verifyOrigin}/verify?host=public.example.com` }),
      ),
    ],
    [
      'with another sign-in',
      'signin_changed',
      ingress('web', 'web.example.com', changedBy({ 'auth-signin': 'https://old.example.com' })),
    ],
    [
      'with a small buffer',
      'buffer_too_small',
      ingress('web', 'web.example.com', changedBy({ 'proxy-buffer-size': '1k' })),
    ],
    [
      'without a header',
      'header_not_listed',
      ingress(
        'web',
        'web.example.com',
        changedBy({ 'auth-response-headers': 'X-Auth-Request-User, cookie' }),
      ),
    ],
    [
      'that does not list Cookie',
      'session_cookie_passed',
      ingress(
        'web',
        'web.example.com',
        changedBy({ 'auth-response-headers': STANDARD_HEADERS.join(',') }),
      ),
    ],
    [
      'that takes the cookies which the policy leaves alone',
      'cookies_taken',
      ingress('cookies', 'cookies.example.com'),
    ],
    [
      'with a smaller buffer than its policy fills',
      'buffer_too_small',
      ingress('cookies', 'large.example.com'),
    ],
    ['without a header of its preset', 'header_not_listed', ingress('g', 'grafana.example.com')],
    [
      'with satisfy',
      'check_defeated',
      ingress('web', 'web.example.com', changedBy({ satisfy: 'any' })),
    ],
    [
      'with a cache',
      'check_defeated',
      ingress('web', 'web.example.com', changedBy({ 'auth-cache-key': 'x' })),
    ],
    [
      'with a snippet',
      'check_defeated',
      ingress('web', 'web.example.com', changedBy({ 'server-snippet': 'satisfy any;' })),
    ],
    ['of a host that nobody knows', 'host_without_policy', ingress('web', 'unknown.example.com')],
    [
      'with a rewritten path',
      'case_matters',
      ingress('web', 'web.example.com', changedBy({ 'use-regex': 'true' })),
    ],
    [
      'with another redirect',
      'redirect_overridden',
      ingress('web', 'web.example.com', changedBy({ 'auth-request-redirect': '/x' })),
    ],
    [
      'with the old list',
      'old_control_left',
      ingress('web', 'web.example.com', changedBy({ 'whitelist-source-range': '10.0.0.0/8' })),
    ],
    ['that is only observed', 'observed_without_control', ingress('o', 'observed.example.com')],
  ])('an Ingress %s: %s', async (_name, id, object) => {
    expect(await idsOf([object])).toEqual([id])
    expect((await ask([object])).code).toBe(1)
  })

  test('an Ingress of a guarded class has to ask, unless it is exempt', async () => {
    const open = ingress('open', 'open.example.com', {})
    expect(await idsOf([open])).toEqual([])
    expect(await idsOf([open], '--class', 'nginx')).toEqual(['ingress_not_guarded'])
    expect(await idsOf([open], '--class', 'nginx', '--except', 'shop/open')).toEqual([])
  })

  test('a second Ingress for the same Service is a side door', async () => {
    const door = ingress('door', 'door.example.com', {})
    expect(await idsOf([ingress('web', 'web.example.com'), door])).toEqual(['side_door'])
  })

  describe('where the ConfigMap of the controller lets every Ingress ask', () => {
    const settings = {
      'global-auth-url': GUARDED[`${PREFIX}auth-url`],
      'global-auth-signin': GUARDED[`${PREFIX}auth-signin`],
      'global-auth-response-headers': GUARDED[`${PREFIX}auth-response-headers`],
    }
    const controller = (data: object) => [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'c', namespace: 'ingress-nginx' },
        data,
      },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'c', namespace: 'ingress-nginx' },
        spec: {
          template: {
            spec: {
              containers: [
                {
                  image: 'registry.k8s.io/ingress-nginx/controller:v1.15.1',
                  args: ['--configmap=ingress-nginx/c'],
                },
              ],
            },
          },
        },
      },
    ]
    const plain = ingress('web', 'web.example.com', {})
    const off = { [`${PREFIX}enable-global-auth`]: 'false' }

    test.each<readonly [string, readonly object[], readonly string[]]>([
      ['an Ingress needs no annotations', [plain, ...controller(settings)], []],
      [
        'unless it opts out',
        [ingress('web', 'web.example.com', off), ...controller(settings)],
        ['ingress_not_guarded'],
      ],
      [
        'or defeats the check',
        [
          ingress('web', 'web.example.com', { [`${PREFIX}satisfy`]: 'any' }),
          ...controller(settings),
        ],
        ['check_defeated'],
      ],
      [
        'and the ConfigMap is judged in their place',
        [
          plain,
          ...controller({
            'global-auth-url': `${GUARD.verifyOrigin}/verify`,
            'global-auth-response-headers': 'X-Auth-Request-User',
          }),
        ],
        ['auth_url_changed', 'header_not_listed', 'session_cookie_passed'],
      ],
    ])('%s', async (_name, objects, expected) => {
      expect((await idsOf(objects)).toSorted()).toEqual(expected)
    })
  })

  test('so is another Service for the same pods, behind an Ingress or open to the network', async () => {
    const serviceOf = (name: string, type: string) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'shop' },
      spec: { type, selector: { app: 'web' }, ports: [{ port: 80 }] },
    })
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } },
      spec: { containers: [] },
    }
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'p', namespace: 'shop' },
      spec: { podSelector: {} },
    }
    const guarded = [ingress('web', 'web.example.com'), serviceOf('web', 'ClusterIP'), pod, policy]
    const door = JSON.parse(
      JSON.stringify(ingress('door', 'door.example.com', {})).replace('"web"', '"copy"'),
    ) as object
    const copy = serviceOf('copy', 'ClusterIP')
    const debug = serviceOf('debug', 'NodePort')
    expect(await idsOf([...guarded, copy])).toEqual([])
    expect(await idsOf([...guarded, copy, door])).toEqual(['side_door'])
    expect(await idsOf([...guarded, debug])).toEqual(['side_door'])
    expect(await idsOf([...guarded, debug], '--except', 'shop/debug')).toEqual([])
  })

  test('pods that no NetworkPolicy covers are open, and those that one covers are not', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    }
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } },
      spec: { containers: [] },
    }
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'p', namespace: 'shop' },
      spec: { podSelector: {} },
    }
    const open = [ingress('web', 'web.example.com'), service, pod]
    expect(await idsOf(open)).toEqual(['back_end_open'])
    expect(await idsOf([...open, policy])).toEqual([])
  })

  test('a policy that no Ingress serves', async () => {
    const { findings } = await ask([ingress('web', 'web.example.com')])
    expect(findings.map(({ id, object, line }) => [id, object.replace(/.*\//, ''), line])).toEqual([
      ['policy_without_ingress', 'cookies.yaml', 1],
      ['policy_without_ingress', 'grafana.yaml', 1],
      ['policy_without_ingress', 'large.yaml', 1],
      ['policy_without_ingress', 'observed.yaml', 1],
    ])
  })

  test('says where: the line of the annotation', async () => {
    const { findings } = await ask([
      ingress('web', 'web.example.com', { 'a.example/b': 'c', ...changedBy({ satisfy: 'any' }) }),
    ])
    const found = findings.find(({ id }) => id === 'check_defeated')
    expect([found?.object, found?.line]).toEqual(['Ingress shop/web', 12])
  })
})
