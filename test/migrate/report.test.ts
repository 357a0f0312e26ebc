import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { createWorkplace, type Ran, type Workplace } from '../commands/policy-reports-support.ts'
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

let workplace: Workplace

beforeEach(async () => {
  workplace = await createWorkplace()
})

afterEach(async () => {
  await workplace.remove()
})

const HOST = 'app.example.com'

type Given = Partial<ClusterHost> & {
  readonly mode?: string | undefined
  readonly lines?: readonly Line[]
  readonly site?: string
  readonly verified?: object
}

type HostJson = Readonly<Record<string, unknown>> & {
  readonly host: string
  readonly stage: string
  readonly isReady: boolean
  readonly daysWithoutSurprise: number
  readonly blockers: readonly { readonly code: string; readonly text: string }[]
  readonly machines: readonly { readonly address: string; readonly signs: readonly string[] }[]
  readonly vpnOnly: readonly { readonly subject: string }[]
}

const FINE = {
  at: '2026-11-29T12:00:00.000Z',
  checks: [{ host: HOST, ok: true }],
  notChecked: [],
}

/** Everything is as it should be, for twenty days, by identity alone. */
const CALM = Array.from({ length: 21 }, (_each, days) => aLine(HOST, days))

const given = async ({
  mode = 'enforce',
  lines = CALM,
  site = SITE,
  verified = FINE,
  ...host
}: Given): Promise<readonly string[]> => {
  await workplace.write({
    'cluster.yaml': clusterYaml([{ host: HOST, ...host }]),
    'policies/app.yaml': policyYaml(HOST, mode),
    'decisions.ndjson': logOf(lines),
    'site.yaml': site,
    'verified.json': JSON.stringify(verified),
  })
  return [
    'migrate',
    'report',
    '@cluster.yaml',
    ...['--policies', '@policies'].concat(lines.length === 0 ? [] : ['--log', '@decisions.ndjson']),
    '--site',
    '@site.yaml',
    '--verified',
    '@verified.json',
    '--at',
    '2026-11-30',
  ]
}

const run = async (facts: Given, ...more: readonly string[]): Promise<Ran> =>
  await workplace.run(...(await given(facts)), ...more)

const hostOf = async (facts: Given): Promise<HostJson> => {
  const { out, err } = await run(facts, '--json')
  expect(err).toBe('')
  const [only] = (JSON.parse(out) as { readonly hosts: readonly HostJson[] }).hosts
  if (only === undefined) throw new Error('no host in the report')
  return only
}

const standing = async (facts: Given): Promise<string> => {
  const { stage, blockers } = await hostOf(facts)
  return [stage, ...new Set(blockers.map(({ code }) => code))].join(' ')
}

const CANARY = 'canary\nuntil: 2027-01-31\ncanary: { groups: [sre] }'

describe('the stage of a host', () => {
  test.each([
    ['nothing asks Vestibule', { guarded: false }, 'network_trusted'],
    [
      'auth-url asks somebody else',
      { guarded: false, annotations: { 'auth-url': 'http://x/y' } },
      'network_trusted',
    ],
    ['an address is enough', { annotations: { satisfy: 'any' } }, 'network_trusted'],
    ['the policy is observed', { mode: OBSERVE }, 'observed'],
    ['observing has ended', { mode: 'observe\nuntil: 2026-11-29' }, 'enforced'],
    ['the policy is enforced for some', { mode: CANARY }, 'canary'],
    ['identity decides', {}, 'enforced'],
    [
      'a NodePort leads around a closed back end',
      { closed: true, serviceType: 'NodePort' },
      'network_closed leftover',
    ],
    [
      'addresses still decide too',
      { closed: true, annotations: { 'whitelist-source-range': '10.0.0.0/8' } },
      'network_closed leftover',
    ],
    ['nothing is in the way', { closed: true }, 'vpn_removable'],
  ] as const)('%s', async (_name, facts, expected) => {
    expect(await standing(facts)).toBe(expected)
  })
})

describe('the ConfigMap of one controller', () => {
  test('guards the hosts of its class and no others', async () => {
    const { out } = await workplace.run('migrate', 'report', 'test/fixtures/cluster', '--json')
    const { hosts } = JSON.parse(out) as {
      readonly hosts: readonly { readonly host: string; readonly unguarded: readonly unknown[] }[]
    }
    const guarded = hosts.filter(({ unguarded }) => unguarded.length === 0)
    expect([hosts.length, guarded.map(({ host }) => host)]).toEqual([
      28,
      [
        'headlamp.brackwater.example',
        // By the class of its Ingress alone.
        'hubble.brackwater.example',
        'portal.brackwater.example',
      ],
    ])
  })
})

