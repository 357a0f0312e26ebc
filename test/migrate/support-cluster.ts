import { Readable } from 'node:stream'
import { readManifests } from '../../src/edge/manifests/read-manifests.ts'
import { type Cluster, clusterOf } from '../../src/migrate/cluster.ts'
import { type Inventory, inventoryOf } from '../../src/migrate/inventory/inventory.ts'

/** A cluster out of YAML, as standard input gives it. */
export const readCluster = async (yaml: string): Promise<Cluster> => {
  const { objects, faults } = await readManifests(['-'], Readable.from([yaml]))
  if (faults.length > 0) throw new Error(faults.map(({ problem }) => problem).join('\n'))
  return clusterOf(objects)
}

export const readInventory = async (yaml: string): Promise<Inventory> =>
  inventoryOf(await readCluster(yaml))

export type IngressOptions = {
  readonly name?: string
  readonly namespace?: string
  readonly host?: string
  readonly path?: string
  readonly service?: string
  readonly className?: string
  /** Without the prefix. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly tls?: boolean
}

/** JSON is YAML, so nothing has to be quoted by hand. */
const document = (object: object): string => `${JSON.stringify(object)}\n---\n`

const DEFAULTS = {
  name: 'app',
  namespace: 'apps',
  host: 'app.example.com',
  path: '/',
  service: 'app',
  className: 'nginx',
  tls: true,
}

export const ingress = (options: IngressOptions = {}): string => {
  const { name, namespace, host, path, service: back, className, tls } = { ...DEFAULTS, ...options }
  const prefixed = Object.entries(options.annotations ?? GUARD).map(
    ([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value] as const,
  )
  const backend = { service: { name: back, port: { number: 80 } } }
  const http = { paths: [{ path, pathType: 'Prefix', backend }] }
  return document({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, namespace, annotations: Object.fromEntries(prefixed) },
    spec: {
      ingressClassName: className,
      rules: [host === '' ? { http } : { host, http }],
      ...(tls ? { tls: [{ secretName: 'tls' }] } : {}),
    },
  })
}

/** What a host that has moved carries. */
export const GUARD: Readonly<Record<string, string>> = {
  'auth-url':
    'http://vestibule.vestibule.svc.cluster.local:8080/verify?host=$host&ns=$namespace&ing=$ingress_name&svc=$service_name&lp=$location_path',
  'auth-signin': 'https://auth.example.com/oauth2/start',
  'auth-response-headers':
    'X-Auth-Request-User,X-Auth-Request-Email,X-Auth-Request-Preferred-Username,X-Auth-Request-Groups,X-Auth-Request-Actor,X-Vestibule-Assertion,Cookie',
}

export const service = (name = 'app', spec: object = {}, annotations: object = {}): string =>
  document({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'apps', annotations },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
  })

export const deployment = (name = 'app', container: object = {}, podSpec: object = {}): string =>
  document({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'apps' },
    spec: {
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            { name, image: 'example.com/own:1', ports: [{ containerPort: 8080 }], ...container },
          ],
          ...podSpec,
        },
      },
    },
  })

/** Lets in the pods that `from` says; everybody, where it says nothing. */
export const networkPolicy = (name = 'app', from: readonly object[] = CONTROLLER): string =>
  document({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: 'apps' },
    spec: { podSelector: { matchLabels: { app: 'app' } }, ingress: [{ from }] },
  })

const CONTROLLER: readonly object[] = [
  {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } },
    podSelector: { matchLabels: { app: 'controller' } },
  },
]

export const controller = (
  tag = 'v1.15.1',
  settings: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): string =>
  [
    document({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'controller', namespace: 'ingress-nginx' },
      spec: {
        template: {
          metadata: { labels: { app: 'controller' } },
          spec: {
            containers: [
              {
                name: 'controller',
                image: `registry.k8s.io/ingress-nginx/controller:${tag}`,
                args: ['--configmap=$(POD_NAMESPACE)/controller', ...args],
              },
            ],
          },
        },
      },
    }),
    document({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'controller', namespace: 'ingress-nginx' },
      data: settings,
    }),
  ].join('')

/** An application that has moved: nothing is to be said of it. */
export const movedApplication = (): string =>
  [ingress(), service(), deployment(), networkPolicy()].join('')
