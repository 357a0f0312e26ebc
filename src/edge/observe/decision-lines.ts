import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { createGunzip } from 'node:zlib'
import { z } from 'zod'
import { BINDINGS } from '../../core/confirmation.ts'
import { epochSeconds, type HostName, parseHostName } from '../../core/ids.ts'
import {
  type RecordedDecision,
  type RecordedGroups,
  recordedPrincipal,
} from '../../core/recorded-decision.ts'

const EFFECT = z.enum(['allow', 'challenge', 'deny', 'unavailable'])
const text = z.string().optional()

const LINE = z.object({
  time: z.string(),
  decision: z.string(),
  requestId: text,
  effect: EFFECT,
  reason: z.string(),
  rule: text,
  would: z.object({ effect: EFFECT, reason: z.string(), rule: text }).optional(),
  host: text,
  method: text,
  path: text,
  ns: text,
  ingress: text,
  service: text,
  principal: z.object({
    actor: z.enum(['anonymous', 'human', 'workload', 'agent']),
    subject: text,
    issuer: text,
    onBehalfOf: text,
    email: text,
    groups: z.array(z.string()).nullable().optional(),
    otherGroups: z.number().optional(),
    groupsCut: z.number().optional(),
  }),
  credential: z.enum(['cookie', 'bearer', 'none']).default('none'),
  bindings: z.array(z.enum(BINDINGS)).optional(),
  policyVersion: z.string().default(''),
  clientIp: text,
})

type Line = z.infer<typeof LINE>

/** A line of the decision log; undefined for anything else. What precedes the first `{` is a prefix. */
export const readDecisionLine = (written: string): RecordedDecision | undefined => {
  const line = lineOf(written)
  const seconds = line === undefined ? Number.NaN : Date.parse(line.time) / 1000
  if (line === undefined || Number.isNaN(seconds)) return undefined
  const said = line.would ?? line
  return {
    id: line.decision,
    time: epochSeconds(seconds),
    effect: said.effect,
    reason: said.reason,
    rule: said.rule,
    isObserved: line.would !== undefined,
    policyVersion: line.policyVersion,
    credential: line.credential,
    bindings: line.credential === 'bearer' ? (line.bindings ?? []) : undefined,
    principal: principalOf(line),
    groups: groupsOf(line.principal),
    request: requestOf(line),
    isPathClipped: line.path === undefined || /\uFFFD|…$/.test(line.path),
  }
}

/** Collectors of logs put their own words before the line. */
const lineOf = (written: string): Line | undefined => {
  const start = written.indexOf('{')
  if (start === -1) return undefined
  try {
    const json: unknown = JSON.parse(start === 0 ? written : written.slice(start))
    return LINE.safeParse(json).data
  } catch {
    return undefined
  }
}

const principalOf = ({ principal, credential }: Line): RecordedDecision['principal'] => {
  const { actor, subject, issuer, email, groups, onBehalfOf } = principal
  return actor === 'anonymous' || subject === undefined
    ? recordedPrincipal(undefined, credential)
    : recordedPrincipal(
        { actor, subject, issuer: issuer ?? '', email, groups: groups ?? undefined, onBehalfOf },
        credential,
      )
}

const groupsOf = ({
  groups,
  otherGroups = 0,
  groupsCut = 0,
}: Line['principal']): RecordedGroups => {
  if (groups === undefined) return { kind: 'unknown', hasAllNamed: false }
  return {
    kind: otherGroups === 0 && groupsCut === 0 ? 'all' : 'some',
    hasAllNamed: groupsCut === 0,
  }
}

const NO_HOST = parseHostName('unknown')

const requestOf = (line: Line): RecordedDecision['request'] => ({
  host: hostOf(line.host),
  scheme: 'https',
  method: line.method ?? '',
  path: line.path === undefined ? '' : bytesOf(line.path),
  pathIsAmbiguous: false,
  pathIsConfirmed: true,
  clientIp: line.clientIp,
  requestId: line.requestId,
  isPreflight: false,
  clientCertificate: undefined,
  namespace: line.ns ?? '',
  ingress: line.ingress ?? '',
  service: line.service ?? '',
})

/** A line without a host was refused before it was understood. */
const hostOf = (name: string | undefined): HostName => {
  const host = (name === undefined ? undefined : parseHostName(name)) ?? NO_HOST
  if (host === undefined) throw new TypeError('unknown is a host name')
  return host
}

/** Rules see one character a byte. */
const bytesOf = (path: string): string =>
  /^[\0-\x7f]*$/.test(path) ? path : Buffer.from(path, 'utf8').toString('latin1')

/** No decision line comes near it; a bound on memory. */
const LONGEST_LINE = 64 * 1024

/** Lines of a file, or of standard input for `-`, some at a time; `.gz` is unpacked on the way. */
export const readLines = (
  file: string,
  onBytes: (bytes: number) => void = () => undefined,
): AsyncGenerator<readonly string[]> => splitLines(chunksOf(file), onBytes)

/** What was read, line by line; of lines longer than any decision only that they were there. */
export async function* splitLines(
  chunks: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void = () => undefined,
): AsyncGenerator<readonly string[]> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let isTooLong = false
  for await (const chunk of chunks) {
    onBytes(chunk.length)
    const lines = `${rest}${decoder.write(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    // The end of a line that was too long is no line.
    if (isTooLong && lines.length > 0) {
      lines[0] = TOO_LONG
      isTooLong = false
    }
    if (rest.length > LONGEST_LINE) {
      isTooLong = true
      rest = ''
    }
    yield lines
  }
  const last = isTooLong ? TOO_LONG : `${rest}${decoder.end()}`
  if (last !== '') yield [last]
}

const TOO_LONG = '(too long)'

const chunksOf = (file: string): AsyncIterable<Buffer> => {
  const source =
    file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 })
  // `pipeline` hands errors of the source on; the reader of the result meets them.
  return file.endsWith('.gz') ? pipeline(source, createGunzip(), () => undefined) : source
}
