import { type CompileContext, type Finding, type Toolbox } from './criterion.ts'
import {
  type ConditionDocument,
  type ModeDocument,
  type OperatorDocument,
  type PolicyDocument,
  type RequirementDocument,
  type RuleDocument,
} from './document.ts'
import { compileOperators, compileOperatorsClosed } from './expression.ts'
import { asList, entries } from './matcher.ts'
import {
  type HostPolicy,
  type Mode,
  type PolicySet,
  type Requirement,
  type Rule,
} from './policy.ts'

/**
 * Compiles validated documents, once, into what a request only has to look up. The caller has
 * made sure that no host stands in two documents.
 *
 * @param version digest of the files
 */
export const compilePolicies = (
  documents: readonly PolicyDocument[],
  version: string,
  toolbox: Toolbox,
): PolicySet => {
  const exact = new Map<string, HostPolicy>()
  const below = new Map<string, HostPolicy>()
  for (const document of documents) {
    const compiled = compileDocument(document, toolbox)
    for (const host of document.hosts) {
      const index = host.kind === 'exact' ? exact : below
      const label = host.kind === 'exact' ? host.name : `*.${host.name}`
      index.set(host.name, { ...compiled, label })
    }
  }
  return { version, exact, below }
}

const compileDocument = (document: PolicyDocument, toolbox: Toolbox): Omit<HostPolicy, 'label'> => {
  const context: CompileContext = { ...toolbox, pathsIgnoreCase: document.pathsIgnoreCase }
  const compileRules = (action: RuleDocument['action']): readonly Rule[] =>
    document.rules
      .filter((rule) => rule.action === action)
      .map(({ id, until, isPublic, operators, requirements }) => ({
        id,
        until,
        isPublic,
        requirements: requirements.map((each) => compileRequirement(each, context)),
        ...testsOf(operators, context),
      }))
  const criteria = document.rules.flatMap((rule) => rule.operators.flatMap(criteriaOf))
  return {
    owner: document.owner,
    credentials: new Set(document.credentials),
    refusesAmbiguousPaths:
      !document.acceptAmbiguousPaths &&
      (requirementsOf(document).some(({ where }) => where !== undefined) ||
        criteria.some(({ criterion }) => criterion === 'http_path' || criterion === 'cel')),
    redirectIsOverridden: document.redirectIsOverridden,
    readsClientCertificate: document.readsClientCertificate,
    mode: compileMode(document.mode),
    requirements: document.requirements.map((each) => compileRequirement(each, context)),
    presetHeaders: document.presetHeaders,
    protectedResource: document.protectedResource,
    passing: document.passing,
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

const testsOf = (
  operators: readonly OperatorDocument[],
  context: CompileContext,
): Pick<Rule, 'test' | 'closedTest' | 'condition' | 'closedCondition'> => {
  const condition = compileOperators(operators, context)
  const closedCondition = compileOperatorsClosed(operators, context)
  return { test: condition.test, closedTest: closedCondition.test, condition, closedCondition }
}

const requirementsOf = ({
  requirements,
  rules,
}: PolicyDocument): readonly RequirementDocument[] => [
  ...requirements,
  ...rules.flatMap((rule) => rule.requirements),
]

const compileRequirement = (
  { where, proof, asks, bindings }: RequirementDocument,
  context: CompileContext,
): Requirement => ({
  appliesTo: where === undefined ? always : compileOperators([where], context).test,
  isProven: proof === undefined ? always : compileOperators([proof], context).test,
  asks,
  bindings: new Set(bindings),
})

const always = (): Finding => 'holds'

const compileMode = (mode: ModeDocument): Mode =>
  mode.kind === 'canary' ? { ...mode, groups: new Set(mode.groups) } : mode

type CriterionDocument = Exclude<ConditionDocument, { readonly operator: unknown }>

const criteriaOf = (condition: ConditionDocument): readonly CriterionDocument[] =>
  'operator' in condition ? condition.conditions.flatMap(criteriaOf) : [condition]
