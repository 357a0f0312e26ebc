import { objectName } from '../cluster-object.ts'
import { asksVestibule } from '../inventory/controls.ts'
import {
  annotationPath,
  type IngressPath,
  type IngressView,
  isOn,
  nginxAnnotation,
} from '../views/ingress.ts'
import { findGate, type Gates, gateFor, shownUrl } from './auth-url.ts'
import {
  type Condition,
  type DraftRule,
  type Leftover,
  type Origin,
  type PolicyDraft,
  placeText,
  type Translation,
  todo,
  todoCondition,
} from './draft.ts'
import { letterPrefix } from './request-conditions.ts'

/** A policy for every host of the Ingresses that has none yet, from what guards them now. */
export const translateIngresses = (
  ingresses: readonly IngressView[],
  gates: Gates,
  known: ReadonlySet<string>,
): Translation => {
  const leftovers: Leftover[] = ingresses.flatMap((each) => besides(each, known))
  const hosts = [...new Set(ingresses.flatMap((each) => each.hosts))].filter(
    (host) => !known.has(host),
  )
  const drafts = hosts.flatMap((host): readonly PolicyDraft[] => {
    const serving = ingresses.filter((each) => each.hosts.includes(host) && !isCanary(each))
    // Its policy is where Vestibule has it; what lets people in now is that policy.
    const isThere = serving.every(isGuarded)
    return serving.length === 0 || isThere ? [] : [draftOf(host, serving, gates, leftovers)]
  })
  return {
    drafts,
    leftovers: [...leftovers, ...withoutHost(ingresses), ...usedGates(ingresses, gates)],
  }
}

/** What an Ingress asks besides, where the policy of its host comes from somewhere else. */
const besides = (ingress: IngressView, known: ReadonlySet<string>): readonly Leftover[] =>
  ingress.hosts.some((host) => known.has(host))
    ? ['whitelist-source-range', 'allowlist-source-range', 'auth-type'].flatMap((name) => {
        const value = nginxAnnotation(ingress, name)
        const why = 'narrowed who may pass as well; the policy of this host does not say so'
        return value === undefined
          ? []
          : [{ origin: originOf(ingress, name), what: `${name} ${value}`, why }]
      })
    : []

const withoutHost = (ingresses: readonly IngressView[]): readonly Leftover[] =>
  ingresses
    .filter(
      ({ paths, defaultService }) =>
        defaultService !== undefined || paths.some(({ host }) => host === undefined),
    )
    .map(({ object }) => ({
      origin: object.origin,
      what: `${objectName(object)} serves every host that no other Ingress names`,
      why: 'a policy names hosts. Name them in the Ingress, or let nothing but a 404 stand behind it',
    }))

const isGuarded = (ingress: IngressView): boolean =>
  asksVestibule(nginxAnnotation(ingress, 'auth-url') ?? '')

/** A canary has the annotations of the Ingress that it stands beside. */
const isCanary = (ingress: IngressView): boolean => isOn(nginxAnnotation(ingress, 'canary'))

const usedGates = (ingresses: readonly IngressView[], gates: Gates): readonly Leftover[] => {
  const used = ingresses.flatMap((each) => {
    const url = nginxAnnotation(each, 'auth-url')
    return url === undefined ? [] : (findGate(url, each.namespace, gates) ?? [])
  })
  return [...new Set(used)].flatMap(({ leftovers }) => leftovers)
}

const draftOf = (
  host: string,
  serving: readonly IngressView[],
  gates: Gates,
  leftovers: Leftover[],
): PolicyDraft => {
  const parts = serving.map((ingress) => ({
    ingress,
    control: controlOf(ingress, gates, leftovers),
  }))
  const all = serving.flatMap((ingress) => ingress.paths.filter((path) => path.host === host))
  return {
    hosts: [host],
    comments: [
      `From ${serving.map(({ namespace, name, object }) => `Ingress ${namespace}/${name} (${placeText(object.origin)})`).join(', ')}.`,
      ...parts.flatMap(({ control }) => control.comments),
    ],
    rules: parts.flatMap(({ ingress, control }) =>
      targetsOf(ingress, host, all, serving.length > 1).flatMap((target) =>
        control.rules.map((rule) => ({ ...rule, conditions: [...rule.conditions, ...target] })),
      ),
    ),
  }
}

