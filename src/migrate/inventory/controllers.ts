import { type Cluster, configMapData } from '../cluster.ts'
import { type ClusterObject } from '../cluster-object.ts'
import { textAt } from '../fields.ts'
import { type Labels } from '../network/label-selector.ts'
import { NGINX_PREFIX } from '../views/ingress.ts'
import { type Container, type WorkloadView } from '../views/workload.ts'
import { parseRelease, type Release } from './controller-release.ts'

/** A running ingress-nginx, with what its command line and ConfigMap say. */
export type Controller = {
  readonly workload: WorkloadView
  readonly container: Container
  readonly release: Release | undefined
  /** Classes that it serves, as far as its command line and the IngressClasses say. */
  readonly classes: readonly string[]
  readonly configMap: ClusterObject | undefined
  /** The data of the ConfigMap, empty where it was not read. */
  readonly settings: Labels
  readonly tcpServices: ClusterObject | undefined
  /** Headers that every application gets, by `proxy-set-headers`. */
  readonly setHeaders: ClusterObject | undefined
  /** Where it reads annotations of another prefix, that one. */
  readonly otherPrefix: string | undefined
}

const CONTROLLER_IMAGE =
  /(?:^|\/)(?:ingress-nginx\/controller|nginx-ingress-controller|ingress-nginx-controller)(?:-chroot)?(?=[:@]|$)/

const DEFAULT_CLASS_CONTROLLER = 'k8s.io/ingress-nginx'

export const findControllers = (cluster: Cluster): readonly Controller[] =>
  cluster.workloads
    .filter(({ isOwned }) => !isOwned)
    .flatMap((workload) =>
      workload.containers
        .filter((container) => isController(container))
        .map((container) => controllerOf(cluster, workload, container)),
    )

/** By its image, or by its program, which stays when people mirror and rename images. */
const isController = ({ image, command, args }: Container): boolean =>
  CONTROLLER_IMAGE.test(image) ||
  [...command, ...args].some((word) => /(?:^|\/)nginx-ingress-controller$/.test(word))

const controllerOf = (
  cluster: Cluster,
  workload: WorkloadView,
  container: Container,
): Controller => {
  const configMap = namedConfigMap(cluster, workload, flag(container, 'configmap'))
  const settings = configMap === undefined ? {} : configMapData(configMap)
  return {
    workload,
    container,
    release: releaseOf(workload, container),
    classes: classesOf(cluster, container),
    configMap,
    settings,
    setHeaders: namedConfigMap(cluster, workload, settings['proxy-set-headers']),
    tcpServices: namedConfigMap(cluster, workload, flag(container, 'tcp-services-configmap')),
    otherPrefix: otherPrefix(flag(container, 'annotations-prefix')),
  }
}

const otherPrefix = (written: string | undefined): string | undefined =>
  written === undefined || `${written}/` === NGINX_PREFIX ? undefined : written

const releaseOf = ({ object }: WorkloadView, { image }: Container): Release | undefined => {
  const [, tag = ''] = /:([^:/@]+)(?:@.*)?$/.exec(image) ?? []
  return parseRelease(tag) ?? parseRelease(object.labels['app.kubernetes.io/version'] ?? '')
}

/** `--configmap=$(POD_NAMESPACE)/ingress-nginx-controller` */
const namedConfigMap = (
  { configMaps }: Cluster,
  { namespace }: WorkloadView,
  written: string | undefined,
): ClusterObject | undefined => {
  if (written === undefined) return undefined
  const [place = '', name = ''] = written.split('/')
  const home = place === '$(POD_NAMESPACE)' ? namespace : place
  return configMaps.find((each) => each.namespace === home && each.name === name)
}

const flag = ({ args, command }: Container, name: string): string | undefined => {
  const words = [...command, ...args]
  const joined = words.find((word) => word.startsWith(`--${name}=`))
  if (joined !== undefined) return joined.slice(name.length + 3)
  const at = words.indexOf(`--${name}`)
  return at === -1 ? undefined : words[at + 1]
}

const classesOf = (cluster: Cluster, container: Container): readonly string[] => {
  const served = flag(container, 'controller-class') ?? DEFAULT_CLASS_CONTROLLER
  const named = cluster.ingressClasses
    .filter(({ fields }) => textAt(fields, 'spec', 'controller') === served)
    .map(({ name }) => name)
  return [...new Set([...named, flag(container, 'ingress-class') ?? 'nginx'])]
}

/** Classes that some IngressClass gives to another controller. */
export const foreignClasses = (
  { ingressClasses }: Cluster,
  controllers: readonly Controller[],
): ReadonlySet<string> => {
  const own = new Set([
    DEFAULT_CLASS_CONTROLLER,
    ...controllers.map(({ container }) => flag(container, 'controller-class') ?? ''),
  ])
  return new Set(
    ingressClasses
      .filter(({ fields }) => !own.has(textAt(fields, 'spec', 'controller') ?? ''))
      .map(({ name }) => name),
  )
}
