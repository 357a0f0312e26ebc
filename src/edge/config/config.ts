import { resolve } from 'node:path'
import { type Fault } from '../../core/fault.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Secret, secret } from '../../core/secret.ts'
import { keyPath, schemaFaults } from '../files/schema-faults.ts'
import { readYamlFile, type YamlFile } from '../files/yaml-file.ts'
import { crossFaults } from './cross-checks.ts'
import { type Environment, overlayEnvironment } from './environment.ts'
import { CONFIG_SCHEMA, type ConfigFile } from './schema.ts'
import { besideConfig, readSecretFile } from './secrets.ts'

/** The whole configuration, checked; secrets cannot be printed. */
export type Config = Omit<ConfigFile, 'identityProvider' | 'session' | 'assertion'> & {
  readonly identityProvider: ConfigFile['identityProvider'] & {
    readonly secret: Secret | undefined
  }
  readonly session: ConfigFile['session'] & { readonly keyRing: Secret | undefined }
  readonly assertion: ConfigFile['assertion'] & { readonly keySet: Secret | undefined }
}

/** Reads file and environment; answers the configuration, or every fault found, together. */
export const readConfig = async (
  path: string,
  environment: Environment,
): Promise<Result<Config, readonly Fault[]>> => {
  const yaml = await readYamlFile(path, path)
  if (!yaml.ok) return yaml
  const inline = inlineSecrets(yaml.value)
  const overlay = overlayEnvironment(CONFIG_SCHEMA, yaml.value.value, environment)
  const inEnvironment = relocate(overlay.variables)
  const parsed = CONFIG_SCHEMA.safeParse(overlay.value)
  if (!parsed.success) {
    const faults = schemaFaults(parsed.error, CONFIG_SCHEMA, yaml.value).map(inEnvironment)
    return fail([...inline, ...overlay.faults, ...faults])
  }
  const crossed = crossFaults(parsed.data, yaml.value).map(inEnvironment)
  const secrets = await readSecrets(parsed.data, path, yaml.value)
  const faults = [...inline, ...overlay.faults, ...crossed, ...(secrets.ok ? [] : secrets.failure)]
  return secrets.ok && faults.length === 0
    ? ok({ ...withAbsolutePaths(parsed.data, path), ...secrets.value })
    : fail(faults)
}

const withAbsolutePaths = (config: ConfigFile, path: string): ConfigFile => ({
  ...config,
  policies: besideConfig(resolve(path), config.policies),
})

/** A fault in a value that a variable set lies in the environment, not in the file. */
const relocate =
  (variables: ReadonlyMap<string, string>) =>
  (fault: Fault): Fault => {
    const variable = variables.get(fault.key.replaceAll(/\[([0-9]+)\]/g, '.$1'))
    if (variable === undefined) return fault
    return {
      ...fault,
      file: `environment variable ${variable}`,
      line: undefined,
      column: undefined,
    }
  }

const SECRET_KEYS = [
  ['identityProvider', 'clientSecret'],
  ['session', 'keys'],
  ['assertion', 'keys'],
] as const

/** Secrets never stand in the file: it is a ConfigMap, in git, in tickets. */
const inlineSecrets = (yaml: YamlFile): readonly Fault[] =>
  SECRET_KEYS.filter(([section, key]) => {
    const parent: unknown = valueAt(yaml.value, section)
    return valueAt(parent, key) !== undefined
  }).map((path) => ({
    file: yaml.file,
    ...yaml.placeOf(path, true),
    key: keyPath(path),
    problem: 'a secret must not stand in the file',
    remedy: `Use ${path[1]}File to name a mounted file, or the environment.`,
  }))

const valueAt = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined

type Secrets = Pick<Config, 'identityProvider' | 'session' | 'assertion'>

const readSecrets = async (
  config: ConfigFile,
  path: string,
  yaml: YamlFile,
): Promise<Result<Secrets, readonly Fault[]>> => {
  const faults: Fault[] = []
  const read = async (
    key: readonly [string, string],
    value: string | undefined,
    file: string | undefined,
  ): Promise<Secret | undefined> => {
    if (value !== undefined) return secret(value)
    if (file === undefined) return undefined
    const text = await readSecretFile(besideConfig(resolve(path), file))
    if (text.ok) return text.value
    faults.push({ file: yaml.file, ...yaml.placeOf(key), key: keyPath(key), ...text.failure })
    return undefined
  }
  const { identityProvider, session, assertion } = config
  const secrets: Secrets = {
    identityProvider: {
      ...identityProvider,
      secret: await read(
        ['identityProvider', 'clientSecretFile'],
        identityProvider.clientSecret,
        identityProvider.clientSecretFile,
      ),
    },
    session: {
      ...session,
      keyRing: await read(['session', 'keysFile'], session.keys, session.keysFile),
    },
    assertion: {
      ...assertion,
      keySet: await read(['assertion', 'keysFile'], assertion.keys, assertion.keysFile),
    },
  }
  return faults.length === 0 ? ok(secrets) : fail(faults)
}
