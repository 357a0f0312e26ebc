import { type Cluster } from '../cluster.ts'
import { type IngressView, isOn, nginxAnnotation } from '../views/ingress.ts'
import { type Controller, findControllers, foreignClasses } from './controllers.ts'

/** What all families of findings look at. */
export type Scene = {
  readonly cluster: Cluster
  readonly controllers: readonly Controller[]
  /** Ingresses that ingress-nginx serves. */
  readonly ingresses: readonly IngressView[]
  /** Those of other controllers, of which nothing is said. */
  readonly foreign: readonly IngressView[]
  /** Who serves it; undefined where no controller was read, or several could. */
  readonly controllerOf: (ingress: IngressView) => Controller | undefined
}

/** Names that other controllers give their classes. Any other may be ours, so it is looked at. */
const OTHER_CLASS =
  /^(?:alb|apisix|avi-lb|azure|azure[/-]application-gateway|cilium|cloudflare-tunnel|contour|gce|gce-internal|haproxy|higress|istio|kong|nginx-plus|nsx|openshift-default|skipper|tailscale|traefik|tyk|voyager)(?:$|-)/i

export const sceneOf = (cluster: Cluster): Scene => {
  const controllers = findControllers(cluster)
  const others = foreignClasses(cluster, controllers)
  const served = new Set(controllers.flatMap(({ classes }) => classes))
  const isForeign = ({ className }: IngressView): boolean => {
    if (className === undefined || served.has(className)) return false
    return others.has(className) || OTHER_CLASS.test(className)
  }
  return {
    cluster,
    controllers,
    ingresses: cluster.ingresses.filter((ingress) => !isForeign(ingress)),
    foreign: cluster.ingresses.filter(isForeign),
    controllerOf: ({ className }) => {
      const able = controllers.filter(
        ({ classes }) => className === undefined || classes.includes(className),
      )
      return able.length === 1 ? able[0] : undefined
    },
  }
}

/** It takes its auth-* annotations from the main Ingress of the host; its own are ignored. */
export const isCanary = (ingress: IngressView): boolean => isOn(nginxAnnotation(ingress, 'canary'))

/** Hosts as they are shown; `*` stands for every host. */
export const hostsOf = ({ hosts, paths, defaultService }: IngressView): readonly string[] =>
  paths.some(({ host }) => host === undefined) ||
  (paths.length === 0 && defaultService !== undefined)
    ? [...hosts, '*']
    : hosts

/** An Ingress that has no rule of its own reaches nobody; it gives TLS or a default back end. */
export const isServed = (ingress: IngressView): boolean => hostsOf(ingress).length > 0
