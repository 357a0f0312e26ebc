import { type Cluster } from '../cluster.ts'
import { textMapAt } from '../fields.ts'
import { sceneOf } from '../inventory/scene.ts'
import { type IngressView } from '../views/ingress.ts'
import { type WorkloadView } from '../views/workload.ts'
import { type Labels } from './label-selector.ts'

/** Pods of one namespace, by labels. */
export type PodPlace = { readonly namespace: string; readonly labels: Labels }

/** Where the pods of the controller are that serves an Ingress. */
export type PlaceOf = (ingress: IngressView) => PodPlace

/** Each class may have a controller of its own; where the objects do not tell, the usual one. */
export const controllerPlaces = (cluster: Cluster, usual: PodPlace): PlaceOf => {
  const { controllers, controllerOf } = sceneOf(cluster)
  const places = new Map(controllers.map((each) => [each, placeOf(each.workload)]))
  return (ingress) => {
    const controller = controllerOf(ingress)
    return (controller === undefined ? undefined : places.get(controller)) ?? usual
  }
}

/** Labels of a pod that no rollout changes are those of the selector. */
const placeOf = ({ namespace, object, podLabels }: WorkloadView): PodPlace => {
  const selector = textMapAt(object.fields, 'spec', 'selector', 'matchLabels')
  return { namespace, labels: Object.keys(selector).length > 0 ? selector : podLabels }
}

export const placeText = ({ namespace, labels }: PodPlace): string =>
  `${namespace}/${Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')}`
