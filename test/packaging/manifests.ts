import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import { type Labels, type NetworkPolicy } from './network-policy.ts'

const ROOT = join(import.meta.dirname, '../..')

export type Manifest = {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly annotations?: Labels
    readonly labels?: Labels
  }
}

type KeyRef = { readonly name: string; readonly key: string; readonly optional?: boolean }
type Probe = { readonly httpGet: { readonly path: string; readonly port: string } }

export type Container = {
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env: readonly {
    readonly name: string
    readonly value?: string
    readonly valueFrom?: { readonly secretKeyRef?: KeyRef }
  }[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly startupProbe: Probe
  readonly readinessProbe: Probe
  readonly livenessProbe: Probe
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: string[] } } }
  readonly resources: { readonly limits: Labels; readonly requests: Labels }
  readonly securityContext: {
    readonly allowPrivilegeEscalation: boolean
    readonly readOnlyRootFilesystem: boolean
    readonly capabilities: { readonly add?: readonly string[]; readonly drop: readonly string[] }
  }
  readonly volumeMounts: readonly {
    readonly name: string
    readonly mountPath: string
    readonly subPath?: string
    readonly readOnly: boolean
  }[]
}

export type Volume = {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly secret?: {
    readonly secretName: string
    readonly items: readonly { readonly key: string; readonly path: string }[]
  }
}

export type Deployment = Manifest & {
  readonly spec: {
    readonly replicas: number
    readonly strategy: {
      readonly type: string
      readonly rollingUpdate?: { readonly maxUnavailable: number }
    }
    readonly template: {
      readonly metadata: { readonly labels: Labels }
      readonly spec: {
        readonly automountServiceAccountToken: boolean
        readonly enableServiceLinks: boolean
        readonly terminationGracePeriodSeconds: number
        readonly securityContext: {
          readonly runAsNonRoot: boolean
          readonly runAsUser: number
          readonly seccompProfile: { readonly type: string }
        }
        readonly containers: readonly Container[]
        readonly volumes: readonly Volume[]
      }
    }
  }
}

export type Service = Manifest & {
  readonly spec: {
    readonly type: string
    readonly clusterIP?: string
    readonly selector: Labels
    readonly ports: readonly {
      readonly name: string
      readonly port: number
      readonly targetPort: string
    }[]
  }
}

export type Ingress = Manifest & {
  readonly spec: {
    readonly rules: readonly {
      readonly host: string
      readonly http: {
        readonly paths: readonly {
          readonly path: string
          readonly backend: {
            readonly service: { readonly name: string; readonly port: { readonly name?: string } }
          }
        }[]
      }
    }[]
  }
}

type Kinds = {
  readonly ConfigMap: Manifest & { readonly data: Labels }
  readonly Deployment: Deployment
  readonly Ingress: Ingress
  readonly NetworkPolicy: NetworkPolicy
  readonly PodDisruptionBudget: Manifest & { readonly spec: { readonly maxUnavailable: number } }
  readonly Service: Service
  readonly ServiceAccount: Manifest & { readonly automountServiceAccountToken: boolean }
}

export const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

export const parseYaml = (text: string): unknown => parse(text) as unknown

export const parseManifests = (text: string): readonly Manifest[] =>
  parseAllDocuments(text)
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0]!
      return document.toJS() as Manifest | null
    })
    .filter((manifest) => manifest !== null)

/** Kustomize also warns, on standard error, about the spelling that old versions need. */
export const render = (folder: string): readonly Manifest[] =>
  parseManifests(
    execFileSync('kubectl', ['kustomize', join(ROOT, folder)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )

export const allOf = <Kind extends keyof Kinds>(
  manifests: readonly Manifest[],
  kind: Kind,
): readonly Kinds[Kind][] =>
  manifests.filter((manifest) => manifest.kind === kind) as unknown as readonly Kinds[Kind][]

export const oneOf = <Kind extends keyof Kinds>(
  manifests: readonly Manifest[],
  kind: Kind,
  name: string,
): Kinds[Kind] => {
  const found = allOf(manifests, kind).filter(({ metadata }) => metadata.name === name)
  if (found.length !== 1) throw new Error(`${found.length} of ${kind}/${name}`)
  return found[0]!
}
