import { type Cluster, findService, workloadsBehind } from '../cluster.ts'
import { objectName, placeIn } from '../cluster-object.ts'
import { textsAt } from '../fields.ts'
import { selects } from '../network/label-selector.ts'
import { type IngressView } from '../views/ingress.ts'
import { type DriftFinding } from './drift-finding.ts'
import { ingressFinding } from './ingress-drift.ts'

/** Ways to the back ends of guarded Ingresses that do not lead through them. */
export const backEndDrift = (
  cluster: Cluster,
  { guarded, open, exempt }: Watched,
): readonly DriftFinding[] => {
  const guards = guardsOf(cluster, guarded)
  return [
    ...sideDoors(cluster, guards, open),
    ...serviceDoors(cluster, guards, exempt),
    ...guarded.flatMap((ingress) => openPods(cluster, ingress)),
  ]
}

type Watched = {
  readonly guarded: readonly IngressView[]
  /** They do not ask, and are not exempt. */
  readonly open: readonly IngressView[]
  /** `namespace/name` of what is open on purpose. */
  readonly exempt: readonly string[]
}

const servicesOf = ({ namespace, paths, defaultService }: IngressView): readonly string[] => [
  ...new Set(
    [...paths.map(({ service }) => service), defaultService].flatMap((service) =>
      service === undefined ? [] : [`${namespace}/${service.name}`],
    ),
  ),
]

type Guards = ReadonlyMap<string, string>

/** By the Service and by its pods, since another Service may lead to the same. */
const guardsOf = (cluster: Cluster, guarded: readonly IngressView[]): Guards =>
  new Map(
    guarded.flatMap((ingress) =>
      servicesOf(ingress).flatMap((service) =>
        targetsOf(cluster, service).map(
          (target) => [target, `${ingress.namespace}/${ingress.name}`] as const,
        ),
      ),
    ),
  )

const targetsOf = (cluster: Cluster, name: string): readonly string[] => {
  const [namespace = '', own = ''] = name.split('/')
  const service = findService(cluster, namespace, own)
  const pods = service === undefined ? [] : workloadsBehind(cluster, service)
  return [`Service ${name}`, ...pods.map(({ object }) => objectName(object))]
}

const guardOf = (cluster: Cluster, guards: Guards, service: string): string | undefined =>
  targetsOf(cluster, service).flatMap((target) => guards.get(target) ?? [])[0]

const sideDoors = (
  cluster: Cluster,
  guards: Guards,
  open: readonly IngressView[],
): readonly DriftFinding[] =>
  open.flatMap((ingress) =>
    servicesOf(ingress).flatMap((service) => {
      const other = guardOf(cluster, guards, service)
      return other === undefined
        ? []
        : [
            ingressFinding(ingress, 'side_door', undefined, [
              `leads to Service ${service} without asking, which ${other} guards`,
              'Guard it too, or exempt it with --except.',
            ]),
          ]
    }),
  )

/** A Service that is reached without nginx. */
const serviceDoors = (
  cluster: Cluster,
  guards: Guards,
  exempt: readonly string[],
): readonly DriftFinding[] =>
  cluster.services.flatMap(({ object, namespace, name, type }) => {
    const addresses = textsAt(object.fields, 'spec', 'externalIPs')
    const isOpen = type === 'NodePort' || type === 'LoadBalancer' || addresses.length > 0
    const service = `${namespace}/${name}`
    const other =
      isOpen && !exempt.includes(service) ? guardOf(cluster, guards, service) : undefined
    if (other === undefined) return []
    const { file, line } = placeIn(object, 'spec', addresses.length > 0 ? 'externalIPs' : 'type')
    const how = addresses.length > 0 ? 'has externalIPs' : `is a ${type}`
    return [
      {
        id: 'side_door',
        object: objectName(object),
        file,
        line,
        problem: `${how}, so what ${other} guards is reached without nginx`,
        remedy: 'Make it a ClusterIP, or exempt it with --except.',
      },
    ]
  })

/** Said only where the pods are among the objects: else nobody knows their labels. */
const openPods = (cluster: Cluster, ingress: IngressView): readonly DriftFinding[] =>
  servicesOf(ingress).flatMap((name) => {
    const service = findService(cluster, ingress.namespace, name.slice(name.indexOf('/') + 1))
    const open =
      service === undefined
        ? []
        : workloadsBehind(cluster, service).filter(
            ({ namespace, podLabels }) =>
              !cluster.networkPolicies.some(
                (policy) =>
                  policy.namespace === namespace &&
                  policy.policyTypes.includes('Ingress') &&
                  selects(policy.podSelector, podLabels),
              ),
          )
    return open.length === 0
      ? []
      : [
          ingressFinding(ingress, 'back_end_open', undefined, [
            `no NetworkPolicy covers ${open.map(({ namespace, name: pod }) => `${namespace}/${pod}`).join(', ')}, so every pod reaches it`,
            'vestibule migrate networkpolicy makes one.',
          ]),
        ]
  })
