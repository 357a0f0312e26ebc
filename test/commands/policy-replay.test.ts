import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ReplayFinding, type ReplayReport } from '../../src/core/replay-tally.ts'
import { loadPolicies } from '../../src/edge/policies/policy-folder.ts'
import {
  aLine,
  appPolicy,
  createWorkplace,
  PLATFORM,
  person,
  REFUSED,
  SRE,
  type Workplace,
} from './policy-reports-support.ts'

let place: Workplace

beforeAll(async () => {
  place = await createWorkplace()
})

afterAll(async () => {
  await place.remove()
})

type Report = ReplayReport & {
  readonly ok: boolean
  readonly lines: number
  readonly malformed: { readonly lines: number; readonly first: readonly string[] }
}

/** Replays lines with the policy of app.test given; the report and the exit code. */
const replay = async (
  lines: readonly string[],
  policy: string,
  ...words: readonly string[]
): Promise<Report & { readonly code: number }> => {
  await place.write({ 'log.ndjson': `${lines.join('\n')}\n`, 'new/app.yaml': policy })
  const { code, out } = await place.run(
    'policy',
    'replay',
    '--log',
    '@log.ndjson',
    '--policies',
    '@new',
    '--json',
    ...words,
  )
  return { ...(JSON.parse(out) as Report), code }
}

const summary = ({ change, host, rule, now, requests, principals }: ReplayFinding): unknown => [
  change,
  host,
  rule,
  now,
  requests,
  principals,
]

const bob = person('bob', ['platform'])

