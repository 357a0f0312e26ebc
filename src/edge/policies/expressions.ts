import { Environment, type ParseResult } from '@marcbachmann/cel-js'
import { type CompileContext, type Facts, type Finding } from '../../core/policy/criterion.ts'
import { type Claims, claimAt, type Principal } from '../../core/principal.ts'

/**
 * What an expression may name. Its cost is bounded by its size times the longest list of a token:
 * loops in loops are refused, and `matches`, since a regular expression can take exponential time.
 */
const ENVIRONMENT = new Environment({
  limits: { maxAstNodes: 300, maxDepth: 30, maxListElements: 200, maxMapEntries: 50 },
})
  .registerVariable('request', 'map<string, dyn>')
  .registerVariable('principal', 'map<string, dyn>')
  .registerVariable('session', 'map<string, dyn>')
  .registerVariable('device', 'map<string, dyn>')
  .registerVariable('now', 'google.protobuf.Timestamp')

/** What is wrong with an expression, as "problem. Remedy"; undefined where nothing is. */
export const expressionFault = (source: string): string | undefined => {
  try {
    const parsed = ENVIRONMENT.parse(source)
    if (usesRegularExpression(parsed.ast)) {
      return 'uses a regular expression. Use ==, startsWith, endsWith, contains or in'
    }
    if (nestsLoops(parsed.ast, false)) {
      return 'has a loop in a loop. Use one of exists, all, filter and map at a time'
    }
    const checked = parsed.check()
    if (!checked.valid) return `is no valid CEL: ${firstLine(checked.error)}. Correct it`
    const type = String(checked.type)
    return type === 'bool' || type === 'dyn'
      ? undefined
      : `is of type ${type}, not bool. Write a condition`
  } catch (error) {
    return `is no valid CEL: ${firstLine(error)}. Correct it`
  }
}

/** Messages go on with a drawing of the source; a full stop would end our own sentence early. */
const firstLine = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n')[0] ?? '').replaceAll('. ', ', ') : 'unknown'

type Call = { readonly name: unknown; readonly args: readonly unknown[] }

/** A call with its name and everything below it; undefined for other nodes. */
const callOf = (node: object): Call | undefined => {
  if (!('op' in node) || !('args' in node) || !Array.isArray(node.args)) return undefined
  const args: readonly unknown[] = node.args
  return node.op === 'rcall' || node.op === 'call' ? { name: args[0], args } : undefined
}

const below = (node: unknown): readonly unknown[] => {
  if (Array.isArray(node)) return node
  return typeof node === 'object' && node !== null && 'args' in node ? [node.args] : []
}

const usesRegularExpression = (node: unknown): boolean =>
  (typeof node === 'object' && node !== null && callOf(node)?.name === 'matches') ||
  below(node).some(usesRegularExpression)

const LOOPS: ReadonlySet<unknown> = new Set(['all', 'exists', 'exists_one', 'filter', 'map'])

/** One loop costs as much as its list is long; loops in loops multiply. */
const nestsLoops = (node: unknown, inLoop: boolean): boolean => {
  const isLoop = typeof node === 'object' && node !== null && LOOPS.has(callOf(node)?.name)
  if (isLoop && inLoop) return true
  return below(node).some((child) => nestsLoops(child, inLoop || isLoop))
}

export const compileExpression: CompileContext['compileExpression'] = (source) => {
  const evaluate = ENVIRONMENT.parse(source)
  return (facts) => findingOf(evaluate, facts)
}

const findingOf = (evaluate: ParseResult, facts: Facts): Finding => {
  try {
    const result: unknown = evaluate(variablesOf(facts))
    if (typeof result !== 'boolean') return 'broken'
    return result ? 'holds' : 'fails'
  } catch {
    return facts.principal.kind === 'anonymous' ? 'absent' : 'broken'
  }
}

const variablesOf = ({
  request,
  principal,
  sessionCreatedAt,
  now,
}: Facts): Record<string, unknown> => ({
  request: {
    host: request.host,
    method: request.method,
    path: request.path,
    scheme: request.scheme,
    client_ip: request.clientIp ?? '',
    namespace: request.namespace,
    ingress: request.ingress,
    service: request.service,
  },
  principal: principalVariable(principal),
  session: sessionCreatedAt === undefined ? {} : { created_at: new Date(sessionCreatedAt * 1000) },
  device: principal.kind === 'anonymous' ? {} : mapAt(principal.claims, 'device'),
  now: new Date(now * 1000),
})

/** A member that is not there makes the expression fail, which is what `absent` is elsewhere. */
const principalVariable = (principal: Principal): Record<string, unknown> =>
  principal.kind === 'anonymous'
    ? { kind: 'anonymous' }
    : {
        kind: 'authenticated',
        actor: principal.actor,
        subject: principal.subject,
        issuer: principal.issuer,
        claims: principal.claims,
        ...(principal.onBehalfOf === undefined
          ? {}
          : { on_behalf_of: principal.onBehalfOf.subject }),
        ...(principal.email === undefined ? {} : { email: principal.email }),
        ...(principal.groups === undefined ? {} : { groups: principal.groups }),
      }

const mapAt = (claims: Claims, name: string): unknown => {
  const value = claimAt(claims, name)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}