describe('what is in the way of an observed host', () => {
  const observed = async (lines: readonly Line[], site?: string): Promise<string> =>
    await standing({ mode: OBSERVE, lines, ...(site === undefined ? {} : { site }) })

  test.each([
    ['no decision at all', [], 'observed no_traffic'],
    ['thirteen days of log', CALM.slice(0, 14), 'observed short_evidence'],
    ['fourteen days of log', CALM.slice(0, 15), 'observed'],
    [
      'a would-be refusal thirteen days ago',
      [...CALM, wouldRefuse(HOST, 13, 'bob')],
      'observed surprise',
    ],
    ['a would-be refusal fifteen days ago', [...CALM, wouldRefuse(HOST, 15, 'bob')], 'observed'],
    ['a person who only has to sign in', [...CALM, nameless(HOST, 1)], 'observed'],
    [
      'a program that sends a token of its own',
      [
        ...CALM,
        nameless(HOST, 1, {
          credential: 'bearer',
          would: { effect: 'challenge', reason: 'invalid_token' },
        }),
      ],
      'observed machine',
    ],
    ['a program that writes', [...CALM, nameless(HOST, 1, { method: 'POST' })], 'observed machine'],
    [
      'an identity header in the wrong spelling, which no rule refused',
      [
        ...CALM,
        aLine(HOST, 1, {
          effect: 'deny',
          reason: 'impersonation_header',
          principal: person('bob'),
        }),
      ],
      'observed',
    ],
  ])('%s', async (_name, lines, expected) => {
    expect(await observed(lines)).toBe(expected)
  })

  test('a refusal that is meant, until its day', async () => {
    const lines = [...CALM, wouldRefuse(HOST, 2, 'mallory')]
    const site = (until: string): string =>
      `${SITE}expected: [{ host: ${HOST}, subject: mallory, until: ${until}, reason: left the team }]\n`
    expect(await observed(lines, site('2026-12-31'))).toBe('observed')
    expect(await observed(lines, site('2026-11-30'))).toBe('observed surprise')
  })

  test('how many days nobody was refused by surprise', async () => {
    const lines = [...CALM, wouldRefuse(HOST, 6, 'bob'), wouldRefuse(HOST, 9, 'bob')]
    const { daysWithoutSurprise, surprises } = await hostOf({ mode: OBSERVE, lines })
    expect([daysWithoutSurprise, surprises]).toEqual([
      6,
      [expect.objectContaining({ subject: 'bob', kind: 'would_be', times: 2 })],
    ])
  })
})

describe('a program without an identity', () => {
  const machines = async (lines: readonly Line[]): Promise<readonly (readonly string[])[]> =>
    (await hostOf({ mode: OBSERVE, lines: [...CALM, ...lines] })).machines.map(
      ({ address, signs }) => [address, ...signs],
    )

  test('that asks for one path on two days, from where nobody signs in', async () => {
    const lines = [1, 2].map((days) => nameless(HOST, days, { clientIp: '10.9.9.9' }))
    expect(await machines(lines)).toEqual([['10.9.9.9', 'few_paths']])
  })

  test('is told from a person by the address from which somebody signs in', async () => {
    expect(await machines([1, 2].map((days) => nameless(HOST, days)))).toEqual([])
  })

  test('behind a shared address is known by its hour', async () => {
    const nightly = [1, 2, 3].map((days) => nameless(HOST, days, { hour: 3, path: '/backup' }))
    const browsing = [1, 2, 3].flatMap((days) =>
      Array.from({ length: 5 }, (_each, page) =>
        nameless(HOST, days, { hour: 8 + ((days * 5 + page) % 9), path: `/page/${days}/${page}` }),
      ),
    )
    expect(await machines([...nightly, ...browsing])).toEqual([['198.51.100.7', 'same_time']])
    expect(await machines(browsing)).toEqual([])
  })
})

describe('what is in the way of taking the VPN away', () => {
  const closed = async (lines: readonly Line[], more: Given = {}): Promise<string> =>
    await standing({ closed: true, lines: [...CALM, ...lines], ...more })
  const VPN = { clientIp: '10.8.0.9' }

  test.each([
    [
      'somebody who came by the VPN alone',
      [aLine(HOST, 3, { ...VPN, principal: person('bob') })],
      'network_closed vpn_only',
    ],
    ['somebody who came both ways', [aLine(HOST, 3, VPN)], 'vpn_removable'],
    [
      'somebody whom the VPN alone brought long ago',
      [aLine(HOST, 16, { ...VPN, principal: person('bob') })],
      'vpn_removable',
    ],
    [
      'a nightly job with an identity, through the VPN alone',
      [1, 2, 3].map((days) =>
        aLine(HOST, days, { ...VPN, principal: program('ci/job'), credential: 'bearer' }),
      ),
      'network_closed vpn_only',
    ],
    [
      'a nightly job without one, refused since the policy is enforced',
      [1, 2, 3].map((days) =>
        nameless(HOST, days, {
          ...VPN,
          hour: 3,
          effect: 'challenge',
          reason: 'not_signed_in',
          mode: 'enforce',
          would: undefined,
        }),
      ),
      'network_closed machine',
    ],
    [
      'somebody whom the policy admits was refused',
      [aLine(HOST, 4, { principal: person('bob') }), refused(HOST, 2, 'bob')],
      'network_closed surprise',
    ],
    [
      'a stranger was refused, which is what a policy is for',
      [refused(HOST, 2, 'mallory')],
      'vpn_removable',
    ],
  ])('%s', async (_name, lines, expected) => {
    expect(await closed(lines)).toBe(expected)
  })

  test.each([
    ['no zone is the VPN', { site: 'days: 14\n' }, 'network_closed no_zones'],
    [
      'verify found something',
      { verified: { ...FINE, checks: [{ host: HOST, ok: false }] } },
      'network_closed not_verified',
    ],
    [
      'verify left something out',
      { verified: { ...FINE, notChecked: [{ host: HOST }] } },
      'network_closed not_verified',
    ],
    [
      'verify was long ago',
      { verified: { ...FINE, at: '2026-10-01T00:00:00Z' } },
      'network_closed not_verified',
    ],
    [
      'verify was of other hosts',
      { verified: { ...FINE, checks: [{ host: 'x.test', ok: true }] } },
      'network_closed not_verified',
    ],
  ])('%s', async (_name, more, expected) => {
    expect(await closed([], more)).toBe(expected)
  })
})

