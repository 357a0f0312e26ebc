import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Fault } from '../../core/fault.ts'
import { type HostName, parseHostName } from '../../core/ids.ts'
import { compilePolicies } from '../../core/policy/compile-policies.ts'
import { type HostPattern, type PolicyDocument } from '../../core/policy/document.ts'
import { type PolicySet } from '../../core/policy/policy.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { schemaFaults } from '../files/schema-faults.ts'
import { readYamlFile, type YamlFile } from '../files/yaml-file.ts'
import { compileRanges } from './address-ranges.ts'
import { POLICY_SCHEMA } from './policy-schema.ts'
import { readRules } from './rule-documents.ts'

type Loaded = { readonly yaml: YamlFile; readonly document: PolicyDocument }

/** Reads and compiles all policy files of a folder, or answers every fault found. */
export const loadPolicies = async (
  folder: string,
): Promise<Result<PolicySet, readonly Fault[]>> => {
  const names = await policyFiles(folder)
  if (!names.ok) return names
  const loaded: Loaded[] = []
  const faults: Fault[] = []
  for (const name of names.value) {
    const one = await loadFile(join(folder, name), name)
    if (one.ok) loaded.push(one.value)
    else faults.push(...one.failure)
  }
  faults.push(...hostsTwice(loaded))
  if (faults.length > 0) return fail(faults)
  const version = digestOf(loaded.map(({ yaml }) => yaml))
  return ok(
    compilePolicies(
      loaded.map(({ document }) => document),
      version,
      compileRanges,
    ),
  )
}

/** `*.yaml` but no cases; hidden entries are Kubernetes' own (`..data`). */
const policyFiles = async (
  folder: string,
): Promise<Result<readonly string[], readonly Fault[]>> => {
  const fault = (problem: string, remedy: string): Result<never, readonly Fault[]> =>
    fail([{ file: folder, line: undefined, column: undefined, key: '', problem, remedy }])
  try {
    const names = (await readdir(folder)).filter(
      (name) => /^[^.].*\.ya?ml$/.test(name) && !/\.cases\.ya?ml$/.test(name),
    )
    return names.length === 0
      ? fault('holds no policy file', 'Without a policy every request is denied; write one.')
      : ok(names.toSorted())
  } catch {
    return fault('is not a folder that can be read', 'Check `policies` in the configuration.')
  }
}

const loadFile = async (path: string, name: string): Promise<Result<Loaded, readonly Fault[]>> => {
  const yaml = await readYamlFile(path, name)
  if (!yaml.ok) return yaml
  const parsed = POLICY_SCHEMA.safeParse(yaml.value.value)
  const { rules, faults } = readRules(yaml.value)
  if (!parsed.success) {
    return fail([...schemaFaults(parsed.error, POLICY_SCHEMA, yaml.value), ...faults])
  }
  if (faults.length > 0) return fail(faults)
  const { hosts, owner, credentials, paths, authRequestRedirect, sendGroups } = parsed.data
  return ok({
    yaml: yaml.value,
    document: {
      hosts: hosts.map(hostPattern),
      owner,
      credentials,
      pathsIgnoreCase: paths.case === 'insensitive',
      acceptAmbiguousPaths: paths.ambiguous === 'accept',
      redirectIsOverridden: authRequestRedirect === 'overridden',
      sendGroups,
      rules,
    },
  })
}

const hostPattern = (text: string): HostPattern =>
  text.startsWith('*.')
    ? { kind: 'below', name: hostName(text.slice(2)) }
    : { kind: 'exact', name: hostName(text) }

const hostName = (text: string): HostName => {
  const name = parseHostName(text)
  if (name === undefined) throw new TypeError(`host ${text} passed the schema`)
  return name
}

/** A host in two files, or twice in one, has no single owner and no single answer. */
const hostsTwice = (loaded: readonly Loaded[]): readonly Fault[] => {
  const seen = new Map<string, string>()
  return loaded.flatMap(({ yaml, document }) =>
    document.hosts.flatMap(({ kind, name }, index): readonly Fault[] => {
      const label = kind === 'exact' ? name : `*.${name}`
      const earlier = seen.get(label)
      seen.set(label, yaml.file)
      return earlier === undefined
        ? []
        : [
            {
              file: yaml.file,
              ...yaml.placeOf(['hosts', index]),
              key: `hosts[${index}]`,
              problem: `${label} stands in ${earlier} already`,
              remedy: 'Keep each host in one place.',
            },
          ]
    }),
  )
}

/** Names and contents, each with its length, so that no two sets of files digest alike. */
const digestOf = (files: readonly YamlFile[]): string => {
  const hash = createHash('sha256')
  for (const { file, text } of files) {
    hash.update(`${file.length}:${file}:${Buffer.byteLength(text)}:`).update(text)
  }
  return hash.digest('hex').slice(0, 16)
}
