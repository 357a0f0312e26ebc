import { type ClusterObject } from '../cluster-object.ts'
import { listAt, numberAt, portAt, textAt, textMapAt, textsAt } from '../fields.ts'
import { type Labels } from '../network/label-selector.ts'

export type ServicePort = {
  readonly name: string | undefined
  readonly port: number
  /** Of the container, by number or name; the same as `port` where none is written. */
  readonly targetPort: number | string
  readonly nodePort: number | undefined
  readonly protocol: string
}

export type ServiceView = {
  readonly object: ClusterObject
  readonly namespace: string
  readonly name: string
  readonly type: string
  /** Empty where the Service selects no pods. */
  readonly selector: Labels
  readonly ports: readonly ServicePort[]
  readonly externalName: string | undefined
  readonly loadBalancerSourceRanges: readonly string[]
}

export const serviceView = (object: ClusterObject): ServiceView => ({
  object,
  namespace: object.namespace,
  name: object.name,
  type: textAt(object.fields, 'spec', 'type') ?? 'ClusterIP',
  selector: textMapAt(object.fields, 'spec', 'selector'),
  ports: listAt(object.fields, 'spec', 'ports').flatMap(servicePort),
  externalName: textAt(object.fields, 'spec', 'externalName'),
  loadBalancerSourceRanges: textsAt(object.fields, 'spec', 'loadBalancerSourceRanges'),
})

const servicePort = (entry: unknown): readonly ServicePort[] => {
  const port = numberAt(entry, 'port')
  if (port === undefined) return []
  return [
    {
      name: textAt(entry, 'name'),
      port,
      targetPort: portAt(entry, 'targetPort') ?? port,
      nodePort: numberAt(entry, 'nodePort'),
      protocol: textAt(entry, 'protocol') ?? 'TCP',
    },
  ]
}

/** The port that an Ingress names, by number or by name. */
export const findServicePort = (
  { ports }: ServiceView,
  port: number | string | undefined,
): ServicePort | undefined =>
  ports.find((each) => each.port === port || each.name === port) ??
  (ports.length === 1 && port === undefined ? ports[0] : undefined)
