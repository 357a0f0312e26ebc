/** Where an object was read: the file (`-` is standard input), its first line, its place in a list. */
export type Origin = {
  readonly file: string
  readonly line: number
  /** `items[3]` in a list, else empty. */
  readonly path: string
}

export type FieldPath = readonly (string | number)[]

export type Fields = Readonly<Record<string, unknown>>

/** One Kubernetes object as it was read. Values of Secrets are never in it, only names of keys. */
export type ClusterObject = {
  readonly apiVersion: string
  readonly kind: string
  /** Where none is written: `default` for what lives in a namespace, else empty. */
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** All of it; ask it through `fields.ts`. */
  readonly fields: Fields
  readonly origin: Origin
  /** The line of a key or list item in the file; of the nearest thing above it, where it is absent. */
  readonly lineOf: (path: FieldPath) => number
}

/** `Ingress monitoring/grafana` */
export const objectName = ({
  kind,
  namespace,
  name,
}: Pick<ClusterObject, 'kind' | 'namespace' | 'name'>): string =>
  `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`

/** A place to look at: the object, and the line in its file. */
export type Place = {
  readonly object: string
  readonly file: string
  readonly line: number
}

export const placeIn = (object: ClusterObject, ...path: FieldPath): Place => ({
  object: objectName(object),
  file: object.origin.file,
  line: path.length === 0 ? object.origin.line : object.lineOf(path),
})
