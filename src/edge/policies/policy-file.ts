import { z } from 'zod'
import { type Fault } from '../../core/fault.ts'
import { type EpochSeconds, epochSeconds, type HostName, parseHostName } from '../../core/ids.ts'
import { type PassingCredentials } from '../../core/passing-credentials.ts'
import {
  type HostPattern,
  type ModeDocument,
  type PolicyDocument,
  type RuleDocument,
} from '../../core/policy/document.ts'
import { type ProtectedResource } from '../../core/protected-resource.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { APPLICATION_PRESETS } from '../../presets/applications.ts'
import { keyPath, schemaFaults, suggestKey } from '../files/schema-faults.ts'
import { type YamlFile } from '../files/yaml-file.ts'
import { POLICY_SCHEMA, type PolicyFile, RULE_SETS_SCHEMA } from './policy-schema.ts'
import { requirementDocument } from './requirement-documents.ts'
import { readRules } from './rule-documents.ts'
import { parseUntil } from './until.ts'

/** Rules by the name that `use` knows them by. */
export type RuleSets = ReadonlyMap<string, readonly RuleDocument[]>

/** A file of rule sets is told by its one key. */
export const holdsRuleSets = ({ value }: YamlFile): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, 'ruleSets')

/** The names in a file of rule sets, whether or not the rules are right. */
export const ruleSetNames = ({ value }: YamlFile): readonly string[] => {
  const { data } = z.object({ ruleSets: z.record(z.string(), z.unknown()) }).safeParse(value)
  return data === undefined ? [] : Object.keys(data.ruleSets)
}

export const readRuleSets = (yaml: YamlFile): Result<RuleSets, readonly Fault[]> => {
  const parsed = RULE_SETS_SCHEMA.safeParse(yaml.value)
  if (!parsed.success) return fail(schemaFaults(parsed.error, RULE_SETS_SCHEMA, yaml))
  const sets = Object.keys(parsed.data.ruleSets).map(
    (name) => [name, readRules(yaml, ['ruleSets', name])] as const,
  )
  const faults = sets.flatMap(([, { faults: own }]) => own)
  return faults.length === 0
    ? ok(new Map(sets.map(([name, { rules }]) => [name, rules])))
    : fail(faults)
}

/** A policy file → a document, or every fault in it. */
export const readPolicyFile = (
  yaml: YamlFile,
  ruleSets: RuleSets,
): Result<PolicyDocument, readonly Fault[]> => {
  const parsed = POLICY_SCHEMA.safeParse(yaml.value)
  const own = readRules(yaml, ['policy'])
  if (!parsed.success) {
    return fail([...schemaFaults(parsed.error, POLICY_SCHEMA, yaml), ...own.faults])
  }
  const faults = [...own.faults, ...unknownSets(parsed.data, ruleSets, yaml)]
  if (faults.length > 0) return fail(faults)
  const used = parsed.data.use.flatMap((name) => ruleSets.get(name) ?? [])
  return ok(documentOf(parsed.data, [...own.rules, ...used]))
}

const unknownSets = ({ use }: PolicyFile, ruleSets: RuleSets, yaml: YamlFile): readonly Fault[] =>
  use.flatMap((name, index) =>
    ruleSets.has(name)
      ? []
      : [
          {
            file: yaml.file,
            ...yaml.placeOf(['use', index]),
            key: keyPath(['use', index]),
            problem: `no file has a rule set ${name}`,
            remedy: suggestKey(name, [...ruleSets.keys()]),
          },
        ],
  )

const documentOf = (file: PolicyFile, rules: readonly RuleDocument[]): PolicyDocument => ({
  hosts: file.hosts.map(hostPattern),
  owner: file.owner,
  credentials: file.credentials,
  pathsIgnoreCase: file.paths.case === 'insensitive',
  acceptAmbiguousPaths: file.paths.ambiguous === 'accept',
  redirectIsOverridden: file.authRequestRedirect === 'overridden',
  readsClientCertificate: file.proxySets.includes('ssl-client-cert'),
  mode: modeOf(file),
  requirements: file.require.map(requirementDocument),
  presetHeaders: APPLICATION_PRESETS.find(({ name }) => name === file.app)?.headers ?? [],
  protectedResource: protectedResourceOf(file),
  passing: passingOf(file),
  sendGroups: file.sendGroups,
  rules,
})

const protectedResourceOf = ({ protectedResource }: PolicyFile): ProtectedResource | undefined =>
  protectedResource === undefined
    ? undefined
    : {
        ...protectedResource,
        name: protectedResource.name,
        documentation: protectedResource.documentation,
      }

const passingOf = ({
  stripCookie,
  forwardBearer,
  proxyBufferSize,
}: PolicyFile): PassingCredentials => ({
  stripsCookie: stripCookie,
  stripsBearer: !forwardBearer,
  answerBytes: (Number.parseInt(proxyBufferSize, 10) - 1) * 1024 - 1,
})

const modeOf = ({ mode, until, canary }: PolicyFile): ModeDocument => {
  if (mode === 'enforce') return { kind: 'enforce' }
  if (mode === 'observe') return { kind: 'observe', until: endOf(until) }
  return {
    kind: 'canary',
    until: endOf(until),
    groups: canary?.groups ?? [],
    share: canary?.share ?? 0,
  }
}

/** The schema has made sure that there is an end; without one, enforcing begins at once. */
const endOf = (until: string | undefined): EpochSeconds =>
  (until === undefined ? undefined : parseUntil(until)) ?? epochSeconds(0)

const hostPattern = (text: string): HostPattern =>
  text.startsWith('*.')
    ? { kind: 'below', name: hostName(text.slice(2)) }
    : { kind: 'exact', name: hostName(text) }

const hostName = (text: string): HostName => {
  const name = parseHostName(text)
  if (name === undefined) throw new TypeError(`host ${text} passed the schema`)
  return name
}
