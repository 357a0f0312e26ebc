import { describe, expect, test } from '@jest/globals'
import { CONFIG_SCHEMA } from '../../src/edge/config/schema.ts'
import { allOf, oneOf, parseManifests, parseYaml, readText, render } from './manifests.ts'
import { isAllowed, type NetworkPolicy, type Outside, type Pod } from './network-policy.ts'

const RENDERED = { base: render('k8s/base'), single: render('k8s/single') } as const
const BOTH = ['base', 'single'] as const

const deploymentOf = (name: (typeof BOTH)[number]) =>
  oneOf(RENDERED[name], 'Deployment', 'vestibule')
const podOf = (name: (typeof BOTH)[number]) => deploymentOf(name).spec.template.spec
const containerOf = (name: (typeof BOTH)[number]) => podOf(name).containers[0]!
const configOf = (name: (typeof BOTH)[number]) =>
  parseYaml(oneOf(RENDERED[name], 'ConfigMap', 'vestibule-config').data['vestibule.yaml'] ?? '')

const NAMESPACE_LABEL = 'kubernetes.io/metadata.name'
const CONTROLLER_LABELS = {
  'app.kubernetes.io/name': 'ingress-nginx',
  'app.kubernetes.io/component': 'controller',
  'pod-template-hash': '6d4f8c9b7',
}
const vestibule: Pod = { namespace: 'vestibule', labels: { 'app.kubernetes.io/name': 'vestibule' } }
const controller: Pod = { namespace: 'ingress-nginx', labels: CONTROLLER_LABELS }
const impostor: Pod = { namespace: 'default', labels: CONTROLLER_LABELS }
const neighbour: Pod = { namespace: 'vestibule', labels: CONTROLLER_LABELS }
const bystander: Pod = { namespace: 'ingress-nginx', labels: { app: 'anything' } }
const stranger: Pod = { namespace: 'default', labels: { app: 'anything' } }
const prometheus: Pod = {
  namespace: 'monitoring',
  labels: { 'app.kubernetes.io/name': 'prometheus' },
}
const grafana: Pod = { namespace: 'monitoring', labels: { 'app.kubernetes.io/name': 'grafana' } }
const redis: Pod = { namespace: 'vestibule', labels: { 'app.kubernetes.io/name': 'redis' } }
const dns: Pod = { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } }
const internet: Outside = { ip: '203.0.113.7' }
const internet6: Outside = { ip: '2001:db8::7' }
const metadataService: Outside = { ip: '169.254.169.254' }

