import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decide } from '../src/core/decide.ts'
import { epochSeconds, type HostName, parseHostName } from '../src/core/ids.ts'
import { findPolicy, type PolicySet } from '../src/core/policy/policy.ts'
import { loadPolicies } from '../src/edge/policies/policy-folder.ts'
import { median } from './statistics.ts'

export type PolicyComparison = {
  readonly hosts: number
  readonly rules: number
  /** Median time of one decision, host look-up included. */
  readonly nanoseconds: number
  readonly oneHost: number
  readonly ratio: number
}

const RULES = 20
const DECISIONS = 300_000

/** Finding the policy and deciding, among many hosts and with one alone, in turns. */
export const benchPolicies = async (rounds: number, hosts: number): Promise<PolicyComparison> => {
  const many = await policiesFor(hosts)
  const one = await policiesFor(1)
  const pairs: { readonly many: number; readonly one: number }[] = []
  time(many)
  time(one)
  for (let round = 0; round < rounds; round += 1) pairs.push({ many: time(many), one: time(one) })
  return {
    hosts,
    rules: RULES,
    nanoseconds: median(pairs.map((pair) => pair.many)),
    oneHost: median(pairs.map((pair) => pair.one)),
    ratio: median(pairs.map((pair) => pair.many / pair.one)),
  }
}

const time = (policies: PolicySet): number => {
  const facts = {
    request: {
      host: hostNamed('host-0.example.com'),
      scheme: 'https',
      method: 'GET',
      path: '/team-19/x',
      pathIsAmbiguous: false,
      pathIsConfirmed: true,
      isPreflight: false,
      clientCertificate: undefined,
      clientIp: undefined,
      requestId: undefined,
      namespace: '',
      ingress: '',
      service: '',
    },
    principal: {
      kind: 'authenticated',
      actor: 'human',
      subject: 'alice',
      issuer: 'https://idp.example.com',
      email: 'alice@example.com',
      preferredUsername: 'alice',
      groups: ['group-19'],
      claims: {},
    },
    now: epochSeconds(1_800_000_000),
  } as const
  const startedAt = performance.now()
  for (let count = 0; count < DECISIONS; count += 1) {
    const policy = findPolicy(policies, facts.request.host)
    if (policy === undefined || decide(policy, facts).effect !== 'allow') {
      throw new Error('the wrong decision')
    }
  }
  return ((performance.now() - startedAt) * 1e6) / DECISIONS
}

const hostNamed = (text: string): HostName => {
  const name = parseHostName(text)
  if (name === undefined) throw new Error(`${text} is no host`)
  return name
}

const policiesFor = async (hosts: number): Promise<PolicySet> => {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-bench-'))
  try {
    for (let host = 0; host < hosts; host += 1) {
      await writeFile(join(folder, `host-${host}.yaml`), policyText(host))
    }
    const loaded = await loadPolicies(folder)
    if (!loaded.ok) throw new Error('the policies do not load')
    return loaded.value
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const policyText = (host: number): string =>
  [
    `hosts: [host-${host}.example.com]`,
    'policy:',
    ...Array.from(
      { length: RULES },
      (_each, rule) =>
        `  - allow: { and: [{ groups: { has: group-${rule} } }, { http_path: { starts_with: /team-${rule} } }] }`,
    ),
    '',
  ].join('\n')
