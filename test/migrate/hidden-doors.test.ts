import { describe, expect, test } from '@jest/globals'
import { exposuresOf } from '../../src/migrate/report/exposure.ts'
import {
  controller,
  deployment,
  GUARD,
  ingress,
  movedApplication,
  readCluster,
  readInventory,
  service,
} from './support-cluster.ts'

/** Ways that somebody leaves open, or opens, where a quick look at the manifests sees none. */
const found = async (yaml: string): Promise<readonly (readonly [string, readonly string[]])[]> =>
  (await readInventory(yaml)).findings.map(({ id, hosts }) => [id, hosts])

const HOST = ['app.example.com']

const guarded = (annotations: Readonly<Record<string, string>>): string =>
  ingress({ annotations: { ...GUARD, ...annotations } })

const document = (apiVersion: string, kind: string, name: string, rest: object): string =>
  `${JSON.stringify({ apiVersion, kind, metadata: { name, namespace: 'apps' }, ...rest })}\n---\n`

const owned = (manifest: string, kind: string, name: string): string =>
  manifest.replace(
    '"metadata":{',
    `"metadata":{"ownerReferences":[{"kind":"${kind}","name":"${name}"}],`,
  )

const elsewhere = (name: string, options: object = {}): string =>
  ingress({ name, host: 'open.example.com', service: name, annotations: {}, ...options })

const OPEN_PORT = { ports: [{ containerPort: 8080, hostPort: 8080 }] }

const pod = (spec: object): string =>
  document('v1', 'Pod', 'app-7d4b9c-x2x4z', { spec }).replace(
    '"metadata":{',
    '"metadata":{"labels":{"app":"app"},"ownerReferences":[{"kind":"ReplicaSet","name":"app-7d4b9c"}],',
  )

const SAME_PODS = ['open.example.com', 'app.example.com']

