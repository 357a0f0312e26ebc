import { type CompileContext } from './criterion.ts'
import { type ConditionDocument, type PolicyDocument, type RuleDocument } from './document.ts'
import { compileOperators, compileOperatorsClosed } from './expression.ts'
import { asList, entries } from './matcher.ts'
import { type HostPolicy, type PolicySet, type Rule } from './policy.ts'

/**
 * Compiles validated documents, once, into what a request only has to look up. The caller has
 * made sure that no host stands in two documents.
 *
 * @param version digest of the files
 */
export const compilePolicies = (
  documents: readonly PolicyDocument[],
  version: string,
  compileRanges: CompileContext['compileRanges'],
): PolicySet => {
  const exact = new Map<string, HostPolicy>()
  const below = new Map<string, HostPolicy>()
  for (const document of documents) {
    const compiled = compileDocument(document, compileRanges)
    for (const host of document.hosts) {
      const index = host.kind === 'exact' ? exact : below
      const label = host.kind === 'exact' ? host.name : `*.${host.name}`
      index.set(host.name, { ...compiled, label })
    }
  }
  return { version, exact, below }
}

const compileDocument = (
  document: PolicyDocument,
  compileRanges: CompileContext['compileRanges'],
): Omit<HostPolicy, 'label'> => {
  const context: CompileContext = { pathsIgnoreCase: document.pathsIgnoreCase, compileRanges }
  const compileRules = (action: RuleDocument['action']): readonly Rule[] =>
    document.rules
      .filter((rule) => rule.action === action)
      .map(({ id, until, isPublic, operators }) => ({
        id,
        until,
        isPublic,
        test: compileOperators(operators, context),
        closedTest: compileOperatorsClosed(operators, context),
      }))
  const criteria = document.rules.flatMap((rule) => rule.operators.flatMap(criteriaOf))
  return {
    owner: document.owner,
    credentials: new Set(document.credentials),
    refusesAmbiguousPaths:
      !document.acceptAmbiguousPaths && criteria.some(({ criterion }) => criterion === 'http_path'),
    redirectIsOverridden: document.redirectIsOverridden,
    groups: new Set([
      ...document.sendGroups,
      ...criteria
        .filter(({ criterion }) => criterion === 'groups')
        .flatMap(({ matcher }) => entries(matcher).flatMap(([, names]) => asList(names))),
    ]),
    denies: compileRules('deny'),
    allows: compileRules('allow'),
  }
}

type CriterionDocument = Exclude<ConditionDocument, { readonly operator: unknown }>

const criteriaOf = (condition: ConditionDocument): readonly CriterionDocument[] =>
  'operator' in condition ? condition.conditions.flatMap(criteriaOf) : [condition]
