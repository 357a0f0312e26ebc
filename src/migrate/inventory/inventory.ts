import { type Cluster } from '../cluster.ts'
import { addressFindings } from './addresses.ts'
import { applicationFindings } from './applications.ts'
import { bypassFindings } from './bypasses.ts'
import { controllerFindings } from './controller-health.ts'
import { releaseText } from './controller-release.ts'
import { byImportance, type Finding } from './finding.ts'
import { gateFindings } from './gates.ts'
import { type HostEntry, hostEntries } from './hosts.ts'
import { findApplications } from './known-applications.ts'
import { networkFindings } from './network-reach.ts'
import { otherWayFindings } from './other-ways.ts'
import { passwordFindings } from './passwords.ts'
import { routingFindings } from './routing.ts'
import { type Scene, sceneOf } from './scene.ts'
import { sharedHostFindings } from './shared-hosts.ts'
import { sideDoorFindings } from './side-doors.ts'
import { snippetFindings } from './snippets.ts'
import { planWaves, type Wave } from './waves.ts'

/** What a cluster hangs on today, and in which order its hosts could move. */
export type Inventory = {
  readonly objects: number
  readonly namespaces: readonly string[]
  readonly controllers: readonly { readonly name: string; readonly release: string | undefined }[]
  readonly findings: readonly Finding[]
  readonly hosts: readonly HostEntry[]
  readonly waves: readonly Wave[]
}

/** One for each family; the order does not matter. */
const FAMILIES: readonly ((scene: Scene) => readonly Finding[])[] = [
  addressFindings,
  passwordFindings,
  gateFindings,
  sideDoorFindings,
  sharedHostFindings,
  snippetFindings,
  bypassFindings,
  otherWayFindings,
  networkFindings,
  routingFindings,
  controllerFindings,
  applicationFindings,
]

export const inventoryOf = (cluster: Cluster): Inventory => {
  const scene = sceneOf(cluster)
  const findings = FAMILIES.flatMap((family) => family(scene)).toSorted(byImportance)
  const hosts = hostEntries(scene, findApplications(scene), findings)
  const namespaces = cluster.objects.map(({ kind, namespace, name }) =>
    kind === 'Namespace' ? name : namespace,
  )
  return {
    objects: cluster.objects.length,
    namespaces: [...new Set(namespaces)].filter((name) => name !== '').toSorted(),
    controllers: scene.controllers.map(({ workload, release }) => ({
      name: `${workload.kind} ${workload.namespace}/${workload.name}`,
      release: release === undefined ? undefined : releaseText(release),
    })),
    findings,
    hosts,
    waves: planWaves(hosts),
  }
}
