import { invert } from './annotation-change.ts'
import {
  jsonPatch,
  jsonRollback,
  type MergePatch,
  mergePatch,
  type PatchOperation,
} from './annotation-patch.ts'
import { type IngressPlan } from './ingress-plan.ts'

/** A file to write, whose content somebody else turns into text. */
export type PlanFile = {
  readonly name: string
  readonly format: 'yaml' | 'json'
  readonly content: unknown
}

export type NamedPatch = {
  readonly ingress: { readonly namespace: string; readonly name: string }
  readonly patch: readonly PatchOperation[]
}

const refOf = ({ ingress: { namespace, name } }: IngressPlan) => ({ namespace, name })

export const forwardJson = (plan: IngressPlan): NamedPatch => ({
  ingress: refOf(plan),
  patch: jsonPatch(annotationsOf(plan), plan.changes),
})

export const backwardJson = (plan: IngressPlan): NamedPatch => ({
  ingress: refOf(plan),
  patch: jsonRollback(plan.changes),
})

/** Objects without annotations have no such map, and a patch cannot put a key into none. */
const annotationsOf = ({ ingress }: IngressPlan): Readonly<Record<string, string>> | undefined => {
  const { annotations } = ingress.object
  return Object.keys(annotations).length === 0 ? undefined : annotations
}

export const forwardMerge = (plan: IngressPlan): MergePatch => mergePatch(refOf(plan), plan.changes)

export const backwardMerge = (plan: IngressPlan): MergePatch =>
  mergePatch(refOf(plan), invert(plan.changes))

/**
 * A component that guards the Ingresses of an overlay, and the patches as they are for kubectl, both
 * with the way back.
 */
export const planFiles = (plans: readonly IngressPlan[]): readonly PlanFile[] => {
  const changing = plans.filter(({ changes, twins }) => changes.length + twins.length > 0)
  return [
    ...component('component', changing, forwardMerge, true),
    // The twins are deleted by hand: a component cannot take an object away.
    ...component('rollback', changing, backwardMerge, false),
    ...changing.flatMap((plan): readonly PlanFile[] => [
      { name: `json-patch/${fileOf(plan)}.json`, format: 'json', content: forwardJson(plan).patch },
      {
        name: `json-patch/${fileOf(plan)}.rollback.json`,
        format: 'json',
        content: backwardJson(plan).patch,
      },
    ]),
  ]
}

const fileOf = ({ ingress: { namespace, name } }: IngressPlan): string => `${namespace}.${name}`

const component = (
  folder: string,
  plans: readonly IngressPlan[],
  patchOf: (plan: IngressPlan) => unknown,
  hasTwins: boolean,
): readonly PlanFile[] => {
  const patched = plans.filter(({ changes }) => changes.length > 0)
  const twins = hasTwins ? plans.filter((plan) => plan.twins.length > 0) : []
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    ...(twins.length === 0
      ? {}
      : {
          resources: twins.flatMap((plan) =>
            plan.twins.map(({ manifest }) => twinFile(manifest.metadata)),
          ),
        }),
    patches: patched.map((plan) => ({ path: `${fileOf(plan)}.yaml` })),
  }
  return [
    { name: `${folder}/kustomization.yaml`, format: 'yaml', content: kustomization },
    ...patched.map(
      (plan): PlanFile => ({
        name: `${folder}/${fileOf(plan)}.yaml`,
        format: 'yaml',
        content: patchOf(plan),
      }),
    ),
    ...twins.flatMap((plan) =>
      plan.twins.map(
        ({ manifest }): PlanFile => ({
          name: `${folder}/${twinFile(manifest.metadata)}`,
          format: 'yaml',
          content: manifest,
        }),
      ),
    ),
  ]
}

const twinFile = ({
  namespace,
  name,
}: {
  readonly namespace: string
  readonly name: string
}): string => `${namespace}.${name}.twin.yaml`
