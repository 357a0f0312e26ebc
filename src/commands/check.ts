import { type Config } from '../edge/config/config.ts'
import { type TokenIssuerConfig } from '../edge/config/token-issuers.ts'
import { createBoundedFetch } from '../edge/outbound/bounded-fetch.ts'
import { discover } from '../edge/tokens/key-sources.ts'
import { fetchFor, keySourceOf } from '../service/token-issuers.ts'
import { type Command } from './command.ts'
import { parseConfigOptions, readNamedConfig } from './config-option.ts'
import { allWarnings, prepare } from './service-input.ts'
import { connectStore } from './store-connection.ts'
import { say, sayFaults } from './terminal.ts'

export const check: Command = {
  name: 'check',
  summary: 'check configuration, policies, and that what they name can be reached',
  help: `Usage: vestibule check [--config FILE] [--json]

Reads everything that serve would read, then asks the identity provider, the token
issuers and the session store for an answer. Changes nothing.

Exit codes: 0 all is well, 1 something is faulty or unreachable, 2 could not run.`,
  run: async (args, environment) => {
    const options = parseConfigOptions(args, environment)
    const config = await readNamedConfig(options, environment)
    if (!config.ok) {
      sayFaults(config.failure, options.json)
      return options.file === undefined ? 2 : 1
    }
    const prepared = await prepare(config.value)
    if (!prepared.ok) {
      sayFaults(prepared.failure, options.json)
      return 1
    }
    const advice: string[] = []
    const reached = await Promise.all(
      probesOf(config.value, (given) => advice.push(...given)).map(runProbe),
    )
    const report: Report = {
      ok: reached.every(({ ok }) => ok),
      policyVersion: prepared.value.policies.version,
      hosts: prepared.value.policies.exact.size + prepared.value.policies.below.size,
      warnings: [...allWarnings(config.value, prepared.value.policies), ...advice],
      reached,
    }
    if (options.json) say(JSON.stringify(report, null, 2))
    else sayReport(report)
    return report.ok ? 0 : 1
  },
}

type Report = {
  readonly ok: boolean
  readonly policyVersion: string
  readonly hosts: number
  readonly warnings: readonly string[]
  readonly reached: readonly Reached[]
}

const sayReport = ({ ok, policyVersion, hosts, warnings, reached }: Report): void => {
  say('configuration: fine')
  say(`policies: fine, ${hosts} hosts, version ${policyVersion}`)
  for (const text of warnings) say(`warning: ${text}`)
  for (const { name, ok: isUp, detail } of reached) say(`${name}: ${isUp ? 'reached' : detail}`)
  say(ok ? 'All is well. Next: vestibule serve.' : 'Correct what is named above, then check again.')
}

type Probe = { readonly name: string; readonly ask: () => Promise<string | undefined> }
type Reached = { readonly name: string; readonly ok: boolean; readonly detail: string }

const probesOf = (
  config: Config,
  onAdvice: (advice: readonly string[]) => void,
): readonly Probe[] => {
  const fetch = createBoundedFetch({
    timeoutMs: config.identityProvider.timeout,
    observe: () => undefined,
  })
  const discovery = (name: string, issuer: string): Probe => ({
    name: `${name} ${issuer}`,
    ask: async () => {
      const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
      const response = await fetch(url)
      if (response.status !== 200) return `${url} answered ${response.status}`
      const found: unknown = await response.json()
      const named =
        typeof found === 'object' && found !== null && 'issuer' in found ? found.issuer : undefined
      return named === issuer ? undefined : `${url} names the issuer ${JSON.stringify(named)}`
    },
  })
  const issuers = config.tokenIssuers.map(tokenIssuerProbe)
  const store: readonly Probe[] =
    config.session.store === 'memory'
      ? []
      : [{ name: 'session store', ask: () => askStore(config, onAdvice) }]
  return [discovery('identity provider', config.identityProvider.issuer), ...issuers, ...store]
}

/** Reads the keys of an issuer, or finds out where it is asked about tokens. */
const tokenIssuerProbe = (each: TokenIssuerConfig): Probe => ({
  name: `token issuer ${each.name} ${each.issuer}`,
  ask: async () => {
    const fetch = fetchFor(each, { metrics: { called: () => undefined } }, 'token_issuer')
    if (each.introspection !== undefined) {
      if (each.introspection.endpoint !== undefined) return undefined
      const { introspection_endpoint: endpoint } = await discover(each.issuer, fetch)
      return endpoint === undefined ? 'discovery names no introspection endpoint' : undefined
    }
    const { keys, skipped } = await keySourceOf(each, fetch)()
    return keys.length === 0 ? `has no key that can be used; ${skipped} were left out` : undefined
  },
})

const askStore = async (
  config: Config,
  onAdvice: (advice: readonly string[]) => void,
): Promise<string | undefined> => {
  const connected = await connectStore(config)
  if (!connected.ok) return connected.failure
  const advice = await connected.value.advice()
  if (advice.ok) onAdvice(advice.value)
  await connected.value.close()
  return undefined
}

const runProbe = async ({ name, ask }: Probe): Promise<Reached> => {
  try {
    const problem = await ask()
    return { name, ok: problem === undefined, detail: problem ?? '' }
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? causeOf(error) : 'unreachable' }
  }
}

/** `fetch failed` says nothing; its cause does. */
const causeOf = (error: Error): string =>
  error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
