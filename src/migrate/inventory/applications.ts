import { type Fingerprint } from '../../presets/fingerprint.ts'
import { type FieldPath, placeIn } from '../cluster-object.ts'
import { type Container, environmentOf, type WorkloadView } from '../views/workload.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { type Application, findApplications } from './known-applications.ts'
import { type Scene } from './scene.ts'

/** Applications that are recognised, and how they are set up. */
export const APPLICATION_FINDINGS = {
  application: {
    severity: 'info',
    title: 'A known application',
    why: 'What it accepts as identity decides how it is put behind the gate.',
    next: 'See its preset in docs/migrate-inventory.md.',
  },
  application_without_sign_in: {
    severity: 'high',
    title: 'The application itself asks nobody who it is',
    why: 'It was told to let everybody in, so whoever reaches it past the ingress is in.',
    next: 'NetworkPolicy first, then the gate; switch its own sign-in on if it has one.',
  },
  application_admin_api: {
    severity: 'medium',
    title: 'The application offers to change or stop it',
    why: 'Whoever passes the gate may do that too, unless a rule denies these paths.',
    next: 'Deny the paths by a rule, or start it without the flag.',
  },
} as const satisfies FindingKinds

export const applicationFindings = (scene: Scene): readonly Finding[] =>
  findApplications(scene).flatMap((application) => [
    findingOf(APPLICATION_FINDINGS, 'application', {
      what: `${application.fingerprint.title}, by ${application.by}: ${presetText(application.fingerprint)}. ${application.fingerprint.advice}`,
      places: [application.place],
      hosts: application.backEnd.hosts,
    }),
    ...application.backEnd.workloads.flatMap((workload) => setUp(application, workload)),
  ])

const presetText = ({ preset }: Fingerprint): string =>
  preset === undefined ? 'no preset' : `preset ${preset}`

/** What one container shows: the place, and the flag or variable by its name. */
type Sign = { readonly path: FieldPath; readonly shown: string }

/** A flag or variable by which an application says that it lets everybody in, or offers more. */
type Switch = {
  readonly application: string
  readonly id: 'application_without_sign_in' | 'application_admin_api'
  readonly find: (workload: WorkloadView, container: Container) => Sign | undefined
}

const argument =
  (wanted: RegExp): Switch['find'] =>
  (_workload, { args, at }) => {
    const index = args.findIndex((word) => wanted.test(word))
    const shown = args[index]
    return shown === undefined ? undefined : { path: [...at, 'args', index], shown }
  }

const variable =
  (name: string, wanted: RegExp): Switch['find'] =>
  (workload, container) =>
    wanted.test(environmentOf(workload, container)[name] ?? '')
      ? { path: [...container.at, 'env'], shown: name }
      : undefined

const SWITCHES: readonly Switch[] = [
  {
    application: 'prometheus',
    id: 'application_admin_api',
    find: argument(/^--web\.enable-(?:admin-api|lifecycle|remote-write-receiver)(?:=true)?$/),
  },
  {
    application: 'grafana',
    id: 'application_without_sign_in',
    find: variable('GF_AUTH_ANONYMOUS_ENABLED', /^true$/i),
  },
  {
    application: 'argocd',
    id: 'application_without_sign_in',
    find: argument(/^--disable-auth(?:=true)?$/),
  },
  {
    application: 'argocd',
    id: 'application_without_sign_in',
    find: variable('ARGOCD_SERVER_DISABLE_AUTH', /^true$/i),
  },
  {
    application: 'argo-workflows',
    id: 'application_without_sign_in',
    find: argument(/^--auth-mode=server$/),
  },
  {
    application: 'kubernetes-dashboard',
    id: 'application_without_sign_in',
    find: argument(/^--enable-skip-login(?:=true)?$/),
  },
  {
    application: 'elasticsearch',
    id: 'application_without_sign_in',
    find: variable('xpack.security.enabled', /^false$/i),
  },
  {
    application: 'kafka-ui',
    id: 'application_without_sign_in',
    find: variable('AUTH_TYPE', /^disabled$/i),
  },
]

const setUp = ({ fingerprint, backEnd }: Application, workload: WorkloadView): readonly Finding[] =>
  SWITCHES.filter(({ application }) => application === fingerprint.id).flatMap(({ id, find }) =>
    workload.containers.flatMap((container) => {
      const sign = find(workload, container)
      if (sign === undefined) return []
      return [
        findingOf(APPLICATION_FINDINGS, id, {
          what: `${fingerprint.title} is started with ${sign.shown}`,
          places: [placeIn(workload.object, ...sign.path)],
          hosts: backEnd.hosts,
        }),
      ]
    }),
  )