/** Where several Ingresses share a host, each says something of its own paths only. */
const targetsOf = (
  ingress: IngressView,
  host: string,
  all: readonly IngressPath[],
  isShared: boolean,
): readonly (readonly Condition[])[] => {
  if (!isShared) return [[]]
  return ingress.paths
    .filter((path) => path.host === host)
    .map((own) => [
      ...pathConditions(own),
      ...all
        .filter(
          (other) => other !== own && other.path !== own.path && other.path.startsWith(own.path),
        )
        .filter((other) => !ingress.paths.includes(other))
        .map((other): Condition => ({ not: pathConditions(other) })),
    ])
}

const pathConditions = ({ path, pathType }: IngressPath): readonly Condition[] => {
  if (pathType === 'Exact') return [{ http_path: { is: path } }]
  if (path === '/') return []
  if (!/^[A-Za-z0-9/._~-]+$/.test(path)) return [todoCondition(`which paths ${path} means`)]
  return pathType === 'Prefix' ? [{ http_path: { starts_with: path } }] : [letterPrefix(path)]
}

type Control = { readonly rules: readonly DraftRule[]; readonly comments: readonly string[] }

const controlOf = (ingress: IngressView, gates: Gates, leftovers: Leftover[]): Control => {
  const comments = networkComments(ingress)
  const gated = gatedRules(ingress, gates, leftovers)
  if (gated.length > 0) return { rules: gated, comments }
  if (nginxAnnotation(ingress, 'auth-type') !== undefined) {
    return { rules: basicRules(ingress, originOf(ingress, 'auth-type')), comments }
  }
  const ranges = rangesOf(ingress)
  const why =
    ranges === undefined ? 'that may pass; nothing asked who it is' : `that stands for ${ranges}`
  return { rules: [allow([{ groups: { has: todo(`the group ${why}`) } }], [])], comments }
}

const gatedRules = (
  ingress: IngressView,
  gates: Gates,
  leftovers: Leftover[],
): readonly DraftRule[] => {
  const url = nginxAnnotation(ingress, 'auth-url')
  if (url === undefined) return []
  const origin = originOf(ingress, 'auth-url')
  const { who, open } = gateFor({ url, origin, namespace: ingress.namespace }, gates, leftovers)
  const admitted = who.length === 0 ? [] : [allow(who, [`${placeText(origin)}: ${shownUrl(url)}`])]
  return [...open, ...admitted]
}

const rangesOf = (ingress: IngressView): string | undefined =>
  nginxAnnotation(ingress, 'whitelist-source-range') ??
  nginxAnnotation(ingress, 'allowlist-source-range')

const networkComments = (ingress: IngressView): readonly string[] => {
  const ranges = rangesOf(ingress)
  const denied = nginxAnnotation(ingress, 'denylist-source-range')
  const place = (name: string): string => placeText(originOf(ingress, name))
  return [
    ...(ranges === undefined
      ? []
      : [
          `${place('whitelist-source-range')}: only from ${ranges}.`,
          `An address is no ground for an allow; it can narrow one: { source_ip: [${ranges}] }`,
        ]),
    ...(denied === undefined
      ? []
      : [`${place('denylist-source-range')}: not from ${denied}. Leave the annotation in place.`]),
    ...(nginxAnnotation(ingress, 'satisfy') === 'any'
      ? [`${place('satisfy')}: satisfy any let these addresses in without any question.`]
      : []),
  ]
}

const allow = (conditions: readonly Condition[], comments: readonly string[]): DraftRule => ({
  action: 'allow',
  conditions,
  comments,
  isPublic: false,
})

const originOf = ({ object }: IngressView, name: string): Origin => ({
  file: object.origin.file,
  line: object.lineOf(annotationPath(name)),
})

/** Its people are in a Secret, which is never read. */
const basicRules = (ingress: IngressView, origin: Origin): readonly DraftRule[] => {
  const secret = nginxAnnotation(ingress, 'auth-secret') ?? ''
  return [
    allow(
      [
        {
          user: {
            in: [todo(`the addresses of the people whose names are in the Secret ${secret}`)],
          },
        },
      ],
      [`${placeText(origin)}: basic authentication. Several people may share one of its names`],
    ),
  ]
}
