import { type Decision } from '../../core/decision.ts'
import { type HostPolicy } from '../../core/policy/policy.ts'
import { type Authenticated } from '../../core/principal.ts'
import { type Answer, type DecisionRecord, type Sent } from '../../flow/ports.ts'

const LONGEST_PATH = 1024
const LONGEST_PATH_WRITTEN = 1536
const MOST_GROUP_BYTES = 512

/**
 * One decision as a line of JSON, without the newline. Put together by hand, since it is written for
 * every request: what `JSON.stringify` would leave out is left out. Words of our own, and what was
 * read by a grammar without quotes (names of hosts and objects, ids, addresses), stand as they are.
 */
export const decisionLine = (
  { record }: Answer,
  { status, seconds, notPassed }: Sent,
  timeMs: number,
): string => {
  const { request, decision, bindings = [], id } = record
  return (
    `{"time":"${isoTime(timeMs)}","decision":"${id}","requestId":"${request.requestId ?? id}"` +
    `,"effect":"${decision.effect}","reason":"${decision.reason}","status":${status},"mode":"${record.mode}"` +
    (decision.reason === 'observed' ? `,"would":${toJson(wouldOf(decision))}` : '') +
    plain('host', request.host) +
    field('method', clip(request.method, 32)) +
    field('path', pathText(request.path)) +
    plain('ns', request.namespace) +
    plain('ingress', request.ingress) +
    plain('service', request.service) +
    `,"principal":${principalText(record)}` +
    plain('session', record.sessionKey?.slice(0, 12)) +
    `,"credential":"${record.credential}"` +
    (bindings.length === 0 ? '' : `,"bindings":${toJson(bindings)}`) +
    field('rule', ruleOf(decision)) +
    (notPassed.length === 0 ? '' : `,"notPassed":${toJson(notPassed)}`) +
    field('policyOwner', record.policy?.owner) +
    plain('policyVersion', record.policyVersion) +
    plain('clientIp', request.clientIp) +
    `,"latencyMs":${Math.round(seconds * 1e6) / 1000}}`
  )
}

const plain = (name: string, value: string | undefined): string =>
  value === undefined ? '' : `,"${name}":"${value}"`

/** Nothing that JSON, a reader of lines or a terminal minds. */
const HARMLESS = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

const field = (name: string, value: string | undefined): string =>
  value === undefined ? '' : `,"${name}":${HARMLESS.test(value) ? `"${value}"` : toJson(value)}`

let lastSecond = Number.NaN
let lastTime = ''

/** All but the milliseconds is the same for all lines of one second. */
const isoTime = (ms: number): string => {
  const second = Math.floor(ms / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastTime = new Date(second * 1000).toISOString().slice(0, -4)
  }
  return `${lastTime}${String(ms - second * 1000).padStart(3, '0')}Z`
}

/** What enforcing the policy would have answered, where it was only observed. */
const wouldOf = (decision: Decision): Record<string, unknown> | undefined =>
  decision.reason === 'observed'
    ? {
        effect: decision.would.effect,
        reason: decision.would.reason,
        rule: ruleOf(decision.would),
      }
    : undefined

const ruleOf = (decision: Decision): string | undefined =>
  'rule' in decision ? decision.rule : undefined

type Told = { readonly policy: HostPolicy | undefined; readonly text: string }

/** How a principal was told of last: the same again, on the same host. */
const told = new WeakMap<Authenticated, Told>()

const principalText = ({ principal, policy }: DecisionRecord): string => {
  if (principal.kind === 'anonymous') return ANONYMOUS_TEXT
  const last = told.get(principal)
  if (last !== undefined && last.policy === policy) return last.text
  const text = toJson(knownPrincipal(principal, policy?.groups ?? new Set()))
  told.set(principal, { policy, text })
  return text
}

const ANONYMOUS_TEXT = '{"actor":"anonymous"}'

/** Of an agent that acts for a person: who it is; address and groups are the person's. */
const knownPrincipal = (
  { actor, subject, issuer, onBehalfOf, ...agent }: Authenticated,
  named: ReadonlySet<string>,
): Record<string, unknown> => {
  const { email, groups } = onBehalfOf ?? agent
  return {
    actor,
    subject,
    issuer,
    onBehalfOf: onBehalfOf?.subject,
    email,
    ...(groups === undefined ? { groups: null } : groupsOf(groups, named)),
  }
}

/**
 * Only groups that the policy of the host names: the others are nobody's business here, but that
 * there are some is, since a replay must not take an unnamed group for one that was not there.
 */
const groupsOf = (
  groups: readonly string[],
  named: ReadonlySet<string>,
): Record<string, unknown> => {
  const listed = groups.filter((group) => named.has(group))
  const kept: string[] = []
  let bytes = 0
  for (const group of listed) {
    bytes += Buffer.byteLength(toJson(group)) + 1
    if (bytes > MOST_GROUP_BYTES) break
    kept.push(group)
  }
  return {
    groups: kept,
    otherGroups: atLeastOne(groups.length - listed.length),
    groupsCut: atLeastOne(listed.length - kept.length),
  }
}

const atLeastOne = (count: number): number | undefined => (count > 0 ? count : undefined)

/** Routed paths have one character a byte; people read UTF-8. */
const pathText = (path: string | undefined): string | undefined => {
  if (path === undefined || (path.length <= 256 && HARMLESS.test(path))) return path
  const bytes = Buffer.from(path.slice(0, LONGEST_PATH * 4), 'latin1')
  let text = clip(bytes.toString('utf8'), LONGEST_PATH) ?? ''
  while (isLongerWritten(text)) text = `${text.slice(0, text.length / 2)}…`
  return text
}

/** A control character takes six bytes in JSON, and a line has to stay below 4 KiB. */
const isLongerWritten = (text: string): boolean =>
  text.length * 6 > LONGEST_PATH_WRITTEN && Buffer.byteLength(toJson(text)) > LONGEST_PATH_WRITTEN

/**
 * JSON with every character escaped that ends a line for some reader (U+0085, U+2028 and U+2029,
 * for Node's readline among others) or commands a terminal (U+009B).
 */
export const toJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const clip = (text: string | undefined, longest: number): string | undefined =>
  text === undefined || text.length <= longest ? text : `${text.slice(0, longest)}…`
