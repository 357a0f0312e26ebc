import { type Cluster } from '../cluster.ts'
import { textAt } from '../fields.ts'
import { type Scene, sceneOf } from '../inventory/scene.ts'
import { type IngressView, isOn, nginxAnnotation } from '../views/ingress.ts'

export type Selection = {
  /** As `namespace/name`; all of them where none is named. */
  readonly names: readonly string[]
  readonly hosts: readonly string[]
  readonly namespaces: readonly string[]
  readonly classes: readonly string[]
}

export type Selected = {
  readonly ingresses: readonly IngressView[]
  readonly leftOut: readonly { readonly ingress: IngressView; readonly why: string }[]
}

/** The Ingresses to guard: those that were asked for, but for what cannot or must not be guarded. */
export const selectIngresses = (
  cluster: Cluster,
  selection: Selection,
  publicHost: string,
): Selected => {
  const scene = sceneOf(cluster)
  const asked = cluster.ingresses.filter((ingress) => isAsked(ingress, selection))
  const judged = asked.map((ingress) => ({
    ingress,
    why: reasonAgainst(ingress, scene, publicHost),
  }))
  return {
    ingresses: judged.filter(({ why }) => why === undefined).map(({ ingress }) => ingress),
    leftOut: judged.flatMap(({ ingress, why }) => (why === undefined ? [] : [{ ingress, why }])),
  }
}

const isAsked = (
  { namespace, name, hosts, className }: IngressView,
  selection: Selection,
): boolean =>
  among(selection.names, `${namespace}/${name}`) &&
  among(selection.namespaces, namespace) &&
  among(selection.classes, className ?? '') &&
  (selection.hosts.length === 0 || hosts.some((host) => selection.hosts.includes(host)))

const among = (list: readonly string[], value: string): boolean =>
  list.length === 0 || list.includes(value)

/** Those whose requests ingress-nginx brings, canaries too: what a network policy has to know. */
export const servedIngresses = (cluster: Cluster, selection: Selection): readonly IngressView[] => {
  const foreign = new Set(sceneOf(cluster).foreign)
  return cluster.ingresses.filter((each) => isAsked(each, selection) && !foreign.has(each))
}

const foreignOnes = new WeakMap<Scene, ReadonlySet<IngressView>>()

const isForeign = (scene: Scene, ingress: IngressView): boolean => {
  const foreign = foreignOnes.get(scene) ?? new Set(scene.foreign)
  foreignOnes.set(scene, foreign)
  return foreign.has(ingress)
}

const reasonAgainst = (
  ingress: IngressView,
  scene: Scene,
  publicHost: string,
): string | undefined => {
  if (ingress.hosts.includes(publicHost)) {
    return 'leads to the pages of Vestibule, where people sign in who are not signed in yet'
  }
  if (isOn(nginxAnnotation(ingress, 'canary'))) {
    return 'is a canary: the controller takes the annotations of the Ingress that it stands beside'
  }
  if (isForeign(scene, ingress)) {
    const other = controllerOf(ingress, scene.cluster) ?? `class ${ingress.className ?? ''}`
    return `is served by ${other}, which does not know these annotations`
  }
  const prefix = scene.controllerOf(ingress)?.otherPrefix
  return prefix === undefined
    ? undefined
    : `is served by a controller that reads annotations of ${prefix} instead`
}

/** Undefined where its IngressClass is not among the objects. */
const controllerOf = (
  { className }: IngressView,
  { ingressClasses }: Cluster,
): string | undefined => {
  const found = ingressClasses.find(({ name }) => name === className)
  return found === undefined ? undefined : textAt(found.fields, 'spec', 'controller')
}
