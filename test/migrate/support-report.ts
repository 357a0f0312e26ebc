import { stringify } from 'yaml'

export const DAY = 86_400
/** Noon of the last day of which the logs of the tests tell. */
export const LAST = Date.parse('2026-11-30T12:00:00Z') / 1000

export type Line = Readonly<Record<string, unknown>>

const moment = (daysAgo: number, hour = 12): string =>
  new Date((LAST - daysAgo * DAY + (hour - 12) * 3600) * 1000).toISOString()

let count = 0

/** A decision line as the service writes it. */
export const aLine = (host: string, daysAgo: number, changes: Line = {}): Line => {
  count += 1
  return {
    time: moment(daysAgo),
    decision: `d-${count}`,
    requestId: `r-${count}`,
    effect: 'allow',
    reason: 'rule_matched',
    status: 200,
    mode: 'enforce',
    host,
    method: 'GET',
    path: '/',
    principal: person('alice'),
    credential: 'cookie',
    rule: 'x.yaml#1',
    policyVersion: 'v1',
    clientIp: '198.51.100.7',
    ...changes,
  }
}

export const person = (subject: string): Line => ({
  actor: 'human',
  subject,
  issuer: 'https://idp.example.com',
  email: `${subject}@example.com`,
  groups: [],
})

export const program = (subject: string): Line => ({
  actor: 'workload',
  subject,
  issuer: 'https://ci.example.com',
})

/** Somebody who is known would have been refused. */
export const wouldRefuse = (host: string, daysAgo: number, subject: string): Line =>
  aLine(host, daysAgo, {
    reason: 'observed',
    mode: 'observe',
    rule: undefined,
    would: { effect: 'deny', reason: 'no_rule_matched' },
    principal: person(subject),
    path: '/admin',
  })

export const refused = (host: string, daysAgo: number, subject: string): Line =>
  aLine(host, daysAgo, {
    effect: 'deny',
    reason: 'no_rule_matched',
    status: 403,
    rule: undefined,
    principal: person(subject),
  })

/** Somebody without any proof was let through, since the host is observed. */
export const nameless = (
  host: string,
  daysAgo: number,
  changes: Line & { hour?: number } = {},
): Line => {
  const { hour, ...rest } = changes
  return aLine(host, daysAgo, {
    time: moment(daysAgo, hour),
    reason: 'observed',
    mode: 'observe',
    rule: undefined,
    would: { effect: 'challenge', reason: 'not_signed_in' },
    principal: { actor: 'anonymous' },
    credential: 'none',
    ...rest,
  })
}

export const logOf = (lines: readonly Line[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('')

const GUARD =
  'http://vestibule.vestibule.svc.cluster.local:8080/verify?host=$host&ns=$namespace&ing=$ingress_name&svc=$service_name&lp=$location_path'

export type ClusterHost = {
  readonly host: string
  readonly guarded?: boolean
  readonly annotations?: Readonly<Record<string, string>>
  /** A NetworkPolicy that lets in the controller alone. */
  readonly closed?: boolean
  readonly serviceType?: string
}

/** Ingress, Service, Deployment and, where wanted, NetworkPolicy of each host. */
export const clusterYaml = (hosts: readonly ClusterHost[]): string =>
  hosts
    .flatMap(objectsOf)
    .map((object) => stringify(object, { aliasDuplicateObjects: false }))
    .join('---\n')

const objectsOf = (given: ClusterHost): readonly Line[] => {
  const {
    host,
    guarded = true,
    closed = false,
    annotations = {},
    serviceType = 'ClusterIP',
  } = given
  const name = host.split('.')[0] ?? host
  const metadata = { name, namespace: 'apps' }
  const labels = { app: name }
  const all = { ...(guarded ? { 'auth-url': GUARD } : {}), ...annotations }
  return [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        ...metadata,
        annotations: Object.fromEntries(
          Object.entries(all).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
        ),
      },
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
                  backend: { service: { name, port: { number: 80 } } },
                },
              ],
            },
          },
        ],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { type: serviceType, selector: labels, ports: [{ port: 80, targetPort: 3000 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name, image: 'x', ports: [{ containerPort: 3000 }] }] },
        },
      },
    },
    ...(closed ? [networkPolicy(name)] : []),
  ]
}

const networkPolicy = (name: string): Line => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: `${name}-only-from-controller`, namespace: 'apps' },
  spec: {
    podSelector: { matchLabels: { app: name } },
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } },
            podSelector: { matchLabels: { 'app.kubernetes.io/component': 'controller' } },
          },
        ],
        ports: [{ port: 3000 }],
      },
    ],
  },
})

export const policyYaml = (host: string, mode = 'enforce'): string =>
  `hosts: [${host}]\nowner: sre@example.com\nmode: ${mode}\npolicy: [{ allow: { and: [{ groups: { has: sre } }] } }]\n`

export const OBSERVE = 'observe\nuntil: 2027-01-31'

export const SITE = `zones:
  - { name: vpn, ranges: [10.8.0.0/16], vpn: true }
  - { name: office, ranges: [192.0.2.0/24] }
days: 14
`
