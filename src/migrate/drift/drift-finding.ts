/** Every way in which a cluster may differ from what guards it. Closed: scripts rely on these ids. */
export const DRIFT_FINDINGS = {
  ingress_not_guarded: {
    severity: 'error',
    meaning: 'An Ingress that should ask Vestibule does not.',
  },
  auth_url_changed: {
    severity: 'error',
    meaning: '`auth-url` leads to Vestibule, but is not as it has to be.',
  },
  check_defeated: {
    severity: 'error',
    meaning: 'An annotation keeps nginx from asking, or lets it forget the answer.',
  },
  header_not_listed: {
    severity: 'error',
    meaning: 'An identity header is missing in `auth-response-headers`, so clients can forge it.',
  },
  buffer_too_small: {
    severity: 'error',
    meaning: '`proxy-buffer-size` is below 4k, or below what the policy says: nginx answers 500.',
  },
  session_cookie_passed: {
    severity: 'error',
    meaning:
      '`Cookie` is missing in `auth-response-headers`, so the application gets the session cookie.',
  },
  cookies_taken: {
    severity: 'error',
    meaning:
      '`Cookie` is listed though the policy says `stripCookie: false`: the application gets none.',
  },
  side_door: {
    severity: 'error',
    meaning:
      'Another Ingress leads to what is guarded without asking, or a Service opens it past nginx.',
  },
  host_without_policy: {
    severity: 'error',
    meaning: 'No policy names a host that asks, so everybody gets 403.',
  },
  redirect_overridden: {
    severity: 'error',
    meaning:
      '`auth-request-redirect` is set, and the policy does not say so: every request is 403.',
  },
  case_matters: {
    severity: 'warning',
    meaning: 'nginx ignores the case of paths here, and the policy does not.',
  },
  signin_changed: {
    severity: 'warning',
    meaning: '`auth-signin` does not lead to the sign-in of Vestibule.',
  },
  policy_without_ingress: {
    severity: 'warning',
    meaning: 'A policy names a host that no Ingress serves.',
  },
  old_control_left: {
    severity: 'warning',
    meaning: 'An address list or password is still there, though the rules are enforced.',
  },
  observed_without_control: {
    severity: 'warning',
    meaning: 'The rules are only observed, and nothing else guards the host.',
  },
  back_end_open: {
    severity: 'warning',
    meaning: 'No NetworkPolicy covers the pods behind a guarded Ingress.',
  },
} as const satisfies Readonly<
  Record<string, { readonly severity: 'error' | 'warning'; readonly meaning: string }>
>

export type DriftId = keyof typeof DRIFT_FINDINGS

export type DriftFinding = {
  readonly id: DriftId
  /** `Ingress monitoring/grafana`, or a policy file. */
  readonly object: string
  readonly file: string
  readonly line: number
  readonly problem: string
  readonly remedy: string
}
