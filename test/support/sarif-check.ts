type Node = Readonly<Record<string, unknown>>

/**
 * What is wrong with a log, by the parts of SARIF 2.1.0 (OASIS) that ours uses. The numbers are its
 * sections.
 */
export const sarifFaults = (log: unknown): readonly string[] => {
  const { version, runs } = nodeOf(log)
  return [
    ...unless(version === '2.1.0', '3.13.2: the version is not 2.1.0'),
    ...unless(Array.isArray(runs) && runs.length > 0, '3.13.4: there are no runs'),
    ...listOf(runs).flatMap((run) => runFaults(nodeOf(run))),
  ]
}

const runFaults = ({ tool, results, columnKind }: Node): readonly string[] => {
  const { name, rules } = nodeOf(nodeOf(tool)['driver'])
  const ids = listOf(rules).map((rule) => nodeOf(rule)['id'])
  return [
    ...unless(isText(name), '3.19.8: the driver has no name'),
    ...unless(new Set(ids).size === ids.length, '3.49.3: two rules have one id'),
    ...unless(
      columnKind === undefined || columnKind === 'unicodeCodePoints',
      '3.14.17: columnKind is none of the two',
    ),
    ...unless(Array.isArray(results), '3.14.23: a run without results did not run'),
    ...listOf(rules).flatMap((rule) => ruleFaults(nodeOf(rule))),
    ...listOf(results).flatMap((result) => resultFaults(nodeOf(result), ids)),
  ]
}

const ruleFaults = (rule: Node): readonly string[] => [
  ...unless(isText(rule['id']), '3.49.3: a rule has no id'),
  ...['shortDescription', 'fullDescription', 'help'].flatMap((name) =>
    unless(isText(nodeOf(rule[name])['text']), `3.49.9: ${name} has no text`),
  ),
  ...unless(
    isOneOf(nodeOf(rule['defaultConfiguration'])['level'], LEVELS),
    '3.50.3: a rule has no level',
  ),
]

const LEVELS = ['none', 'note', 'warning', 'error']
const KINDS = ['pass', 'open', 'informational', 'notApplicable', 'review', 'fail']

const resultFaults = (result: Node, ids: readonly unknown[]): readonly string[] => {
  const { ruleId, ruleIndex, level, kind = 'fail', message, locations } = result
  return [
    ...unless(ids.includes(ruleId), '3.27.5: a result has a rule that is not listed'),
    ...unless(ids.indexOf(ruleId) === ruleIndex, '3.27.6: ruleIndex is another rule'),
    ...unless(isOneOf(kind, KINDS), '3.27.9: the kind is none'),
    ...unless(isOneOf(level, LEVELS), '3.27.10: the level is none'),
    ...unless(
      (kind === 'fail') !== (level === 'none'),
      '3.27.10: what does not fail has the level none, and only that',
    ),
    ...unless(isText(nodeOf(message)['text']), '3.27.11: a result has no message'),
    ...unless(listOf(locations).length === 1, '3.27.12: a result has not one location'),
    ...[...listOf(locations), ...listOf(result['relatedLocations'])].flatMap((location) =>
      locationFaults(nodeOf(location)),
    ),
  ]
}

const locationFaults = ({ physicalLocation, logicalLocations }: Node): readonly string[] => {
  const { artifactLocation, region } = nodeOf(physicalLocation)
  const { uri } = nodeOf(artifactLocation)
  const { startLine } = nodeOf(region)
  return [
    ...unless(isReference(uri), `3.4.3: ${String(uri)} is no URI reference`),
    ...unless(
      typeof startLine === 'number' && Number.isInteger(startLine) && startLine >= 1,
      '3.30.5: startLine is no line',
    ),
    ...unless(
      listOf(logicalLocations).every((each) => isText(nodeOf(each)['fullyQualifiedName'])),
      '3.33.5: a logical location has no name',
    ),
  ]
}

/** RFC 3986, without a scheme; a first segment with a colon would be one. */
const isReference = (uri: unknown): boolean =>
  typeof uri === 'string' &&
  /^\/?(?:[\w.~!$&'()*+,;=@-]|%[0-9A-F]{2})[\w.~!$&'()*+,;=@:/%-]*$/.test(uri)

const unless = (holds: boolean, fault: string): readonly string[] => (holds ? [] : [fault])

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''

const isOneOf = (value: unknown, words: readonly string[]): boolean =>
  words.some((word) => word === value)

const nodeOf = (value: unknown): Node =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
