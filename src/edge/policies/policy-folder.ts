import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Fault } from '../../core/fault.ts'
import { compilePolicies } from '../../core/policy/compile-policies.ts'
import { type PolicyDocument, type RuleDocument } from '../../core/policy/document.ts'
import { type PolicySet } from '../../core/policy/policy.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { readText, readYamlFile, type YamlFile } from '../files/yaml-file.ts'
import {
  holdsRuleSets,
  type RuleSets,
  readPolicyFile,
  readRuleSets,
  ruleSetNames,
} from './policy-file.ts'
import { TOOLBOX } from './toolbox.ts'

/** A policy file that was understood: what it says, and where in it each thing stands. */
export type ReadPolicy = { readonly yaml: YamlFile; readonly document: PolicyDocument }

/** All files of a folder, understood and compiled. */
export type PolicyFolder = {
  /** All files that were read, those of rule sets among them. */
  readonly yamls: readonly YamlFile[]
  readonly read: readonly ReadPolicy[]
  readonly policies: PolicySet
}

/** Reads and compiles all policy files of a folder, or answers every fault found. */
export const loadPolicies = async (
  folder: string,
): Promise<Result<PolicySet, readonly Fault[]>> => {
  const loaded = await readPolicyFolder(folder)
  return loaded.ok ? ok(loaded.value.policies) : loaded
}

/**
 * What the version of the policies would be, found without understanding them; undefined where a
 * file cannot be read.
 */
export const versionOfFolder = async (folder: string): Promise<string | undefined> => {
  const names = await policyFiles(folder)
  if (!names.ok) return undefined
  const files: { readonly file: string; readonly text: string }[] = []
  for (const file of names.value) {
    const text = await readText(join(folder, file))
    if (!text.ok) return undefined
    files.push({ file, text: text.value })
  }
  return digestOf(files)
}

export const readPolicyFolder = async (
  folder: string,
): Promise<Result<PolicyFolder, readonly Fault[]>> => {
  const names = await policyFiles(folder)
  if (!names.ok) return names
  const files = await inTurns(names.value, (name) => readYamlFile(join(folder, name), name))
  const faults = files.flatMap((file) => (file.ok ? [] : file.failure))
  const yamls = files.flatMap((file) => (file.ok ? [file.value] : []))
  const ruleSets = collectRuleSets(yamls.filter(holdsRuleSets), faults)
  const others = yamls.filter((yaml) => !holdsRuleSets(yaml))
  const documents = await inTurns(others, (yaml) => {
    const document = readPolicyFile(yaml, ruleSets)
    return document.ok ? ok({ yaml, document: document.value }) : document
  })
  faults.push(...documents.flatMap((document) => (document.ok ? [] : document.failure)))
  const read = documents.flatMap((document) => (document.ok ? [document.value] : []))
  faults.push(...hostsTwice(read))
  if (faults.length > 0) return fail(faults)
  return ok({ yamls, read, policies: await compiled(read, digestOf(yamls)) })
}

const compiled = async (read: readonly ReadPolicy[], version: string): Promise<PolicySet> => {
  const sets = await inTurns(read, ({ document }) => compilePolicies([document], version, TOOLBOX))
  return {
    version,
    exact: new Map(sets.flatMap(({ exact }) => [...exact])),
    below: new Map(sets.flatMap(({ below }) => [...below])),
  }
}

/** Requests are answered in between: a thousand files take seconds. */
const inTurns = async <Item, Value>(
  items: readonly Item[],
  work: (item: Item) => Value | Promise<Value>,
): Promise<readonly Value[]> => {
  const done: Value[] = []
  for (const item of items) {
    done.push(await work(item))
    if (done.length % IN_ONE_TURN === 0) await nextTurn()
  }
  return done
}

/** A file of twenty rules takes about a millisecond. */
const IN_ONE_TURN = 2

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

const collectRuleSets = (yamls: readonly YamlFile[], faults: Fault[]): RuleSets => {
  const all = new Map<string, readonly RuleDocument[]>()
  for (const yaml of yamls) {
    const sets = readRuleSets(yaml)
    if (!sets.ok) {
      faults.push(...sets.failure)
      // Known by name all the same, so that files that use them are not blamed.
      for (const name of ruleSetNames(yaml)) all.set(name, [])
    } else {
      for (const [name, rules] of sets.value) {
        if (all.has(name)) faults.push(setTwice(yaml, name))
        all.set(name, rules)
      }
    }
  }
  return all
}

const setTwice = (yaml: YamlFile, name: string): Fault => ({
  file: yaml.file,
  ...yaml.placeOf(['ruleSets', name], true),
  key: `ruleSets.${name}`,
  problem: 'stands in another file already',
  remedy: 'Keep each rule set in one place.',
})

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

/** A host in two files, or twice in one, has no single owner and no single answer. */
const hostsTwice = (read: readonly ReadPolicy[]): readonly Fault[] => {
  const seen = new Map<string, string>()
  return read.flatMap(({ yaml, document }) =>
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
const digestOf = (files: readonly Pick<YamlFile, 'file' | 'text'>[]): string => {
  const hash = createHash('sha256')
  for (const { file, text } of files) {
    hash.update(`${file.length}:${file}:${Buffer.byteLength(text)}:`).update(text)
  }
  return hash.digest('hex').slice(0, 16)
}
