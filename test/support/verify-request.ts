import { askRaw, type RawAnswer } from './raw-http.ts'

/** An auth subrequest as nginx would send it; every part can be replaced. */
export type VerifyRequest = {
  readonly target?: string
  readonly host?: string
  readonly url?: string
  readonly method?: string
  /** More header lines, as they are. */
  readonly lines?: readonly string[]
  readonly cookie?: string
  readonly authorization?: string
  /** Header names (lower case) of nginx's own to leave out. */
  readonly without?: readonly string[]
}

/** The bytes of a subrequest; `X-Auth-Request-Redirect` follows the URL, as in nginx. */
export const verifyRequest = (request: VerifyRequest): string => {
  const { url = 'https://app.test/x', host = 'app.test', method = 'GET' } = request
  const path = /^[a-z]+:\/\/[^/]*(\/.*)$/is.exec(url)?.[1]
  const own: readonly (readonly [string, string | undefined])[] = [
    ['Host', 'vestibule'],
    ['X-Original-URL', url],
    ['X-Original-Method', method],
    ['X-Auth-Request-Redirect', path],
    ['X-Real-IP', '203.0.113.7'],
    ['X-Sent-From', 'nginx-ingress-controller'],
    ['Cookie', request.cookie],
    ['Authorization', request.authorization],
  ]
  const lines = own.flatMap(([name, value]) =>
    value === undefined || request.without?.includes(name.toLowerCase()) === true
      ? []
      : [`${name}: ${value}`],
  )
  const target = request.target ?? `/verify?host=${host}`
  return [
    `GET ${target} HTTP/1.1`,
    ...lines,
    ...(request.lines ?? []),
    'Connection: close',
    '',
    '',
  ].join('\r\n')
}

export const askVerify = (port: number, request: VerifyRequest): Promise<RawAnswer> =>
  askRaw(port, verifyRequest(request))
