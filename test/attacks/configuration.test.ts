import { describe, expect, test } from '@jest/globals'
import { variableOf } from '../../src/edge/config/environment.ts'
import {
  expectRead,
  expectRefused,
  GOOD_CONFIG,
  readCase,
  withLine,
} from './support-configuration.ts'

describe('P1 P2 P4 P5 what is no configuration', () => {
  test.each([
    ['empty', '', /is empty/],
    ['comments', '# x\n', /is empty/],
    ['null', 'null\n', /./],
    ['a list', '[]\n', /./],
    ['an empty mapping', '{}\n', /publicUrl: is missing/],
    ['two documents', `${GOOD_CONFIG}---\n${GOOD_CONFIG}`, /second document/],
    ['everything null', GOOD_CONFIG.replaceAll(/: \S.*$/gm, ':'), /publicUrl/],
    ['a typo', withLine('sesion: {}'), /sesion: is not a known key\. Did you mean session\?/],
    [
      'a typo below',
      withLine('session: { idel: 8h }'),
      /session\.idel: is not.*Did you mean idle\?/,
    ],
    ['a typo in a list', withLine('tokenIssuers: [{ nam: ci }]'), /tokenIssuers\[0\]\.nam: is not/],
    ['a key twice', withLine('policies: ./other'), /repeats a key/],
    ['a section null', withLine('session: null'), /session/],
    ['a section as a list', withLine('session: []'), /session/],
    ['a section as text', withLine('session: memory'), /session/],
    ['__proto__', withLine('__proto__: { verify: { requireHost: false } }'), /is no key/],
    ['constructor', withLine('constructor: x'), /constructor: is not a known key/],
    ['a merge key', withLine('<<: { verify: { requireHost: false } }'), /<<: is not a known key/],
    ['YAML 1.1', `%YAML 1.1\n---\n${GOOD_CONFIG}`, /is YAML 1\.1/],
    ['no folder of policies', GOOD_CONFIG.replace('./policies', '""'), /policies: is empty/],
  ])('%s is refused', async (_what, text, problem) => {
    await expectRefused(text, problem)
  })

  test('all faults are told together, each with its place and what to do', async () => {
    const { faults } = await readCase({
      text: `publicUrl: http://auth.example.com
listen: { verify: 0.0.0.0:99999 }
cookie: { domain: .example.com, nam: x }
identityProvider:
  issuer: idp
  clientSecret: CANARY-in-the-file
session: { idle: 8x }
`,
      environment: { VESTIBULE_SESION_IDLE: '8h', VESTIBULE_SESSION_ABSOLUTE: '' },
    })
    const places = faults.map((fault) => fault.split(': ').slice(0, 2).join(': '))
    expect(new Set(places)).toEqual(
      new Set([
        'environment variable VESTIBULE_SESION_IDLE: is not a known variable. Did you mean VESTIBULE_SESSION_IDLE?',
        'environment variable VESTIBULE_SESSION_ABSOLUTE: is empty. Give it a value or unset it.',
        'vestibule.yaml:1:12: publicUrl',
        'vestibule.yaml:2:19: listen.verify',
        'vestibule.yaml:3:19: cookie.domain',
        'vestibule.yaml:3:33: cookie.nam',
        'vestibule.yaml:5:3: identityProvider.clientId',
        'vestibule.yaml:1:1: policies',
        'vestibule.yaml:5:11: identityProvider.issuer',
        'vestibule.yaml:6:3: identityProvider.clientSecret',
        'vestibule.yaml:7:18: session.idle',
      ]),
    )
    expect(faults.join('\n')).not.toContain('CANARY')
  })
})

describe('P14 durations', () => {
  test.each([
    ...'300x | -5m | "0" | 0s | 1e9 | "5 m" | 300 | 999y | "" | 8H | 8.5h | +8h | 08h | 8hh'.split(
      ' | ',
    ),
    ...'h | P8H | 1h30m | "8h " | ８h | infinity | .inf | null | true | [8h] | { hours: 8 }'.split(
      ' | ',
    ),
    ...'9999999h | 8\\u0068 | 1w | 59s | 91d'.split(' | '),
  ])('session.absolute: %s is refused', async (written) => {
    await expectRefused(withLine(`session: { absolute: ${written} }`), /session\.absolute/)
  })

  test.each(['9h', '540m', '32400s', '90d'])('session.absolute: %s is read', async (written) => {
    const { session } = await expectRead(withLine(`session: { absolute: ${written} }`))
    expect(session.absolute % 3_600_000).toBe(0)
  })
})

