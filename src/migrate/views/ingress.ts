import { type ClusterObject, type FieldPath } from '../cluster-object.ts'
import { fieldsAt, listAt, portAt, textAt, textsAt } from '../fields.ts'

export const NGINX_PREFIX = 'nginx.ingress.kubernetes.io/'

/** One line of the routing table: host and path, and the Service behind them. */
export type IngressPath = {
  /** Lower case; undefined where the rule is for every host. */
  readonly host: string | undefined
  readonly path: string
  readonly pathType: string
  readonly service: ServiceRef | undefined
  /** Where in the object it stands. */
  readonly at: FieldPath
}

export type ServiceRef = { readonly name: string; readonly port: number | string | undefined }

export type IngressView = {
  readonly object: ClusterObject
  readonly namespace: string
  readonly name: string
  /** `spec.ingressClassName`, else the older annotation. */
  readonly className: string | undefined
  readonly paths: readonly IngressPath[]
  /** Those of the rules, each once, in their order. */
  readonly hosts: readonly string[]
  readonly tlsHosts: readonly string[]
  readonly hasTls: boolean
  readonly defaultService: ServiceRef | undefined
}

export const ingressView = (object: ClusterObject): IngressView => {
  const { fields, namespace, name, annotations } = object
  const paths = listAt(fields, 'spec', 'rules').flatMap(rulePaths)
  const tls = listAt(fields, 'spec', 'tls')
  return {
    object,
    namespace,
    name,
    className:
      filled(textAt(fields, 'spec', 'ingressClassName')) ??
      filled(annotations['kubernetes.io/ingress.class']),
    paths,
    hosts: [...new Set(paths.flatMap(({ host }) => (host === undefined ? [] : [host])))],
    tlsHosts: tls.flatMap((entry) => textsAt(entry, 'hosts')).map((host) => host.toLowerCase()),
    hasTls: tls.length > 0,
    defaultService: serviceRef(
      fieldsAt(fields, 'spec', 'defaultBackend') ?? fieldsAt(fields, 'spec', 'backend'),
    ),
  }
}

/** An empty name is none, and names no other controller. */
const filled = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

const rulePaths = (rule: unknown, index: number): readonly IngressPath[] => {
  const host = textAt(rule, 'host')?.toLowerCase()
  const at = ['spec', 'rules', index]
  const paths = listAt(rule, 'http', 'paths').map((entry, place) => ({
    host: host === '' ? undefined : host,
    path: textAt(entry, 'path') ?? '/',
    pathType: textAt(entry, 'pathType') ?? 'ImplementationSpecific',
    service: serviceRef(fieldsAt(entry, 'backend')),
    at: [...at, 'http', 'paths', place],
  }))
  if (paths.length > 0) return paths
  // A rule without paths sends the whole host to the default back end.
  return [{ host, path: '/', pathType: 'Prefix', service: undefined, at }]
}

/** The second form is that of `extensions/v1beta1` and `networking.k8s.io/v1beta1`. */
const serviceRef = (backend: unknown): ServiceRef | undefined => {
  const name = textAt(backend, 'service', 'name')
  if (name !== undefined) {
    const port = portAt(backend, 'service', 'port', 'number')
    return { name, port: port ?? textAt(backend, 'service', 'port', 'name') }
  }
  const older = textAt(backend, 'serviceName')
  return older === undefined ? undefined : { name: older, port: portAt(backend, 'servicePort') }
}

/** The value of `nginx.ingress.kubernetes.io/NAME`; an empty one counts as absent. */
export const nginxAnnotation = (
  ingress: IngressView,
  name: string,
  prefix = NGINX_PREFIX,
): string | undefined => {
  const key = `${prefix}${name}`
  const { annotations } = ingress.object
  const value = Object.hasOwn(annotations, key) ? annotations[key]?.trim() : undefined
  return value === '' ? undefined : value
}

/** As the controller reads switches (Go's `strconv.ParseBool`): `1` and `t` are true as well. */
export const isOn = (value: string | undefined): boolean =>
  /^(?:1|t|T|TRUE|true|True)$/.test(value ?? '')

export const isOff = (value: string | undefined): boolean =>
  /^(?:0|f|F|FALSE|false|False)$/.test(value ?? '')

export const annotationPath = (name: string): FieldPath => [
  'metadata',
  'annotations',
  `${NGINX_PREFIX}${name}`,
]
