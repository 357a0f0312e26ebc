import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { run } from '../commands/policy-lint-support.ts'

type Labels = Readonly<Record<string, string>>

const namespace = (name: string, labels: Labels = {}) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
})

type PodSpec = { readonly hostNetwork?: boolean; readonly ports?: readonly unknown[] }

const deployment = (
  place: string,
  labels: Labels,
  { hostNetwork = false, ports = [] }: PodSpec = {},
  annotations: Labels = {},
) => {
  const [space = '', name = ''] = place.split('/')
  const containers = [{ name, image: `example/${name}:1`, ports }]
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: space },
    spec: { template: { metadata: { labels, annotations }, spec: { hostNetwork, containers } } },
  }
}

const CONTROLLER = {
  'app.kubernetes.io/name': 'ingress-nginx',
  'app.kubernetes.io/component': 'controller',
}
const WEB_PORTS = [
  { name: 'http', containerPort: 3000 },
  { name: 'metrics', containerPort: 9100 },
]

const ingress = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    rules: [
      {
        host: 'web.example.com',
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
  },
}

const service = (targetPort: number | string = 'http', more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort }], ...more },
})

const CLUSTER = [
  namespace('shop'),
  namespace('ingress-nginx'),
  namespace('monitoring'),
  namespace('sandbox'),
  ingress,
  service(),
  deployment(
    'shop/web',
    { app: 'web' },
    { ports: WEB_PORTS },
    { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9100' },
  ),
  deployment('shop/worker', { app: 'worker' }),
  deployment('ingress-nginx/controller', CONTROLLER),
  deployment('monitoring/prometheus', { 'app.kubernetes.io/name': 'prometheus' }),
  // Labelled as the controller is, where anybody may create pods.
  deployment('sandbox/impostor', CONTROLLER),
]

const policy = (name: string, spec: object) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'shop' },
  spec,
})

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vestibule-network-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Access = {
  readonly namespace: string
  readonly ports: readonly string[]
  readonly purpose?: string
}
type Report = {
  readonly ok: boolean
  readonly backEnds: readonly {
    readonly before: readonly Access[]
    readonly after: readonly Access[]
  }[]
  readonly findings: readonly {
    readonly id: string
    readonly severity: string
    readonly problem: string
  }[]
}

const ask = async (objects: readonly object[], ...args: readonly string[]) => {
  const file = join(folder, 'cluster.yaml')
  writeFileSync(
    file,
    objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n'),
  )
  const { code, out } = await run(['migrate', 'networkpolicy', file, '--json', ...args])
  return { code, report: JSON.parse(out) as Report }
}

const namesOf = (accesses: readonly Access[] | undefined): readonly string[] =>
  (accesses ?? []).map((each) => `${each.namespace} ${each.ports.join()} ${each.purpose ?? '-'}`)

