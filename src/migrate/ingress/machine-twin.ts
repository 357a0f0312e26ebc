import { type MachinePath, type PresetGuide } from '../../presets/preset-guide.ts'
import { fieldsAt, listAt, valueAt } from '../fields.ts'
import {
  type IngressPath,
  type IngressView,
  isOn,
  NGINX_PREFIX,
  nginxAnnotation,
} from '../views/ingress.ts'
import { type Annotations, annotationChanges, changed, type Stage } from './annotation-change.ts'
import { type GuardSettings, guardAnnotations } from './guard.ts'

/** An Ingress for the paths that programs call: the same question, without a page to sign in. */
export type MachineTwin = {
  readonly manifest: TwinManifest
  readonly paths: readonly MachinePath[]
}

export type TwinManifest = {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'Ingress'
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly annotations: Annotations
  }
  readonly spec: Readonly<Record<string, unknown>>
}

export type TwinSettings = {
  readonly guard: GuardSettings
  readonly stage: Stage
  readonly moreHeaders: readonly string[]
  readonly machinePaths: PresetGuide['machinePaths']
  /** Paths of other Ingresses, which may be closer to what programs call. */
  readonly otherPaths: readonly IngressPath[]
}

/**
 * One for callers whom Vestibule knows, one for callers whose credentials are the application's:
 * nginx must not take their Authorization away.
 */
export const machineTwins = (
  ingress: IngressView,
  settings: TwinSettings,
): readonly MachineTwin[] =>
  (['vestibule', 'application'] as const).flatMap((checkedBy) => {
    const wanted = settings.machinePaths.filter((path) => path.checkedBy === checkedBy)
    const rules = rulesFor(ingress, wanted, settings.otherPaths)
    if (rules.length === 0) return []
    const suffix = checkedBy === 'vestibule' ? 'programs' : 'own-tokens'
    const headers =
      checkedBy === 'vestibule'
        ? settings.moreHeaders
        : settings.moreHeaders.filter((name) => name.toLowerCase() !== 'authorization')
    return [{ manifest: twinOf(ingress, settings, { suffix, headers, rules }), paths: wanted }]
  })

type TwinPart = {
  readonly suffix: string
  readonly headers: readonly string[]
  readonly rules: readonly unknown[]
}

const LONGEST_NAME = 253

const twinOf = (
  ingress: IngressView,
  { guard, stage }: TwinSettings,
  { suffix, headers, rules }: TwinPart,
): TwinManifest => {
  const wanted = guardAnnotations(guard, 'programs', headers)
  const inherited = Object.fromEntries(
    Object.entries(ingress.object.annotations).filter(([name]) => name.startsWith(NGINX_PREFIX)),
  )
  const tls = listAt(ingress.object.fields, 'spec', 'tls')
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: `${ingress.name.slice(0, LONGEST_NAME - suffix.length - 1)}-${suffix}`,
      namespace: ingress.namespace,
      annotations: changed(inherited, annotationChanges(inherited, wanted, stage)),
    },
    spec: {
      ...(ingress.className === undefined ? {} : { ingressClassName: ingress.className }),
      ...(tls.length === 0 ? {} : { tls }),
      rules,
    },
  }
}

/** Each path goes where the Ingress sends it: to the back end of its longest path that fits. */
const rulesFor = (
  ingress: IngressView,
  wanted: readonly MachinePath[],
  others: readonly IngressPath[],
): readonly unknown[] =>
  ingress.hosts.flatMap((host) => {
    const paths = wanted.flatMap(({ path, pathType }) => {
      const fits = (each: IngressPath): boolean => each.host === host && covers(each, path)
      const target = longestOf(ingress.paths.filter(fits))
      const rival = longestOf(others.filter(fits))
      // A path that has its own line already is not moved.
      if (target === undefined || target.path === path) return []
      if (rival !== undefined && rival.path.length >= target.path.length) return []
      const backend = fieldsAt(valueAt(ingress.object.fields, ...target.at), 'backend')
      return backend === undefined ? [] : [{ path, pathType, backend }]
    })
    return paths.length === 0 ? [] : [{ host, http: { paths } }]
  })

const longestOf = (paths: readonly IngressPath[]): IngressPath | undefined =>
  paths.toSorted((one, other) => other.path.length - one.path.length)[0]

const covers = (outer: IngressPath, path: string): boolean => {
  if (outer.pathType === 'Exact') return outer.path === path
  const prefix = outer.path.endsWith('/') ? outer.path : `${outer.path}/`
  return path === outer.path || path.startsWith(prefix)
}

/** nginx would match a twin's paths in another way than the Ingress's own. */
export const rewritesPaths = (ingress: IngressView): boolean =>
  nginxAnnotation(ingress, 'rewrite-target') !== undefined ||
  isOn(nginxAnnotation(ingress, 'use-regex'))
