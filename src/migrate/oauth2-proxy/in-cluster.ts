import { type Cluster, configMapData, workloadsBehind } from '../cluster.ts'
import { listAt, textAt } from '../fields.ts'
import { type Container, type WorkloadView } from '../views/workload.ts'
import { type Settings, settingsOf, type Variable, type Word } from './settings.ts'

export type FoundProxy = {
  readonly workload: WorkloadView
  /** Services that lead to it, as `namespace/name`. */
  readonly services: readonly string[]
  readonly settings: Settings
}

/** The oauth2-proxies that run in a cluster, with what their manifests tell them. */
export const findProxies = (cluster: Cluster): readonly FoundProxy[] =>
  cluster.workloads.flatMap((workload) => {
    const container = workload.isOwned ? undefined : workload.containers.find(isProxy)
    if (container === undefined) return []
    const services = cluster.services
      .filter((service) => workloadsBehind(cluster, service).includes(workload))
      .map(({ namespace, name }) => `${namespace}/${name}`)
    return [{ workload, services, settings: settingsIn(cluster, workload, container) }]
  })

const isProxy = ({ image }: Container): boolean => /(?:^|\/)oauth2[-_]proxy(?:[:@]|$)/.test(image)

const settingsIn = (cluster: Cluster, workload: WorkloadView, container: Container): Settings => {
  const { object } = workload
  const placed = (text: string, key: string, index: number): Word => ({
    text,
    origin: { file: object.origin.file, line: object.lineOf([...container.at, key, index]) },
  })
  const words = [
    ...container.command.slice(1).map((text, index) => placed(text, 'command', index + 1)),
    ...container.args.map((text, index) => placed(text, 'args', index)),
  ]
  const found = settingsOf({
    words,
    variables: variablesOf(workload, container),
    files: configurationFiles(cluster, workload),
  })
  return { ...found, leftovers: [...found.leftovers, ...unread(workload, container)] }
}

const variablesOf = ({ object }: WorkloadView, { at }: Container): readonly Variable[] =>
  listAt(object.fields, ...at, 'env').flatMap((entry, index) => {
    const [name, value] = [textAt(entry, 'name'), textAt(entry, 'value')]
    if (name === undefined || value === undefined) return []
    const line = object.lineOf([...at, 'env', index])
    return [{ name, value, origin: { file: object.origin.file, line } }]
  })

/** Values of Secrets are not read, and settings may stand there. */
const unread = ({ object }: WorkloadView, { at }: Container): Settings['leftovers'] =>
  listAt(object.fields, ...at, 'envFrom').map((entry, index) => ({
    origin: { file: object.origin.file, line: object.lineOf([...at, 'envFrom', index]) },
    what: `envFrom ${textAt(entry, 'secretRef', 'name') ?? textAt(entry, 'configMapRef', 'name') ?? ''}`,
    why: 'was not read. See whether settings stand there that say who may pass',
  }))

/** Its configuration file is most often mounted from a ConfigMap. */
const configurationFiles = (
  cluster: Cluster,
  { object, namespace }: WorkloadView,
): readonly { readonly file: string; readonly text: string }[] => {
  const template = object.kind === 'Pod' ? [] : ['spec', 'template']
  const names = new Set(
    listAt(object.fields, ...template, 'spec', 'volumes').flatMap(
      (volume) => textAt(volume, 'configMap', 'name') ?? [],
    ),
  )
  return cluster.configMaps
    .filter((each) => each.namespace === namespace && names.has(each.name))
    .flatMap((each) =>
      Object.entries(configMapData(each))
        .filter(([key]) => /\.(?:cfg|toml|conf)$/.test(key))
        .map(([key, text]) => ({ file: `ConfigMap ${namespace}/${each.name} ${key}`, text })),
    )
}
