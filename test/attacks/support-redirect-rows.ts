/** A row of the corpus, a target, and where it may lead; undefined is the fallback, `/`. */
export type RedirectRow = readonly [row: string, target: string, location: string | undefined]

const refused = (row: string, ...targets: readonly string[]): readonly RedirectRow[] =>
  targets.map((target) => [row, target, undefined])

const sent = (row: string, target: string, location = target): readonly RedirectRow[] => [
  [row, target, location],
]

/** `/oauth2/start?rd=` in itself, so many times. */
const nested = (depth: number): string =>
  depth === 0 ? '/x' : `/oauth2/start?rd=${encodeURIComponent(nested(depth - 1))}`

const OTHER_HOSTS: readonly RedirectRow[] = [
  ...refused('R1', '//evil.test', '//evil.test/x', '//app.test/x'),
  ...refused('R3', '///evil.test', '////evil.test', '/////evil.test'),
  ...refused('R4', '/\\evil.test'),
  ...refused('R5', '\\/evil.test'),
  ...refused('R6', '\\\\evil.test'),
  ...refused('R8', '/\t/evil.test', '\t//evil.test'),
  ...refused('R9', '/\n/evil.test', '/\r\n/evil.test', '/\r/evil.test', '/\v/evil.test'),
  ...refused('R10', '/%09/evil.test', '/%0a/evil.test', '/%0d%0a/evil.test', '/%0D/evil.test'),
  ...refused('R11', '/%2f/evil.test', '/%5cevil.test', '/%252fevil.test', '/%25252f/evil.test'),
  ...refused('R13', '/./\\evil.test', '/./../../\\evil.test', '/.\\evil.test'),
  ...refused('R14', '/..//evil.test', '/x/..//evil.test', '/x/y/../..//evil.test'),
  ...refused('R15', '/%2e//evil.test', '/x/%2e%2e//evil.test', '/x/.%2E//evil.test'),
  // Found by the generator of R69: dot segments behind a host took the two slashes along.
  ...refused('R14', '//evil.test/..', '//evil.test/.', '//evil.test/x/../..', '//./..', '//..'),
  ...refused(
    'R14',
    '/x/..//evil.test/..',
    '/x%2fy/..//evil.test',
    '/%2f/..',
    '/%2fevil.test/%2e%2e',
  ),
  ...refused('R11', '/%25%32%66evil.test', '/%25%35%63evil.test', '/%25%30%61/x'),
  // Sent whole it would be right, but somebody may cut the origin off: A3.14.
  ...refused('R16', 'https://app.test//evil.test', 'https://app.test/\\evil.test'),
  ...refused('R16', 'https://app.test/%2e%2e//evil.test', 'https://app.test/%5cevil.test'),
  ...refused('R18', 'https:evil.test', 'https:app.test/x'),
  ...refused('R19', 'https:/evil.test', 'https:/app.test/x'),
  ...refused('R20', 'https:///evil.test', 'https:\\\\evil.test', 'https:/\\/evil.test'),
  ...refused('R21', 'http:evil.test', 'http:/evil.test', 'http:\\\\evil.test'),
  ...refused('R23', 'https://evil.test\\@app.test'),
  ...refused('R24', 'https://evil.test\\.app.test'),
  ...refused('R25', 'https://app.test@evil.test', 'https://app.test@evil.test/x'),
  ...refused('R26', 'https://app.test:443@evil.test', 'https://app.test:@evil.test'),
  ...refused('R28', 'https://evil.test%2f@app.test', 'https://evil.test%5c@app.test'),
  ...refused('R29', 'https://evil.test#@app.test', 'https://evil.test?@app.test'),
  ...refused('R30', 'https://evil.test/app.test', 'https://evil.test/https://app.test'),
  ...refused('R31', 'https://app.test.evil.test', 'https://xapp.test', 'https://app.testx'),
  ...refused('R33', 'https://internal.test.evil.test', 'https://xinternal.test'),
  ...refused('R33', 'https://internal.test', 'https://internal.test/x', 'https://.internal.test/'),
  ...refused('R34', 'https://a.internal.test\\@evil.test', 'https://evil.test#.internal.test'),
  ...refused('R34', 'https://evil.test/.internal.test', 'https://evil.test?.internal.test'),
  ...refused('R35', 'https://app.test%40evil.test', 'https://evil.test%23.app.test'),
  ...refused('R35', 'https://evil.test%00.app.test', 'https://evil.test%2f.app.test'),
  ...refused('R36', 'https://app.test:8443/', 'https://app.test:80/', 'https://auth.test:444/x'),
  ...refused('R38', 'https://app.test:65536/', 'https://app.test:abc/', 'https://', 'https:///'),
  ...refused('R38', 'https://app.test:/x', 'https://app.test:0/x', 'https://app.test:00443/x'),
  ...refused('R38', 'https://app.test:443:443/x', 'https://app.test:-1/'),
  ...refused('R39', 'https://app.test./x', 'https://app.test..'),
  ...refused('R40', 'https://app。test/x', 'https://ａpp.test/x', 'https://app\u00ad.test/x'),
  ...refused('R41', 'https://аpp.test/x', 'https://app.tes\u017f/x', 'https://app.test\u2044x'),
  ...refused('R43', 'https://app.test\t.evil.test', 'https://app.test\n/x'),
  ...refused('R44', 'ht\ttps://evil.test', 'https\n://evil.test', 'https:/\t/evil.test'),
  ...refused('R45', ' //evil.test', '\u00a0//evil.test', '\ufeff//evil.test', '\u0001//evil.test'),
  ...refused('R45', ' /x', '/x ', '\0/x', ' https://app.test/x'),
  ...refused('R63', 'https://other.test/', 'https://test/', 'https://localhost/'),
  ...refused('R66', 'https://admin.test:80@public.test/x', 'http://admin.test:80@public.test/x'),
  // http: the provider's answer would travel on in the clear.
  ...refused('R36', 'http://app.test/x', 'http://auth.test/x', 'http://app.test:443/x'),
]

