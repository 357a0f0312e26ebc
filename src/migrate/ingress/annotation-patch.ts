import { type AnnotationChange, type Annotations } from './annotation-change.ts'

export type IngressRef = { readonly namespace: string; readonly name: string }

/** RFC 6902, as far as annotations need it. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

const ANNOTATIONS = '/metadata/annotations'

/** RFC 6901 section 3: `~` and `/` inside a key are written `~0` and `~1`. */
const pointer = (name: string): string =>
  `${ANNOTATIONS}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

/**
 * It applies as a whole or not at all: where the Ingress has changed since it was read, a `test`
 * fails.
 */
export const jsonPatch = (
  annotations: Annotations | undefined,
  changes: readonly AnnotationChange[],
): readonly PatchOperation[] => [
  ...(annotations === undefined && changes.length > 0
    ? [{ op: 'add', path: ANNOTATIONS, value: {} } as const]
    : []),
  ...changes.flatMap(({ name, before, after }): readonly PatchOperation[] => {
    const path = pointer(name)
    if (before === undefined) return [{ op: 'add', path, value: after }]
    const test: PatchOperation = { op: 'test', path, value: before }
    return after === undefined
      ? [test, { op: 'remove', path }]
      : [test, { op: 'replace', path, value: after }]
  }),
]

/** The way back does not ask: whoever needs it needs it now. */
export const jsonRollback = (changes: readonly AnnotationChange[]): readonly PatchOperation[] =>
  changes.toReversed().map(({ name, before }) => {
    const path = pointer(name)
    return before === undefined ? { op: 'remove', path } : { op: 'add', path, value: before }
  })

export type MergePatch = {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'Ingress'
  readonly metadata: IngressRef & {
    /** null takes the annotation away. */
    readonly annotations: Readonly<Record<string, string | null>>
  }
}

/** A strategic merge patch, which names its object, as kustomize and kubectl take it. */
export const mergePatch = (
  { namespace, name }: IngressRef,
  changes: readonly AnnotationChange[],
): MergePatch => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    name,
    namespace,
    annotations: Object.fromEntries(changes.map((change) => [change.name, change.after ?? null])),
  },
})
