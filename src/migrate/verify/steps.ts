import { routedPath } from '../../core/routed-path.ts'
import {
  type Plan,
  type PlannedCaller,
  type PlannedHost,
  type RefusedVisit,
  type Visit,
} from './plan.ts'
import { type ExpectedAnswer, type Header, type Marker, type Step, type StepKind } from './step.ts'

/** Every request that the plan asks for; `run` makes their ids and marks unlike anybody else's. */
export const stepsOf = (plan: Plan, run: string): readonly Step[] => {
  let count = 0
  const nextId = (): string => `${run}-${(count += 1)}`
  return plan.hosts.flatMap((host) => stepsOfHost({ plan, host, run, nextId }))
}

type Drafting = {
  readonly plan: Plan
  readonly host: PlannedHost
  readonly run: string
  readonly nextId: () => string
}

const stepsOfHost = (drafting: Drafting): readonly Step[] => [
  anonymousStep(drafting, 'anonymous', []),
  ...drafting.host.right.map((visit) => rightStep(drafting, visit)),
  ...drafting.host.wrong.map((visit) => wrongStep(drafting, visit)),
  anonymousStep(drafting, 'spoofed_anonymous', headersOf(markersOf(drafting))),
  impersonationStep(drafting),
  ...identitySteps(drafting),
  ...directSteps(drafting),
]

type Draft = {
  readonly kind: StepKind
  readonly caller?: string | undefined
  readonly method?: string
  readonly path: string
  readonly headers?: readonly Header[]
  readonly answer: ExpectedAnswer
  readonly effects: readonly ('allow' | 'challenge' | 'deny')[]
  readonly reason?: string | undefined
}

const stepOf = ({ plan, host, nextId }: Drafting, draft: Draft): Step => {
  const { kind, caller, method = 'GET', path, headers = [], answer, effects, reason } = draft
  return {
    id: nextId(),
    host: host.host,
    kind,
    caller,
    method,
    url: `${host.origin}${path}`,
    address: host.address,
    headers,
    answer,
    decision: {
      effects,
      reason,
      caller: caller === undefined ? undefined : callerOf(plan, caller),
      mode: host.mode,
      method,
      path: routedPath(path),
    },
    line: host.line,
  }
}

/** The plan's schema knows that every name is one of its callers. */
const callerOf = ({ callers }: Plan, name: string): PlannedCaller | undefined => callers.get(name)

const anonymousStep = (
  drafting: Drafting,
  kind: 'anonymous' | 'spoofed_anonymous',
  headers: readonly Header[],
): Step => {
  const { path, answer } = drafting.host.anonymous
  return stepOf(drafting, {
    kind,
    path,
    headers,
    answer: observedAnswer(drafting) ?? anonymousAnswer(drafting.plan, answer),
    effects: [answer === '403' ? 'deny' : 'challenge'],
  })
}

const anonymousAnswer = (
  { signIn }: Plan,
  answer: PlannedHost['anonymous']['answer'],
): ExpectedAnswer =>
  answer === 'sign_in'
    ? { kind: 'sign_in', location: signIn }
    : { kind: 'status', statuses: [Number(answer)] }

/** What is observed is let through; the application answers as it does to those it knows. */
const observedAnswer = ({ host }: Drafting): ExpectedAnswer | undefined =>
  host.mode === 'observe'
    ? { kind: 'status', statuses: [...new Set([200, ...host.right.map(({ status }) => status)])] }
    : undefined

const rightStep = (drafting: Drafting, { caller, method, path, status }: Visit): Step =>
  stepOf(drafting, {
    kind: 'right_person',
    caller,
    method,
    path,
    answer: { kind: 'status', statuses: [status] },
    effects: ['allow'],
  })

const wrongStep = (drafting: Drafting, { caller, method, path, reason }: RefusedVisit): Step =>
  stepOf(drafting, {
    kind: 'wrong_person',
    caller,
    method,
    path,
    answer: observedAnswer(drafting) ?? { kind: 'status', statuses: [403] },
    effects: ['deny'],
    reason,
  })

/** Refused on every host and in every mode, whoever asks. */
const impersonationStep = (drafting: Drafting): Step => {
  const { right, anonymous } = drafting.host
  return stepOf(drafting, {
    kind: 'impersonation',
    path: right[0]?.path ?? anonymous.path,
    headers: [['Impersonate-User', `${drafting.run}-impersonated`]],
    answer: { kind: 'status', statuses: [403] },
    effects: ['deny'],
    reason: 'impersonation_header',
  })
}

/** Each header has a mark of its own, so that a page betrays which one came through. */
const markersOf = ({ plan, run }: Drafting): readonly Marker[] =>
  plan.identityHeaders.map((header, index) => ({ header, value: `${run}-forged-${index + 1}` }))

const headersOf = (markers: readonly Marker[]): readonly Header[] =>
  markers.map(({ header, value }) => [header, value])

const identitySteps = (drafting: Drafting): readonly Step[] => {
  const { identity } = drafting.host
  if (identity === undefined) return []
  const { caller, path, shows } = identity
  const draft = (kind: 'spoofed_identity' | 'spoofed_spelling', markers: readonly Marker[]) =>
    stepOf(drafting, {
      kind,
      caller,
      path,
      headers: [...headersOf(markers), ['Accept', 'application/json, text/html;q=0.9, */*;q=0.8']],
      answer: { kind: 'identity', mayBeRefused: kind === 'spoofed_spelling', shows, markers },
      effects: kind === 'spoofed_spelling' ? ['allow', 'deny'] : ['allow'],
    })
  return [
    draft('spoofed_identity', markersOf(drafting)),
    // CGI, WSGI and Rack take an underscore for a hyphen; controllers drop such names or pass them.
    draft(
      'spoofed_spelling',
      markersOf(drafting).map(({ header, value }) => ({
        header: header.replaceAll('-', '_'),
        value,
      })),
    ),
  ]
}

const directSteps = (drafting: Drafting): readonly Step[] =>
  drafting.host.direct.map((way) => ({
    id: drafting.nextId(),
    host: drafting.host.host,
    kind: 'direct',
    caller: undefined,
    method: 'GET',
    url: way.url,
    address: way.address,
    headers: headersOf(markersOf(drafting)),
    answer: { kind: 'nothing', way },
    decision: undefined,
    line: drafting.host.line,
  }))
