import { type Annotations, readAnnotations } from './annotations.ts'
import type { Ingress, IngressPath, PathType } from './ingress.ts'

export type Location = {
  /** What nginx matches; for Prefix paths the controller appends a slash. */
  readonly path: string
  readonly pathType: PathType
  /** What the Ingress says, and what `$location_path` shows. */
  readonly ingressPath: string
  readonly namespace: string
  readonly ingressName: string
  /** Absent in the fallback location, where the default backend answers 404. */
  readonly service: { readonly name: string; readonly port: string } | undefined
  readonly annotations: Annotations
  /** Plain http is redirected, where the controller listens on https at all. */
  readonly needsTls: boolean
}

export type Server = { readonly host: string; readonly locations: readonly Location[] }

/** Whatever could leave the `location` directive; the controller validates paths as well. */
const UNSAFE_PATH = /[\s{};"'\\#]/

const portOf = (port: IngressPath['backend']['service']['port']): string =>
  'number' in port ? String(port.number) : port.name

const needsTls = (ingress: Ingress, host: string, { sslRedirect }: Annotations): boolean =>
  sslRedirect === 'always' ||
  (sslRedirect === 'with-tls' && (ingress.spec.tls ?? []).some(({ hosts }) => hosts.includes(host)))

const locationOf = (ingress: Ingress, host: string, path: IngressPath): Location => {
  if (UNSAFE_PATH.test(path.path)) {
    throw new Error(`Ingress ${ingress.metadata.name}: path ${path.path} is not admissible`)
  }
  const { name, port } = path.backend.service
  const annotations = readAnnotations(ingress)
  return {
    path: path.path,
    pathType: path.pathType,
    ingressPath: path.path,
    namespace: ingress.metadata.namespace,
    ingressName: ingress.metadata.name,
    service: { name, port: portOf(port) },
    annotations,
    needsTls: needsTls(ingress, host, annotations),
  }
}

/** A host without a path `/` gets one, with the annotations of its first Ingress. */
const fallbackOf = (first: Location): Location => ({
  ...first,
  path: '/',
  pathType: 'Prefix',
  ingressPath: '/',
  service: undefined,
})

/**
 * A Prefix path becomes two locations, `/foo/` and `= /foo`, so that `/foobar` matches neither
 * (`updateServerLocations` of the controller).
 */
const expandPrefix = (location: Location, exact: ReadonlySet<string>): readonly Location[] => {
  if (location.path === '/' || location.pathType !== 'Prefix') return [location]
  const prefix: Location = {
    ...location,
    path: location.path.endsWith('/') ? location.path : `${location.path}/`,
  }
  return exact.has(location.path) ? [prefix] : [prefix, { ...location, pathType: 'Exact' }]
}

const identityOf = ({ path, pathType }: Location): string => `${pathType} ${path}`

const serverOf = (host: string, all: readonly Location[]): Server => {
  const unique = [...new Map(all.toReversed().map((each) => [identityOf(each), each])).values()]
  const [first] = all
  const hasRoot = unique.some(({ path, pathType }) => path === '/' && pathType !== 'Exact')
  const complete =
    hasRoot || first === undefined
      ? unique.toReversed()
      : [...unique.toReversed(), fallbackOf(first)]
  const exact = new Set(
    complete.filter(({ pathType }) => pathType === 'Exact').map(({ path }) => path),
  )
  return { host, locations: complete.flatMap((location) => expandPrefix(location, exact)) }
}

/** Several Ingresses may share a host; for the same path the first one wins. */
export const serversOf = (ingresses: readonly Ingress[]): readonly Server[] => {
  const byHost = new Map<string, Location[]>()
  for (const ingress of ingresses) {
    for (const { host, http } of ingress.spec.rules) {
      const locations = byHost.get(host) ?? []
      locations.push(...http.paths.map((path) => locationOf(ingress, host, path)))
      byHost.set(host, locations)
    }
  }
  return [...byHost].map(([host, locations]) => serverOf(host, locations))
}
