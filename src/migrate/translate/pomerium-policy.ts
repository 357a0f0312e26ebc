import { CRITERIA } from '../../core/policy/criteria.ts'
import {
  anyOf,
  type Condition,
  type DraftRule,
  type Leftover,
  todo,
  todoCondition,
} from './draft.ts'
import { letterPrefix, methodConditions } from './request-conditions.ts'
import { itemsOf, membersOf, originOf, type Spot, textOf, textsOf } from './source-file.ts'

const OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'nor'])

/** A policy of PPL, as it stands; only what means something else here is written in another way. */
export const pplRules = (policy: Spot, leftovers: Leftover[]): readonly DraftRule[] =>
  itemsOf(policy).flatMap((rule) =>
    membersOf(rule).flatMap(([action, body]): readonly DraftRule[] => {
      if (action !== 'allow' && action !== 'deny') {
        leftovers.push({ origin: originOf(body), what: action, why: 'is neither allow nor deny' })
        return []
      }
      return [ruleOf(action, body, leftovers)]
    }),
  )

const ruleOf = (action: 'allow' | 'deny', body: Spot, leftovers: Leftover[]): DraftRule => {
  // An allow must not take more than it did, a deny not less.
  const context: Context = { isGrant: action === 'allow', leftovers }
  const [first, ...others] = membersOf(body)
  const isPublic = action === 'allow' && acceptsAnybody(body)
  const conditions =
    first?.[0] === 'and' && others.length === 0
      ? conditionsIn(first[1], context)
      : [anyOf(membersOf(body).map(([operator, list]) => operated(operator, list, context)))]
  return { action, conditions, isPublic, comments: [] }
}

type Context = { readonly isGrant: boolean; readonly leftovers: Leftover[] }

/** `accept` admits without asking who it is, and so does a preflight. */
const acceptsAnybody = (body: Spot): boolean =>
  membersOf(body).some(([operator, list]) => {
    const names = itemsOf(list).flatMap((item) => membersOf(item).map(([name]) => name))
    const open = names.filter((name) => OPEN.has(name))
    return operator === 'or' ? open.length > 0 : open.length > 0 && open.length === names.length
  })

const OPEN: ReadonlySet<string> = new Set([
  'accept',
  'cors_preflight',
  'http_method',
  'http_path',
  'source_ip',
])

const operated = (operator: string, list: Spot, context: Context): Condition => {
  if (!OPERATORS.has(operator)) {
    return unknownCriterion(operator, list, context)
  }
  const isNegated = operator === 'not' || operator === 'nor'
  const inside = isNegated ? { ...context, isGrant: !context.isGrant } : context
  return { [operator]: conditionsIn(list, inside) }
}

const conditionsIn = (list: Spot, context: Context): readonly Condition[] =>
  itemsOf(list).flatMap((item) =>
    membersOf(item).map(([name, argument]) => criterion(name, argument, context)),
  )

const KNOWN: ReadonlySet<string> = new Set(CRITERIA.map(({ name }) => name))

const criterion = (name: string, argument: Spot, context: Context): Condition => {
  if (OPERATORS.has(name)) return operated(name, argument, context)
  if (name === 'http_path') return pathOf(argument, context)
  if (name === 'http_method') return methodOf(argument, context)
  if (name === 'device') return unknownCriterion(name, argument, context)
  const isKnown = KNOWN.has(name) || name.startsWith('claim/')
  if (!isKnown) return unknownCriterion(name, argument, context)
  if (!context.isGrant && (name === 'email' || name === 'domain'))
    noteUnverified(name, argument, context)
  return { [name]: argument.value }
}

const noteUnverified = (name: string, argument: Spot, { leftovers }: Context): void => {
  leftovers.push({
    origin: originOf(argument),
    what: `${name} in a deny`,
    why: 'here only verified addresses count, so it misses people whose provider does not verify them; deny by group or user',
  })
}

/** The enrolled devices, directory records and routes of Pomerium mean nothing to another provider. */
const unknownCriterion = (name: string, argument: Spot, { leftovers }: Context): Condition => {
  leftovers.push({
    origin: originOf(argument),
    what: name,
    why: 'has no counterpart here, so the rule waits for you',
  })
  return todoCondition(`what ${name} meant here`)
}

/** A prefix there ends anywhere. In an allow ours takes less; in a deny it has to take as much. */
const pathOf = (argument: Spot, { isGrant }: Context): Condition => {
  if (isGrant || typeof argument.value !== 'object') return { http_path: argument.value }
  const members = membersOf(argument)
  const prefixes = members.filter(([name]) => name === 'starts_with')
  const rest = members.filter(([name]) => name !== 'starts_with')
  const conditions = [
    ...prefixes.map(([, value]) => letterPrefix(textOf(value) ?? todo('the prefix'))),
    ...(rest.length === 0
      ? []
      : [{ http_path: Object.fromEntries(rest.map(([name, value]) => [name, value.value])) }]),
  ]
  const [only] = conditions
  return only !== undefined && conditions.length === 1 ? only : { and: conditions }
}

/** `GET` covers HEAD here, so an allow has to leave it out. */
const methodOf = (argument: Spot, { isGrant }: Context): Condition => {
  const members = membersOf(argument)
  const isPlain = members.every(([name]) => name === 'is' || name === 'in')
  if (!isGrant || !isPlain) return { http_method: argument.value }
  const methods =
    members.length === 0 ? textsOf(argument) : members.flatMap(([, value]) => textsOf(value))
  return { and: [...methodConditions(methods)] }
}
