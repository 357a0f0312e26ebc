import { type Finding, type FindingKinds, type Severity } from '../../migrate/inventory/finding.ts'

const LEVELS: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
}

/** SARIF 2.1.0 (OASIS), which code hosts and editors show beside the lines it names. */
export const sarifLog = (kinds: FindingKinds, findings: readonly Finding[]): object => {
  const ids = Object.keys(kinds)
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Vestibule migrate inventory',
            rules: Object.entries(kinds).map(([id, { severity, title, why, next }]) => ({
              id,
              name: pascalCase(id),
              shortDescription: { text: title },
              fullDescription: { text: why },
              help: { text: next },
              defaultConfiguration: { level: LEVELS[severity] },
              properties: { severity },
            })),
          },
        },
        columnKind: 'unicodeCodePoints',
        results: findings.map((finding) => result(finding, ids.indexOf(finding.id))),
      },
    ],
  }
}

const pascalCase = (id: string): string =>
  id.replaceAll(/(?:^|_)([a-z])/g, (_whole, letter: string) => letter.toUpperCase())

const result = (finding: Finding, ruleIndex: number): object => {
  const { id, severity, title, what, hosts, places } = finding
  return {
    ruleId: id,
    ruleIndex,
    // What is no fault has no level (3.27.10).
    ...(severity === 'info'
      ? { kind: 'informational', level: 'none' }
      : { kind: 'fail', level: LEVELS[severity] }),
    message: { text: `${title}: ${what}.` },
    locations: [location(places[0])],
    ...(places.length > 1 ? { relatedLocations: places.slice(1).map(location) } : {}),
    properties: { hosts },
  }
}

const location = ({ file, line, object }: Finding['places'][number]): object => ({
  physicalLocation: {
    artifactLocation: { uri: uriOf(file) },
    region: { startLine: Math.max(1, line) },
  },
  logicalLocations: [{ fullyQualifiedName: object, kind: 'object' }],
})

/** A relative reference; standard input has no name, and gets one. */
const uriOf = (file: string): string =>
  file === '-' ? 'stdin' : file.split('/').map(encodeURIComponent).join('/')