describe('P15 words and numbers are not guessed at', () => {
  test.each([
    'False',
    ...'"no" | no | off | on | yes | y | 0 | 1 | "false" | null | [] | FALSE!'.split(' | '),
  ])('verify.requireHost: %s is refused or means what YAML 1.2 says', async (written) => {
    const { config } = await readCase({ text: withLine(`verify: { requireHost: ${written} }`) })
    // `False` is a boolean of YAML 1.2; nothing else on the list is.
    expect(config?.verify.requireHost).toBe(written === 'False' ? false : undefined)
  })

  test.each(['"no"', 'off', '0', 'no', 'False', 'TRUE', ' true', 'true\n', '1', 'yes'])(
    'VESTIBULE_VERIFY_REQUIRE_HOST=%j is refused',
    async (text) => {
      const environment = { VESTIBULE_VERIFY_REQUIRE_HOST: text }
      await expectRefused({ text: GOOD_CONFIG, environment }, /VESTIBULE_VERIFY_REQUIRE_HOST/)
    },
  )

  test.each([
    ['clientId', '010'],
    ['clientId', '1_000'.replace('_', '')],
    ['clientId', 'true'],
    ['clientId', 'null'],
    ['clientId', '[vestibule]'],
    ['issuer', '1'],
    ['scopes', 'openid'],
    ['scopes', '[]'],
    ['scopes', '[""]'],
    ['scopes', '[null]'],
    ['trustEmail', '"true"'],
    ['timeout', '5000'],
    ['claims', 'email'],
    ['claims', '{ email: "" }'],
    ['claims', '{ mail: mail }'],
  ])('identityProvider.%s: %s is refused', async (key, written) => {
    const text = GOOD_CONFIG.replace(new RegExp(`  ${key}: .*\\n`), '').replace(
      'identityProvider:\n',
      `identityProvider:\n  ${key}: ${written}\n`,
    )
    await expectRefused(text, new RegExp(`identityProvider\\.${key}`))
  })
})

describe('addresses', () => {
  test.each([
    ...'auth.test | //auth.test | ftp://auth.test | https:auth.test | "https://" | https://auth.test/x'.split(
      ' | ',
    ),
    ...'https://auth.test/?x | https://auth.test/#x | https://u@auth.test | https://u:CANARY@auth.test'.split(
      ' | ',
    ),
    ...'https://auth.test:99999 | https://auth_x.test | "https://auth.test\\\\x" | javascript:alert(1)'.split(
      ' | ',
    ),
    ...'"https://auth.test\\n" | https://аuth.test | https://%61uth.test | https://auth..test | null | 1'.split(
      ' | ',
    ),
    ...'http://auth.example.com | http://localhost.evil.com | http://127.0.0.1.evil.com | http://xtest'.split(
      ' | ',
    ),
  ])('publicUrl: %s is refused', async (url) => {
    await expectRefused(GOOD_CONFIG.replace('https://auth.test', url), /publicUrl/)
  })

  test.each(
    'http://idp.example.com | http://idp.test | http://127.0.0.1.evil.com | http://localhost.evil.com | https://u:CANARY@idp.test | idp.test | file:///etc/passwd | ""'.split(
      ' | ',
    ),
  )('identityProvider.issuer: %s is refused', async (url) => {
    await expectRefused(GOOD_CONFIG.replace('https://idp.test', url), /identityProvider\.issuer/)
    const issuer = `{ name: ci, audiences: [a], issuer: ${url} }`
    await expectRefused(withLine(`tokenIssuers: [${issuer}]`), /tokenIssuers\[0\]\.issuer/)
  })

  test.each([
    ...'8080 | :8080 | 0.0.0.0 | 0.0.0.0:65536 | 0.0.0.0:-1 | 0.0.0.0:http'.split(' | '),
    ...'"0.0.0.0:80 "'.split(' | '),
    ...'/run/x.sock | evil.test:80 | "[::1]" | "" | 80 | null | ["0.0.0.0:80"]'.split(' | '),
  ])('listen.verify: %s is refused', async (address) => {
    await expectRefused(
      GOOD_CONFIG.replace('verify: 127.0.0.1:0', `verify: ${address}`),
      /listen\.verify/,
    )
  })

  test.each([
    ...'mysql://x | redis: | redis:// | file:///x | http://127.0.0.1:6379 | "" | null'.split(' | '),
    ...'6379'.split(' | '),
    ...'redis://:CANARY@a b | Memory | redis | redis-cluster://x'.split(' | '),
    ...'unix:///run/redis.sock'.split(' | '),
  ])('session.store: %s is refused', async (store) => {
    await expectRefused(withLine(`session: { store: ${JSON.stringify(store)} }`), /session\.store/)
  })

  test('a shared store needs shared keys', async () => {
    await expectRefused(
      withLine('session: { store: "redis://:CANARY@127.0.0.1:6379" }'),
      /session\.store: a shared store needs keys/,
    )
  })
})

