import { type DrillReport } from '../flow/drill.ts'
import { type DrillOptions } from './drill-options.ts'
import { type DrillProof } from './drill-proof.ts'
import { printable } from './printable.ts'

type About = {
  readonly options: Pick<DrillOptions, 'host' | 'person' | 'withinMs' | 'through'>
  readonly proof: DrillProof['kind']
  /** Where it was asked. */
  readonly places: readonly string[]
}

const PROOFS: Readonly<Record<DrillProof['kind'], string>> = {
  minted: 'a session that the drill made',
  cookie: 'the session cookie of the file',
  token: 'the bearer token of the file',
}

export const drillText = (report: DrillReport, about: About): string => {
  const { host, person } = about.options
  const subject = printable(person.subject)
  const asked = `${subject} at ${host}, with ${PROOFS[about.proof]}, asked at ${about.places.join(', ')}`
  if (report.kind === 'not_allowed') {
    return `${asked}\nnot let in to begin with: ${report.before.detail}\nNothing was ended and nothing is proven. Next: vestibule policy explain says what the policy asks for (--group, --email, --path).`
  }
  const { before, after, acknowledgedMs, lagMs } = report
  const lines = [
    asked,
    `let in:   ${before.detail}`,
    `ended:    everything of ${subject}; the order was acknowledged after ${rounded(acknowledgedMs)} ms`,
  ]
  if (report.kind === 'refused') {
    return [
      ...lines,
      `refused:  ${after.detail}, ${rounded(lagMs ?? 0)} ms after the order`,
      `Revocation works: every answer was no within ${rounded(about.options.withinMs)} ms.`,
    ].join('\n')
  }
  const failure =
    lagMs === undefined
      ? `NOT refused within ${about.options.withinMs} ms: ${after.detail}`
      : `refused too late: ${rounded(lagMs)} ms after the order, ${about.options.withinMs} ms were allowed`
  return [...lines, failure, hintFor(about)].join('\n')
}

const hintFor = ({ options, proof }: About): string => {
  if (options.through !== undefined) {
    return 'Next: drill without --through. If that is refused, something before Vestibule keeps its answers: look for auth-cache-key on the Ingress, or a cache before it.'
  }
  return proof === 'minted'
    ? 'Next: look whether the policy lets anybody in (public: true, mode: observe), and at vestibule_revocation_lag_seconds of each replica.'
    : 'Next: look whether the cookie or token is of that subject, and whether the policy lets anybody in (public: true, mode: observe).'
}

export const drillJson = (report: DrillReport, { options, proof, places }: About): object => ({
  result: report.kind,
  host: options.host,
  subject: options.person.subject,
  proof,
  asked: places,
  withinMs: options.withinMs,
  before: report.before.detail,
  after: report.kind === 'not_allowed' ? null : report.after.detail,
  acknowledgedMs: report.kind === 'not_allowed' ? null : rounded(report.acknowledgedMs),
  lagMs: report.kind === 'not_allowed' || report.lagMs === undefined ? null : rounded(report.lagMs),
})

const rounded = (ms: number): number => Math.round(ms * 10) / 10
