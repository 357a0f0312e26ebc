import { PRESET_GUIDES } from '../../presets/application-guides.ts'
import { APPLICATION_PRESETS } from '../../presets/applications.ts'
import { type IngressView, isOn, nginxAnnotation } from '../views/ingress.ts'
import {
  type AnnotationChange,
  annotationChanges,
  changed,
  decidesAccess,
  type Stage,
} from './annotation-change.ts'
import { annotationComplaint } from './annotation-rules.ts'
import { type Audience, COOKIE_HEADER, type GuardSettings, guardAnnotations } from './guard.ts'
import { type MachineTwin, machineTwins, rewritesPaths } from './machine-twin.ts'

export type PlanSettings = {
  readonly guard: GuardSettings
  readonly stage: Stage
  /** Name of the preset of an Ingress, if any. */
  readonly presetOf: (ingress: IngressView) => string | undefined
  /** Whether the policy of one of its hosts leaves cookies alone, the session's included. */
  readonly passesCookies: (ingress: IngressView) => boolean
  /** All of the cluster. */
  readonly ingresses: readonly IngressView[]
  /** Parent domain of the session cookie, where it is known. */
  readonly cookieDomain: string | undefined
}

/** What has to happen to one Ingress. */
export type IngressPlan = {
  readonly ingress: IngressView
  readonly preset: string | undefined
  readonly changes: readonly AnnotationChange[]
  readonly twins: readonly MachineTwin[]
  /** Why annotations cannot guard it; then nothing is changed. */
  readonly obstacles: readonly string[]
  readonly notes: readonly string[]
}

export const planIngress = (ingress: IngressView, settings: PlanSettings): IngressPlan => {
  const preset = settings.presetOf(ingress)
  const moreHeaders = [
    ...headersOf(preset),
    ...(settings.passesCookies(ingress) ? [] : [COOKIE_HEADER]),
  ]
  const wanted = guardAnnotations(settings.guard, audienceOf(ingress), moreHeaders)
  const obstacles = [...obstaclesOf(ingress), ...refusals(wanted)]
  if (obstacles.length > 0) return { ingress, preset, changes: [], twins: [], obstacles, notes: [] }
  const { annotations } = ingress.object
  const machinePaths = preset === undefined ? [] : (PRESET_GUIDES[preset]?.machinePaths ?? [])
  const canTwin = !rewritesPaths(ingress)
  return {
    ingress,
    preset,
    changes: annotationChanges(annotations, wanted, settings.stage),
    twins: canTwin
      ? machineTwins(ingress, {
          ...settings,
          moreHeaders,
          machinePaths,
          otherPaths: settings.ingresses.flatMap((other) => (other === ingress ? [] : other.paths)),
        })
      : [],
    obstacles: [],
    notes: [
      ...notesOn(ingress, settings),
      ...(preset === undefined ? [] : presetNotes(preset, canTwin)),
    ],
  }
}

/** What asked without sending people to sign in was for programs, which a redirect would break. */
const audienceOf = (ingress: IngressView): Audience =>
  nginxAnnotation(ingress, 'auth-url') !== undefined &&
  nginxAnnotation(ingress, 'auth-signin') === undefined
    ? 'programs'
    : 'people'

const headersOf = (preset: string | undefined): readonly string[] =>
  APPLICATION_PRESETS.find(({ name }) => name === preset)?.headers.map(([name]) => name) ?? []

/** The controller would close the host with 503. */
const refusals = (wanted: ReadonlyMap<string, string>): readonly string[] =>
  [...wanted].flatMap(([name, value]) => annotationComplaint(name, value) ?? [])

const obstaclesOf = (ingress: IngressView): readonly string[] =>
  isOn(nginxAnnotation(ingress, 'ssl-passthrough'))
    ? ['ssl-passthrough: nginx does not see the requests. End TLS at nginx first']
    : []

/** A plan that changes nothing has nothing to tell about. */
export const isEmpty = ({ changes, twins, obstacles }: IngressPlan): boolean =>
  changes.length === 0 && twins.length === 0 && obstacles.length === 0