describe.each(BOTH)('k8s/%s', (name) => {
  test('runs as a numbered user who is not root, and may write nowhere', () => {
    const pod = podOf(name)
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(pod.securityContext.runAsUser).toBeGreaterThan(0)
    expect(pod.containers).toHaveLength(1)
    expect(containerOf(name).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(containerOf(name).volumeMounts.every(({ readOnly }) => readOnly)).toBe(true)
  })

  test('gives the pod no token of the Kubernetes API', () => {
    expect(podOf(name).automountServiceAccountToken).toBe(false)
    const account = oneOf(RENDERED[name], 'ServiceAccount', 'vestibule')
    expect(account.automountServiceAccountToken).toBe(false)
    expect(RENDERED[name].filter(({ kind }) => /Role/.test(kind))).toEqual([])
  })

  test('keeps the service variables of Kubernetes out, which would be unknown VESTIBULE_* ones', () => {
    expect(podOf(name).enableServiceLinks).toBe(false)
    const names = containerOf(name).env.map((variable) => variable.name)
    expect(names.filter((each) => !/^VESTIBULE_(CONFIG|SESSION_STORE)$/.test(each))).toEqual([])
  })

  test('holds no secret value', () => {
    expect(RENDERED[name].filter(({ kind }) => kind === 'Secret')).toEqual([])
    const values = containerOf(name).env.flatMap(({ value }) => value ?? [])
    expect(values).toEqual(['/etc/vestibule/vestibule.yaml'])
    const text = JSON.stringify(RENDERED[name])
    expect(text).not.toMatch(/PRIVATE KEY|"clientSecret"|:\/\/[^/\s"]*@/)
  })

  test('probes the ops listener, and does not leave service when only Redis is away', () => {
    const { startupProbe, readinessProbe, livenessProbe } = containerOf(name)
    expect(startupProbe.httpGet).toEqual({ path: '/readyz', port: 'ops' })
    expect(readinessProbe.httpGet).toEqual({ path: '/readyz?exclude=session-store', port: 'ops' })
    expect(livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'ops' })
  })

  test.each([
    ['vestibule', 'verify', 8080],
    ['vestibule-public', 'public', 8081],
    ['vestibule-ops', 'ops', 9090],
  ] as const)('has the Service %s for the listener %s on %i, and nothing else in it', (...row) => {
    const [serviceName, port, number] = row
    const { spec } = oneOf(RENDERED[name], 'Service', serviceName)
    expect(spec.type).toBe('ClusterIP')
    expect(spec.ports).toEqual([{ name: port, port: number, targetPort: port, protocol: 'TCP' }])
    expect(deploymentOf(name).spec.template.metadata.labels).toMatchObject(spec.selector)
    expect(containerOf(name).ports).toContainEqual({ name: port, containerPort: number })
    expect(configOf(name)).toMatchObject({ listen: { [port]: `0.0.0.0:${number}` } })
    expect(allOf(RENDERED[name], 'Service')).toHaveLength(3)
  })

  test('routes from outside to the public listener only', () => {
    const ingresses = allOf(RENDERED[name], 'Ingress')
    const rules = ingresses.flatMap(({ spec }) => spec.rules)
    expect(rules.map(({ host }) => host)).toEqual(['auth.example.com'])
    expect(rules.flatMap(({ http }) => http.paths.map(({ path }) => path))).toEqual([
      '/oauth2',
      '/.well-known',
      '/',
    ])
    const backends = rules.flatMap(({ http }) => http.paths.map(({ backend }) => backend.service))
    expect(new Set(backends.map((each) => JSON.stringify(each)))).toEqual(
      new Set([JSON.stringify({ name: 'vestibule-public', port: { name: 'public' } })]),
    )
  })

  test.each([
    ['the controller reaches verify', controller, 8080, true],
    ['the controller reaches public', controller, 8081, true],
    ['the controller does not reach ops', controller, 9090, false],
    ['another pod of the controller namespace does not reach verify', bystander, 8080, false],
    ['the controller labels in another namespace do not reach verify', impostor, 8080, false],
    ['nor do they in the namespace of Vestibule', neighbour, 8080, false],
    ['a random pod does not reach verify', stranger, 8080, false],
    ['nor public', stranger, 8081, false],
    ['nor ops', stranger, 9090, false],
    ['one replica does not reach the other', vestibule, 8080, false],
    ['Prometheus reaches ops', prometheus, 9090, true],
    ['Prometheus does not reach verify', prometheus, 8080, false],
    ['a protected application does not reach ops', grafana, 9090, false],
    ['an address outside the cluster does not reach verify', internet, 8080, false],
  ] as const)('%s', (_sentence, from, port, allowed) => {
    const policies = allOf(RENDERED[name], 'NetworkPolicy')
    expect(isAllowed(policies, { from, to: vestibule, port })).toBe(allowed)
  })

  test.each([
    ['DNS', dns, 53, 'UDP', true],
    ['the identity provider', internet, 443, 'TCP', true],
    ['the identity provider over IPv6', internet6, 443, 'TCP', true],
    ['the metadata service of a cloud', metadataService, 443, 'TCP', false],
    ['anything else outside', internet, 80, 'TCP', false],
    ['other pods', stranger, 443, 'TCP', false],
  ] as const)('lets Vestibule call %s or not', (_what, to, port, protocol, allowed) => {
    const policies = allOf(RENDERED[name], 'NetworkPolicy')
    expect(isAllowed(policies, { from: vestibule, to, port, protocol })).toBe(allowed)
  })

  test('configures what the design names, and mounts every file that it names', () => {
    expect(keysOf(configOf(name))).toEqual(
      name === 'base' ? KEYS : KEYS.filter((key) => !ONLY_WITH_REDIS.has(key)),
    )
    expect(CONFIG_SCHEMA.safeParse(configOf(name)).error?.issues).toBeUndefined()
    const named = JSON.stringify(configOf(name)).match(/"\/etc\/[^"]+"/g) ?? []
    expect(new Set(named.map((path) => JSON.parse(path) as unknown))).toEqual(
      new Set(mountedPaths(name).filter((path) => path !== '/etc/vestibule/vestibule.yaml')),
    )
  })

  test('mounts folders of policies that are YAML with hosts, an owner and rules', () => {
    const { data } = oneOf(RENDERED[name], 'ConfigMap', 'vestibule-policies')
    expect(Object.keys(data)).not.toEqual([])
    for (const text of Object.values(data)) {
      expect(parseYaml(text)).toMatchObject({
        hosts: expect.any(Array) as unknown,
        owner: expect.any(String) as unknown,
        policy: expect.any(Array) as unknown,
      })
    }
    const mount = containerOf(name).volumeMounts.find((each) => each.name === 'policies')
    expect(mount).toEqual({
      name: 'policies',
      mountPath: '/etc/vestibule/policies',
      readOnly: true,
    })
  })
})

describe('k8s/base', () => {
  test('has two replicas of which one always serves', () => {
    const { spec } = deploymentOf('base')
    expect(spec.replicas).toBe(2)
    expect(spec.strategy.rollingUpdate).toMatchObject({ maxUnavailable: 0 })
    expect(oneOf(RENDERED.base, 'PodDisruptionBudget', 'vestibule').spec.maxUnavailable).toBe(1)
  })

  test('takes the URL of Redis from the Secret, and does not start without it', () => {
    expect(configOf('base')).toMatchObject({ session: { store: 'redis://redis:6379' } })
    expect(containerOf('base').env).toContainEqual({
      name: 'VESTIBULE_SESSION_STORE',
      valueFrom: { secretKeyRef: { name: 'vestibule-secrets', key: 'session-store' } },
    })
  })

  test('waits before it stops, without a shell, and has time left to finish', () => {
    const command = containerOf('base').lifecycle?.preStop.exec.command ?? []
    expect(command[0]).toBe('node')
    const seconds = Number(/(\d+)_000\)$/.exec(command.at(-1) ?? '')?.[1])
    expect(podOf('base').terminationGracePeriodSeconds).toBeGreaterThanOrEqual(seconds + 20)
  })

  test.each([
    ['Vestibule', vestibule, true],
    ['the controller', controller, false],
    ['a random pod', stranger, false],
    ['a neighbour', neighbour, false],
  ] as const)('lets %s reach Redis or not', (_who, from, allowed) => {
    const policies = allOf(RENDERED.base, 'NetworkPolicy')
    expect(isAllowed(policies, { from, to: redis, port: 6379 })).toBe(allowed)
  })
})

describe('k8s/single', () => {
  test('is one replica with its sessions in memory, never two at once', () => {
    const { spec } = deploymentOf('single')
    expect(spec.replicas).toBe(1)
    expect(spec.strategy).toEqual({ type: 'Recreate' })
    expect(configOf('single')).toMatchObject({ session: { store: 'memory' } })
    expect(containerOf('single').env.map(({ name }) => name)).toEqual(['VESTIBULE_CONFIG'])
  })

  test('has nothing of Redis and no disruption budget', () => {
    expect(allOf(RENDERED.single, 'PodDisruptionBudget')).toEqual([])
    const policies = allOf(RENDERED.single, 'NetworkPolicy')
    expect(isAllowed(policies, { from: vestibule, to: redis, port: 6379 })).toBe(false)
    expect(JSON.stringify(RENDERED.single)).not.toMatch(/redis/i)
  })
})

describe('k8s/examples/grafana-network-policy.yaml', () => {
  const policies = allOf(
    parseManifests(readText('k8s/examples/grafana-network-policy.yaml')),
    'NetworkPolicy',
  )

  test.each([
    ['the controller', controller, true],
    ['the controller labels elsewhere', impostor, false],
    ['a neighbour', prometheus, false],
  ] as const)('lets %s reach Grafana or not', (_who, from, allowed) => {
    expect(isAllowed(policies, { from, to: grafana, port: 3000 })).toBe(allowed)
  })
})

describe('isAllowed', () => {
  test('tells one element from two: the classic slip lets impostors and bystanders in', () => {
    const slipped: NetworkPolicy = {
      kind: 'NetworkPolicy',
      metadata: { name: 'slipped', namespace: 'vestibule' },
      spec: {
        podSelector: {},
        policyTypes: ['Ingress'],
        ingress: [
          {
            from: [
              { namespaceSelector: { matchLabels: { [NAMESPACE_LABEL]: 'ingress-nginx' } } },
              { podSelector: { matchLabels: { 'app.kubernetes.io/component': 'controller' } } },
            ],
          },
        ],
      },
    }
    const reached = [controller, bystander, neighbour, impostor, stranger].filter((from) =>
      isAllowed([slipped], { from, to: vestibule, port: 8080 }),
    )
    expect(reached).toEqual([controller, bystander, neighbour])
  })

  test('finds a pod open that no policy selects', () => {
    expect(isAllowed([], { from: stranger, to: vestibule, port: 8080 })).toBe(true)
  })
})

/** Every key of the configuration that the design shows, lists and their members left out. */
const KEYS = [
  'publicUrl',
  ...['verify', 'public', 'ops'].map((key) => `listen.${key}`),
  ...['domain', 'name'].map((key) => `cookie.${key}`),
  ...['issuer', 'clientId', 'clientSecretFile', 'scopes'].map((key) => `identityProvider.${key}`),
  ...['email', 'groups', 'preferredUsername'].map((key) => `identityProvider.claims.${key}`),
  ...['store', 'keysFile', 'idle', 'absolute', 'revalidateEvery'].map((key) => `session.${key}`),
  'session.storeOutage.serveKnownFor',
  'tokenIssuers',
  'assertion.keysFile',
  'policies',
  'decisionLog.to',
]
const ONLY_WITH_REDIS = new Set(['session.keysFile', 'session.storeOutage.serveKnownFor'])

const keysOf = (value: unknown, path = ''): readonly string[] => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path]
  return Object.entries(value).flatMap(([key, inner]) =>
    keysOf(inner, path === '' ? key : `${path}.${key}`),
  )
}

const mountedPaths = (name: (typeof BOTH)[number]): readonly string[] =>
  containerOf(name).volumeMounts.flatMap(({ name: volumeName, mountPath }) => {
    const volume = podOf(name).volumes.find((each) => each.name === volumeName)
    return volume?.secret?.items.map(({ path }) => `${mountPath}/${path}`) ?? [mountPath]
  })
