import { describe, expect, test } from '@jest/globals'
import { type AccessRequest } from '../../src/core/access-request.ts'
import { CRITERIA } from '../../src/core/policy/criteria.ts'
import { type Finding } from '../../src/core/policy/criterion.ts'
import { ANONYMOUS, type Principal } from '../../src/core/principal.ts'
import { createTestCertificate } from '../support/certificate.ts'
import { aPerson, aRequest, NOW, policyOf } from '../support/policies.ts'

const alice = aPerson()
const noEmail = aPerson({ email: undefined })
const noGroups = aPerson({ groups: undefined })
const workload = aPerson({
  actor: 'workload',
  subject: 'ci/repo:org/app',
  groups: [],
  email: undefined,
})

const prober = aPerson({
  actor: 'workload',
  claims: {
    sub: 'system:serviceaccount:monitoring:prober',
    'kubernetes.io': { namespace: 'monitoring', serviceaccount: { name: 'prober' } },
  },
})
const liar = aPerson({
  claims: {
    sub: 'system:serviceaccount:monitoring:prober',
    'kubernetes.io': { namespace: 'evil', serviceaccount: { name: 'prober' } },
  },
})
const svid = aPerson({ claims: { sub: 'spiffe://prod/ns/a' } })
const proven = aPerson({ claims: { acr: 'mfa', amr: ['pwd', 'otp'], auth_time: NOW - 60 } })
const onDevice = (device: Readonly<Record<string, unknown>>): Principal =>
  aPerson({ claims: { device } })
const CERTIFICATE = createTestCertificate('client.test')
const WITH_CERTIFICATE = { clientCertificate: CERTIFICATE.forwarded }

type Row = readonly [condition: string, who: Principal, request: Partial<AccessRequest>, Finding]

