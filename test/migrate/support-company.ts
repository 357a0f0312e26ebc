import {
  aLine,
  type ClusterHost,
  clusterYaml,
  type Line,
  logOf,
  nameless,
  OBSERVE,
  person,
  policyYaml,
  program,
  refused,
  SITE,
  wouldRefuse,
} from './support-report.ts'

/** A company in the middle of it: a host of every stage, with what stands in its way. */
const HOSTS: readonly (ClusterHost & { readonly mode?: string })[] = [
  {
    host: 'gitlab.example.com',
    guarded: false,
    annotations: { 'whitelist-source-range': '10.8.0.0/16' },
  },
  { host: 'jenkins.example.com', guarded: false, annotations: { 'auth-type': 'basic' } },
  {
    host: 'kibana.example.com',
    annotations: { satisfy: 'any', 'whitelist-source-range': '10.8.0.0/16' },
  },
  { host: 'grafana.example.com', mode: OBSERVE },
  { host: 'internal-api-with-a-long-name.payments.example.com', mode: OBSERVE },
  { host: 'prometheus.example.com', mode: 'canary\nuntil: 2027-01-31\ncanary: { groups: [sre] }' },
  { host: 'wiki.example.com' },
  { host: 'argocd.example.com', closed: true, serviceType: 'NodePort' },
  { host: 'vault.example.com', closed: true },
  { host: 'status.example.com', closed: true },
]

const VPN = { clientIp: '10.8.0.9' }
const OFFICE = { clientIp: '192.0.2.40' }
const DAYS = Array.from({ length: 30 }, (_each, index) => 29 - index)

const ordinary = (host: string): readonly Line[] =>
  DAYS.flatMap((days) =>
    ['alice', 'bob', 'carol'].flatMap((who, index) =>
      Array.from({ length: 1 + ((days * 7 + index * 3) % 5) }, () =>
        aLine(host, days, { principal: person(who), ...(index === 1 ? OFFICE : {}) }),
      ),
    ),
  )

const LINES: readonly Line[] = [
  ...ordinary('grafana.example.com'),
  ...['dave', 'erin'].flatMap((who) =>
    DAYS.filter((days) => days > 4 && days % 3 === 0).map((days) =>
      wouldRefuse('grafana.example.com', days, who),
    ),
  ),
  ...DAYS.map((days) =>
    nameless('grafana.example.com', days, { ...VPN, hour: 3, path: '/api/dashboards/backup' }),
  ),
  ...ordinary('internal-api-with-a-long-name.payments.example.com'),
  ...ordinary('prometheus.example.com'),
  ...DAYS.slice(8, 14).map((days) => wouldRefuse('prometheus.example.com', days, 'frank')),
  ...ordinary('wiki.example.com'),
  ...DAYS.filter((days) => days % 5 === 0).map((days) =>
    refused('wiki.example.com', days, 'mallory'),
  ),
  ...ordinary('argocd.example.com'),
  ...DAYS.map((days) =>
    aLine('argocd.example.com', days, {
      ...VPN,
      principal: program('ci/deploy'),
      credential: 'bearer',
    }),
  ),
  ...ordinary('vault.example.com'),
  aLine('vault.example.com', 2, { ...VPN, principal: person('grace') }),
  ...ordinary('status.example.com'),
]

/** Files for `vestibule migrate report`, by name. */
export const companyFiles = (): Readonly<Record<string, string>> => ({
  'cluster.yaml': clusterYaml(HOSTS),
  ...Object.fromEntries(
    HOSTS.filter(({ guarded }) => guarded !== false).map(({ host, mode }) => [
      `policies/${host}.yaml`,
      policyYaml(host, mode ?? 'enforce'),
    ]),
  ),
  'decisions.ndjson': logOf(LINES),
  'site.yaml': SITE,
  'verified.json': JSON.stringify({
    at: '2026-11-29T12:00:00.000Z',
    checks: HOSTS.slice(6).map(({ host }) => ({ host, ok: true })),
    notChecked: [],
  }),
})

export const COMPANY_REPORT = [
  'migrate',
  'report',
  '@cluster.yaml',
  '--policies',
  '@policies',
  '--log',
  '@decisions.ndjson',
  '--site',
  '@site.yaml',
  '--verified',
  '@verified.json',
  '--at',
  '2026-11-30',
  '--html',
  '@report.html',
] as const
