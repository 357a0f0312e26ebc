import { resolve } from 'node:path'
import { type Fault } from '../../core/fault.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { type Secret } from '../../core/secret.ts'
import { schemaFaults } from '../files/schema-faults.ts'
import { parseYaml, readYamlFile } from '../files/yaml-file.ts'
import { crossFaults } from './cross-checks.ts'
import { type Environment, overlayEnvironment } from './environment.ts'
import { CONFIG_SCHEMA, type ConfigFile } from './schema.ts'
import { inlineSecrets, readSecrets } from './secret-keys.ts'
import { besideConfig } from './secrets.ts'
import { resolveTokenIssuer, type TokenIssuerConfig } from './token-issuers.ts'

/** The whole configuration, checked; secrets cannot be printed. */
export type Config = Omit<
  ConfigFile,
  'identityProvider' | 'session' | 'assertion' | 'admin' | 'tokenIssuers'
> & {
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
  readonly tokenIssuers: readonly TokenIssuerConfig[]
}

type SessionSecret = 'keys' | 'storePassword' | 'sentinelPassword'

/**
 * Reads file and environment; answers the configuration, or every fault found, together.
 *
 * @param text what stood in the file, where it was read before
 */
export const readConfig = async (
  path: string,
  environment: Environment,
  text?: string,
): Promise<Result<Config, readonly Fault[]>> => {
  const yaml = text === undefined ? await readYamlFile(path, path) : parseYaml(text, path)
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
    tokenIssuers,
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
  tokenIssuers: tokenIssuers.map((written, index) => {
    const key =
      written.introspection?.authentication === 'private_key_jwt' ? 'clientKey' : 'clientSecret'
    return resolveTokenIssuer(written, found.get(`tokenIssuers.${index}.introspection.${key}`))
  }),
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
  tokenIssuers: config.tokenIssuers.map((written) => ({
    ...written,
    ...absolute(path, 'jwksFile', written.jwksFile),
    ...absolute(path, 'caFile', written.caFile),
    ...absolute(path, 'bearerTokenFile', written.bearerTokenFile),
  })),
})

/** Key files are read again when they change. */
const withAbsoluteKeys = <Section extends { readonly keysFile?: string | undefined }>(
  section: Section,
  path: string,
): Section =>
  section.keysFile === undefined
    ? section
    : { ...section, keysFile: besideConfig(resolve(path), section.keysFile) }

const absolute = (path: string, key: string, file: string | undefined): Record<string, string> =>
  file === undefined ? {} : { [key]: besideConfig(resolve(path), file) }

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
