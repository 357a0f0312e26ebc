import { type Fields } from '../../migrate/cluster-object.ts'
import { fieldsAt, valueAt } from '../../migrate/fields.ts'

/** Many, large, and nothing that anybody wrote. */
const PASSED_OVER: ReadonlySet<string> = new Set([
  'ControllerRevision',
  'EndpointSlice',
  'Endpoints',
  'Event',
  'Lease',
  'PodMetrics',
])

export const isPassedOver = (kind: unknown): boolean =>
  typeof kind === 'string' && PASSED_OVER.has(kind)

/** kubectl keeps a whole copy of what was applied here, with the values of Secrets. */
const COPIES: ReadonlySet<string> = new Set(['kubectl.kubernetes.io/last-applied-configuration'])

/**
 * Drops what nothing asks for, and every value of a Secret: what is not kept cannot be printed. Keys
 * of Secrets stay.
 */
export const prune = (object: Fields): Fields => {
  const { status, ...kept } = object
  const address = fieldsAt(status, 'loadBalancer')
  const withStatus = address === undefined ? kept : { ...kept, status: { loadBalancer: address } }
  const pruned = { ...withStatus, metadata: pruneMetadata(fieldsAt(object, 'metadata')) }
  switch (object['kind']) {
    case 'Secret':
      return withoutValues(pruned)
    case 'CustomResourceDefinition':
      return { ...pruned, spec: {} }
    case 'Pod':
      return { ...pruned, status: addressesOf(status) }
    default:
      return pruned
  }
}

const addressesOf = (status: unknown): Fields => ({
  podIP: valueAt(status, 'podIP'),
  podIPs: valueAt(status, 'podIPs'),
})

const pruneMetadata = (metadata: Fields = {}): Fields => {
  const { managedFields: _dropped, ...kept } = metadata
  const annotations = fieldsAt(metadata, 'annotations')
  if (annotations === undefined) return kept
  const ownOnes = Object.entries(annotations).filter(([name]) => !COPIES.has(name))
  return { ...kept, annotations: Object.fromEntries(ownOnes) }
}

const withoutValues = (secret: Fields): Fields => {
  const { apiVersion, kind, metadata, type } = secret
  return {
    apiVersion,
    kind,
    metadata,
    type,
    data: keysOnly(fieldsAt(secret, 'data')),
    stringData: keysOnly(fieldsAt(secret, 'stringData')),
  }
}

const keysOnly = (values: Fields = {}): Fields =>
  Object.fromEntries(Object.keys(values).map((key) => [key, '']))
