import { directivesOf } from '../nginx-snippet.ts'
import { isOff } from '../views/ingress.ts'
import { PREFIX } from './annotation-rules.ts'
import { isAtLeast } from './guard.ts'

export type Annotations = Readonly<Record<string, string>>

export type AnnotationChange = {
  /** The full name. */
  readonly name: string
  readonly before: string | undefined
  readonly after: string | undefined
  readonly why: string
}

/**
 * `observe` leaves the old control in place, beside a policy that only observes; `enforce` takes it
 * away. What would keep nginx from asking goes in both.
 */
export type Stage = 'observe' | 'enforce'

/** What let people in before, and why it goes. */
const OLD_CONTROLS: ReadonlyMap<string, string> = new Map([
  ['whitelist-source-range', 'an address is no identity; the policy says who may pass'],
  ['allowlist-source-range', 'an address is no identity; the policy says who may pass'],
  ['auth-type', 'a shared password names nobody; people sign in instead'],
  ['auth-secret', 'belongs to auth-type'],
  ['auth-secret-type', 'belongs to auth-type'],
  ['auth-realm', 'belongs to auth-type'],
])

/** What would defeat or mislead the check, and why it goes. */
const OBSTACLES: ReadonlyMap<string, string> = new Map([
  ['satisfy', 'with any, nginx does not ask where the address is on the list'],
  ['auth-cache-key', 'a cached yes outlives sign-out, revocation and policy changes'],
  ['auth-cache-duration', 'belongs to auth-cache-key'],
  ['auth-keepalive', 'answers 500, or swaps identity headers, from controller 1.13.0 on'],
  ['auth-keepalive-requests', 'belongs to auth-keepalive'],
  ['auth-keepalive-timeout', 'belongs to auth-keepalive'],
  ['auth-keepalive-share-vars', 'belongs to auth-keepalive'],
  ['auth-method', 'was for another service; Vestibule learns the method anyway'],
  ['auth-proxy-set-headers', 'was for another service'],
  ['auth-request-redirect', 'has to repeat the path that was asked for, as it does by default'],
  ['auth-signin-redirect-param', 'was for another service; Vestibule reads rd'],
  ['auth-always-set-cookie', 'was for another service; Vestibule sets no cookie here'],
  ['auth-snippet', 'was for another service, and commands the controller'],
])

const SNIPPETS = ['configuration-snippet', 'server-snippet'] as const

/** Directives that decide who gets in, or answer by themselves. */
const ACCESS_DIRECTIVE =
  /^(?:satisfy|auth_\w+|allow|deny|access_by_lua\w*|content_by_lua\w*|error_page|return|internal|(?:proxy|grpc|fastcgi|uwsgi|scgi)_pass)$/

/** What the application believes of him. */
const IDENTITY_HEADER =
  /^(?:authorization|cookie|x-(?:auth|forwarded-(?:user|email|groups)|remote|webauth|vestibule))/

export const decidesAccess = (snippet: string): boolean =>
  directivesOf(snippet).some(
    ({ name, values: [first = ''] }) =>
      ACCESS_DIRECTIVE.test(name) ||
      (/^(?:proxy_set_header|more_set_input_headers)$/.test(name) && IDENTITY_HEADER.test(first)),
  )

/** From the annotations as they are to those that guard, and why each goes or comes. */
export const annotationChanges = (
  annotations: Annotations,
  wanted: ReadonlyMap<string, string>,
  stage: Stage,
): readonly AnnotationChange[] => {
  const read = (name: string): string | undefined =>
    Object.hasOwn(annotations, PREFIX + name) ? annotations[PREFIX + name] : undefined
  const isGuarded = wanted.size > 0
  const removed = [
    ...(stage === 'enforce' ? [...OLD_CONTROLS] : []),
    ...OBSTACLES,
    ...foreignSignIn(wanted),
    ...SNIPPETS.flatMap((name) =>
      decidesAccess(read(name) ?? '') ? [[name, 'decides who gets in'] as const] : [],
    ),
    ...(isOff(read('enable-global-auth'))
      ? [['enable-global-auth', 'would open this Ingress if auth-url were ever lost'] as const]
      : []),
  ].flatMap(([name, why]): readonly AnnotationChange[] => {
    const before = read(name)
    return before === undefined || !isGuarded
      ? []
      : [{ name: PREFIX + name, before, after: undefined, why }]
  })
  const added = [...wanted].flatMap(([name, after]): readonly AnnotationChange[] => {
    const before = Object.hasOwn(annotations, name) ? annotations[name] : undefined
    return isFine(name, before, after) ? [] : [{ name, before, after, why: whyOf(name) }]
  })
  return [...removed, ...added]
}

/** A twin for programs has no sign-in, nor has whoever carried one over from another service. */
const foreignSignIn = (
  wanted: ReadonlyMap<string, string>,
): readonly (readonly [string, string])[] =>
  wanted.has(`${PREFIX}auth-signin`) ? [] : [['auth-signin', 'programs cannot use a sign-in page']]

const isFine = (name: string, before: string | undefined, after: string): boolean =>
  before === after ||
  (name === `${PREFIX}proxy-buffer-size` && before !== undefined && isAtLeast(before, after))

const WHY: ReadonlyMap<string, string> = new Map([
  ['auth-url', 'nginx asks Vestibule before every request'],
  ['auth-signin', 'people without a session are sent to sign in'],
  ['auth-response-headers', 'nginx sets these, and removes what a client sends under their names'],
  ['proxy-buffer-size', 'identity headers and cookies have to fit one buffer'],
])

const whyOf = (name: string): string => WHY.get(name.slice(PREFIX.length)) ?? ''

export const invert = (changes: readonly AnnotationChange[]): readonly AnnotationChange[] =>
  changes
    .map(({ name, before, after }) => ({ name, before: after, after: before, why: 'as it was' }))
    .toReversed()

/** The annotations after the changes. */
export const changed = (
  annotations: Annotations,
  changes: readonly AnnotationChange[],
): Annotations => {
  const values = new Map(Object.entries(annotations))
  for (const { name, after } of changes) {
    if (after === undefined) values.delete(name)
    else values.set(name, after)
  }
  return Object.fromEntries(values)
}
