import { selects } from './label-selector.ts'
import { type Direction, type NetworkPolicy, type PodFacts } from './network-policy.ts'

type Index = {
  readonly byNamespace: ReadonlyMap<string, readonly NetworkPolicy[]>
  readonly known: Readonly<Record<Direction, WeakMap<PodFacts, readonly NetworkPolicy[]>>>
}

const indexes = new WeakMap<readonly NetworkPolicy[], Index>()

/**
 * The policies that say something of a pod in one direction. A proof asks about every pair of pods,
 * and the answer hangs on one of them, so it is found once.
 */
export const policiesSelecting = (
  policies: readonly NetworkPolicy[],
  direction: Direction,
  pod: PodFacts,
): readonly NetworkPolicy[] => {
  const { byNamespace, known } = indexOf(policies)
  const before = known[direction].get(pod)
  if (before !== undefined) return before
  const found = (byNamespace.get(pod.namespace) ?? []).filter(
    ({ podSelector, policyTypes }) =>
      policyTypes.includes(direction) && selects(podSelector, pod.labels),
  )
  known[direction].set(pod, found)
  return found
}

const indexOf = (policies: readonly NetworkPolicy[]): Index => {
  const made = indexes.get(policies) ?? {
    byNamespace: Map.groupBy(policies, ({ namespace }) => namespace),
    known: { Ingress: new WeakMap(), Egress: new WeakMap() },
  }
  indexes.set(policies, made)
  return made
}
