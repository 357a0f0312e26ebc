import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse, parseAllDocuments } from 'yaml'
import { PREFIX } from '../../src/migrate/ingress/annotation-rules.ts'
import { type Ran, run } from '../commands/policy-lint-support.ts'

const INGRESSES = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: grafana
  namespace: monitoring
  labels: { app: grafana }
  annotations:
    ${PREFIX}whitelist-source-range: 10.8.0.0/16
    ${PREFIX}auth-type: basic
    ${PREFIX}auth-secret: grafana-htpasswd
    ${PREFIX}satisfy: any
    meta.helm.sh/release-name: grafana
    other.example/kept: "yes"
spec:
  ingressClassName: nginx
  tls: [{ hosts: [grafana.example.com], secretName: grafana-tls }]
  rules:
    - host: grafana.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: { service: { name: grafana, port: { number: 80 } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: wiki
  namespace: docs
spec:
  ingressClassName: nginx
  rules:
    - host: wiki.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: { service: { name: wiki, port: { name: http } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: passthrough
  namespace: docs
  annotations:
    ${PREFIX}ssl-passthrough: "true"
spec:
  ingressClassName: nginx
  rules: [{ host: raw.example.com, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: raw, port: { number: 443 } } } }] } }]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: wiki-canary
  namespace: docs
  annotations:
    ${PREFIX}canary: "true"
spec:
  ingressClassName: nginx
  rules: [{ host: wiki.example.com, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: wiki2, port: { number: 80 } } } }] } }]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: vestibule-public, namespace: vestibule }
spec:
  ingressClassName: nginx
  rules: [{ host: auth.example.com, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: vestibule-public, port: { number: 8081 } } } }] } }]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: traefik }
spec: { controller: traefik.io/ingress-controller }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: elsewhere, namespace: docs }
spec:
  ingressClassName: traefik
  rules: [{ host: t.example.com, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: t, port: { number: 80 } } } }] } }]