describe('the inventory sees', () => {
  test.each<readonly [what: string, id: string, hosts: readonly string[], yaml: string]>([
    ['a switch that is on by 1', 'ssl_passthrough', HOST, guarded({ 'ssl-passthrough': '1' })],
    ['a switch that is off by f', 'global_auth_off', HOST, guarded({ 'enable-global-auth': 'f' })],
    [
      'another Service for the same pods',
      'shared_service',
      SAME_PODS,
      movedApplication() + elsewhere('copy') + service('copy', { selector: { app: 'app' } }),
    ],
    [
      'a name for the Service of another namespace',
      'shared_service',
      SAME_PODS,
      movedApplication() +
        elsewhere('alias') +
        service('alias', {
          type: 'ExternalName',
          externalName: 'app.apps.svc.cluster.local',
          selector: {},
        }),
    ],
    [
      'a NodePort for the same pods',
      'node_port',
      HOST,
      movedApplication() + service('debug', { type: 'NodePort', selector: { app: 'app' } }),
    ],
    [
      'what an operator made',
      'host_network',
      HOST,
      ingress() +
        service() +
        owned(deployment('app', {}, { hostNetwork: true }), 'Prometheus', 'app'),
    ],
    [
      'a pod whose Deployment was not read',
      'host_port',
      HOST,
      ingress() + service() + pod({ containers: [{ name: 'c', ...OPEN_PORT }] }),
    ],
    [
      'a port of a sidecar that is an init container',
      'host_port',
      HOST,
      ingress() +
        service() +
        deployment(
          'app',
          {},
          { initContainers: [{ name: 's', restartPolicy: 'Always', ...OPEN_PORT }] },
        ),
    ],
    [
      'the internet in one careless range',
      'ip_allowlist_open',
      HOST,
      ingress({ annotations: { 'whitelist-source-range': '10.1.2.3/0' } }),
    ],
    [
      'the internet in two halves',
      'ip_allowlist_open',
      HOST,
      ingress({ annotations: { 'whitelist-source-range': '0.0.0.0/1, 128.0.0.0/1' } }),
    ],
    [
      'all addresses of IPv6 that there are',
      'ip_allowlist_open',
      HOST,
      ingress({ annotations: { 'allowlist-source-range': '10.0.0.0/8,2000::/3' } }),
    ],
    [
      'a class that nobody describes',
      'no_auth',
      HOST,
      ingress({ className: 'internal', annotations: {} }),
    ],
    ['a class without a name', 'no_auth', HOST, ingress({ className: '', annotations: {} })],
    [
      'an application that is called like the gate',
      'no_auth',
      HOST,
      ingress({ service: 'vestibule-admin', annotations: {} }) +
        service('vestibule-admin') +
        deployment('vestibule-admin'),
    ],
    [
      'an Ingress that has nothing but a default back end',
      'no_auth',
      ['*'],
      document('networking.k8s.io/v1', 'Ingress', 'all', {
        spec: { defaultBackend: { service: { name: 'app', port: { number: 80 } } } },
      }),
    ],
    [
      'a directive in quotes',
      'snippet_access',
      HOST,
      guarded({ 'configuration-snippet': '"auth_request" off;' }),
    ],
    [
      'a directive behind what only looks like a comment',
      'snippet_access',
      HOST,
      guarded({ 'configuration-snippet': 'set $x "#"; auth_request off;' }),
    ],
    [
      'access rules in the ConfigMap',
      'snippet_access',
      [],
      movedApplication() + controller('v1.15.1', { 'server-snippet': 'satisfy any;\nallow all;' }),
    ],
    [
      'error pages of the ConfigMap',
      'custom_errors',
      [],
      movedApplication() + controller('v1.15.1', { 'custom-http-errors': '403,404' }),
    ],
    [
      'a cache of the ConfigMap',
      'auth_cache_shared',
      [],
      movedApplication() + controller('v1.15.1', { 'global-auth-cache-key': '$remote_addr' }),
    ],
    [
      'identity headers that the ConfigMap does not list',
      'identity_headers_unlisted',
      [],
      movedApplication() + controller('v1.15.1', { 'global-auth-url': GUARD['auth-url'] ?? '' }),
    ],
    [
      'a credential that every application gets',
      'snippet_credential',
      [],
      movedApplication() +
        controller('v1.15.1', { 'proxy-set-headers': 'apps/headers' }) +
        document('v1', 'ConfigMap', 'headers', { data: { Authorization: 'Basic c2VjcmV0' } }),
    ],
    [
      'a controller whose image was renamed',
      'controller_unknown',
      [],
      movedApplication() +
        controller('x', {}, ['/nginx-ingress-controller']).replace(
          'ingress-nginx/controller',
          'edge',
        ),
    ],
    [
      'a guard that the controller does not read',
      'no_auth',
      HOST,
      movedApplication() + controller('v1.15.1', {}, ['--annotations-prefix', 'edge.example.com']),
    ],
    [
      'an Ingress of another controller for the same Service',
      'other_route',
      HOST,
      movedApplication() + elsewhere('app', { name: 'b', className: 'traefik' }),
    ],
    [
      'a route that names the Service with its namespace',
      'other_route',
      HOST,
      movedApplication() +
        document('networking.istio.io/v1', 'VirtualService', 'v', {
          spec: { http: [{ route: [{ destination: { host: 'app.apps.svc.cluster.local' } }] }] },
        }),
    ],
    [
      'each of several Ingresses that are weaker',
      'second_ingress',
      HOST,
      ingress() +
        ingress({ name: 'b', path: '/b', annotations: { 'auth-type': 'basic' } }) +
        ingress({ name: 'c', path: '/c', annotations: { 'auth-type': 'basic' } }),
    ],
  ])('%s: %s', async (_what, id, hosts, yaml) => {
    expect(await found(yaml)).toContainEqual([id, hosts])
  })

  test('pods of a Deployment that was read once only', async () => {
    const yaml =
      ingress() +
      service() +
      deployment('app', OPEN_PORT) +
      pod({ containers: [{ name: 'c', ...OPEN_PORT }] })
    expect((await found(yaml)).filter(([id]) => id === 'host_port')).toHaveLength(1)
  })

  test('no more than there is: an application of its own stays as it was', async () => {
    const yaml = movedApplication() + service('other', { selector: { app: 'other' } })
    expect(
      (await readInventory(yaml)).findings.filter(({ severity }) => severity !== 'info'),
    ).toEqual([])
  })
})

describe('the report says of a host that they are left', () => {
  const leftOf = async (yaml: string): Promise<readonly string[]> =>
    exposuresOf(await readCluster(yaml))
      .filter(({ host }) => host === 'app.example.com')
      .flatMap(({ leftovers }) => leftovers.map(({ place }) => place.object))

  test.each([
    ['nothing', '', []],
    [
      'a NodePort for the same pods',
      service('debug', { type: 'NodePort', selector: { app: 'app' } }),
      ['Service apps/debug'],
    ],
    [
      'an open Ingress with another name for them',
      elsewhere('copy') + service('copy', { selector: { app: 'app' } }),
      ['Ingress apps/copy'],
    ],
    [
      'a route of another proxy',
      elsewhere('app', { name: 'b', className: 'traefik' }),
      ['Ingress apps/b'],
    ],
  ])('%s', async (_name, yaml, expected) => {
    expect(await leftOf(movedApplication() + yaml)).toEqual(expected)
  })
})
