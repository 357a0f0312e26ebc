import { describe, expect, test } from '@jest/globals'
import { isFault } from '../../src/migrate/inventory/finding.ts'
import { FINDING_KINDS } from '../../src/migrate/inventory/registry.ts'
import {
  controller,
  deployment,
  GUARD,
  ingress,
  movedApplication,
  networkPolicy,
  readInventory,
  service,
} from './support-cluster.ts'

const ids = async (yaml: string): Promise<readonly string[]> => {
  const { findings } = await readInventory(yaml)
  return [...new Set(findings.map(({ id }) => id))]
}

/** The guarded application, with some annotations changed. */
const guarded = (annotations: Readonly<Record<string, string>>): string =>
  ingress({ annotations: { ...GUARD, ...annotations } })

const bare = (annotations: Readonly<Record<string, string>>): string => ingress({ annotations })

const GUARD_HEADERS = GUARD['auth-response-headers'] ?? ''

const OTHER_GATE = { 'auth-url': 'http://gate.apps.svc.cluster.local/validate' }

const document = (apiVersion: string, kind: string, spec: object): string =>
  `${JSON.stringify({ apiVersion, kind, metadata: { name: 'x', namespace: 'apps' }, spec })}\n---\n`

const httpRoute = (name: string): string =>
  document('gateway.networking.k8s.io/v1', 'HTTPRoute', {
    parentRefs: [{ name: 'app' }],
    rules: [{ backendRefs: [{ name, port: 80 }] }],
  })