`

type Stored = {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly annotations?: Readonly<Record<string, string>>
  }
}

let folder = ''
let file = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vestibule-ingress-'))
  file = join(folder, 'cluster.yaml')
  writeFileSync(file, INGRESSES)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const plan = (...args: readonly string[]): Promise<Ran> =>
  run(['migrate', 'ingress', file, '--public-url', 'https://auth.example.com', ...args])

/** What kustomize makes of the manifests with a component. */
const kustomized = (manifests: string, component: string): readonly Stored[] => {
  const overlay = mkdtempSync(join(folder, 'overlay-'))
  writeFileSync(join(overlay, 'cluster.yaml'), manifests)
  const name = component.replace(`${folder}/`, '../')
  writeFileSync(
    join(overlay, 'kustomization.yaml'),
    `resources: [cluster.yaml]\ncomponents: [${name}]\n`,
  )
  const out = execFileSync('kubectl', ['kustomize', overlay], { encoding: 'utf8' })
  return parseAllDocuments(out).map((document) => document.toJS() as Stored)
}

const ingressNamed = (objects: readonly Stored[], name: string): Stored | undefined =>
  objects.find((object) => object.kind === 'Ingress' && object.metadata.name === name)

describe('migrate ingress', () => {
  test('says what comes and goes, and why', async () => {
    const { code, out } = await plan('--ingress', 'monitoring/grafana')
    expect(code).toBe(0)
    expect(out).toContain(`Ingress monitoring/grafana (grafana.example.com)  ${file}:1`)
    expect(out).toContain(`  - ${PREFIX}satisfy: "any"`)
    expect(out).toContain(`  - ${PREFIX}whitelist-source-range: "10.8.0.0/16"`)
    expect(out).toContain(`  + ${PREFIX}auth-signin: "https://auth.example.com/oauth2/start"`)
    expect(out).toContain('Helm made it (release grafana)')
    expect(out).not.toContain('other.example/kept')
  })

  test('leaves out what must not be guarded, and fails for what cannot be', async () => {
    const { code, out } = await plan()
    expect(code).toBe(1)
    expect(out).toContain('cannot be guarded: ssl-passthrough')
    expect(out).toContain('Left out: docs/wiki-canary is a canary')
    expect(out).toContain('Left out: vestibule/vestibule-public leads to the pages of Vestibule')
    expect(out).toContain('Left out: docs/elsewhere is served by traefik.io/ingress-controller')
  })

  test('an ingress-nginx of another class knows the annotations, unless it reads others', async () => {
    const internal = (name: string, ...more: readonly string[]): string =>
      [
        { kind: 'IngressClass', metadata: { name }, spec: { controller: `example.com/${name}` } },
        {
          kind: 'Ingress',
          metadata: { name, namespace: 'docs' },
          spec: { ingressClassName: name, rules: [{ host: `${name}.example.com` }] },
        },
      ]
        .map((object) => JSON.stringify({ apiVersion: 'networking.k8s.io/v1', ...object }))
        .concat(
          JSON.stringify({
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            metadata: { name, namespace: name },
            spec: {
              template: {
                spec: {
                  containers: [
                    {
                      image: 'example.com/ingress-nginx/controller:v1.15.1',
                      args: [`--controller-class=example.com/${name}`, ...more],
                    },
                  ],
                },
              },
            },
          }),
        )
        .join('\n---\n')
    const cluster = join(folder, 'classes.yaml')
    const other = internal('other', '--annotations-prefix=nginx.example.com')
    writeFileSync(cluster, `${internal('inside')}\n---\n${other}`)
    const words = ['migrate', 'ingress', cluster, '--public-url', 'https://auth.example.com']
    const { out } = await run(words)
    expect(out).toContain('Ingress docs/inside (inside.example.com)')
    expect(out).toContain(
      'Left out: docs/other is served by a controller that reads annotations of nginx.example.com',
    )
  })

  test('a snippet is not shown, since it may hold a secret; the way back has it', async () => {
    const cluster = join(folder, 'snippet.yaml')
    const name = `${PREFIX}configuration-snippet`
    const snippet = 'deny all;\nproxy_set_header Authorization "Basic c2VjcmV0";'
    const metadata = { name: 'x', annotations: { [name]: snippet } }
    const spec = { rules: [{ host: 'x.example.com' }] }
    const object = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata, spec }
    writeFileSync(cluster, JSON.stringify(object))
    const words = ['migrate', 'ingress', cluster, '--public-url', 'https://auth.example.com']
    expect((await run(words)).out).toContain(`  - ${name}: 2 lines, which are not shown here`)
    expect((await run(words)).out).not.toContain('c2VjcmV0')
    expect((await run([...words, '--format', 'merge', '--rollback'])).out).toContain('c2VjcmV0')
  })

  test('observe keeps the address list and the password, but not satisfy', async () => {
    const { out } = await plan('--stage', 'observe', '--ingress', 'monitoring/grafana')
    expect(out).toContain(`  - ${PREFIX}satisfy`)
    expect(out).not.toContain(`  - ${PREFIX}auth-type`)
    expect(out).toContain('people need the address and the password')
  })

  test('the component guards, the rollback makes everything as it was', async () => {
    const out = join(folder, 'out')
    expect(
      (await plan('--out', out, '--app', 'prometheus-gate', '--namespace', 'monitoring')).code,
    ).toBe(0)
    const guarded = kustomized(INGRESSES, `${folder}/out/component`)
    const annotations = ingressNamed(guarded, 'grafana')?.metadata.annotations ?? {}
    expect(Object.keys(annotations).toSorted()).toEqual([
      'meta.helm.sh/release-name',
      `${PREFIX}auth-response-headers`,
      `${PREFIX}auth-signin`,
      `${PREFIX}auth-url`,
      `${PREFIX}proxy-buffer-size`,
      'other.example/kept',
    ])
    const manifests = guarded.map((object) => JSON.stringify(object)).join('\n---\n')
    const back = kustomized(manifests, `${folder}/out/rollback`)
    const original = parse(INGRESSES.split('---')[0] ?? '') as Stored
    expect(ingressNamed(back, 'grafana')).toEqual(original)
  })

  test('an Ingress without annotations gets them, and loses them again', async () => {
    const out = join(folder, 'wiki')
    await plan('--out', out, '--ingress', 'docs/wiki')
    const guarded = kustomized(INGRESSES, `${folder}/wiki/component`)
    expect(ingressNamed(guarded, 'wiki')?.metadata.annotations).toBeDefined()
    const manifests = guarded.map((object) => JSON.stringify(object)).join('\n---\n')
    const back = ingressNamed(kustomized(manifests, `${folder}/wiki/rollback`), 'wiki')
    expect(back?.metadata.annotations ?? {}).toEqual({})
  })

  test('programs get a twin without sign-in, beside the back end that serves them', async () => {
    const { out } = await plan(
      '--ingress',
      'monitoring/grafana',
      '--app',
      'grafana-proxy',
      '--json',
    )
    const [ingress] = (JSON.parse(out) as { ingresses: readonly { twins: readonly Stored[] }[] })
      .ingresses
    const [twin] = ingress?.twins ?? []
    expect(twin?.metadata.annotations?.[`${PREFIX}auth-signin`]).toBeUndefined()
    // A client must not be able to say who it is by calling the paths of programs.
    expect(twin?.metadata.annotations?.[`${PREFIX}auth-response-headers`]).toContain(
      'X-WEBAUTH-USER',
    )
    expect(twin?.metadata.annotations?.[`${PREFIX}auth-url`]).toContain('/verify?host=$host')
    expect(twin).toMatchObject({
      metadata: { name: 'grafana-own-tokens', namespace: 'monitoring' },
      spec: {
        ingressClassName: 'nginx',
        tls: [{ hosts: ['grafana.example.com'], secretName: 'grafana-tls' }],
        rules: [
          {
            host: 'grafana.example.com',
            http: {
              paths: [
                {
                  path: '/api',
                  pathType: 'Prefix',
                  backend: { service: { name: 'grafana', port: { number: 80 } } },
                },
              ],
            },
          },
        ],
      },
    })
  })

  const policies = (): string => join(folder, 'policies')

  const writePolicy = (more: string): void => {
    mkdirSync(policies(), { recursive: true })
    writeFileSync(
      join(policies(), 'grafana.yaml'),
      `hosts: ["*.example.com"]\nowner: sre@example.com\n${more}policy: { allow: { and: [{ groups: sre }] } }\n`,
    )
  }

  test('the preset comes from the policy of the host', async () => {
    writePolicy('app: gitea\n')
    const { out } = await plan('--policies', policies(), '--ingress', 'docs/wiki')
    expect(out).toContain('X-WEBAUTH-EMAIL')
  })

  test.each([
    ['', true],
    ['stripCookie: false\n', false],
  ])('the policy says whether Cookie is listed: %j', async (line, isListed) => {
    writePolicy(`app: gitea\n${line}`)
    const { out } = await plan('--policies', policies(), '--ingress', 'docs/wiki')
    expect(/X-WEBAUTH-EMAIL,Cookie\b/.test(out)).toBe(isListed)
    expect(out).toContain('X-WEBAUTH-EMAIL')
  })

  test.each([
    [['--public-url', 'auth.example.com'], '--public-url'],
    [['--ingress', 'monitoring/none'], 'no Ingress of these was found'],
    [['--app', 'none'], 'is no preset'],
    [['--stage', 'later'], '--stage is observe or enforce'],
    [['--format', 'xml'], '--format is'],
    [['--config', '/nowhere.yaml'], 'does not exist'],
  ])('%j cannot run: %s', async (args, problem) => {
    const { code, err } = await plan(...args)
    expect(code).toBe(2)
    expect(err).toContain(problem)
  })
})
