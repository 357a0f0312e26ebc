import { type Finding, finding } from './finding.ts'
import { type Answered, type ExpectedAnswer, type Step } from './step.ts'

type Answer = Extract<Answered, { readonly kind: 'answer' }>
type Expected<Kind extends ExpectedAnswer['kind']> = Extract<
  ExpectedAnswer,
  { readonly kind: Kind }
>

/** What is wrong with an answer; nothing where it is as planned. */
export const judgeAnswer = ({ answer: expected }: Step, answered: Answered): readonly Finding[] => {
  if (expected.kind === 'nothing') return judgeDirect(expected, answered)
  if (answered.kind !== 'answer') return [finding('unreachable', `no answer: ${answered.detail}`)]
  switch (expected.kind) {
    case 'sign_in':
      return judgeSignIn(expected, answered)
    case 'status':
      return expected.statuses.includes(answered.status)
        ? []
        : [wrongStatus(expected.statuses, answered)]
    case 'identity':
      return judgeIdentity(expected, answered)
  }
}

const judgeSignIn = (
  { location: wanted }: Expected<'sign_in'>,
  answer: Answer,
): readonly Finding[] => {
  if (answer.status === 401) return [finding('not_sent_to_sign_in', 'answered 401, not 302')]
  if (answer.status !== 302) return [wrongStatus([302], answer)]
  const led = answer.location ?? ''
  // A prefix alone would take auth.example.com.evil.test for auth.example.com.
  const isThere = wanted === undefined || led.split('?')[0] === wanted
  return isThere ? [] : [finding('not_sent_to_sign_in', `sent to ${led.split('?')[0] ?? ''}`)]
}

/** What a status says went wrong, seen from what should have been. */
const wrongStatus = (wanted: readonly number[], { status, location }: Answer): Finding => {
  const said = `answered ${status}${location === undefined ? '' : `, to ${location.split('?')[0] ?? ''}`}, not ${wanted.join(' or ')}`
  if (status >= 500) return finding('fails_closed', said)
  const wantsRefusal = wanted.every((each) => REFUSALS.has(each))
  if (wantsRefusal && !REFUSALS.has(status)) return finding('let_through', said)
  if (!wantsRefusal && REFUSALS.has(status)) return finding('refused', said)
  return finding('wrong_status', said)
}

/** A redirect is counted as a refusal: what is wanted of it is that nobody sees the application. */
const REFUSALS: ReadonlySet<number> = new Set([302, 401, 403])

const judgeIdentity = (
  { mayBeRefused, shows, markers }: Expected<'identity'>,
  answer: Answer,
): readonly Finding[] => {
  if (answer.status === 403 && mayBeRefused) return []
  if (answer.status !== 200) return [wrongStatus([200], answer)]
  const arrived = markers.filter(({ value }) => answer.body.includes(value))
  return [
    ...arrived.map(({ header }) =>
      finding('spoofed_header', `${header} reached the application as the client wrote it`),
    ),
    ...(answer.body.includes(shows)
      ? []
      : [finding('identity_not_shown', `the page does not show ${shows}`)]),
  ]
}

const judgeDirect = (
  { way: { answer: allowed } }: Expected<'nothing'>,
  answered: Answered,
): readonly Finding[] => {
  switch (answered.kind) {
    case 'unreachable':
      return []
    case 'unresolved':
      return [finding('direct_unresolved', answered.detail)]
    case 'closed':
      return allowed === 'refused'
        ? []
        : [finding('direct_access', `accepts connections: ${answered.detail}`)]
    case 'answer':
      return allowed === 'refused' && (answered.status === 401 || answered.status === 403)
        ? []
        : [finding('direct_access', `answers with ${answered.status}, around the ingress`)]
  }
}
