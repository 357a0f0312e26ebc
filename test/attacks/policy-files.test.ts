import { describe, expect, test } from '@jest/globals'
import { faultsOf } from '../support/policies.ts'
import {
  expectFaults,
  expectLoads,
  GOOD,
  withCondition,
  withHosts,
  withRules,
} from './support-policy-files.ts'

/*
 * Rows of the corpus that are elsewhere, or that ask about things Vestibule does not have:
 * P5, P24–P26 on reload: test/policies/policy-watch.test.ts, test/http/reload.test.ts.
 * P14, P19, P21, P22, P27: configuration.test.ts. P16 in bulk: policy-files-fuzz.test.ts.
 * P20 "unknown issuer": a token issuer that is not configured proves nobody, so a rule that names
 *     one never holds; policies are checked without the configuration.
 * P29 defaults in the docs: test/docs/generated.test.ts.
 */

/** What it is, the text, and how the problem is named. */
type Faulty = readonly [what: string, text: string, problem: RegExp]

describe('P1 P2 what is no policy file', () => {
  test.each<Faulty>([
    ['empty', '', /is empty/],
    ['only blanks', ' \n\n  \n', /is empty/],
    ['only comments', '# hosts: [app.test]\n', /is empty/],
    ['null', 'null\n', /expected object/],
    ['~', '~\n', /expected object/],
    ['a list', '[]\n', /expected object/],
    ['an empty mapping', '{}\n', /hosts: is missing/],
    ['a word', 'hosts\n', /expected object/],
    ['a number', '1\n', /expected object/],
    ['two documents', `${GOOD}---\n${GOOD}`, /second document/],
    ['two documents, the first empty', `---\n---\n${GOOD}`, /empty|second document/],
    ['tabs for indentation', GOOD.replaceAll('  ', '\t'), /tabs are not allowed/],
    ['an open quote', `${GOOD}owner: "x\n`, /closing|quote/],
    ['an open list', 'hosts: [app.test\n', /./],
    ['a key twice', `${GOOD}owner: a\nowner: b\n`, /repeats a key/],
    ['a key twice, once in quotes', `${GOOD}owner: a\n"owner": b\n`, /repeats a key/],
    ['NUL', `${GOOD}owner: "a\0b"\n`, /control character/],
    ['escape', `${GOOD}owner: \u001b[31m\n`, /control character/],
    ['YAML 1.1', `%YAML 1.1\n---\n${GOOD}`, /is YAML 1\.1/],
    ['a merge key', `<<: { owner: x }\n${GOOD}`, /<<: is not a known key/],
    ['an alias', 'hosts: &h [app.test]\npolicy: *h\n', /aliases are not accepted/],
    ['a tag of a language', `${GOOD}owner: !!js/function "x"\n`, /./],
    ['a tag of YAML', `${GOOD}owner: !!binary aGk=\n`, /tags are not accepted/],
    ['a tag of a set', 'hosts: !!set { app.test }\n', /tags are not accepted/],
    ['a key that is a list', `? [a, b]\n: c\n${GOOD}`, /key that is no text/],
    ['a key __proto__', `${GOOD}__proto__: { public: true }\n`, /is no key/],
    ['a key __proto__ in quotes', withCondition('{ "__proto__": x, user: a }'), /is no key/],
    ['a key that a terminal obeys', `${GOOD}"\\e[31m\\nx": 1\n`, /%1B\[31m%0Ax: is not a known/],
    ['a key constructor', `${GOOD}constructor: x\n`, /constructor: is not a known key/],
  ])('%s is refused', async (_what, text, problem) => {
    await expectFaults(text, problem)
  })

  test.each([
    ['a byte order mark', `\ufeff${GOOD}`],
    ['CR LF', GOOD.replaceAll('\n', '\r\n')],
    ['no newline at its end', GOOD.trimEnd()],
    ['comments and blanks', `# x\n\n${GOOD}\n# y\n`],
    ['YAML 1.2, said aloud', `%YAML 1.2\n---\n${GOOD}`],
    ['JSON', '{"hosts":["app.test"],"policy":[{"allow":{"and":[{"user":"a"}]}}]}'],
  ])('with %s it loads', async (_what, text) => {
    await expectLoads(text)
  })
})

describe('P4 P5 a slip must not mean "no condition"', () => {
  test.each<Faulty>([
    ['alow', withRules('[{ alow: { and: [{ user: a }] } }]'), /alow: is not a known key.*allow/],
    ['neither allow nor deny', withRules('[{ id: x }]'), /neither allow nor deny/],
    ['an operator xor', withRules('[{ allow: { xor: [{ user: a }] } }]'), /xor: is not a known/],
    ['no operator', withRules('[{ allow: {} }]'), /has no operator/],
    ['conditions as a mapping', withRules('[{ allow: { and: { user: a } } }]'), /not a list/],
    ['no conditions', withRules('[{ allow: { and: [] } }]'), /empty list/],
    ['a condition null', withRules('[{ allow: { and: [null] } }]'), /not a condition/],
    ['a condition that is a word', withRules('[{ allow: { and: [user] } }]'), /not a condition/],
    ['an empty condition', withRules('[{ allow: { and: [{}] } }]'), /exactly one criterion/],
    ['two in one', withRules('[{ allow: { and: [{ user: a, email: b }] } }]'), /exactly one/],
    ['no rules', withRules('[]'), /policy/],
    ['rules null', withRules('null'), /policy/],
    ['a rule null', withRules('[null]'), /policy/],
    ['allow null', withRules('[{ allow: null }]'), /allow/],
    ['and null', withRules('[{ allow: { and: null } }]'), /and/],
    ['everything null', 'hosts: null\npolicy: null\nowner: null\n', /hosts/],
    ['everything blank', 'hosts:\npolicy:\nowner: ""\ncredentials: []\n', /hosts/],
    ['credentials empty', `${GOOD}credentials: []\n`, /credentials/],
    ['credentials of another kind', `${GOOD}credentials: [basic]\n`, /credentials/],
    ['host instead of hosts', GOOD.replace('hosts', 'host'), /host: is not a known key.*hosts/],
    ['an unknown rule set', `${GOOD}use: [nobody]\n`, /no file has a rule set/],
    ['an unknown application', `${GOOD}app: nothing\n`, /no known application/],
    ['an unknown mode', `${GOOD}mode: permissive\n`, /mode/],
    ['observe without an end', `${GOOD}mode: observe\n`, /needs until/],
    [
      'until an impossible day',
      withRules('[{ allow: { and: [{ user: a }] }, until: 2027-02-30 }]'),
      /until/,
    ],
    ['until a number', withRules('[{ allow: { and: [{ user: a }] }, until: 2027 }]'), /until/],
    ['until empty', withRules('[{ allow: { and: [{ user: a }] }, until: "" }]'), /until/],
    ['require of nothing', `${GOOD}require: {}\n`, /require/],
    ['require an age of nothing', `${GOOD}require: { authAge: 0s }\n`, /require/],
    ['require an age without a unit', `${GOOD}require: { authAge: 300 }\n`, /require/],
    ['a header that nginx does not set', `${GOOD}proxySets: [x-user]\n`, /proxySets/],
  ])('%s is refused', async (_what, text, problem) => {
    await expectFaults(text, problem)
  })

  test.each([
    'groups: [null]',
    'groups: [""]',
    'groups: []',
    'groups: {}',
    'groups: null',
    'groups: ""',
    'groups: 7',
    'groups: true',
    'groups: { has: null }',
    'groups: { has: "" }',
    'groups: { has: [] }',
    'groups: { in: [] }',
    'groups: { in: [null] }',
    'groups: { in: [""] }',
    'groups: { hass: sre }',
    'groups: { has: sre, extra: x }',
    'groups: { starts_with: sr }',
    'groups: "sre\\u0000"',
    'group: sre',
    'grops: { has: sre }',
    'user: { is: "" }',
    'user: { in: [] }',
    'user: []',
    'email: alice',
    'email: "@example.com"',
    'email: { in: ["a b@example.com"] }',
    'domain: "@example.com"',
    'domain: "*.example.com"',
    'domain: ""',
    'actor: robot',
    'actor: [human]',
    'issuer: ""',
    'claim/: x',
    'claim: { department: x }',
    'authenticated_user: false',
    'authenticated_user: "no"',
    'accept: false',
    'http_method: []',
    'http_method: ""',
    'device: {}',
    'device: { compliant: "yes" }',
    'date: {}',
    'date: { after: tomorrow }',
    'day_of_week: someday',
    'day_of_week: ""',
    'time_of_day: { after: "25:00" }',
    'time_of_day: { after: "10:00", timezone: Mars/Olympus }',
    'auth_age: {}',
    'auth_age: 0s',
    'auth_age: forever',
    'cel: ""',
    'cel: "1 + 1"',
    'cel: "principal.("',
    'cel: "nobody == 1"',
    'client_certificate: {}',
    'client_certificate: { fingerprint: "" }',
    'service_account: ""',
    'spiffe_id: ""',
    'acr: []',
    'and: []',
    'and: null',
    'not: {}',
    'not: [null]',
    '__proto__: x',
    'constructor: x',
    'toString: x',
  ])('P4 the condition { %s } is refused', async (condition) => {
    await expectFaults(withCondition(condition))
  })

  test.each([
    // PPL's short forms, which people paste.
    'groups: sre',
    'groups: { has: sre }',
    'user: alice',
    'email: { in: [a@example.com] }',
    'http_path: { starts_with: /api }',
    'not: [ { groups: contractors } ]',
  ])('P4 the condition { %s } loads', async (condition) => {
    await expectLoads(withCondition(condition))
  })
})

describe('P6 P9 hosts', () => {
  test.each([
    ...'"*" | "**" | "*.*.test" | "a.*.test" | "*test" | ".test" | "*.com" | "*."'.split(' | '),
    ...'"*.*"'.split(' | '),
    ...'"*.com." | "**.example.com" | "*example.com" | "?.example.com" | "app.*"'.split(' | '),
    ...'"*.de"'.split(' | '),
    ...'https://app.test | app.test:443 | app.test/x | "app test" | app%2etest'.split(' | '),
    ...'a_b.test'.split(' | '),
    ...'app.test. | app..test | .app.test | -app.test | app-.test | "app.test\\n"'.split(' | '),
    ...'аpp.test'.split(' | '),
    ...'app。test | "user@app.test" | "[::1]" | "app.test#x" | "app.test?x"'.split(' | '),
    ...'"\\u212aapp.test"'.split(' | '),
    ...'"" | null | 1 | true | [app.test]'.split(' | '),
    `${'a'.repeat(64)}.test`,
    `${'a.'.repeat(125)}test`,
    ...'{ name: app.test } | "^app\\\\.test$" | "/app/" | "app.test,evil.test"'.split(' | '),
    ...'"\\u0000"'.split(' | '),
  ])('the host %s is refused', async (host) => {
    await expectFaults(withHosts(`[ok.test, ${host}]`), /hosts\[1\]/)
  })

  test.each(['app.test', 'APP.Test', '*.internal.test', '*.test', 'xn--pp-6kc.test', '10.0.0.1'])(
    'the host %s loads',
    async (host) => {
      await expectLoads(withHosts(`["${host}"]`))
    },
  )

  test.each([
    ['twice in a file', { 'app.yaml': withHosts('[app.test, app.test]') }],
    ['twice in another case', { 'app.yaml': withHosts('[app.test, APP.TEST]') }],
    ['in two files', { 'app.yaml': GOOD, 'b.yaml': GOOD }],
    [
      'as a wildcard in two files',
      { 'app.yaml': withHosts('["*.a.test"]'), 'b.yml': withHosts('["*.A.test"]') },
    ],
  ])('a host that stands %s has no single answer', async (_what, files) => {
    const faults = await faultsOf(files)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(
      /^(?:app\.yaml|b\.ya?ml):1:\d+: hosts\[\d\]: .* stands in .* already\. /,
    )
  })
})

describe('P10 P11 paths', () => {
  test.each([
    ...'status | "" | /a?b | /a#b | /../a | /a/.. | /./a | /a//b | //a | /%61 | /a%2fb'.split(
      ' | ',
    ),
    ...'/a\\\\b | "/a\\u0000" | "/a\\n" | https://app.test/a | "^/api/.*$" | (a+)+$'.split(' | '),
    ...'(?i)/api'.split(' | '),
    ...'"[/api]" | "~ /api"'.split(' | '),
    `/${'a'.repeat(1100)}`,
  ])('http_path: %s is refused', async (path) => {
    await expectFaults(withCondition(`http_path: ${path}`), /http_path/)
    await expectFaults(withCondition(`http_path: { starts_with: ${path} }`), /http_path/)
    await expectFaults(withCondition(`http_path: { in: [/ok, ${path}] }`), /http_path/)
  })

  // There are no regular expressions to write, so none can be slow, unanchored or unescaped.
  test.each([
    'http_path: { matches: "^/api/.*$" }',
    'http_path: { regex: "(a+)+$" }',
    'http_path: { re: status }',
    'http_path: { pattern: "/*" }',
    'http_path: { glob: "/**" }',
    'http_path_regex: "^/api"',
    'path_regex: "^/api"',
    'http_path: { ends_with: "?x" }',
    'user: { matches: ".*" }',
    'user: { regex: "^a" }',
    'email: { matches: ".*@example.com" }',
    'groups: { matches: "sre-.*" }',
    'claim/x: { matches: ".*" }',
    'cel: request.path.matches("(a+)+$")',
    "cel: matches(request.path, '.*')",
  ])('P11 { %s } is refused', async (condition) => {
    await expectFaults(withCondition(condition))
  })
})

describe('P31 address ranges', () => {
  test.each([
    ...'10.0.0.1/33 | 10.0.0.0/-1 | 10.0.0/8 | 10.0.0.256 | 010.0.0.1 | 0x0a.0.0.1'.split(' | '),
    ...'167772160'.split(' | '),
    ...'::1/129 | fe80::1%eth0 | ::ffff:10.0.0.256 | localhost | "" | "*" | any'.split(' | '),
    ...'10.0.0.0/8/8'.split(' | '),
    ...'10.0.0.0-10.0.0.9 | "10.0.0.0 /8" | 10.0.0.0/8,11.0.0.0/8 | [] | {}'.split(' | '),
    ...'{ in: [] } | null'.split(' | '),
  ])('source_ip: %s is refused', async (range) => {
    await expectFaults(withCondition(`source_ip: ${range}`), /source_ip/)
  })

  // No list of trusted proxies exists: the address is the one that nginx saw.
  test.each(['10.0.0.0/8', '0.0.0.0/0', '::/0', '10.1.2.3', '[10.0.0.0/8, 2001:db8::/32]'])(
    'source_ip: %s narrows, and is no ground to admit anybody',
    async (range) => {
      await expectLoads(withCondition(`source_ip: ${range}`))
      await expectFaults(withRules(`[{ allow: { and: [{ source_ip: ${range} }] } }]`), /location/)
    },
  )
})