describe('the command', () => {
  test('fails for a host that is to be ready and is not, and says why', async () => {
    const { code, err } = await run({ mode: OBSERVE, lines: CALM.slice(0, 5) }, '--ready', HOST)
    expect([code, err]).toEqual([
      1,
      `${HOST}: short_evidence: the log tells of 4 days, and 14 are wanted\n`,
    ])
  })

  test('is content with one that is', async () => {
    expect((await run({ mode: OBSERVE }, '--ready', HOST)).code).toBe(0)
    expect((await run({}, '--ready', 'other.example.com')).code).toBe(1)
  })

  test('tells people the stage, what is in the way, what comes next, and the way back', async () => {
    const { out } = await run({ mode: OBSERVE, lines: [...CALM, wouldRefuse(HOST, 2, 'bob')] })
    expect(out).toContain(`${HOST}  observed  (sre@example.com)`)
    expect(out).toContain(
      '  surprise     bob would be refused 1 time, last on 2026-11-28: GET /admin (no_rule_matched)',
    )
    expect(out).toContain(
      '  in the way   surprise: 1 caller refused, or to be refused, within 14 days: bob',
    )
    expect(out).toContain('  next         not yet: Set mode: canary')
    expect(out).toContain('  back         Apply the inverse patch')
  })

  test('needs neither log nor policies to begin', async () => {
    await workplace.write({ 'cluster.yaml': clusterYaml([{ host: HOST, guarded: false }]) })
    const { code, out } = await workplace.run('migrate', 'report', '@cluster.yaml')
    expect([code, out]).toEqual([0, expect.stringContaining('network-trusted     1')])
  })

  test('reads packed logs, passes over what is no decision, and lines from the future', async () => {
    const args = await given({ lines: CALM })
    const packed = logOf([...CALM, aLine(HOST, -400)])
    await writeFile(join(workplace.folder, 'decisions.ndjson.gz'), gzipSync(`${packed}no line\n`))
    const words = args.map((word) => (word === '@decisions.ndjson' ? `${word}.gz` : word))
    const { out } = await workplace.run(...words)
    expect(out).toContain('Skipped 2 lines of 23, no decisions.')
  })

  test('refuses a log that holds no decision', async () => {
    const args = await given({ lines: [{ message: 'hello' }] })
    const { code, err } = await workplace.run(...args)
    expect([code, err]).toEqual([2, expect.stringContaining('is it the decision log?')])
  })

  test('names the faults of the site file with their lines', async () => {
    const site =
      'zones: [{ name: vpn, ranges: [10.8.0.0/99] }]\nexpected: [{ host: a.test, until: soon, reason: x }]\n'
    const { code, err } = await run({ site })
    expect([code, err.split('\n')]).toEqual([
      2,
      [
        'site.yaml:1:31: zones[0].ranges[0]: is no range. Write it as 10.8.0.0/16.',
        'site.yaml:2:35: expected[0].until: is no day. Write 2027-01-31.',
        'site.yaml:2:12: expected[0]: names nobody, or twice. Write subject or address.',
        '',
      ],
    ])
  })

  test('leaves hosts out that are no part of it', async () => {
    const { out } = await run({ site: `leaveOut: [${HOST}]\n` }, '--json')
    expect((JSON.parse(out) as { readonly hosts: readonly unknown[] }).hosts).toEqual([])
  })

  test('writes a page on which nothing of the log is markup', async () => {
    const evil = '<script>alert(1)</script>'
    const lines = [...CALM, wouldRefuse(HOST, 2, evil)]
    await run({ mode: OBSERVE, lines }, '--html', '@report.html')
    const page = await readFile(join(workplace.folder, 'report.html'), 'utf8')
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt; would be refused')
    expect(page).not.toContain('<script')
  })
})