const TABLES: Readonly<Record<string, readonly Row[]>> = {
  accept: [['{ accept: true }', ANONYMOUS, {}, 'holds']],
  reject: [['{ reject: true }', alice, {}, 'fails']],
  authenticated_user: [
    ['{ authenticated_user: true }', alice, {}, 'holds'],
    ['{ authenticated_user: true }', workload, {}, 'holds'],
    ['{ authenticated_user: true }', ANONYMOUS, {}, 'absent'],
  ],
  user: [
    ['{ user: alice }', alice, {}, 'holds'],
    ['{ user: alice@example.com }', alice, {}, 'holds'],
    ['{ user: alice@example.com }', noEmail, {}, 'fails'],
    ['{ user: ci/repo:org/app }', workload, {}, 'holds'],
    ['{ user: Alice }', alice, {}, 'fails'],
    ['{ user: { in: [bob, alice] } }', alice, {}, 'holds'],
    ['{ user: { not_in: [bob] } }', alice, {}, 'holds'],
    ['{ user: { not: alice } }', alice, {}, 'fails'],
    ['{ user: alice }', ANONYMOUS, {}, 'absent'],
    ['{ user: { not: alice } }', ANONYMOUS, {}, 'absent'],
  ],
  email: [
    ['{ email: ALICE@Example.com }', alice, {}, 'holds'],
    ['{ email: { ends_with: "@example.com" } }', alice, {}, 'holds'],
    ['{ email: bob@example.com }', alice, {}, 'fails'],
    ['{ email: alice@example.com }', noEmail, {}, 'absent'],
    ['{ email: { not: bob@example.com } }', noEmail, {}, 'absent'],
  ],
  domain: [
    ['{ domain: example.com }', alice, {}, 'holds'],
    ['{ domain: EXAMPLE.com }', alice, {}, 'holds'],
    ['{ domain: ample.com }', alice, {}, 'fails'],
    ['{ domain: { in: [example.org, example.com] } }', alice, {}, 'holds'],
    ['{ domain: example.com }', noEmail, {}, 'absent'],
    ['{ domain: { not: evil.com } }', noEmail, {}, 'absent'],
  ],
  groups: [
    ['{ groups: sre }', alice, {}, 'holds'],
    ['{ groups: { has: sre } }', alice, {}, 'holds'],
    ['{ groups: { has: SRE } }', alice, {}, 'fails'],
    ['{ groups: { in: [x, platform] } }', alice, {}, 'holds'],
    ['{ groups: { is: [sre, platform] } }', alice, {}, 'holds'],
    ['{ groups: { is: sre } }', alice, {}, 'fails'],
    ['{ groups: { exclude: sre } }', alice, {}, 'fails'],
    ['{ groups: { exclude: x } }', alice, {}, 'holds'],
    ['{ groups: { not_in: [x, sre] } }', alice, {}, 'fails'],
    ['{ groups: { has: sre } }', workload, {}, 'fails'],
    ['{ groups: { has: sre } }', noGroups, {}, 'absent'],
    ['{ groups: { exclude: sre } }', noGroups, {}, 'absent'],
  ],
  'claim/': [
    ['{ claim/department: ops }', alice, {}, 'holds'],
    ['{ claim/department: { starts_with: op } }', alice, {}, 'holds'],
    ['{ claim/level: "3" }', alice, {}, 'holds'],
    ['{ claim/vip: "true" }', alice, {}, 'holds'],
    ['{ claim/roles: b }', alice, {}, 'holds'],
    ['{ claim/roles: { not: b } }', alice, {}, 'fails'],
    ['{ claim/nested/deep: x }', alice, {}, 'holds'],
    ['{ claim/nested: x }', alice, {}, 'absent'],
    ['{ claim/missing: x }', alice, {}, 'absent'],
    ['{ claim/missing: { not_in: [x] } }', alice, {}, 'absent'],
    ['{ claim/constructor/name: Object }', alice, {}, 'absent'],
    ['{ claim/__proto__: x }', alice, {}, 'absent'],
  ],
  actor: [
    ['{ actor: human }', alice, {}, 'holds'],
    ['{ actor: { in: [agent, workload] } }', workload, {}, 'holds'],
    ['{ actor: human }', ANONYMOUS, {}, 'absent'],
  ],
  issuer: [
    ['{ issuer: https://idp.test }', alice, {}, 'holds'],
    ['{ issuer: https://idp.test/ }', alice, {}, 'fails'],
    ['{ issuer: https://idp.test }', ANONYMOUS, {}, 'absent'],
  ],
  http_method: [
    ['{ http_method: GET }', alice, { method: 'GET' }, 'holds'],
    ['{ http_method: GET }', alice, { method: 'HEAD' }, 'holds'],
    ['{ http_method: HEAD }', alice, { method: 'GET' }, 'fails'],
    ['{ http_method: GET }', alice, { method: 'get' }, 'fails'],
    ['{ http_method: { not_in: [GET] } }', alice, { method: 'HEAD' }, 'fails'],
    ['{ http_method: { in: [POST, PUT] } }', alice, { method: 'PUT' }, 'holds'],
  ],
  http_path: [
    ['{ http_path: /status }', alice, { path: '/status' }, 'holds'],
    ['{ http_path: /status }', alice, { path: '/status/' }, 'fails'],
    ['{ http_path: /status }', alice, { path: '/Status' }, 'fails'],
    ['{ http_path: { starts_with: /api } }', alice, { path: '/api' }, 'holds'],
    ['{ http_path: { starts_with: /api } }', alice, { path: '/api/x' }, 'holds'],
    ['{ http_path: { starts_with: /api } }', alice, { path: '/apiary' }, 'fails'],
    ['{ http_path: { starts_with: /api/ } }', alice, { path: '/api' }, 'fails'],
    ['{ http_path: { starts_with: / } }', alice, { path: '/x' }, 'holds'],
    ['{ http_path: { starts_with: [/a, /b] } }', alice, { path: '/b/c' }, 'holds'],
    ['{ http_path: { starts_with: /a, ends_with: .css } }', alice, { path: '/a/x.css' }, 'holds'],
    ['{ http_path: { starts_with: /a, ends_with: .css } }', alice, { path: '/b/x.css' }, 'fails'],
    ['{ http_path: { not: /x } }', alice, { path: '/y' }, 'holds'],
    ['{ http_path: /café }', alice, { path: '/caf\u00c3\u00a9' }, 'holds'],
  ],
  service_account: [
    ['{ service_account: monitoring/prober }', prober, {}, 'holds'],
    ['{ service_account: monitoring/other }', prober, {}, 'fails'],
    ['{ service_account: { starts_with: monitoring/ } }', prober, {}, 'holds'],
    ['{ service_account: monitoring/prober }', liar, {}, 'absent'],
    ['{ service_account: monitoring/prober }', alice, {}, 'absent'],
  ],
  spiffe_id: [
    ['{ spiffe_id: "spiffe://prod/ns/a" }', svid, {}, 'holds'],
    ['{ spiffe_id: { starts_with: "spiffe://prod/" } }', svid, {}, 'holds'],
    ['{ spiffe_id: { not: "spiffe://prod/ns/a" } }', alice, {}, 'absent'],
  ],
  acr: [
    ['{ acr: mfa }', proven, {}, 'holds'],
    ['{ acr: { in: [pwd, hwk] } }', proven, {}, 'fails'],
    ['{ acr: MFA }', proven, {}, 'fails'],
    ['{ acr: mfa }', alice, {}, 'absent'],
  ],
  amr: [
    ['{ amr: otp }', proven, {}, 'holds'],
    ['{ amr: { in: [hwk, pwd] } }', proven, {}, 'holds'],
    ['{ amr: { exclude: hwk } }', proven, {}, 'holds'],
    ['{ amr: { exclude: hwk } }', alice, {}, 'absent'],
  ],
  auth_age: [
    ['{ auth_age: 8h }', proven, {}, 'holds'],
    ['{ auth_age: { max: 61s } }', proven, {}, 'holds'],
    ['{ auth_age: { max_age: 59s } }', proven, {}, 'fails'],
    ['{ auth_age: 8h }', aPerson({ claims: { auth_time: NOW + 3600 } }), {}, 'absent'],
    ['{ auth_age: 8h }', alice, {}, 'absent'],
  ],
  device: [
    ['{ device: { compliant: true } }', onDevice({ compliant: true }), {}, 'holds'],
    ['{ device: { compliant: false } }', onDevice({ compliant: true }), {}, 'fails'],
    ['{ device: { compliant: false } }', alice, {}, 'holds'],
    ['{ device: { compliant: true } }', alice, {}, 'fails'],
    ['{ device: { compliant: true } }', onDevice({ compliant: 'true' }), {}, 'fails'],
    [
      '{ device: { approved: true, type: enclave } }',
      onDevice({ approved: true, type: 'enclave' }),
      {},
      'holds',
    ],
    ['{ device: { type: enclave } }', onDevice({ approved: true }), {}, 'absent'],
    ['{ device: { is: a1 } }', onDevice({ id: 'a1' }), {}, 'holds'],
    [
      '{ device: { compliant: true, max_age: 24h } }',
      onDevice({ compliant: true, checked_at: NOW - 86_400 }),
      {},
      'holds',
    ],
    [
      '{ device: { compliant: true, max_age: 24h } }',
      onDevice({ compliant: true, checked_at: NOW - 86_401 }),
      {},
      'fails',
    ],
    ['{ device: { compliant: true } }', ANONYMOUS, {}, 'absent'],
  ],
  client_certificate: [
    [
      '{ client_certificate: { fingerprint: "AB:CD" } }',
      alice,
      { clientCertificate: 'no certificate' },
      'absent',
    ],
    ['{ client_certificate: { san_dns: a.test } }', alice, {}, 'absent'],
    [
      `{ client_certificate: { fingerprint: "${CERTIFICATE.fingerprint}" } }`,
      alice,
      WITH_CERTIFICATE,
      'holds',
    ],
    [
      `{ client_certificate: { spki_hash: ["x", "${CERTIFICATE.spki}"] } }`,
      alice,
      WITH_CERTIFICATE,
      'holds',
    ],
    ['{ client_certificate: { san_dns: client.test } }', alice, WITH_CERTIFICATE, 'holds'],
    ['{ client_certificate: { san_dns: other.test } }', alice, WITH_CERTIFICATE, 'fails'],
  ],
  cors_preflight: [
    ['{ cors_preflight: true }', ANONYMOUS, { method: 'OPTIONS', isPreflight: true }, 'holds'],
    ['{ cors_preflight: true }', ANONYMOUS, { method: 'OPTIONS' }, 'fails'],
    ['{ cors_preflight: true }', ANONYMOUS, { method: 'GET', isPreflight: true }, 'fails'],
  ],
  // NOW is Friday 2027-01-15, 08:00:00 UTC: 09:00 in Berlin, 03:00 in New York.
  date: [
    ['{ date: { after: 2027-01-15 } }', alice, {}, 'holds'],
    ['{ date: { after: 2027-01-15T08:00:00Z } }', alice, {}, 'holds'],
    ['{ date: { after: 2027-01-15T08:00:01Z } }', alice, {}, 'fails'],
    ['{ date: { before: 2027-01-15T08:00:00Z } }', alice, {}, 'fails'],
    ['{ date: { before: "2027-01-15T09:00:00+01:00" } }', alice, {}, 'fails'],
    ['{ date: { after: 2027-01-01, before: 2027-02-01 } }', alice, {}, 'holds'],
  ],
  day_of_week: [
    ['{ day_of_week: fri }', alice, {}, 'holds'],
    ['{ day_of_week: mon-fri }', alice, {}, 'holds'],
    ['{ day_of_week: "sat-mon" }', alice, {}, 'fails'],
    ['{ day_of_week: "tue, friday" }', alice, {}, 'holds'],
    ['{ day_of_week: "*" }', alice, {}, 'holds'],
    ['{ day_of_week: { is: sat, timezone: Pacific/Kiritimati } }', alice, {}, 'fails'],
    ['{ day_of_week: { is: thu, timezone: Pacific/Honolulu } }', alice, {}, 'holds'],
  ],
  time_of_day: [
    ['{ time_of_day: { after: "8:00", before: "17:00" } }', alice, {}, 'holds'],
    ['{ time_of_day: { after: "8:00:01" } }', alice, {}, 'fails'],
    ['{ time_of_day: { before: "8:00" } }', alice, {}, 'fails'],
    [
      '{ time_of_day: { timezone: Europe/Berlin, after: "9:00", before: "9:30" } }',
      alice,
      {},
      'holds',
    ],
    [
      '{ time_of_day: { timezone: America/New_York, after: 2:20:00, before: "4:30PM" } }',
      alice,
      {},
      'holds',
    ],
    ['{ time_of_day: { after: "22:00", before: "9:00" } }', alice, {}, 'holds'],
    ['{ time_of_day: { after: "22:00", before: "6:00" } }', alice, {}, 'fails'],
  ],
  cel: [
    ['{ cel: "principal.claims.level >= 3" }', alice, {}, 'holds'],
    ['{ cel: "request.method == \'POST\'" }', alice, {}, 'fails'],
    ['{ cel: "\'sre\' in principal.groups" }', alice, {}, 'holds'],
    ['{ cel: "principal.claims.missing == 1" }', alice, {}, 'broken'],
    ['{ cel: "principal.claims.level >= 3" }', ANONYMOUS, {}, 'absent'],
    ['{ cel: "now > timestamp(\'2027-01-01T00:00:00Z\')" }', alice, {}, 'holds'],
  ],
  source_ip: [
    ['{ source_ip: 203.0.113.0/24 }', alice, {}, 'holds'],
    ['{ source_ip: [10.0.0.0/8, 203.0.113.7] }', alice, {}, 'holds'],
    ['{ source_ip: 10.0.0.0/8 }', alice, { clientIp: '::ffff:10.1.2.3' }, 'holds'],
    ['{ source_ip: 2001:db8::/32 }', alice, { clientIp: '2001:db8::1' }, 'holds'],
    ['{ source_ip: 10.0.0.0/8 }', alice, {}, 'fails'],
    ['{ source_ip: 10.0.0.0/8 }', alice, { clientIp: undefined }, 'absent'],
  ],
}

test('every criterion has a table', () => {
  expect(Object.keys(TABLES).toSorted()).toEqual(CRITERIA.map(({ name }) => name).toSorted())
})

describe.each(Object.entries(TABLES))('%s', (_name, rows) => {
  test.each(rows)('%s', async (condition, principal, request, finding) => {
    const policy = await policyOf(`[{ deny: { and: [${condition}] } }]`)
    const facts = { request: aRequest(request), principal, now: NOW }
    expect(policy.denies[0]?.test(facts)).toBe(finding)
  })
})

test('the example of every criterion loads', async () => {
  for (const { example } of CRITERIA) {
    await expect(policyOf(`[{ deny: { and: [${example}] } }]`)).resolves.toBeDefined()
  }
})
