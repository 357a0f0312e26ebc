import { describe, expect, test } from '@jest/globals'
import { type Cluster } from '../../src/migrate/cluster.ts'
import { inventoryOf } from '../../src/migrate/inventory/inventory.ts'
import { backEndsOf } from '../../src/migrate/network/back-end.ts'
import { controllerPlaces } from '../../src/migrate/network/controller-place.ts'
import { planPolicy } from '../../src/migrate/network/network-plan.ts'
import { proveReach } from '../../src/migrate/network/reach-proof.ts'
import { exposuresOf } from '../../src/migrate/report/exposure.ts'
import { controller, GUARD, ingress, readCluster } from './support-cluster.ts'

const document = (object: object): string => `${JSON.stringify(object)}\n---\n`

const ANNOTATIONS = [GUARD, { 'auth-url': 'http://gate.auth/oauth2/auth' }, {}]

/** One application of its own: an Ingress, a Service, pods and a NetworkPolicy. */
const application = (index: number): string => {
  const [name, namespace] = [`app-${index}`, `ns-${index}`]
  const labels = { app: name }
  const metadata = { name, namespace }
  const annotations = ANNOTATIONS[index % ANNOTATIONS.length] ?? {}
  const containers = [{ name, image: 'example.com/own:1', ports: [{ containerPort: 80 }] }]
  return [
    ingress({ name, namespace, host: `${name}.example.com`, service: name, annotations }),
    document({
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, ports: [{ port: 80 }] },
    }),
    document({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { template: { metadata: { labels }, spec: { containers } } },
    }),
    document({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      spec: { podSelector: { matchLabels: labels }, ingress: [] },
    }),
  ].join('')
}

const clusterOfSize = async (size: number): Promise<Cluster> =>
  await readCluster(
    controller() + Array.from({ length: size }, (_each, index) => application(index)).join(''),
  )

/** The cluster, and how often an item of one of its lists was looked at. */
const counted = (cluster: Cluster): { readonly cluster: Cluster; readonly looks: () => number } => {
  let looks = 0
  const watch = <Item>(items: readonly Item[]): readonly Item[] =>
    new Proxy(items, {
      get: (target, name, receiver) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) looks += 1
        const value: unknown = Reflect.get(target, name, receiver)
        return value
      },
    })
  const { objects, ingresses, services, workloads, networkPolicies } = cluster
  return {
    cluster: {
      ...cluster,
      objects: watch(objects),
      ingresses: watch(ingresses),
      services: watch(services),
      workloads: watch(workloads),
      networkPolicies: watch(networkPolicies),
    },
    looks: () => looks,
  }
}

const CONTROLLER = { namespace: 'ingress-nginx', labels: { app: 'controller' } }

const SETTINGS = {
  monitoring: { namespace: 'monitoring', labels: { app: 'prometheus' } },
  sameApp: undefined,
}

describe('twice the cluster is twice the work, not four times', () => {
  test.each<readonly [string, (cluster: Cluster) => unknown]>([
    ['migrate inventory', inventoryOf],
    ['migrate report', exposuresOf],
    [
      'migrate networkpolicy, before its proof',
      (cluster) =>
        backEndsOf(cluster, cluster.ingresses, controllerPlaces(cluster, CONTROLLER)).backEnds.map(
          (each) => planPolicy(each, cluster, SETTINGS),
        ),
    ],
  ])('%s', async (_name, analyse) => {
    const [small, large] = [counted(await clusterOfSize(30)), counted(await clusterOfSize(60))]
    analyse(small.cluster)
    analyse(large.cluster)
    expect(small.looks()).toBeGreaterThan(30)
    expect(large.looks()).toBeLessThan(2.2 * small.looks())
  })
})

test('who reaches what is counted where it is too much to list, and the controller always listed', async () => {
  const size = 30
  const whole = await clusterOfSize(size)
  const cluster = { ...whole, networkPolicies: [] }
  const { backEnds } = backEndsOf(cluster, cluster.ingresses, controllerPlaces(cluster, CONTROLLER))
  const plans = backEnds.map((each) => planPolicy(each, cluster, SETTINGS))
  for (const { before, beforeMore, after, afterMore } of proveReach(cluster, plans, size)) {
    expect(before.length).toBeLessThanOrEqual(20)
    // All but the back end itself, and the controller.
    expect(before.length + beforeMore).toBe(size)
    expect([after.map(({ purpose }) => purpose), afterMore]).toEqual([['controller'], 0])
  }
  const [first] = proveReach(cluster, plans)
  expect([first?.before.length, first?.beforeMore]).toEqual([size, 0])
})
