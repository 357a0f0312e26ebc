import { isAddress, isRange } from '../network/address-block.ts'

export const PREFIX = 'nginx.ingress.kubernetes.io/'

/** How much an annotation lets its writer do; the controller's default limit is `high`. */
export type Risk = 'low' | 'medium' | 'high' | 'critical'

export type AnnotationRule = {
  readonly risk: Risk
  readonly accepts: (value: string) => boolean
}

/**
 * What ingress-nginx checks before it uses an annotation (`annotations/parser/validators.go` and the
 * fields of each annotation, v1.12 to v1.15). Of the two alphabets that its versions have for URLs
 * this is the smaller one.
 */
const URL_TEXT = /^[-._~a-zA-Z0-9/:?&=]*$/
const URL_WITH_VARIABLES = /^[-._~a-zA-Z0-9/:?&=$]*$/
const BASIC = /^[-._~a-zA-Z0-9/:]*$/
const EXTENDED = /^[-._~a-zA-Z0-9/:, ]*$/
const WITH_SPACE = /^[-._~a-zA-Z0-9/: ]*$/
const VARIABLE = /^[A-Za-z0-9\-_${}]*$/
const HEADER_LIST = /^[A-Za-z0-9\-_, ]*$/
const REWRITE = /^\/?[-._~a-zA-Z0-9/:$]*$/
const SIZE = /^\d+[bkmg]?$/i
const DNS_LABEL = /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/
const METHOD = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|CONNECT|OPTIONS|TRACE)$/

/** Go's `strconv.ParseBool` and `Atoi`. */
const BOOLEAN = /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/
const INTEGER = /^[+-]?\d{1,18}$/

const like =
  (pattern: RegExp): AnnotationRule['accepts'] =>
  (value) =>
    pattern.test(value)

/** Some rules look at the value without its blanks. */
const unspaced =
  (pattern: RegExp): AnnotationRule['accepts'] =>
  (value) =>
    pattern.test(value.replaceAll(' ', ''))

/** `parser.StringToURL`: what it does not take closes the location with 503. */
const isAuthUrl = (value: string): boolean => {
  const [, host = ''] = /^https?:\/\/([^/?#:]+)(?::\d{1,5})?(?=[/?]|$)/.exec(value) ?? []
  return host !== '' && !host.includes('..') && unspaced(URL_WITH_VARIABLES)(value)
}

/** Codes first, then a time, and so for each element of the list. */
const isCacheDuration = (value: string): boolean =>
  EXTENDED.test(value) &&
  value
    .split(',')
    .every((each) =>
      /^\s*(?:\d{3}\s+)*\d+(?:ms|[smhdwMy])(?:\s+\d+(?:ms|[smhdwMy]))*\s*$/.test(each),
    )

const isRangeList = (value: string): boolean =>
  value.split(',').every((each) => {
    const range = each.trim()
    return isAddress(range) || isRange(range)
  })

const rule = (risk: Risk, accepts: AnnotationRule['accepts']): AnnotationRule => ({ risk, accepts })
const flag = rule('low', like(BOOLEAN))
const integer = rule('low', like(INTEGER))
const snippet = rule('critical', () => true)

/** The rules of the annotations that bear on who gets in, by their name without prefix. */
export const ANNOTATION_RULES: ReadonlyMap<string, AnnotationRule> = new Map([
  ['allowlist-source-range', rule('medium', isRangeList)],
  ['auth-always-set-cookie', flag],
  ['auth-cache-duration', rule('medium', isCacheDuration)],
  ['auth-cache-key', rule('medium', unspaced(VARIABLE))],
  ['auth-keepalive', integer],
  ['auth-keepalive-requests', integer],
  ['auth-keepalive-share-vars', flag],
  ['auth-keepalive-timeout', integer],
  ['auth-method', rule('low', like(METHOD))],
  ['auth-proxy-set-headers', rule('medium', unspaced(BASIC))],
  ['auth-realm', rule('medium', like(WITH_SPACE))],
  ['auth-request-redirect', rule('medium', unspaced(URL_TEXT))],
  ['auth-response-headers', rule('medium', unspaced(HEADER_LIST))],
  ['auth-secret', rule('medium', unspaced(BASIC))],
  ['auth-secret-type', rule('low', like(/^(?:auth-file|auth-map)$/))],
  ['auth-signin', rule('high', unspaced(URL_WITH_VARIABLES))],
  ['auth-signin-redirect-param', rule('medium', unspaced(URL_TEXT))],
  ['auth-snippet', snippet],
  ['auth-type', rule('low', like(/^(?:basic|digest)$/))],
  ['auth-url', rule('high', isAuthUrl)],
  ['configuration-snippet', snippet],
  ['custom-http-errors', rule('low', like(/^(?:[45]\d{2},?)*$/))],
  ['default-backend', rule('low', like(DNS_LABEL))],
  ['denylist-source-range', rule('medium', isRangeList)],
  ['enable-cors', flag],
  ['enable-global-auth', flag],
  ['proxy-body-size', rule('medium', like(SIZE))],
  ['proxy-buffer-size', rule('low', like(SIZE))],
  ['rewrite-target', rule('medium', like(REWRITE))],
  ['satisfy', rule('low', like(/^(?:any|all)$/))],
  ['server-snippet', snippet],
  ['ssl-passthrough', flag],
  ['use-regex', flag],
  ['whitelist-source-range', rule('medium', isRangeList)],
])

/** Why the controller would not take an annotation; undefined where it would. */
export const annotationComplaint = (fullName: string, value: string): string | undefined => {
  const name = fullName.startsWith(PREFIX) ? fullName.slice(PREFIX.length) : undefined
  const found = name === undefined ? undefined : ANNOTATION_RULES.get(name)
  if (found === undefined) return `${fullName} is no annotation whose rule is known`
  if (found.risk === 'critical') return `${fullName} is refused by default, as too much power`
  // Empty values are not validated, and not used.
  if (value === '' || found.accepts(value)) return undefined
  return `${fullName} has a value that the controller refuses`
}