describe('P21 the cookie', () => {
  test.each([
    [
      'a domain that does not cover publicUrl',
      '{ domain: example.com }',
      /cookie\.domain: does not/,
    ],
    ['a domain that ends like it', '{ domain: h.test }', /cookie\.domain: does not cover/],
    ['a longer domain', '{ domain: x.auth.test }', /cookie\.domain: does not cover/],
    ['a leading dot', '{ domain: .test }', /cookie\.domain/],
    ['a trailing dot', '{ domain: test. }', /cookie\.domain/],
    ['no domain', '{}', /cookie\.domain: is missing/],
    ['an empty domain', '{ domain: "" }', /cookie\.domain/],
    ['attributes in the domain', '{ domain: "test; SameSite=None" }', /cookie\.domain/],
    ['__Host- with a domain', '{ domain: test, name: __Host-x }', /cookie\.name: browsers refuse/],
    [
      '__host- in small letters',
      '{ domain: test, name: __host-x }',
      /cookie\.name: browsers refuse/,
    ],
    ['a name with =', '{ domain: test, name: a=b }', /cookie\.name/],
    ['a name with ;', '{ domain: test, name: "a;b" }', /cookie\.name/],
    ['a name with CR LF', '{ domain: test, name: "a\\r\\nb" }', /cookie\.name/],
    ['an empty name', '{ domain: test, name: "" }', /cookie\.name/],
    ['a name without end', `{ domain: test, name: ${'a'.repeat(65)} }`, /cookie\.name/],
    ['SameSite', '{ domain: test, sameSite: none }', /cookie\.sameSite: is not a known key/],
    ['Secure', '{ domain: test, secure: false }', /cookie\.secure: is not a known key/],
    ['HttpOnly', '{ domain: test, httpOnly: false }', /cookie\.httpOnly: is not a known key/],
  ])('%s is refused', async (_what, cookie, problem) => {
    await expectRefused(GOOD_CONFIG.replace('{ domain: test }', cookie), problem)
  })

  test.each(['__Secure-x', '__secure-x', '__Host-x', '__x'])(
    'the prefix of %s is refused where publicUrl is http',
    async (name) => {
      const text = GOOD_CONFIG.replace('https://auth.test', 'http://auth.test').replace(
        '{ domain: test }',
        `{ domain: test, name: ${name} }`,
      )
      await expectRefused(text, /cookie\.name: browsers refuse/)
    },
  )
})

