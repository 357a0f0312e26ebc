import { pino } from 'pino'
import { type Decision } from '../../core/decision.ts'
import { type Authenticated } from '../../core/principal.ts'
import { type Answer, type DecisionRecord } from '../../flow/ports.ts'

export type DecisionLog = {
  /** Writes one line, later; what is thrown away because the reader is too slow is counted. */
  readonly write: (answer: Answer, status: number, seconds: number) => void
  /** Resolves when everything written so far has left the process, or after the deadline. */
  readonly close: () => Promise<void>
}

export type DecisionLogOptions = {
  /** `stdout`, or a file to append to. */
  readonly to: string
  readonly now: () => Date
  /** Called with how many lines were thrown away. */
  readonly onDropped: (lines: number) => void
}

/** What may wait for a slow reader before lines are dropped. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024
const LONGEST_PATH = 1024
const LONGEST_PATH_WRITTEN = 1536
const CLOSE_MS = 2000
const MOST_GROUP_BYTES = 512

/** Lines wait so long for company: a write of its own for each would cost more than the decision. */
const BATCH_MS = 10
const BATCH_LENGTH = 64 * 1024

/** One JSON line per decision, never blocking. No query string, token or cookie is in it. */
export const createDecisionLog = ({ to, now, onDropped }: DecisionLogOptions): DecisionLog => {
  const destination = pino.destination({
    dest: to === 'stdout' ? 1 : to,
    sync: false,
    append: true,
    maxLength: MOST_WAITING_BYTES,
  })
  destination.on('drop', (lines: string) => onDropped(countLines(lines)))
  // A reader that went away must not take the service with it.
  destination.on('error', () => onDropped(1))
  let batch = ''
  let timer: NodeJS.Timeout | undefined
  const send = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (batch !== '') destination.write(batch)
    batch = ''
  }
  return {
    write: (answer, status, seconds) => {
      batch += `${toJson(entryOf(answer, status, seconds, now()))}\n`
      if (batch.length > BATCH_LENGTH) send()
      else timer ??= setTimeout(send, BATCH_MS)
    },
    close: async () => {
      send()
      await closeWithin(destination, CLOSE_MS)
    },
  }
}

const countLines = (text: string): number => text.split('\n').length - 1

const closeWithin = async (
  destination: ReturnType<typeof pino.destination>,
  ms: number,
): Promise<void> => {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    destination.flush(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}

const entryOf = (
  { record, notPassed = [] }: Answer,
  status: number,
  seconds: number,
  time: Date,
): Record<string, unknown> => {
  const { request, decision, policy } = record
  return {
    time: time.toISOString(),
    decision: record.id,
    requestId: request.requestId ?? record.id,
    effect: decision.effect,
    reason: decision.reason,
    status,
    mode: record.mode,
    would: wouldOf(decision),
    host: request.host,
    method: clip(request.method, 32),
    path: pathText(request.path),
    ns: request.namespace,
    ingress: request.ingress,
    service: request.service,
    principal: principalOf(record),
    session: record.sessionKey?.slice(0, 12),
    credential: record.credential,
    bindings: record.bindings?.length === 0 ? undefined : record.bindings,
    rule: ruleOf(decision),
    notPassed: notPassed.length === 0 ? undefined : notPassed,
    policyOwner: policy?.owner,
    policyVersion: record.policyVersion,
    clientIp: request.clientIp,
    latencyMs: Math.round(seconds * 1e6) / 1000,
  }
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

const principalOf = ({ principal, policy }: DecisionRecord): Record<string, unknown> =>
  principal.kind === 'anonymous'
    ? { actor: 'anonymous' }
    : knownPrincipal(principal, policy?.groups ?? new Set())

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
  if (path === undefined) return undefined
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
const toJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const clip = (text: string | undefined, longest: number): string | undefined =>
  text === undefined || text.length <= longest ? text : `${text.slice(0, longest)}…`
