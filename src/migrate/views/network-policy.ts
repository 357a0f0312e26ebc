import { type ClusterObject } from '../cluster-object.ts'
import {
  fieldsAt,
  listAt,
  numberAt,
  portAt,
  textAt,
  textMapAt,
  textsAt,
  valueAt,
} from '../fields.ts'
import { EVERYTHING, type LabelSelector, type Requirement } from '../network/label-selector.ts'
import {
  type Direction,
  type NetworkPolicy,
  type PolicyPeer,
  type PolicyPort,
  type PolicyRule,
} from '../network/network-policy.ts'

export const networkPolicyView = ({
  fields,
  namespace,
  name,
  origin,
}: ClusterObject): NetworkPolicy => {
  const egress = listAt(fields, 'spec', 'egress').map((rule) => ruleOf(rule, 'to'))
  return {
    namespace,
    name,
    file: origin.file,
    line: origin.line,
    podSelector: selectorAt(valueAt(fields, 'spec', 'podSelector')) ?? EVERYTHING,
    policyTypes: typesOf(textsAt(fields, 'spec', 'policyTypes'), egress.length > 0),
    ingress: listAt(fields, 'spec', 'ingress').map((rule) => ruleOf(rule, 'from')),
    egress,
  }
}

/** Where none is written: Ingress, and Egress if there are egress rules (networking.k8s.io/v1). */
const typesOf = (written: readonly string[], hasEgress: boolean): readonly Direction[] => {
  if (written.length === 0) return hasEgress ? ['Ingress', 'Egress'] : ['Ingress']
  return written.filter((each) => each === 'Ingress' || each === 'Egress')
}

const ruleOf = (rule: unknown, side: 'from' | 'to'): PolicyRule => ({
  peers: listAt(rule, side).map(peerOf),
  ports: listAt(rule, 'ports').map(policyPort),
})

const peerOf = (entry: unknown): PolicyPeer => {
  const cidr = textAt(entry, 'ipBlock', 'cidr')
  if (cidr !== undefined) {
    return { kind: 'addresses', cidr, except: textsAt(entry, 'ipBlock', 'except') }
  }
  return {
    kind: 'pods',
    namespaces: selectorAt(valueAt(entry, 'namespaceSelector')),
    pods: selectorAt(valueAt(entry, 'podSelector')),
  }
}

const policyPort = (entry: unknown): PolicyPort => {
  const protocol = textAt(entry, 'protocol')
  return {
    protocol: protocol === 'UDP' || protocol === 'SCTP' ? protocol : 'TCP',
    port: portAt(entry, 'port'),
    endPort: numberAt(entry, 'endPort'),
  }
}

/** Absent is not empty: an empty selector selects everything, an absent one is not there. */
const selectorAt = (value: unknown): LabelSelector | undefined => {
  const fields = fieldsAt(value)
  if (fields === undefined) return undefined
  return {
    matchLabels: textMapAt(fields, 'matchLabels'),
    matchExpressions: listAt(fields, 'matchExpressions').map(requirementOf),
  }
}

/** An operator that nobody knows selects nothing, as an object that was refused would. */
const requirementOf = (entry: unknown): Requirement => {
  const key = textAt(entry, 'key') ?? ''
  const operator = textAt(entry, 'operator')
  const isKnown =
    operator === 'In' ||
    operator === 'NotIn' ||
    operator === 'Exists' ||
    operator === 'DoesNotExist'
  return isKnown
    ? { key, operator, values: textsAt(entry, 'values') }
    : { key, operator: 'In', values: [] }
}