const OTHER_SCHEMES: readonly RedirectRow[] = [
  ...refused(
    'R46',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'javascript:/x',
    'java\tscript:x',
  ),
  ...refused('R48', 'javascript://app.test/%0aalert(1)', 'javascript://app.test/x'),
  ...refused('R49', 'data:text/html,<script>1</script>', 'vbscript:x', 'about:blank'),
  ...refused('R49', 'view-source:https://app.test', 'intent://evil.test#Intent;end'),
  ...refused('R50', 'blob:https://app.test/x', 'blob:https://auth.test/x'),
  ...refused('R51', 'filesystem:https://app.test/x', 'file:///etc/passwd', 'ftp://app.test/'),
  ...refused(
    'R51',
    'ws://app.test/',
    'wss://app.test/',
    'httpsx://app.test/',
    'https+x://app.test/',
  ),
  ...refused('R53', 'https://[::ffff:127.0.0.1]/', 'https://0x7f.1/', 'https://2130706433/'),
  ...refused(
    'R53',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://[::1]/',
    'https://[app.test]/',
  ),
  ...refused('R54', 'https://%61pp.test/x', 'https://app%2etest/x', 'https://app.test%2e/x'),
  ...refused('R55', '.evil.test', '@evil.test', 'evil.test', ':443@evil.test', 'app.test/x', 'x'),
  ...refused('R56', '?//evil.test', '#//evil.test', '', '?', '#', '.', './x', '../x', '*', '~'),
]

const BYTES: readonly RedirectRow[] = [
  ...refused('R58', '/a\r\nSet-Cookie: x=1', '/a\0b', '/a\u007fb', '/a b', '/a\u0085b'),
  // Encoded it would not split a header; it is refused all the same, as no path has it.
  ...refused('R58', '/a%0d%0aSet-Cookie:x=1', '/a%00', '/a%1b', '/a%7f', '/a%250d'),
  ...refused('R59', '/中', '/%zz', '/%', '/a%2', '/\u{1f600}', '/é'),
  ...refused('R60', `/${'a'.repeat(2048)}`, `https://app.test/${'a'.repeat(8192)}`),
]

const OWN_FLOW: readonly RedirectRow[] = [
  ...refused('R61', '/oauth2/login?rd=/x', '/oauth2/start?rd=/x', '/oauth2/sign_out?rd=/x'),
  ...refused(
    'R61',
    '/oauth2/callback?code=a&state=b',
    '/oauth2',
    '/oauth2/',
    '/oauth2?x',
    '/oauth2#x',
  ),
  ...refused('R61', nested(1), nested(5), nested(20)),
  ...refused('R61', '/OAuth2/sign_out', '/./oauth2/sign_out', '/x/../oauth2/sign_out'),
  ...refused('R61', '/%6fauth2/sign_out', '/oauth2%2fsign_out', '/x/%2e%2e/oauth2/start'),
  ...refused('R61', 'https://auth.test/oauth2/sign_out', 'https://AUTH.test:443/oauth2/start'),
  ...refused('R61', 'https://auth.test%2Foauth2%2Fsign_out', '/.well-known/jwks.json'),
]

const RIGHT: readonly RedirectRow[] = [
  ...sent('R56', '/'),
  ...sent('R56', '/x'),
  ...sent('R56', '/x?y=1#z'),
  ...sent('R56', '/a/../b'),
  ...sent('R56', '/oauth2x'),
  ...sent('R56', '/x?next=//evil.test'),
  ...sent('R56', '/x?next=https://evil.test\\@app.test'),
  ...sent('R56', '/a;b=c/d,e/(f)'),
  ...sent('R59', '/%e4%b8%ad'),
  ...sent('R60', `/${'a'.repeat(2047)}`),
  ...sent('R1', 'https://app.test/x?y=1#z'),
  ...sent('R1', 'https://admin.test/'),
  ...sent('R1', 'https://auth.test/x'),
  ...sent('R33', 'https://a.internal.test/x'),
  ...sent('R33', 'https://a.b.internal.test/x'),
  // People leave the slash out, and the default port in.
  ...sent('R36', 'https://app.test', 'https://app.test/'),
  ...sent('R36', 'https://app.test:443/x', 'https://app.test/x'),
  ...sent('R40', 'HTTPS://APP.test/X', 'https://app.test/X'),
  // As ingress-nginx makes it: `$scheme://$http_host$escaped_request_uri`.
  ...sent('R66', 'https://app.test%2Fa%3Fb%3D1%26c', 'https://app.test/a?b=1&c'),
  ...sent('R66', 'https://app.test%2fa%252Fb', 'https://app.test/a%2Fb'),
]

export const REDIRECT_ROWS: readonly RedirectRow[] = [
  ...OTHER_HOSTS,
  ...OTHER_SCHEMES,
  ...BYTES,
  ...OWN_FLOW,
  ...RIGHT,
]

export const REDIRECT_POLICIES = {
  'hosts.yaml': `
hosts: [app.test, admin.test, '*.internal.test']
policy:
  - allow: { and: [ { authenticated_user: true } ] }
`,
}
