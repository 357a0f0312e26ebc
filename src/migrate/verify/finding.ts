/** What can be wrong, with what to do about it. Closed: reports and tests use these codes only. */
export const FINDINGS = {
  unreachable: 'Is the host served there, and does the plan name the right address?',
  let_through:
    'Is auth-url still on every Ingress of this host, and does a rule admit more than it should?',
  refused: 'Look at the reason in the decision log: vestibule policy explain shows the rules.',
  not_sent_to_sign_in: 'Compare auth-signin on the Ingress with signIn in the plan.',
  wrong_status: 'The application answers otherwise; correct status in the plan if that is right.',
  fails_closed: 'nginx got no answer from Vestibule: look at its pods and its NetworkPolicy.',
  spoofed_header:
    'List it in auth-response-headers; nginx then replaces what the client sent by what Vestibule says.',
  identity_not_shown: 'Does the page show who is signed in, and does the application read headers?',
  impersonation: 'Impersonate-* headers have to be refused; is Vestibule asked on this path?',
  direct_access: 'Close it with a NetworkPolicy: vestibule migrate networkpolicy writes one.',
  direct_unresolved: 'Run this from a pod of the cluster, or give the way an address in the plan.',
  not_logged:
    'Is auth-url on the Ingress, is this the log of every replica, and does decisionLog write there?',
  logged_twice: 'One request is one decision: is auth-url also on an Ingress behind the first?',
  logged_effect: 'The answer and the log disagree; something other than Vestibule answered.',
  logged_reason: 'Refused, but not for the reason that is in the plan.',
  logged_caller: 'The log must name who it was; does the credential belong to this caller?',
  logged_request: 'nginx tells Vestibule something else than was asked for; compare auth-url.',
  only_observed: 'Set mode: enforce in the policy, or mode: observe in the plan.',
  not_observed: 'The plan says mode: observe, and the policy is enforced.',
  stale_credential:
    'Sign in again, and put the fresh cookie or token into the environment or file.',
} as const

export type FindingCode = keyof typeof FINDINGS

export type Finding = {
  readonly code: FindingCode
  readonly problem: string
  readonly remedy: string
}

export const finding = (code: FindingCode, problem: string): Finding => ({
  code,
  problem,
  remedy: FINDINGS[code],
})
