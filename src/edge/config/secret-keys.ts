import { resolve } from 'node:path'
import { type Fault } from '../../core/fault.ts'
import { type Secret, secret } from '../../core/secret.ts'
import { keyPath } from '../files/schema-faults.ts'
import { type YamlFile } from '../files/yaml-file.ts'
import { besideConfig, readSecretFile } from './secrets.ts'

type Path = readonly (string | number)[]

const ONCE: readonly Path[] = [
  ['identityProvider', 'clientSecret'],
  ['session', 'keys'],
  ['session', 'storePassword'],
  ['session', 'sentinelPassword'],
  ['session', 'tls', 'ca'],
  ['session', 'tls', 'cert'],
  ['session', 'tls', 'key'],
  ['admin', 'token'],
  ['assertion', 'keys'],
]

/** Where secrets may be named; entries of lists as far as the file has them. */
const secretPaths = (value: unknown): readonly Path[] => {
  const issuers = valueAt(value, ['tokenIssuers'])
  const count = Array.isArray(issuers) ? issuers.length : 0
  const each = Array.from({ length: count }, (_issuer, index) => [
    ['tokenIssuers', index, 'introspection', 'clientSecret'],
    ['tokenIssuers', index, 'introspection', 'clientKey'],
  ])
  return [...ONCE, ...each.flat()]
}

const valueAt = (value: unknown, path: Path): unknown => {
  let here = value
  for (const name of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) return undefined
    here = Object.entries(here).find(([key]) => key === String(name))?.[1]
  }
  return here
}

/** Secrets never stand in the file: it is a ConfigMap, in git, in tickets. */
export const inlineSecrets = (yaml: YamlFile): readonly Fault[] =>
  secretPaths(yaml.value)
    .filter((path) => valueAt(yaml.value, path) !== undefined)
    .map((path) => ({
      file: yaml.file,
      ...yaml.placeOf(path, true),
      key: keyPath(path),
      problem: 'a secret must not stand in the file',
      remedy: `Use ${path.at(-1) ?? ''}File to name a mounted file, or the environment.`,
    }))

export type FoundSecrets = {
  /** By their path, such as `session.keys` or `tokenIssuers.0.introspection.clientSecret`. */
  readonly found: ReadonlyMap<string, Secret>
  readonly faults: readonly Fault[]
}

/** Reads every secret that is named, whether or not the rest of the file is right. */
export const readSecrets = async (
  value: unknown,
  path: string,
  yaml: YamlFile,
): Promise<FoundSecrets> => {
  const found = new Map<string, Secret>()
  const faults: Fault[] = []
  for (const each of secretPaths(value)) {
    const inline = valueAt(value, each)
    const at = [...each.slice(0, -1), `${each.at(-1) ?? ''}File`]
    const file = valueAt(value, at)
    if (typeof inline === 'string') found.set(each.join('.'), secret(inline))
    else if (typeof file === 'string') {
      const read = await readSecretFile(besideConfig(resolve(path), file))
      if (read.ok) found.set(each.join('.'), read.value)
      else faults.push({ file: yaml.file, ...yaml.placeOf(at), key: keyPath(at), ...read.failure })
    }
  }
  return { found, faults }
}
