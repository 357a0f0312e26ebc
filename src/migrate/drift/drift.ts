import { type Cluster } from '../cluster.ts'
import { sceneOf } from '../inventory/scene.ts'
import { type IngressView } from '../views/ingress.ts'
import { backEndDrift } from './back-end-drift.ts'
import { type DriftFinding } from './drift-finding.ts'
import { type DriftSettings } from './drift-settings.ts'
import { globalDrift, globalGateOf } from './global-gate.ts'
import { hostDrift, policyDrift } from './host-drift.ts'
import { asksVestibule, defeats, ingressDrift, notGuarded } from './ingress-drift.ts'

/** What differs between a cluster and its policies. */
export const findDrift = (
  cluster: Cluster,
  ingresses: readonly IngressView[],
  settings: DriftSettings,
): readonly DriftFinding[] => {
  const watched = ingresses.filter(
    ({ namespace, name }) => !settings.exempt.includes(`${namespace}/${name}`),
  )
  const scene = sceneOf(cluster)
  const gates = new Map(
    watched.flatMap((ingress) => {
      const gate = globalGateOf(scene, ingress, settings.guard)
      return gate === undefined ? [] : [[ingress, gate] as const]
    }),
  )
  const own = new Set(watched.filter((ingress) => asksVestibule(ingress, settings.guard)))
  const isGuarded = (ingress: IngressView): boolean => own.has(ingress) || gates.has(ingress)
  return [
    ...watched.flatMap((ingress) => {
      if (own.has(ingress)) return ingressDrift(ingress, settings)
      return gates.has(ingress) ? defeats(ingress) : notGuarded(ingress, settings)
    }),
    ...[...new Set(gates.values())].flatMap((gate) => globalDrift(gate, settings.guard)),
    ...watched.filter(isGuarded).flatMap((ingress) => hostDrift(ingress, settings)),
    ...backEndDrift(cluster, {
      guarded: watched.filter(isGuarded),
      open: watched.filter((ingress) => !isGuarded(ingress)),
      exempt: settings.exempt,
    }),
    ...policyDrift(ingresses, settings.policies ?? []),
  ].toSorted(byPlace)
}

const byPlace = (one: DriftFinding, other: DriftFinding): number =>
  one.file.localeCompare(other.file) || one.line - other.line
