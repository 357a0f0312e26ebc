import { type Fault, faultText } from '../core/fault.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { type Cluster } from '../migrate/cluster.ts'
import { gateOf } from '../migrate/oauth2-proxy/gate.ts'
import { type FoundProxy, findProxies } from '../migrate/oauth2-proxy/in-cluster.ts'
import { readSettings, type Settings } from '../migrate/oauth2-proxy/settings.ts'
import { convert } from '../migrate/oauth2-proxy/vestibule-config.ts'
import { findGate, type Gates } from '../migrate/translate/auth-url.ts'
import { type Translation, todo } from '../migrate/translate/draft.ts'
import { translateIngresses } from '../migrate/translate/ingress-controls.ts'
import { nginxAnnotation } from '../migrate/views/ingress.ts'
import { readManifestsInput } from './manifests-input.ts'
import { type ProxyOptions } from './migrate-oauth2-proxy.ts'
import { type ProxyReport } from './migrate-oauth2-proxy-report.ts'
import { readSourceText } from './source-files.ts'
import { complain } from './terminal.ts'

export const makeProxyReport = async (
  options: ProxyOptions,
): Promise<Result<ProxyReport, readonly Fault[]>> => {
  const cluster = await readCluster(options)
  if (!cluster.ok) return cluster
  const found = cluster.value === undefined ? [] : findProxies(cluster.value)
  const settings =
    options.settings === undefined
      ? chosen(found, options.proxy)
      : await settingsIn(options.settings)
  if (!settings.ok) return settings
  const services = found.find((each) => each.settings === settings.value)?.services ?? []
  const translation =
    translationFor(cluster.value, settings.value, services) ??
    withoutIngress(settings.value, options.hosts)
  return ok({ ...convert(settings.value), translation })
}

/** None where the settings are in a file and nothing else is named. */
const readCluster = async ({
  settings,
  manifests,
  keepGoing,
}: ProxyOptions): Promise<Result<Cluster | undefined, readonly Fault[]>> => {
  if (settings !== undefined && manifests.length === 0) return ok(undefined)
  const input = await readManifestsInput(manifests, keepGoing)
  if (!input.ok) return input
  for (const fault of input.value.unread) complain(faultText(fault))
  return ok(input.value.cluster)
}

/** A policy for each host whose Ingress asks this one; undefined where none does. */
const translationFor = (
  cluster: Cluster | undefined,
  settings: Settings,
  services: FoundProxy['services'],
): Translation | undefined => {
  const gates: Gates = {
    oauth2Proxies: [{ services, gate: gateOf(settings) }],
    vouch: undefined,
    forwardAuth: undefined,
  }
  const asking = (cluster?.ingresses ?? []).filter((ingress) => {
    const url = nginxAnnotation(ingress, 'auth-url')
    return url !== undefined && findGate(url, ingress.namespace, gates) !== undefined
  })
  return asking.length === 0 ? undefined : translateIngresses(asking, gates, new Set())
}

const settingsIn = async (path: string): Promise<Result<Settings, readonly Fault[]>> => {
  const read = await readSourceText(path)
  return read.ok ? ok(readSettings(read.value)) : read
}

const chosen = (
  found: readonly FoundProxy[],
  wanted: string | undefined,
): Result<Settings, readonly Fault[]> => {
  const matching = found.filter(
    ({ workload }) => wanted === undefined || `${workload.namespace}/${workload.name}` === wanted,
  )
  const [only, ...others] = matching
  if (only !== undefined && others.length === 0) return ok(only.settings)
  const names = found.map(({ workload }) => `${workload.namespace}/${workload.name}`)
  const problem =
    names.length === 0
      ? 'no oauth2-proxy is among these manifests'
      : `there are ${names.join(', ')}`
  return fail([
    {
      file: 'manifests',
      line: undefined,
      column: undefined,
      key: '',
      problem,
      remedy: names.length === 0 ? 'Name its settings with --settings.' : 'Say which with --proxy.',
    },
  ])
}

const withoutIngress = (settings: Settings, hosts: readonly string[]): Translation => {
  const { who, open, leftovers } = gateOf(settings)
  const allow = { action: 'allow', conditions: who, isPublic: false, comments: [] } as const
  return {
    drafts: [
      {
        hosts: hosts.length === 0 ? [todo('the hosts that ask oauth2-proxy')] : hosts,
        comments: ['From the flags of oauth2-proxy.'],
        rules: [...open, allow],
      },
    ],
    leftovers,
  }
}
