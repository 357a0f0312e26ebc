import { type Cluster, findService, workloadsBehind } from '../cluster.ts'
import { selects } from '../network/label-selector.ts'
import { type IngressView } from '../views/ingress.ts'
import { type DriftFinding } from './drift-finding.ts'
import { ingressFinding } from './ingress-drift.ts'

/** Ways to the back ends of guarded Ingresses that do not lead through them. */
export const backEndDrift = (
  cluster: Cluster,
  guarded: readonly IngressView[],
  watched: readonly IngressView[],
): readonly DriftFinding[] => [
  ...sideDoors(guarded, watched),
  ...guarded.flatMap((ingress) => openPods(cluster, ingress)),
]

const servicesOf = ({ namespace, paths, defaultService }: IngressView): readonly string[] => [
  ...new Set(
    [...paths.map(({ service }) => service), defaultService].flatMap((service) =>
      service === undefined ? [] : [`${namespace}/${service.name}`],
    ),
  ),
]

const sideDoors = (
  guarded: readonly IngressView[],
  watched: readonly IngressView[],
): readonly DriftFinding[] => {
  const behind = new Map(
    guarded.flatMap((ingress) =>
      servicesOf(ingress).map((service) => [service, `${ingress.namespace}/${ingress.name}`]),
    ),
  )
  return watched
    .filter((ingress) => !guarded.includes(ingress))
    .flatMap((ingress) =>
      servicesOf(ingress).flatMap((service) => {
        const other = behind.get(service)
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
}

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