/** One cluster that has the finding, and one that is almost the same and has it not. */
const CASES: Readonly<Record<string, readonly [has: string, hasNot: string]>> = {
  ip_allowlist: [
    bare({ 'whitelist-source-range': '10.0.0.0/8' }),
    bare({ 'limit-whitelist': '10.0.0.0/8' }),
  ],
  ip_allowlist_open: [
    bare({ 'allowlist-source-range': '10.0.0.0/8,0.0.0.0/0' }),
    bare({ 'allowlist-source-range': '10.0.0.0/8' }),
  ],
  ip_denylist: [
    guarded({ 'denylist-source-range': '192.0.2.1' }),
    guarded({ 'denylist-source-range': '' }),
  ],
  controller_ip_allowlist: [
    ingress() + controller('v1.15.1', { 'whitelist-source-range': '10.0.0.0/8' }),
    ingress() + controller('v1.15.1', { 'whitelist-source-range': '' }),
  ],
  forged_addresses: [
    bare({ 'whitelist-source-range': '10.0.0.0/8' }) +
      controller('v1.15.1', { 'use-forwarded-headers': 'true' }),
    bare({ 'whitelist-source-range': '10.0.0.0/8' }) +
      controller('v1.15.1', {
        'use-forwarded-headers': 'true',
        'proxy-real-ip-cidr': '192.0.2.0/28',
      }),
  ],
  basic_auth: [bare({ 'auth-type': 'basic', 'auth-secret': 'x' }), bare({ 'auth-realm': 'x' })],
  digest_auth: [
    bare({ 'auth-type': 'digest', 'auth-secret': 'x' }),
    bare({ 'auth-type': 'basic', 'auth-secret': 'x' }),
  ],
  shared_password: [
    bare({ 'auth-type': 'basic', 'auth-secret': 'x' }) +
      ingress({
        name: 'b',
        host: 'b.example.com',
        annotations: { 'auth-type': 'basic', 'auth-secret': 'apps/x' },
      }),
    bare({ 'auth-type': 'basic', 'auth-secret': 'x' }) +
      ingress({
        name: 'b',
        host: 'b.example.com',
        annotations: { 'auth-type': 'basic', 'auth-secret': 'y' },
      }),
  ],
  password_and_gate: [
    guarded({ 'auth-type': 'basic', 'auth-secret': 'x' }),
    bare({ 'auth-type': 'basic', 'auth-secret': 'x' }),
  ],
  no_auth: [bare({}), guarded({})],
  other_gate: [bare(OTHER_GATE), guarded({})],
  auth_url_unpinned: [
    guarded({ 'auth-url': 'http://vestibule.v.svc.cluster.local:8080/verify?ns=$namespace' }),
    guarded({}),
  ],
  auth_url_short_name: [
    bare({ 'auth-url': 'http://gate.apps/validate' }),
    bare({ 'auth-url': 'http://gate.example.org/validate' }),
  ],
  auth_url_public_host: [bare({ 'auth-url': 'https://$host/oauth2/auth' }), bare(OTHER_GATE)],
  identity_headers_unlisted: [
    guarded({ 'auth-response-headers': 'X-Auth-Request-User' }),
    guarded({}),
  ],
  session_cookie_passed: [
    guarded({ 'auth-response-headers': GUARD_HEADERS.replace(',Cookie', '') }),
    guarded({ 'auth-response-headers': `cookie, ${GUARD_HEADERS.replace(',Cookie', '')}` }),
  ],
  auth_method_missing: [bare(OTHER_GATE), bare({ ...OTHER_GATE, 'auth-method': 'GET' })],
  satisfy_any: [guarded({ satisfy: 'any' }), guarded({ satisfy: 'all' })],
  ssl_passthrough: [
    guarded({ 'ssl-passthrough': 'true' }),
    guarded({ 'ssl-passthrough': 'false' }),
  ],
  global_auth_off: [
    guarded({ 'enable-global-auth': 'false' }),
    guarded({ 'enable-global-auth': 'true' }),
  ],
  auth_cache_key: [
    guarded({ 'auth-cache-key': '$cookie_session' }),
    guarded({ 'auth-cache-duration': '200 5m' }),
  ],
  auth_cache_shared: [
    guarded({ 'auth-cache-key': '$remote_user$http_authorization' }),
    guarded({ 'auth-cache-key': '$http_cookie' }),
  ],
  mirror_target: [
    guarded({ 'mirror-target': 'https://x.example' }),
    guarded({ 'mirror-host': 'x' }),
  ],
  server_alias: [guarded({ 'server-alias': 'b.example.com' }), guarded({})],
  default_backend: [guarded({ 'default-backend': 'errors' }), guarded({})],
  custom_errors: [
    guarded({ 'custom-http-errors': '403,503' }),
    guarded({ 'custom-http-errors': '404,503' }),
  ],
  auth_redirect_overridden: [guarded({ 'auth-request-redirect': '/home' }), guarded({})],
  second_ingress: [
    ingress() + ingress({ name: 'b', path: '/b', annotations: {} }),
    ingress() + ingress({ name: 'b', path: '/b' }),
  ],
  contested_path: [
    ingress() + ingress({ name: 'b' }),
    ingress() + ingress({ name: 'b', path: '/b' }),
  ],
  canary_ingress: [ingress() + ingress({ name: 'b', annotations: { canary: 'true' } }), ingress()],
  shared_service: [
    ingress() + ingress({ name: 'b', host: 'b.example.com', annotations: {} }),
    ingress() + ingress({ name: 'b', host: 'b.example.com', service: 'other', annotations: {} }),
  ],
  snippet: [guarded({ 'configuration-snippet': 'more_set_headers "a: b";' }), guarded({})],
  snippet_access: [
    guarded({ 'server-snippet': 'location /x {\n  deny all;\n}' }),
    guarded({ 'server-snippet': '# deny all;\nadd_header a b;' }),
  ],
  snippet_route: [
    guarded({ 'server-snippet': 'location /x { proxy_pass http://app.apps.svc.cluster.local; }' }),
    guarded({ 'server-snippet': '# proxy_pass http://app.apps;\nset $proxy_pass x;' }),
  ],
  snippet_credential: [
    guarded({ 'configuration-snippet': 'proxy_set_header Authorization "Basic eDp5";' }),
    guarded({ 'configuration-snippet': 'proxy_set_header Authorization $http_authorization;' }),
  ],
  snippets_allowed: [
    ingress() + controller('v1.15.1', { 'allow-snippet-annotations': 'true' }),
    ingress() + controller('v1.15.1', { 'allow-snippet-annotations': 'false' }),
  ],
  node_port: [ingress() + service('app', { type: 'NodePort' }), ingress() + service()],
  load_balancer: [service('app', { type: 'LoadBalancer' }), service()],
  internal_load_balancer: [
    service(
      'app',
      { type: 'LoadBalancer' },
      { 'service.beta.kubernetes.io/azure-load-balancer-internal': 'true' },
    ),
    service(
      'app',
      { type: 'LoadBalancer' },
      { 'service.beta.kubernetes.io/azure-load-balancer-internal': 'false' },
    ),
  ],
  load_balancer_ranges: [
    service('app', { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8'] }),
    service('app', { type: 'LoadBalancer', loadBalancerSourceRanges: ['0.0.0.0/0'] }),
  ],
  external_ips: [
    service('app', { externalIPs: ['192.0.2.7'] }),
    service('app', { externalIPs: [] }),
  ],
  external_name: [
    ingress() + service('app', { type: 'ExternalName', externalName: 'x.example' }),
    ingress() + service('other', { type: 'ExternalName', externalName: 'x.example' }),
  ],
  host_port: [
    ingress() + service() + deployment('app', { ports: [{ containerPort: 8080, hostPort: 8080 }] }),
    ingress() +
      service() +
      deployment('agent', { ports: [{ containerPort: 8080, hostPort: 8080 }] }),
  ],
  host_network: [
    ingress() + service() + deployment('app', {}, { hostNetwork: true }),
    ingress() + service() + deployment('app', {}, { hostNetwork: false }),
  ],
  tcp_services: [
    controller('v1.15.1', { '5432': 'data/postgres:5432' }, [
      '--tcp-services-configmap=ingress-nginx/controller',
    ]),
    controller('v1.15.1', { '5432': 'data/postgres:5432' }),
  ],
  other_route: [movedApplication() + httpRoute('app'), movedApplication() + httpRoute('other')],
  unread_route: [movedApplication() + httpRoute('other'), movedApplication() + httpRoute('app')],
  other_network_policy: [
    document('policy.networking.k8s.io/v1alpha1', 'AdminNetworkPolicy', {}),
    document('policy.example.com/v1', 'AdminNetworkPolicy', {}),
  ],
  back_ends_unread: [ingress() + service(), movedApplication()],
  object_twice: [
    service() + service('app', { type: 'NodePort' }),
    service() + service() + service('other', { type: 'NodePort' }),
  ],
  no_network_policy: [ingress() + service() + deployment(), movedApplication()],
  open_network_policy: [
    movedApplication() + networkPolicy('broad', [{ namespaceSelector: {} }]),
    movedApplication() + networkPolicy('own', [{ podSelector: {} }]),
  ],
  no_tls: [ingress({ tls: false }), ingress()],
  wildcard_host: [ingress({ host: '*.example.com' }), ingress()],
  any_host: [ingress({ host: '' }), ingress()],
  regex_paths: [guarded({ 'use-regex': 'true' }), guarded({ 'use-regex': 'false' })],
  other_controller: [ingress({ className: 'traefik' }), ingress({ className: 'nginx-blue' })],
  controller_retired: [controller(), ''],
  controller_holes: [controller('v1.14.2'), controller('v1.14.5')],
  controller_unknown: [controller('latest'), controller('v1.15.1@sha256:00')],
  annotations_prefix: [
    controller('v1.15.1', {}, ['--annotations-prefix=example.com']),
    controller('v1.15.1', {}, ['--annotations-prefix=nginx.ingress.kubernetes.io']),
  ],
  no_auth_locations: [
    controller('v1.15.1', { 'no-auth-locations': '/.well-known/acme-challenge,/api' }),
    controller('v1.15.1', { 'no-auth-locations': '/.well-known/acme-challenge' }),
  ],
  auth_keepalive: [
    guarded({ 'auth-keepalive': '10' }) + controller('v1.13.0', { 'use-http2': 'false' }),
    guarded({ 'auth-keepalive': '10' }) + controller('v1.12.6', { 'use-http2': 'false' }),
  ],
  auth_keepalive_idle: [
    guarded({ 'auth-keepalive': '10' }) + controller(),
    guarded({ 'auth-keepalive': '0' }) + controller(),
  ],
  global_gate: [
    controller('v1.15.1', { 'global-auth-url': 'http://gate.apps.svc.cluster.local/' }),
    controller('v1.15.1', { 'global-auth-url': '' }),
  ],
  no_controller: [ingress(), ingress() + controller()],
  application: [
    ingress() +
      service() +
      deployment('app', { image: 'mirror.example.com:5000/hub/grafana/grafana:11' }),
    ingress() + service() + deployment('app', { image: 'example.com/grafana/grafana-plugins:11' }),
  ],
  application_without_sign_in: [
    ingress() +
      service() +
      deployment('app', {
        image: 'grafana/grafana',
        env: [{ name: 'GF_AUTH_ANONYMOUS_ENABLED', value: 'true' }],
      }),
    ingress() +
      service() +
      deployment('app', {
        image: 'grafana/grafana',
        env: [{ name: 'GF_AUTH_ANONYMOUS_ENABLED', value: 'false' }],
      }),
  ],
  application_admin_api: [
    ingress() +
      service() +
      deployment('app', { image: 'prom/prometheus', args: ['--web.enable-admin-api'] }),
    ingress() +
      service() +
      deployment('app', { image: 'example.com/own', args: ['--web.enable-admin-api'] }),
  ],
}

/** An empty text is no input; a Namespace says nothing. */
const SOMETHING = '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"apps"}}\n---\n'

describe('findings of the inventory', () => {
  test('each one has a cluster that shows it', () => {
    expect(Object.keys(CASES).toSorted()).toEqual(Object.keys(FINDING_KINDS).toSorted())
  })

  test.each(Object.entries(CASES))(
    '%s is found, and only where it is',
    async (id, [has, hasNot]) => {
      expect(await ids(SOMETHING + has)).toContain(id)
      expect(await ids(SOMETHING + hasNot)).not.toContain(id)
    },
  )

  test('of an application that has moved there is nothing to say', async () => {
    const { findings, hosts, waves } = await readInventory(movedApplication())
    expect(findings.filter(isFault)).toEqual([])
    expect(hosts.map(({ host, standing }) => [host, standing])).toEqual([
      ['app.example.com', 'vestibule'],
    ])
    expect(waves).toEqual([])
  })

  test('the gate of the class guards what has no annotation of its own', async () => {
    const settings = { 'global-auth-url': GUARD['auth-url'] ?? '' }
    const { hosts } = await readInventory(
      ingress({ annotations: {} }) +
        ingress({
          name: 'b',
          host: 'b.example.com',
          annotations: { 'enable-global-auth': 'false' },
        }) +
        controller('v1.15.1', settings),
    )
    expect(hosts.map(({ standing }) => standing)).toEqual(['vestibule', 'open'])
  })

  test('of two controllers each one counts for its own class', async () => {
    const { hosts } = await readInventory(
      ingress({ annotations: {}, className: 'blue' }) +
        ingress({ name: 'b', host: 'b.example.com', annotations: {} }) +
        controller('v1.15.1', { 'global-auth-url': GUARD['auth-url'] ?? '' }, [
          '--ingress-class=blue',
          '--controller-class=example.com/blue',
        ]),
    )
    expect(hosts.map(({ host, standing }) => [host, standing])).toEqual([
      ['app.example.com', 'vestibule'],
      ['b.example.com', 'open'],
    ])
  })

  test('the own Ingress of a gate or an identity provider needs no gate', async () => {
    const found = await ids(
      ingress({ annotations: {}, service: 'keycloak', host: 'idp.example.com' }) +
        service('keycloak'),
    )
    expect(found).not.toContain('no_auth')
  })

  test('an Ingress of another project is none of ours', async () => {
    const foreign = ingress({ annotations: {} }).replace(
      'networking.k8s.io/v1',
      'config.openshift.io/v1',
    )
    expect(await ids(foreign)).toEqual([])
  })
})