describe('policy replay', () => {
  test('says who loses and who gains, by host and rule, and counts callers and requests', async () => {
    const report = await replay(
      [
        aLine(),
        aLine({ path: '/x' }),
        aLine({ principal: person('carol', ['sre']) }),
        aLine({ ...REFUSED, principal: bob }),
      ],
      appPolicy(PLATFORM),
    )
    expect(report.code).toBe(1)
    expect(report).toMatchObject({ ok: false, lost: 3, gained: 1, undecidable: 0, unchanged: 0 })
    expect(report.findings.map(summary)).toEqual([
      ['lost', 'app.test', 'app.yaml#sre', 'no_rule_matched', 3, 2],
      ['gained', 'app.test', 'app.yaml#platform', 'rule_matched', 1, 1],
    ])
    expect(report.findings[0]?.examples).toEqual([
      {
        decision: '3c0b0000-0000-4000-8000-000000000000',
        time: '2026-11-21T10:00:00Z',
        principal: 'alice@example.com',
        method: 'GET',
        path: '/',
      },
      expect.objectContaining({ principal: 'carol@example.com' }),
    ])
  })

  test('names the deny rule that would refuse', async () => {
    const deny = '  - { id: closed, deny: { or: [{ http_path: { starts_with: /x } }] } }'
    const report = await replay([aLine({ path: '/x' })], appPolicy(`${SRE}\n${deny}`))
    expect(report.findings[0]?.now).toBe('denied_by_rule app.yaml#closed')
  })

  test('fails only where somebody loses, and not where that is allowed', async () => {
    expect((await replay([aLine()], appPolicy(SRE))).code).toBe(0)
    const gain = [aLine({ ...REFUSED, principal: bob })]
    expect(await replay(gain, appPolicy(PLATFORM))).toMatchObject({ code: 0, ok: true, gained: 1 })
    const allowed = await replay([aLine()], appPolicy(PLATFORM), '--allow-loss')
    expect(allowed).toMatchObject({ code: 0, ok: true, lost: 1 })
  })

  test('decides at the recorded moment', async () => {
    const until = '  - { id: sre, allow: { and: [{ groups: { has: sre } }] }, until: 2026-11-21 }'
    const report = await replay(
      [aLine(), aLine({ time: '2026-11-22T00:00:00.000Z' })],
      appPolicy(until),
    )
    expect(report).toMatchObject({ unchanged: 1, lost: 1 })
    expect(report.findings[0]?.now).toBe('grant_expired app.yaml#sre')
  })

  test.each([
    ['a claim', '{ claim/department: ops }', {}, 'claim/department'],
    ['a device', '{ device: { compliant: true } }', {}, 'device'],
    ['an authentication context', '{ acr: mfa }', {}, 'acr'],
    [
      'an expression over claims',
      '{ cel: "principal.claims.level > 3" }',
      {},
      'cel: principal.claims',
    ],
    [
      'a group that no policy of the host named',
      '{ groups: { has: staff } }',
      { principal: person('alice', ['sre'], { otherGroups: 4 }) },
      'groups staff',
    ],
    [
      'groups, on a line of an older version',
      '{ groups: { has: staff } }',
      { principal: { ...person('alice', null), groups: undefined } },
      'groups (written by an older version)',
    ],
    ['a path that was too long for the line', '{ http_path: /x }', { path: '/aaa…' }, 'http_path'],
  ])('does not guess %s', async (_name, condition, changes, needs) => {
    const rule = `  - { id: new, allow: { and: [{ authenticated_user: true }, ${condition}] } }`
    const report = await replay([aLine(changes)], appPolicy(rule))
    expect(report).toMatchObject({ code: 0, undecidable: 1, lost: 0, gained: 0 })
    expect(report.findings[0]?.rule).toBe(needs)
  })

  test('decides where what is not known makes no difference', async () => {
    const rules = `${SRE}\n  - { id: new, allow: { and: [{ claim/department: ops }] } }`
    expect(await replay([aLine()], appPolicy(rules))).toMatchObject({ unchanged: 1 })
    const machine = '  - { id: m, allow: { and: [{ actor: workload }, { claim/repository: a }] } }'
    expect(await replay([aLine()], appPolicy(machine))).toMatchObject({ lost: 1 })
    const prober = '  - { id: p, allow: { and: [{ service_account: monitoring/prober }] } }'
    expect(await replay([aLine()], appPolicy(prober))).toMatchObject({ lost: 1 })
  })

  test('knows that a group is missing where the line has all groups', async () => {
    expect(await replay([aLine()], appPolicy(PLATFORM))).toMatchObject({ lost: 1 })
    const silent = aLine({ principal: person('alice', null) })
    expect(await replay([silent], appPolicy(PLATFORM))).toMatchObject({ lost: 1 })
  })

  test('learns from the policies of the time what the line does not say', async () => {
    const claim = '  - { id: dept, allow: { and: [{ claim/department: ops }] } }'
    await place.write({ 'old/app.yaml': appPolicy(`${claim}\n${PLATFORM}`) })
    const old = await loadPolicies(join(place.folder, 'old'))
    const policyVersion = old.ok ? old.value.version : ''
    const principal = person('alice', [], { otherGroups: 9 })
    const lines = [
      aLine({ policyVersion, principal, rule: 'app.yaml#dept' }),
      aLine({ policyVersion, principal, ...REFUSED }),
    ]
    const changed = appPolicy(
      `${claim}\n  - { deny: { or: [{ http_path: /never }] } }\n${PLATFORM}`,
    )
    expect(await replay(lines, changed)).toMatchObject({ undecidable: 2 })
    expect(await replay(lines, changed, '--baseline', '@old')).toMatchObject({ unchanged: 2 })
    const platformOnly = await replay(lines, appPolicy(PLATFORM), '--baseline', '@old')
    expect(platformOnly).toMatchObject({ lost: 1, unchanged: 1 })
  })

  test('takes what enforcing would have said of a host that was observed', async () => {
    const would = { effect: 'deny', reason: 'no_rule_matched' }
    const line = aLine({
      reason: 'observed',
      mode: 'observe',
      rule: undefined,
      would,
      principal: bob,
    })
    expect(await replay([line], appPolicy(SRE))).toMatchObject({
      code: 0,
      unchanged: 1,
      observed: 1,
    })
    expect(await replay([line], appPolicy(PLATFORM))).toMatchObject({ code: 0, gained: 1 })
    const answered = await replay([line], appPolicy(SRE), '--as-answered')
    expect(answered).toMatchObject({ code: 1, lost: 1 })
    const observed = appPolicy(SRE, 'mode: observe\nuntil: 2027-01-31\n')
    expect(await replay([line], observed, '--as-answered')).toMatchObject({ code: 0, unchanged: 1 })
  })

  test('skips and counts what is no decision, whatever it is', async () => {
    const report = await replay(
      [
        '{"level":"info"}',
        'nonsense',
        '{"time":',
        aLine(),
        '',
        '[]',
        'null',
        `x${'y'.repeat(300_000)}`,
      ],
      appPolicy(SRE),
    )
    expect(report).toMatchObject({ code: 0, lines: 7, requests: 1, unchanged: 1 })
    expect(report.malformed).toEqual({
      lines: 6,
      first: ['log.ndjson:1', 'log.ndjson:2', 'log.ndjson:3'],
    })
  })

  test('reads a line behind the words of a log collector', async () => {
    const line = `[pod/vestibule-0] 2026-11-21T10:00:00Z ${aLine()}`
    expect(await replay([line], appPolicy(PLATFORM))).toMatchObject({ lost: 1 })
  })

  test.each([
    [
      'a request that was refused before the rules',
      {
        effect: 'deny',
        reason: 'host_mismatch',
        host: undefined,
        path: undefined,
        principal: { actor: 'anonymous' },
        credential: 'none',
      },
      { unchanged: 1 },
    ],
    [
      'a bad token',
      {
        effect: 'challenge',
        reason: 'invalid_token',
        principal: { actor: 'anonymous' },
        credential: 'bearer',
      },
      { unchanged: 1 },
    ],
    [
      'an outage',
      {
        effect: 'unavailable',
        reason: 'session_store_unreachable',
        principal: { actor: 'anonymous' },
      },
      { notComparable: { session_store_unreachable: 1 } },
    ],
    [
      'a host that no policy named',
      {
        effect: 'deny',
        reason: 'unknown_host',
        principal: { actor: 'anonymous' },
        credential: 'none',
      },
      { undecidable: 1 },
    ],
    ['a host that is gone', { host: 'gone.test' }, { lost: 1 }],
  ])('counts %s', async (_name, changes, expected) => {
    expect(await replay([aLine(changes)], appPolicy(SRE))).toMatchObject(expected)
  })

  test('leaves open who somebody is whose kind of credential would not be looked at', async () => {
    const report = await replay(
      [aLine({ credential: 'bearer' })],
      appPolicy(SRE, 'credentials: [cookie]\n'),
    )
    expect(report).toMatchObject({ undecidable: 1 })
    expect(report.findings[0]?.rule).toBe('other credentials')
  })

  test('reads several logs, packed ones too', async () => {
    await replay([aLine()], appPolicy(PLATFORM))
    await writeFile(join(place.folder, 'packed.gz'), gzipSync(`${aLine()}\n${aLine()}`))
    const { out } = await place.run(
      'policy',
      'replay',
      '--log',
      '@log.ndjson',
      '--log',
      '@packed.gz',
      '--policies',
      '@new',
      '--json',
    )
    expect(JSON.parse(out)).toMatchObject({ requests: 3, lost: 3 })
  })

  test('says for people who, why, and what to do next', async () => {
    await replay([aLine({ path: '/é\u001b[2J' }), 'x'], appPolicy(PLATFORM))
    const { out } = await place.run(
      'policy',
      'replay',
      '--log',
      '@log.ndjson',
      '--policies',
      '@new',
    )
    expect(
      out.replace(/policies [0-9a-f]{16}/, 'policies VERSION'),
    ).toBe(`Replayed 1 request, recorded 2026-11-21T10:00:00Z to 2026-11-21T10:00:00Z, with policies VERSION.
  unchanged            0
  lose access          1
  gain access          0
  undecidable          0

Would lose access:
  app.test  1 caller, 1 request
    admitted by app.yaml#sre; now no_rule_matched
    alice@example.com  GET /é?[2J  2026-11-21T10:00:00Z  3c0b0000-0000-4000-8000-000000000000

Note: Skipped 1 line of 2, no decisions (log.ndjson:2).

Somebody would lose access. If that is meant, say --allow-loss; else correct the policies.
`)
  })

  test.each([
    ['no log', ['--policies', '@new'], 'name the decision log'],
    ['no policies', ['--log', '@log.ndjson'], 'name the policies to try'],
    ['a log that is not there', ['--log', '@none', '--policies', '@new'], 'ENOENT'],
    [
      'a log of something else',
      ['--log', '@new/app.yaml', '--policies', '@new'],
      'none of the lines',
    ],
  ])('could not run with %s', async (_name, words, message) => {
    await replay([aLine()], appPolicy(SRE))
    const { code, err } = await place.run('policy', 'replay', ...words)
    expect(code).toBe(2)
    expect(err).toContain(message)
  })

  test('could not run with faulty policies, and says where', async () => {
    await place.write({ 'log.ndjson': aLine(), 'bad/app.yaml': 'hosts: [app.test]\n' })
    const { code, err } = await place.run(
      'policy',
      'replay',
      '--log',
      '@log.ndjson',
      '--policies',
      '@bad',
    )
    expect(code).toBe(2)
    expect(err).toMatch(/^bad\/app\.yaml:1:1: policy: is missing/)
  })
})
