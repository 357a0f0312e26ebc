import { shownUrl as publicPart } from '../inventory/shown.ts'
import { queryConditions } from '../oauth2-proxy/gate.ts'
import { type Leftover, type Origin, todo, todoCondition } from './draft.ts'
import { type Gate } from './gate.ts'

/** Other services that auth-url may ask, as far as their configuration was read. */
export type Gates = {
  readonly oauth2Proxies: readonly NamedGate[]
  readonly vouch: Gate | undefined
  readonly forwardAuth: Gate | undefined
}

/** One of several, with the Services that lead to it; without any, it is meant for all. */
export type NamedGate = { readonly services: readonly string[]; readonly gate: Gate }

type ServiceKind = 'oauth2-proxy' | 'vouch' | 'traefik-forward-auth' | 'unknown'

/** By the path that they answer on. */
const serviceKind = (url: string): ServiceKind => {
  const path = /^[^?#]*/.exec(url)?.[0] ?? ''
  if (path.endsWith('/oauth2/auth')) return 'oauth2-proxy'
  if (path.endsWith('/validate')) return 'vouch'
  return path.includes('traefik-forward-auth') ? 'traefik-forward-auth' : 'unknown'
}

/** What an auth-url asks, if its configuration was read. */
export const findGate = (url: string, namespace: string, gates: Gates): Gate | undefined => {
  switch (serviceKind(url)) {
    case 'oauth2-proxy':
      return proxyBehind(url, namespace, gates.oauth2Proxies)
    case 'vouch':
      return gates.vouch
    case 'traefik-forward-auth':
      return gates.forwardAuth
    case 'unknown':
      return undefined
  }
}

/** By the Service in its host. One that is asked through the public host can be the only one. */
const proxyBehind = (
  url: string,
  namespace: string,
  proxies: readonly NamedGate[],
): Gate | undefined => {
  const service = serviceIn(url, namespace)
  const [only, ...others] = proxies
  if (only === undefined) return undefined
  const isOnly = others.length === 0 && (service === undefined || only.services.length === 0)
  return isOnly
    ? only.gate
    : proxies.find(({ services }) => service !== undefined && services.includes(service))?.gate
}

/** `namespace/name` of the Service that a URL names; undefined for other hosts. */
const serviceIn = (url: string, namespace: string): string | undefined => {
  const [match, name = '', place = namespace] =
    /^https?:\/\/([a-z0-9-]+)(?:\.([a-z0-9-]+)(?:\.svc[a-z.]*)?)?(?::\d+)?\//.exec(url) ?? []
  return match === undefined ? undefined : `${place}/${name}`
}

export type AuthUrl = { readonly url: string; readonly namespace: string; readonly origin: Origin }

/** Whom the service behind an auth-url lets in. */
export const gateFor = (
  { url, namespace, origin }: AuthUrl,
  gates: Gates,
  leftovers: Leftover[],
): Gate => {
  const kind = serviceKind(url)
  const leave = (why: string): void => {
    leftovers.push({ origin, what: `auth-url ${shownUrl(url)}`, why })
  }
  if (kind === 'unknown') {
    leave('asks a service whose rules were not read. Write down whom it lets in')
    const who = [{ groups: { has: todo('the group that the service behind auth-url lets in') } }]
    return { who, open: [], leftovers: [] }
  }
  const narrowing = kind === 'oauth2-proxy' ? queryConditions(queryOf(url)) : []
  const gate = findGate(url, namespace, gates)
  if (gate !== undefined) return { ...gate, who: [...gate.who, ...narrowing] }
  leave(`the configuration of this ${kind} was not read; name it with --${kind}`)
  const unknown = todoCondition(`whom ${kind} lets in by its own configuration`)
  return { who: [...narrowing, unknown], open: [], leftovers: [] }
}

/** Groups in its query are in the rules; whatever else stands there may be secret. */
export const shownUrl = (url: string): string =>
  publicPart(url)
    .replace(/\$[a-z_]+/g, '…')
    .slice(0, 200)

const queryOf = (url: string): URLSearchParams =>
  new URLSearchParams(url.split('?').slice(1).join('?'))
