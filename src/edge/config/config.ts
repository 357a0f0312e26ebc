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
export type Config = Omit<ConfigFile, 'identityProvider' | 'session' | 'assertion' | 'admin'> & {
  readonly identityProvider: Omit<ConfigFile['identityProvider'], 'clientSecret'> & {
    readonly secret: Secret | undefined
  }
  readonly session: Omit<ConfigFile['session'], SessionSecret | 'tls'> & {
    readonly keyRing: Secret | undefined
    readonly password: Secret | undefined
    readonly sentinelPassword: Secret | undefined
    readonly tls: {
      readonly ca: Secret | undefined
      readonly certificate: Secret | undefined
      readonly key: Secret | undefined
    }
  }
  readonly admin: { readonly token: Secret | undefined }
  readonly assertion: Omit<ConfigFile['assertion'], 'keys'> & {
    readonly keySet: Secret | undefined
  }
}

type SessionSecret = 'keys' | 'storePassword' | 'sentinelPassword'

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
  const schemaOrCross = parsed.success
    ? crossFaults(parsed.data, yaml.value)
    : schemaFaults(parsed.error, CONFIG_SCHEMA, yaml.value)
  const secrets = await readSecrets(overlay.value, path, yaml.value)
  const faults = [
    ...inline,
    ...overlay.faults,
    ...schemaOrCross.map(inEnvironment),
    ...secrets.faults.map(inEnvironment),
  ]
  return parsed.success && faults.length === 0
    ? ok(withSecrets(withAbsolutePaths(parsed.data, path), secrets.found))
    : fail(faults)
}

/** Leaves out what the environment said in the clear. */
const withSecrets = (
  {
    identityProvider: { clientSecret: _clientSecret, ...identityProvider },
    session: { keys: _keys, storePassword: _password, sentinelPassword: _other, ...session },
    assertion: { keys: _assertionKeys, ...assertion },
    ...config
  }: ConfigFile,
  found: ReadonlyMap<string, Secret>,
): Config => ({
  ...config,
  identityProvider: { ...identityProvider, secret: found.get('identityProvider.clientSecret') },
  session: {
    ...session,
    keyRing: found.get('session.keys'),
    password: found.get('session.storePassword'),
    sentinelPassword: found.get('session.sentinelPassword'),
    tls: {
      ca: found.get('session.tls.ca'),
      certificate: found.get('session.tls.cert'),
      key: found.get('session.tls.key'),
    },
  },
  admin: { token: found.get('admin.token') },
  assertion: { ...assertion, keySet: found.get('assertion.keys') },
})

const withAbsolutePaths = (config: ConfigFile, path: string): ConfigFile => ({
  ...config,
  policies: besideConfig(resolve(path), config.policies),
  session: withAbsoluteKeys(config.session, path),
  assertion: withAbsoluteKeys(config.assertion, path),
  decisionLog: {
    to:
      config.decisionLog.to === 'stdout'
        ? 'stdout'
        : besideConfig(resolve(path), config.decisionLog.to),
  },
})

/** Key files are read again when they change. */
const withAbsoluteKeys = <Section extends { readonly keysFile?: string | undefined }>(
  section: Section,
  path: string,
): Section =>
  section.keysFile === undefined
    ? section
    : { ...section, keysFile: besideConfig(resolve(path), section.keysFile) }

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
  ['session', 'storePassword'],
  ['session', 'sentinelPassword'],
  ['session', 'tls', 'ca'],
  ['session', 'tls', 'cert'],
  ['session', 'tls', 'key'],
  ['admin', 'token'],
  ['assertion', 'keys'],
] as const

/** Secrets never stand in the file: it is a ConfigMap, in git, in tickets. */
const inlineSecrets = (yaml: YamlFile): readonly Fault[] =>
  SECRET_KEYS.filter((path) => valueAt(yaml.value, ...path) !== undefined).map((path) => ({
    file: yaml.file,
    ...yaml.placeOf(path, true),
    key: keyPath(path),
    problem: 'a secret must not stand in the file',
    remedy: `Use ${path.at(-1) ?? ''}File to name a mounted file, or the environment.`,
  }))

const valueAt = (value: unknown, ...path: readonly string[]): unknown => {
  let here = value
  for (const name of path) {
    here =
      typeof here === 'object' && here !== null && Object.hasOwn(here, name)
        ? Object.entries(here).find(([key]) => key === name)?.[1]
        : undefined
  }
  return here
}

/** Reads every secret that is named, whether or not the rest of the file is right. */
const readSecrets = async (
  value: unknown,
  path: string,
  yaml: YamlFile,
): Promise<{ readonly found: ReadonlyMap<string, Secret>; readonly faults: readonly Fault[] }> => {
  const found = new Map<string, Secret>()
  const faults: Fault[] = []
  for (const keys of SECRET_KEYS) {
    const at = [...keys.slice(0, -1), `${keys.at(-1) ?? ''}File`]
    const inline = valueAt(value, ...keys)
    const file = valueAt(value, ...at)
    if (typeof inline === 'string') found.set(keys.join('.'), secret(inline))
    else if (typeof file === 'string') {
      const read = await readSecretFile(besideConfig(resolve(path), file))
      if (read.ok) found.set(keys.join('.'), read.value)
      else faults.push({ file: yaml.file, ...yaml.placeOf(at), key: keyPath(at), ...read.failure })
    }
  }
  return { found, faults }
}
