import { type Fault } from '../../core/fault.ts'
import { provesIdentity } from '../../core/policy/authority.ts'
import { CRITERIA, findCriterion } from '../../core/policy/criteria.ts'
import {
  type ConditionDocument,
  type OperatorDocument,
  type OperatorName,
  type RuleDocument,
} from '../../core/policy/document.ts'
import { keyPath, schemaFaults, suggestKey } from '../files/schema-faults.ts'
import { type YamlFile } from '../files/yaml-file.ts'
import { MATCHER_SCHEMAS } from './matcher-schema.ts'
import { type OperatorsFile, RULE_SCHEMA, type RuleFile } from './policy-schema.ts'
import { requirementDocument } from './requirement-documents.ts'
import { parseUntil } from './until.ts'

type Path = readonly (string | number)[]

export type RulesRead = {
  readonly rules: readonly RuleDocument[]
  readonly faults: readonly Fault[]
}

const OPERATORS: readonly OperatorName[] = ['and', 'or', 'not', 'nor']
const DEEPEST = 8

/**
 * Rules at a place of a file → documents, or faults with a place. Rules whose outer shape is wrong
 * are left out: the schema of the file has said so, and the others may have faults as well.
 */
export const readRules = (yaml: YamlFile, at: readonly string[]): RulesRead => {
  const faults: Fault[] = []
  const written = at.reduce(valueOf, yaml.value)
  const list: readonly unknown[] = Array.isArray(written) ? written : [written]
  const rules = list.flatMap((each, index): readonly RuleDocument[] => {
    const path: Path = Array.isArray(written) ? [...at, index] : at
    const { data: rule } = RULE_SCHEMA.safeParse(each)
    return rule === undefined ? [] : readRule(rule, { path, index, yaml, faults })
  })
  return { rules, faults }
}

type RulePlace = {
  readonly path: Path
  readonly index: number
  readonly yaml: YamlFile
  readonly faults: Fault[]
}

/** As in PPL, one rule may hold an allow and a deny. */
const readRule = (rule: RuleFile, place: RulePlace): readonly RuleDocument[] => {
  const { path, index, yaml, faults } = place
  return (['allow', 'deny'] as const).flatMap((action): readonly RuleDocument[] => {
    const written = rule[action]
    if (written === undefined) return []
    const before = faults.length
    const operators = readOperators(written, [...path, action], yaml, faults)
    const document: RuleDocument = {
      id: `${yaml.file}#${rule.id ?? `${setPrefix(path)}${index + 1}`}`,
      action,
      operators,
      isPublic: rule.public === true && action === 'allow',
      until: rule.until === undefined ? undefined : parseUntil(rule.until),
      owner: rule.owner,
      requirements:
        rule.require === undefined || action === 'deny' ? [] : [requirementDocument(rule.require)],
      place: { file: yaml.file, path: [...path, action] },
    }
    if (faults.length === before) faults.push(...ruleFaults(rule, document, path, yaml))
    return [document]
  })
}

/** Rules of a set are numbered within it: a file may hold several sets. */
const setPrefix = ([kind, name]: Path): string => (kind === 'ruleSets' ? `${String(name)}/` : '')

const valueOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined

const readOperators = (
  operators: OperatorsFile,
  path: Path,
  yaml: YamlFile,
  faults: Fault[],
): readonly OperatorDocument[] =>
  OPERATORS.flatMap((operator) => {
    const conditions = operators[operator]
    if (conditions === undefined) return []
    const read = conditions.flatMap((condition, index) =>
      readCondition(condition, [...path, operator, index], yaml, faults),
    )
    return [{ operator, conditions: read }]
  })

const readCondition = (
  condition: Readonly<Record<string, unknown>>,
  path: Path,
  yaml: YamlFile,
  faults: Fault[],
): readonly ConditionDocument[] => {
  const complain = (at: Path, problem: string, remedy: string): readonly [] => {
    faults.push({ file: yaml.file, ...yaml.placeOf(at, true), key: keyPath(at), problem, remedy })
    return []
  }
  const [only, ...others] = Object.entries(condition)
  if (only === undefined || others.length > 0) {
    return complain(
      path,
      'needs exactly one criterion',
      'Write each criterion as its own list item.',
    )
  }
  const [key, argument] = only
  const at = [...path, key]
  const operator = OPERATORS.find((name) => name === key)
  if (operator !== undefined) return readNested(operator, argument, at, { yaml, faults, complain })
  const found = findCriterion(key)
  if (found === undefined) {
    return complain(
      at,
      'is not a known criterion',
      suggestKey(
        key,
        CRITERIA.map(({ name }) => name),
      ),
    )
  }
  const schema = MATCHER_SCHEMAS[found.criterion.argument]
  const parsed = schema.safeParse(argument)
  if (parsed.success) return [{ criterion: key, matcher: parsed.data }]
  const own = schemaFaults(parsed.error, schema, { ...yaml, placeOf: below(yaml, at) })
  faults.push(...own.map((fault) => ({ ...fault, key: joinKeys(keyPath(at), fault.key) })))
  return []
}

type Reading = {
  readonly yaml: YamlFile
  readonly faults: Fault[]
  readonly complain: (at: Path, problem: string, remedy: string) => readonly []
}

const readNested = (
  operator: OperatorName,
  argument: unknown,
  at: Path,
  { yaml, faults, complain }: Reading,
): readonly ConditionDocument[] => {
  if (at.length > 2 * DEEPEST) return complain(at, 'nests too deep', 'Flatten the rule.')
  if (!Array.isArray(argument) || argument.length === 0) {
    return complain(at, 'is not a list of conditions', 'Write the conditions as a list.')
  }
  const items: readonly unknown[] = argument
  const conditions = items.flatMap((item, index) =>
    isCondition(item)
      ? readCondition(item, [...at, index], yaml, faults)
      : complain([...at, index], 'is not a condition', 'Write { criterion: value }.'),
  )
  return [{ operator, conditions }]
}

const isCondition = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const below =
  (yaml: YamlFile, path: Path): YamlFile['placeOf'] =>
  (inner, ofKey) =>
    yaml.placeOf([...path, ...inner], ofKey)

const joinKeys = (outer: string, inner: string): string =>
  inner === '' ? outer : `${outer}${inner.startsWith('[') ? '' : '.'}${inner}`

/** Faults of a rule as a whole: location is no authority, and what is public is so knowingly. */
const ruleFaults = (
  rule: RuleFile,
  document: RuleDocument,
  path: Path,
  yaml: YamlFile,
): readonly Fault[] => {
  const at = (problem: string, remedy: string): readonly Fault[] => [
    { file: yaml.file, ...yaml.placeOf(path), key: keyPath(path), problem, remedy },
  ]
  if (rule.require !== undefined && (rule.public === true || rule.allow === undefined)) {
    return at('requires proof where nobody known is admitted', 'Move require to an allow.')
  }
  if (rule.public === true) {
    if (document.action === 'deny') return at('a deny cannot be public', 'Remove public.')
    return rule.owner === undefined || rule.until === undefined
      ? at('a public rule needs owner and until', 'Say who answers for it, and until when.')
      : []
  }
  return document.action === 'allow' && !provesIdentity(document.operators)
    ? at(
        'can be satisfied by network location, time or path alone',
        'Add an identity criterion to every branch, or make it public with owner and until.',
      )
    : []
}
