import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { translateAuthelia } from '../../src/migrate/translate/authelia.ts'
import { faultsOf } from '../support/policies.ts'
import { type Asking, filesOf, lets, loadedFrom, sourceOf } from './support-translate.ts'

const translate = (rules: readonly unknown[], more: object = {}) =>
  translateAuthelia(
    // JSON is YAML; `stringify` would write an alias where two rules share a list.
    sourceOf(
      JSON.stringify({ access_control: { default_policy: 'deny', ...more, rules } }, null, 1),
      'a.yml',
    ),
  )

const asking = (changes: Partial<Asking> = {}): Asking => ({
  host: 'wiki.test',
  path: '/',
  method: 'GET',
  ip: '203.0.113.7',
  groups: ['staff'],
  ...changes,
})

describe('one rule', () => {
  test.each([
    ['one_factor', { policy: 'one_factor' }, {}, true],
    ['one_factor, nobody signed in', { policy: 'one_factor' }, { groups: undefined }, false],
    ['a group', { policy: 'one_factor', subject: 'group:staff' }, {}, true],
    ['another group', { policy: 'one_factor', subject: 'group:ops' }, {}, false],
    ['two_factor with one', { policy: 'two_factor' }, {}, false],
    ['two_factor with two', { policy: 'two_factor' }, { acr: 'mfa' }, true],
    ['bypass', { policy: 'bypass' }, { groups: undefined }, true],
    ['deny', { policy: 'deny' }, {}, false],
    ['a word that it does not know', { policy: 'maybe' }, {}, false],
    ['a network', { policy: 'one_factor', networks: ['10.0.0.0/8'] }, {}, false],
    [
      'from the network',
      { policy: 'one_factor', networks: ['10.0.0.0/8'] },
      { ip: '10.1.1.1' },
      true,
    ],
    ['a named network', { policy: 'one_factor', networks: ['vpn'] }, { ip: '10.8.0.1' }, true],
    ['HEAD is no GET', { policy: 'one_factor', methods: ['GET'] }, { method: 'HEAD' }, false],
    ['alternatives', { policy: 'one_factor', subject: ['group:ops', 'group:staff'] }, {}, true],
    ['both at once', { policy: 'one_factor', subject: [['group:ops', 'group:staff']] }, {}, false],
    [
      'an address alone is no ground',
      { policy: 'bypass', networks: ['vpn'] },
      { ip: '10.8.0.1' },
      false,
    ],
  ] as const)('%s', async (_name, rule, changes, expected) => {
    const networks = [{ name: 'vpn', networks: ['10.8.0.0/16'] }]
    const policies = await loadedFrom(translate([{ domain: 'wiki.test', ...rule }], { networks }))
    expect(lets(policies, asking(changes))).toBe(expected)
  })
})

describe('a draft', () => {
  test('is refused until its TODOs are filled in', async () => {
    const translation = translate([
      { domain: 'wiki.test', policy: 'two_factor', subject: 'user:ada' },
    ])
    const faults = await faultsOf(filesOf(translation))
    expect(faults.length).toBeGreaterThanOrEqual(3)
    expect(faults.filter((fault) => !fault.includes('is still a TODO'))).toEqual([])
    await expect(loadedFrom(translation)).resolves.toBeDefined()
  })

  test('names what it could not say, with file and line', () => {
    const { leftovers } = translate(
      [
        { domain: 'wiki.test', policy: 'one_factor', resources: ['^/x[0-9]+$'], colour: 'blue' },
        { domain_regex: '^a.*$', policy: 'one_factor' },
        { domain: 'wiki.test', policy: 'one_factor', query: [[{ key: 'a', operator: 'present' }]] },
      ],
      { default_policy: 'two_factor' },
    )
    expect(leftovers.map(({ origin, what }) => `${origin.line} ${what}`)).toEqual([
      '11 colour',
      '5 the pattern of resources ^/x[0-9]+$ means',
      '5 the key colour says',
      '13 domain_regex ^a.*$',
      '17 the condition on the query means',
      '3 default_policy: two_factor',
    ])
  })

  test('of a host also holds the rules of the wildcards that cover it', async () => {
    const policies = await loadedFrom(
      translate([
        { domain: '*.test', policy: 'deny', resources: ['^/admin.*$'] },
        { domain: 'wiki.test', policy: 'one_factor' },
      ]),
    )
    expect(lets(policies, asking({ path: '/page' }))).toBe(true)
    expect(lets(policies, asking({ path: '/administrator' }))).toBe(false)
  })

  test('a rule by regular expression that might deny keeps later allows waiting', async () => {
    const translation = translate([
      { domain_regex: '^w.*$', policy: 'deny', subject: 'group:guests' },
      { domain: 'wiki.test', policy: 'one_factor' },
    ])
    expect((await faultsOf(filesOf(translation))).join('\n')).toContain('policy[0].allow.and[1]')
  })
})