const notesOn = (ingress: IngressView, settings: PlanSettings): readonly string[] => [
  ...hostNotes(ingress, settings),
  ...(audienceOf(ingress) === 'programs'
    ? ['It had auth-url without auth-signin, and so it stays: add auth-signin if people use it.']
    : []),
  ...controlNotes(ingress, settings),
  ...pathNotes(ingress),
  ...ownerNotes(ingress),
]

const hostNotes = (ingress: IngressView, { cookieDomain }: PlanSettings): readonly string[] => [
  ...(ingress.paths.some(({ host }) => host === undefined)
    ? ['It serves every host that no other names; no policy does, so these get 403.']
    : []),
  ...(cookieDomain === undefined
    ? []
    : ingress.hosts
        .filter((host) => host !== cookieDomain && !host.endsWith(`.${cookieDomain}`))
        .map(
          (host) => `${host} is not below ${cookieDomain}: people would sign in over and over.`,
        )),
]

const controlNotes = (ingress: IngressView, { stage }: PlanSettings): readonly string[] => {
  const isEither = nginxAnnotation(ingress, 'satisfy') === 'any'
  const hasBoth = ['auth-type', 'whitelist-source-range'].every(
    (name) => nginxAnnotation(ingress, name) !== undefined,
  )
  return [
    ...(stage === 'observe' && isEither && hasBoth
      ? ['Until enforce, people need the address and the password: satisfy any let in either.']
      : []),
    ...(/\b40[13]\b/.test(nginxAnnotation(ingress, 'custom-http-errors') ?? '')
      ? [
          'custom-http-errors covers 401 or 403: on controllers before 1.13.7 and 1.14.3 the error page may replace the answer.',
        ]
      : []),
    ...[...STAYS].flatMap(([name, note]) =>
      nginxAnnotation(ingress, name) === undefined ? [] : [`${name} stays: ${note}.`],
    ),
    ...keptSnippets(ingress),
  ]
}

const STAYS: ReadonlyMap<string, string> = new Map([
  ['denylist-source-range', 'refusing addresses narrows only'],
  [
    'auth-tls-secret',
    'rules may read certificates if the policy says proxySets: [ssl-client-cert]',
  ],
  ['mirror-target', 'it sends a copy of each request where nobody asks'],
])

const keptSnippets = (ingress: IngressView): readonly string[] =>
  ['configuration-snippet', 'server-snippet'].flatMap((name) => {
    const snippet = nginxAnnotation(ingress, name)
    return snippet === undefined || decidesAccess(snippet)
      ? []
      : [`${name} stays: it does not seem to decide who gets in. Read it.`]
  })

const pathNotes = (ingress: IngressView): readonly string[] =>
  rewritesPaths(ingress)
    ? [
        'It rewrites paths or matches them by expression, so nginx ignores case: the policy needs paths: { case: insensitive }.',
      ]
    : []

const ownerNotes = ({ object }: IngressView): readonly string[] => {
  const release = object.annotations['meta.helm.sh/release-name']
  const application = object.labels['argocd.argoproj.io/instance']
  return [
    ...(release === undefined
      ? []
      : [
          `Helm made it (release ${release}): put the annotations into its values, or the next upgrade undoes the patch.`,
        ]),
    ...(application === undefined
      ? []
      : [`Argo CD keeps it as in Git (${application}): change it there.`]),
  ]
}

const presetNotes = (preset: string, canTwin: boolean): readonly string[] => {
  const guide = PRESET_GUIDES[preset]
  if (guide === undefined) return []
  const own = guide.machinePaths.filter(({ checkedBy }) => checkedBy === 'application')
  return [
    ...own.map(
      ({ path, callers }) =>
        `${path}: ${callers} bring credentials that only the application can check. Admit them with a rule that is public: true on this path; Vestibule then still takes forged identity headers away.`,
    ),
    ...(canTwin || guide.machinePaths.length === 0
      ? []
      : [
          'No twin for programs is made, since paths are rewritten. Give programs a host of their own.',
        ]),
    ...(guide.hasOwnTokens
      ? ['The application has bearer tokens of its own: the policy needs credentials: [cookie].']
      : []),
    ...guide.notes,
  ]
}

/** The annotations as they are after the plan. */
export const annotationsAfter = ({
  ingress,
  changes,
}: IngressPlan): Readonly<Record<string, string>> => changed(ingress.object.annotations, changes)
