import { describe, expect, test } from '@jest/globals'
import { annotationComplaint, PREFIX } from '../../src/migrate/ingress/annotation-rules.ts'
import {
  COOKIE_HEADER,
  guardAnnotations,
  STANDARD_HEADERS,
} from '../../src/migrate/ingress/guard.ts'

const isTaken = (name: string, value: string): boolean =>
  annotationComplaint(PREFIX + name, value) === undefined

describe('what the controller takes', () => {
  test.each([
    ['auth-url', 'http://vestibule.vestibule.svc.cluster.local:8080/verify?host=$host', true],
    ['auth-url', 'https://auth.example.com', true],
    ['auth-url', 'ftp://auth.example.com/', false],
    ['auth-url', 'http://evil..example/', false],
    ['auth-url', 'http://a.example/;return 200', false],
    ['auth-url', 'http://a.example/#x', false],
    ['auth-url', 'http://a.example/\nx', false],
    ['auth-url', 'http:///verify', false],
    ['auth-url', 'http://a.example:8080:9/', false],
    ['auth-signin', 'https://auth.example.com/oauth2/start?rd=$escaped_request_uri', true],
    ['auth-signin', 'https://auth.example.com/"', false],
    ['auth-response-headers', 'X-A, X_B', true],
    ['auth-response-headers', 'X-A;', false],
    ['auth-method', 'GET', true],
    ['auth-method', 'get', false],
    ['auth-method', 'GET;', false],
    ['auth-cache-key', '$remote_user$http_authorization', true],
    ['auth-cache-key', '$a.b', false],
    ['auth-cache-duration', '200 202 401 5m', true],
    ['auth-cache-duration', '200 5m, 401 30s', true],
    ['auth-cache-duration', '5m 200', false],
    ['auth-cache-duration', '200', false],
    ['auth-keepalive', '10', true],
    ['auth-keepalive', 'ten', false],
    ['auth-proxy-set-headers', 'auth/headers', true],
    ['auth-proxy-set-headers', 'a;b', false],
    ['auth-request-redirect', '/path', true],
    ['auth-request-redirect', '$request_uri', false],
    ['enable-global-auth', 'false', true],
    ['enable-global-auth', 'no', false],
    ['satisfy', 'any', true],
    ['satisfy', 'ANY', false],
    ['whitelist-source-range', '10.0.0.0/8, 192.0.2.1, 2001:db8::/32', true],
    ['whitelist-source-range', '10.0.0.0/33', false],
    ['whitelist-source-range', '10.0.0', false],
    ['proxy-buffer-size', '8k', true],
    ['proxy-buffer-size', '8 k', false],
    ['custom-http-errors', '403,503', true],
    ['custom-http-errors', '200', false],
    ['configuration-snippet', 'x', false],
    ['auth-snippet', 'x', false],
    ['no-such-annotation', 'x', false],
  ])('%s: %j is taken: %s', (name, value, expected) => {
    expect(isTaken(name, value)).toBe(expected)
  })

  test('says which annotation, and never its value', () => {
    const complaint = annotationComplaint(`${PREFIX}auth-url`, 'http://user:secret@x/')
    expect(complaint).toContain('auth-url')
    expect(complaint).not.toContain('secret')
  })
})

describe('every annotation that is generated', () => {
  test.each(['people', 'programs'] as const)('is taken, for %s', (audience) => {
    const guard = {
      verifyOrigin: 'http://vestibule.vestibule.svc.cluster.local:8080',
      publicUrl: 'https://auth.example.com',
      identityHeaders: STANDARD_HEADERS,
    }
    const annotations = guardAnnotations(guard, audience, [
      'X-WEBAUTH-USER',
      'Authorization',
      COOKIE_HEADER,
    ])
    expect(
      [...annotations].flatMap(([name, value]) => annotationComplaint(name, value) ?? []),
    ).toEqual([])
    expect(annotations.get(`${PREFIX}auth-response-headers`)).toMatch(/,Cookie$/)
    expect(annotations.has(`${PREFIX}auth-signin`)).toBe(audience === 'people')
  })
})