/** Authelia as its documentation has it: the first rule that matches decides. */
type ModelRule = {
  readonly domain: string
  readonly policy: 'bypass' | 'one_factor' | 'two_factor' | 'deny'
  readonly subject?: readonly (readonly string[])[]
  readonly resources?: readonly string[]
  readonly methods?: readonly string[]
  readonly networks?: readonly string[]
}

const isAbout = ({ domain }: ModelRule, { host }: Asking): boolean =>
  domain === host || (domain.startsWith('*.') && host.endsWith(domain.slice(1)))

const fitsRequest = ({ resources, methods, networks }: ModelRule, who: Asking): boolean =>
  (resources === undefined || resources.some((each) => new RegExp(each).test(who.path))) &&
  (methods === undefined || methods.includes(who.method)) &&
  (networks === undefined || who.ip.startsWith('10.'))

/** Somebody anonymous is asked to sign in, which no more lets him pass than the next rule may. */
const fitsSubject = ({ subject }: ModelRule, { groups }: Asking): boolean =>
  subject === undefined ||
  groups === undefined ||
  subject.some((all) => all.every((each) => groups.includes(each.replace('group:', ''))))

const autheliaLets = (rules: readonly ModelRule[], who: Asking): boolean => {
  const rule = rules.find(
    (each) => isAbout(each, who) && fitsRequest(each, who) && fitsSubject(each, who),
  )
  if (rule === undefined || rule.policy === 'deny') return false
  if (rule.policy === 'bypass') return true
  if (who.groups === undefined) return false
  return rule.policy === 'one_factor' || who.acr === 'mfa'
}

/** A criterion that is there or not; absent is not undefined. */
const perhaps = <Name extends string, Value>(
  name: Name,
  values: fc.Arbitrary<Value>,
): fc.Arbitrary<Partial<Record<Name, Value>>> =>
  fc.record({ [name]: values } as Record<Name, fc.Arbitrary<Value>>, { requiredKeys: [] })

const anyRule: fc.Arbitrary<ModelRule> = fc
  .tuple(
    fc.constantFrom('wiki.test', '*.test', 'shop.test', '*.a.test'),
    fc.constantFrom('bypass', 'one_factor', 'two_factor', 'deny'),
    perhaps(
      'subject',
      fc.constantFrom(
        [['group:staff']],
        [['group:ops']],
        [['group:staff', 'group:ops']],
        [['group:ops'], ['group:guests']],
      ),
    ),
    perhaps(
      'resources',
      fc.constantFrom(
        ['^/admin.*$'],
        ['^/api([/?].*)?$'],
        ['^/api/.*$', '^/admin/'],
        ['^/x$'],
        ['^/[a-z]+$'],
        ['^.*$'],
      ),
    ),
    fc.tuple(
      perhaps('methods', fc.constantFrom(['GET'], ['GET', 'HEAD'], ['POST', 'PUT'])),
      perhaps('networks', fc.constant(['10.0.0.0/8'])),
    ),
  )
  .map(([domain, policy, subject, resources, [methods, networks]]) => ({
    domain,
    policy,
    // It refuses a bypass that names people.
    ...(policy === 'bypass' ? {} : subject),
    ...resources,
    ...methods,
    ...networks,
  }))

const PATHS = [
  '/',
  '/admin',
  '/administrator',
  '/admin/x',
  '/api',
  '/api/v1',
  '/apiary',
  '/x',
  '/page',
]
const GROUPS = [undefined, [], ['staff'], ['ops'], ['staff', 'ops'], ['guests']] as const

const ASKINGS: readonly Asking[] = ['wiki.test', 'shop.test', 'b.a.test', 'other.test'].flatMap(
  (host) =>
    PATHS.flatMap((path) =>
      ['GET', 'HEAD', 'POST'].flatMap((method) =>
        GROUPS.flatMap((groups) => [
          { host, path, method, groups, ip: '10.1.1.1', acr: 'mfa' },
          { host, path, method, groups, ip: '203.0.113.7', acr: 'pwd' },
          { host, path, method, groups, ip: '203.0.113.7', acr: 'mfa' },
        ]),
      ),
    ),
)

describe('a translation', () => {
  test('is never wider than the original', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRule, { minLength: 1, maxLength: 5 }), async (rules) => {
        const policies = await loadedFrom(translate(rules))
        const wider = ASKINGS.filter((each) => lets(policies, each) && !autheliaLets(rules, each))
        expect(wider).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  test('is as wide as the original where everything could be said', async () => {
    const sayable = anyRule.filter(
      ({ policy, networks, resources }) =>
        !(policy === 'bypass' && networks !== undefined) &&
        !['^/x$', '^/[a-z]+$'].includes(resources?.[0] ?? ''),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(sayable, { minLength: 1, maxLength: 4 }), async (rules) => {
        const policies = await loadedFrom(translate(rules))
        const narrower = ASKINGS.filter(
          (each) =>
            each.groups !== undefined &&
            rules.some(({ domain }) => domain === each.host) &&
            autheliaLets(rules, each) &&
            !lets(policies, each),
        )
        expect(narrower).toEqual([])
      }),
      { numRuns: 100 },
    )
  })
})
