import { type Fault } from '../core/fault.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { gateOf } from '../migrate/oauth2-proxy/gate.ts'
import { findProxies } from '../migrate/oauth2-proxy/in-cluster.ts'
import { readSettings, type Settings } from '../migrate/oauth2-proxy/settings.ts'
import { withPresets } from '../migrate/translate/application-presets.ts'
import { type Gates, type NamedGate } from '../migrate/translate/auth-url.ts'
import { translateAuthelia } from '../migrate/translate/authelia.ts'
import { merge, NOTHING, type Translation } from '../migrate/translate/draft.ts'
import { translateIngresses } from '../migrate/translate/ingress-controls.ts'
import { translatePomerium } from '../migrate/translate/pomerium.ts'
import { translateForwardAuth } from '../migrate/translate/traefik-forward-auth.ts'
import { gateOfVouch } from '../migrate/translate/vouch.ts'
import { type ManifestsInput, readManifestsInput } from './manifests-input.ts'
import { type TranslateOptions } from './migrate-translate.ts'
import { readSourceText, readSourceYaml } from './source-files.ts'

export type Translated = {
  readonly translation: Translation
  readonly unread: readonly Fault[]
}

/** Reads all that is named and translates it: services by their own rules first, then Ingresses. */
export const translateAll = async (
  options: TranslateOptions,
): Promise<Result<Translated, readonly Fault[]>> => {
  const faults: Fault[] = []
  const input = await readInput(options, faults)
  const { own, gates } = await readPeers(options, input, faults)
  if (faults.length > 0) return fail(faults)
  const known = new Set(own.drafts.flatMap(({ hosts }) => hosts))
  const rest = translateIngresses(input?.cluster.ingresses ?? [], gates, known)
  const drafts = input === undefined ? rest.drafts : withPresets(rest.drafts, input.cluster)
  return ok({ translation: merge([own, { ...rest, drafts }]), unread: input?.unread ?? [] })
}

/** Standard input only where nothing else is named. */
const readInput = async (
  { peers, manifests, keepGoing }: TranslateOptions,
  faults: Fault[],
): Promise<ManifestsInput | undefined> => {
  if (manifests.length === 0 && Object.keys(peers).length > 0) return undefined
  const read = await readManifestsInput(manifests, keepGoing)
  if (read.ok) return read.value
  faults.push(...read.failure)
  return undefined
}

const readPeers = async (
  { peers }: TranslateOptions,
  input: ManifestsInput | undefined,
  faults: Fault[],
): Promise<{ readonly own: Translation; readonly gates: Gates }> => {
  const yaml = (path: string | undefined) => optional(path, readSourceYaml, faults)
  const text = (path: string | undefined) => optional(path, readSourceText, faults)
  const forward = mapped(await text(peers['traefik-forward-auth']), translateForwardAuth)
  const own = [
    mapped(await yaml(peers.authelia), translateAuthelia),
    mapped(await yaml(peers.pomerium), translatePomerium),
    forward?.translation,
  ]
  const gates: Gates = {
    oauth2Proxies: proxiesOf(mapped(await text(peers['oauth2-proxy']), readSettings), input),
    vouch: mapped(await yaml(peers.vouch), gateOfVouch),
    forwardAuth: forward?.gate,
  }
  return { own: merge(own.map((each) => each ?? NOTHING)), gates }
}

const optional = async <Read>(
  path: string | undefined,
  read: (path: string) => Promise<Result<Read, readonly Fault[]>>,
  faults: Fault[],
): Promise<Read | undefined> => {
  if (path === undefined) return undefined
  const found = await read(path)
  if (found.ok) return found.value
  faults.push(...found.failure)
  return undefined
}

const mapped = <From, To>(value: From | undefined, to: (value: From) => To): To | undefined =>
  value === undefined ? undefined : to(value)

/** One that is named stands for all; else those that were found. */
const proxiesOf = (
  named: Settings | undefined,
  input: ManifestsInput | undefined,
): readonly NamedGate[] => {
  if (named !== undefined) return [{ services: [], gate: gateOf(named) }]
  const found = input === undefined ? [] : findProxies(input.cluster)
  return found.map(({ services, settings }) => ({ services, gate: gateOf(settings) }))
}
