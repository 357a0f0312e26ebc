import { describe, expect, test } from '@jest/globals'
import { allOf, type Ingress, parseManifests, readText } from './manifests.ts'
import { type Labels } from './network-policy.ts'

const PREFIX = 'nginx.ingress.kubernetes.io/'

const EXAMPLE = readText('k8s/examples/grafana-ingress.yaml')
/** The optional parts are comments that have to work once the `# ` is gone. */
const EXAMPLE_WITH_OPTIONS = EXAMPLE.replaceAll(
  /^( *)# (nginx\.ingress\.kubernetes\.io\/)/gm,
  '$1$2',
)
const PROTECTED_INGRESSES = allOf(parseManifests(EXAMPLE), 'Ingress')

const annotationsOf = ({ metadata }: Ingress): Labels =>
  Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).map(([name, value]) => [
      name.slice(PREFIX.length),
      value,
    ]),
  )

/**
 * What ingress-nginx accepts (`internal/ingress/annotations`). Of the two alphabets that its versions
 * have for URLs this is the smaller one.
 */
const URL_WITH_VARIABLES = /^[-._~a-zA-Z0-9/:?&=$]*$/
const VALIDATORS = new Map([
  ['auth-url', URL_WITH_VARIABLES],
  ['auth-signin', URL_WITH_VARIABLES],
  ['auth-response-headers', /^[A-Za-z0-9-_, ]*$/],
  ['proxy-buffer-size', /^\d+[bkmg]?$/i],
  ['custom-http-errors', /^(?:[45]\d{2},?)*$/],
  ['default-backend', /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/],
  ['enable-global-auth', /^(?:true|false)$/],
])

const AUTH_URL =
  'http://vestibule.vestibule.svc.cluster.local:8080/verify?host=$host&ns=$namespace&ing=$ingress_name&svc=$service_name&lp=$location_path'
const IDENTITY_HEADERS = [
  'X-Auth-Request-User',
  'X-Auth-Request-Email',
  'X-Auth-Request-Preferred-Username',
  'X-Auth-Request-Groups',
  'X-Auth-Request-Actor',
  'X-Vestibule-Assertion',
]

describe('every annotation in the manifests and the guide', () => {
  test.each([
    ['k8s/examples/grafana-ingress.yaml', EXAMPLE_WITH_OPTIONS],
    ['k8s/common/public-ingress.yaml', readText('k8s/common/public-ingress.yaml')],
    ...yamlBlocks(readText('docs/protect-an-ingress.md')).map(
      (block, index) => [`docs/protect-an-ingress.md, block ${index + 1}`, block] as const,
    ),
  ])('is one that the controller accepts: %s', (_file, text) => {
    const found = [...text.matchAll(/nginx\.ingress\.kubernetes\.io\/([a-z-]+): "([^"]*)"/g)]
    const refused = found.filter(
      ([, name = '', value = '']) => VALIDATORS.get(name)?.test(value) !== true,
    )
    expect(refused.map(([line]) => line)).toEqual([])
    expect(text.match(/nginx\.ingress\.kubernetes\.io\//g) ?? []).toHaveLength(found.length)
  })

  test('is the same in the guide as in the example', () => {
    const example = new Set(
      [...EXAMPLE_WITH_OPTIONS.matchAll(/^ +(nginx\.ingress[^\n]+)$/gm)].map(([, line]) => line),
    )
    const guide = [
      ...yamlBlocks(readText('docs/protect-an-ingress.md'))
        .join('\n')
        .matchAll(/^ +(nginx\.ingress[^\n]+)$/gm),
    ].map(([, line]) => line)
    expect(guide).not.toEqual([])
    expect(guide.filter((line) => !example.has(line))).toEqual([])
  })
})

describe('k8s/examples/grafana-ingress.yaml', () => {
  test('is YAML with its options and with the objects that they need', () => {
    const all = EXAMPLE_WITH_OPTIONS.replace(/^# ---[\s\S]*$/m, (tail) =>
      tail.replaceAll(/^# ?/gm, ''),
    )
    const manifests = parseManifests(all)
    expect(manifests.map(({ kind }) => kind)).toEqual([
      'Ingress',
      'Ingress',
      'Service',
      'EndpointSlice',
    ])
    const [ingress, , service, slice] = manifests
    // The controller looks for the Service in the namespace of the Ingress only.
    expect(service?.metadata.name).toBe(ingress?.metadata.annotations?.[`${PREFIX}default-backend`])
    expect(service?.metadata.namespace).toBe(ingress?.metadata.namespace)
    expect(slice?.metadata.labels).toEqual({
      'kubernetes.io/service-name': service?.metadata.name,
    })
  })

  test.each(PROTECTED_INGRESSES.map((ingress) => [ingress.metadata.name, ingress] as const))(
    'asks about the routed host and lists every identity header, and Cookie: %s',
    (_name, ingress) => {
      const annotations = annotationsOf(ingress)
      expect(annotations['auth-url']).toBe(AUTH_URL)
      expect(annotations['auth-response-headers']?.split(',')).toEqual([
        ...IDENTITY_HEADERS,
        'Cookie',
      ])
      expect(Number.parseInt(annotations['proxy-buffer-size'] ?? '', 10)).toBeGreaterThanOrEqual(4)
      expect(annotations['proxy-buffer-size']).toMatch(/k$/)
    },
  )

  test('redirects people, and never programs', () => {
    const signIn = PROTECTED_INGRESSES.map((ingress) => [
      ingress.spec.rules.flatMap(({ http }) => http.paths.map(({ path }) => path)).join(','),
      annotationsOf(ingress)['auth-signin'],
    ])
    expect(signIn).toEqual([
      ['/', 'https://auth.example.com/oauth2/start'],
      ['/api', undefined],
    ])
  })

  test('uses no annotation that weakens the check', () => {
    const names = PROTECTED_INGRESSES.flatMap((ingress) => Object.keys(annotationsOf(ingress)))
    expect(
      names.filter((name) => /^auth-(cache|keepalive|method)|snippet$|^satisfy$/.test(name)),
    ).toEqual([])
  })
})

function yamlBlocks(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
}
