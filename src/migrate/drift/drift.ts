import { type Cluster } from '../cluster.ts'
import { type IngressView } from '../views/ingress.ts'
import { backEndDrift } from './back-end-drift.ts'
import { type DriftFinding } from './drift-finding.ts'
import { type DriftSettings } from './drift-settings.ts'
import { hostDrift, policyDrift } from './host-drift.ts'
import { asksVestibule, ingressDrift, notGuarded } from './ingress-drift.ts'

/** What differs between a cluster and its policies. */
export const findDrift = (
  cluster: Cluster,
  ingresses: readonly IngressView[],
  settings: DriftSettings,
): readonly DriftFinding[] => {
  const watched = ingresses.filter(
    ({ namespace, name }) => !settings.exempt.includes(`${namespace}/${name}`),
  )
  const guarded = new Set(watched.filter((ingress) => asksVestibule(ingress, settings.guard)))
  return [
    ...watched.flatMap((ingress) =>
      guarded.has(ingress)
        ? [...ingressDrift(ingress, settings), ...hostDrift(ingress, settings)]
        : notGuarded(ingress, settings),
    ),
    ...backEndDrift(cluster, {
      guarded: [...guarded],
      open: watched.filter((ingress) => !guarded.has(ingress)),
      exempt: settings.exempt,
    }),
    ...policyDrift(ingresses, settings.policies ?? []),
  ].toSorted(byPlace)
}

const byPlace = (one: DriftFinding, other: DriftFinding): number =>
  one.file.localeCompare(other.file) || one.line - other.line