describe('P22 identity headers', () => {
  test.each([
    ...'X_User | X.User | X User | "" | Host | host | Cookie | Set-Cookie | Authorization | Connection'.split(
      ' | ',
    ),
    ...'Content-Length | Content-Type | Transfer-Encoding | TE | Trailer | Upgrade | Expect | Location'.split(
      ' | ',
    ),
    ...'Keep-Alive | Proxy-Authorization | Proxy-Connection | WWW-Authenticate | Cache-Control | Date'.split(
      ' | ',
    ),
    ...'X-Accel-Redirect | X-Vestibule-Reason | X-Vestibule-Decision | Impersonate-User | -X | X- | X--Y'.split(
      ' | ',
    ),
    ...'X-Usér | "X-User\\r\\nSet-Cookie" | "X-User:" | 1X | "X-User\\0" | [X-User] | __proto__'.split(
      ' | ',
    ),
  ])('%s is refused', async (name) => {
    const key = /^["[]/.test(name) ? name : JSON.stringify(name)
    const { config, faults } = await readCase({
      text: withLine(`identityHeaders: { ${key}: subject }`),
    })
    expect(config).toBeUndefined()
    expect(faults.length).toBeGreaterThan(0)
  })

  test.each([
    ['the same twice, ignoring case', '{ X-User: subject, x-user: email }', /stands twice/],
    ['an unknown source', '{ X-User: password }', /identityHeaders/],
    ['a list of sources', '{ X-User: [user] }', /identityHeaders/],
    ['a source null', '{ X-User: null }', /identityHeaders/],
    ['a list', '[X-User]', /identityHeaders/],
  ])('%s is refused', async (_what, headers, problem) => {
    await expectRefused(withLine(`identityHeaders: ${headers}`), problem)
  })
})

describe('P27 the environment', () => {
  test.each([
    'VESTIBULE_AUTH_FOO',
    'VESTIBULE_',
    'VESTIBULE_SESSION',
    'VESTIBULE_SESSION_STORE_',
    'VESTIBULE__SESSION_STORE',
    'VESTIBULE_session_store',
    'VESTIBULE_PUBLICURL',
    'VESTIBULE_TOKEN_ISSUERS_0_NAME',
    'VESTIBULE_TOKEN_ISSUERS',
    'VESTIBULE_CONFIG_FILE',
    'VESTIBULE___PROTO__',
  ])('%s is unknown, and refused', async (name) => {
    await expectRefused(
      { text: GOOD_CONFIG, environment: { [name]: 'CANARY' } },
      new RegExp(`environment variable ${name}: is not a known variable`),
    )
  })

  test('a known one wins over the file; an empty one is an error, not the default', async () => {
    const environment = { VESTIBULE_COOKIE_DOMAIN: 'auth.test' }
    const { cookie } = await expectRead({ text: GOOD_CONFIG, environment })
    expect(cookie.domain).toBe('auth.test')
    await expectRefused(
      { text: GOOD_CONFIG, environment: { VESTIBULE_COOKIE_DOMAIN: '' } },
      /VESTIBULE_COOKIE_DOMAIN: is empty/,
    )
    await expectRead({ text: GOOD_CONFIG, environment: { VESTIBULE_COOKIE_DOMAIN: undefined } })
  })

  test('a bad value is told by the name of its variable, and not shown', async () => {
    await expectRefused(
      { text: GOOD_CONFIG, environment: { VESTIBULE_SESSION_STORE: 'mysql://u:CANARY@x' } },
      /^environment variable VESTIBULE_SESSION_STORE: session\.store: /m,
    )
  })

  // Kubernetes describes every Service of the namespace in variables.
  test.each([
    'VESTIBULE_PORT',
    'VESTIBULE_SERVICE_HOST',
    'VESTIBULE_SERVICE_PORT',
    'VESTIBULE_SERVICE_PORT_HTTP',
    'VESTIBULE_PORT_8080_TCP',
    'VESTIBULE_PORT_8080_TCP_PROTO',
    'VESTIBULE_PORT_8080_TCP_PORT',
    'VESTIBULE_PORT_8080_TCP_ADDR',
    'VESTIBULE_VERIFY_SERVICE_HOST',
    'VESTIBULE_VERIFY_SERVICE_PORT_VERIFY',
    'VESTIBULE_VERIFY_PORT',
    'VESTIBULE_SESSION_PORT_6379_TCP_ADDR',
  ])('%s is not ours, and ignored', async (name) => {
    await expectRead({ text: GOOD_CONFIG, environment: { [name]: 'tcp://10.0.0.1:8080' } })
  })

  test('no key of the file is taken for such a variable', () => {
    const names = ['listen.verify', 'listen.public', 'session.store', 'publicUrl', 'shutdown.drain']
    for (const name of names) expect(variableOf(name.split('.'))).not.toMatch(/_(?:PORT|SERVICE)/)
  })
})