describe('migrate networkpolicy', () => {
  test('closes a back end to all but the controller and Prometheus, and proves it', async () => {
    const { code, report } = await ask(CLUSTER)
    expect(code).toBe(0)
    expect(namesOf(report.backEnds[0]?.before)).toEqual([
      'shop 3000,9100 -',
      'ingress-nginx 3000,9100 -',
      'monitoring 3000,9100 -',
      'sandbox 3000,9100 -',
    ])
    expect(namesOf(report.backEnds[0]?.after)).toEqual([
      'ingress-nginx 3000 controller',
      'monitoring 9100 monitoring',
    ])
  })

  test('a class with a controller of its own is reached by that one, and so is a canary', async () => {
    const labels = { app: 'internal-ingress' }
    const image = 'registry.k8s.io/ingress-nginx/controller:v1.15.1'
    const args = ['--controller-class=example.com/internal', '--ingress-class=internal']
    const { code, report } = await ask([
      ...CLUSTER.filter((object) => object !== ingress),
      namespace('internal'),
      {
        ...ingress,
        metadata: {
          ...ingress.metadata,
          annotations: { 'nginx.ingress.kubernetes.io/canary': 'true' },
        },
        spec: { ...ingress.spec, ingressClassName: 'internal' },
      },
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IngressClass',
        metadata: { name: 'internal' },
        spec: { controller: 'example.com/internal' },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'controller', namespace: 'internal' },
        spec: {
          template: { metadata: { labels }, spec: { containers: [{ name: 'c', image, args }] } },
        },
      },
    ])
    expect(code).toBe(0)
    expect(namesOf(report.backEnds[0]?.after)).toEqual([
      'monitoring 9100 monitoring',
      'internal 3000 controller',
    ])
  })

  test('names an older policy that lets in more, with its file, line and rule', async () => {
    const old = policy('allow-all', {
      podSelector: {},
      ingress: [{ from: [{ podSelector: {} }] }, {}],
    })
    const { code, report } = await ask([...CLUSTER, old])
    expect(code).toBe(1)
    const problems = report.findings.map(({ problem }) => problem)
    expect(problems[0]).toContain(
      'shop/web can still be reached by shop/deployment/worker on 3000, 9100',
    )
    expect(problems[0]).toMatch(/rule 1 of shop\/allow-all \(.*cluster\.yaml:\d+\), rule 2 of/)
    expect(problems.at(-1)).toContain('can still be reached from everywhere, by rule 2')
  })

  test('a port that is planned for one caller does not excuse another port', async () => {
    const old = policy('metrics', {
      podSelector: { matchLabels: { app: 'web' } },
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } },
          ],
        },
      ],
    })
    const { report } = await ask([...CLUSTER, old])
    expect(report.findings.map(({ problem }) => problem)).toEqual([
      expect.stringContaining('monitoring/deployment/prometheus on 3000'),
    ])
  })

  test('an older default-deny changes nothing, and neither does the policy itself on a second run', async () => {
    const deny = policy('default-deny', { podSelector: {}, policyTypes: ['Ingress'] })
    const broad = policy('web-only-from-controller', { podSelector: {}, ingress: [{}] })
    expect((await ask([...CLUSTER, deny, broad])).code).toBe(0)
  })

  test.each([
    [
      'a controller that is not there',
      'controller_not_found',
      CLUSTER.filter((object) => object.metadata.name !== 'controller'),
    ],
    [
      'a controller on the network of its node',
      'controller_on_host_network',
      [...CLUSTER, deployment('ingress-nginx/controller-2', CONTROLLER, { hostNetwork: true })],
    ],
    [
      'a back end on the network of its node',
      'back_end_on_host_network',
      [
        ...CLUSTER,
        deployment('shop/web-2', { app: 'web' }, { hostNetwork: true, ports: WEB_PORTS }),
      ],
    ],
    [
      'a port name that no container has',
      'port_name_unknown',
      CLUSTER.map((object) => (object.kind === 'Service' ? service('web') : object)),
    ],
    [
      'a Service without pods',
      'no_pods',
      CLUSTER.filter((object) => object.metadata.name !== 'web' || object.kind !== 'Deployment'),
    ],
    [
      'a Service without a selector',
      'no_policy_possible',
      CLUSTER.map((object) => (object.kind === 'Service' ? service(80, { selector: {} }) : object)),
    ],
    [
      'labels of namespaces that were not read',
      'namespaces_unread',
      [
        ...CLUSTER.filter(({ kind }) => kind !== 'Namespace'),
        policy('by-team', {
          podSelector: {},
          ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'x' } } }] }],
        }),
      ],
    ],
  ])('%s: %s', async (_name, id, objects) => {
    const { code, report } = await ask(objects)
    expect(code).toBe(1)
    expect(report.findings.map((finding) => finding.id)).toContain(id)
  })

  test('a monitor says which port is scraped', async () => {
    const monitor = {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PodMonitor',
      metadata: { name: 'web', namespace: 'monitoring' },
      spec: {
        namespaceSelector: { any: true },
        selector: { matchLabels: { app: 'web' } },
        podMetricsEndpoints: [{ port: 'metrics' }],
      },
    }
    const plain = CLUSTER.map((object) =>
      object.metadata.name === 'web' && object.kind === 'Deployment'
        ? deployment('shop/web', { app: 'web' }, { ports: WEB_PORTS })
        : object,
    )
    expect(namesOf((await ask(plain)).report.backEnds[0]?.after)).toEqual([
      'ingress-nginx 3000 controller',
    ])
    expect(namesOf((await ask([...plain, monitor])).report.backEnds[0]?.after)).toEqual([
      'ingress-nginx 3000 controller',
      'monitoring 9100 monitoring',
    ])
  })

  test('parts of one application reach each other where a label says so', async () => {
    const app = { 'app.kubernetes.io/instance': 'shop' }
    const parts = [
      ...CLUSTER.filter(({ kind }) => kind !== 'Deployment'),
      deployment('shop/web', { app: 'web', ...app }, { ports: WEB_PORTS }),
      deployment('shop/worker', { app: 'worker', ...app }),
      deployment('shop/other', { app: 'other' }),
      deployment('ingress-nginx/controller', CONTROLLER),
    ]
    const { code, report } = await ask(parts, '--same-app', 'app.kubernetes.io/instance')
    expect(code).toBe(0)
    expect(namesOf(report.backEnds[0]?.after)).toEqual([
      'shop 3000,9100 same_app',
      'ingress-nginx 3000 controller',
    ])
  })

  test('writes what kubectl takes, with namespace and pods in one element', async () => {
    const out = join(folder, 'policies')
    await ask(CLUSTER, '--out', out)
    expect(readdirSync(out)).toEqual(['shop.web-only-from-controller.yaml'])
    writeFileSync(
      join(out, 'kustomization.yaml'),
      'resources: [shop.web-only-from-controller.yaml]\n',
    )
    expect(execFileSync('kubectl', ['kustomize', out], { encoding: 'utf8' })).toContain(
      'NetworkPolicy',
    )
    const written = parse(
      readFileSync(join(out, 'shop.web-only-from-controller.yaml'), 'utf8'),
    ) as {
      readonly spec: { readonly ingress: readonly { readonly from: readonly object[] }[] }
    }
    expect(written.spec.ingress[0]).toEqual({
      from: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } },
          podSelector: { matchLabels: CONTROLLER },
        },
      ],
      ports: [{ protocol: 'TCP', port: 'http' }],
    })
  })

  test.each(['ingress-nginx', 'ingress-nginx/', '/a=b', 'ingress-nginx/a', 'a/b=c,'])(
    '--controller %s would be too wide, and is refused',
    async (written) => {
      writeFileSync(join(folder, 'one.yaml'), stringify(ingress))
      const { code } = await run([
        'migrate',
        'networkpolicy',
        join(folder, 'one.yaml'),
        '--controller',
        written,
      ])
      expect(code).toBe(2)
    },
  )
})
