/**
 * Every reason that a decision may have, with what it means. Closed: logs, metrics, headers and
 * tests use these codes and no others.
 */
export const REASONS = {
  allow: {
    rule_matched: 'An allow rule holds for this principal.',
    observed: 'The policy is only observed; `would` says what enforcing it had answered.',
    public_rule: 'A public rule holds; nobody needed to be signed in.',
  },
  challenge: {
    not_signed_in: 'No credential was sent, and signing in could help.',
    unknown_session: 'The session cookie names no session: it ended, or was never one.',
    stronger_proof_needed: 'The policy asks for a stronger or fresher sign-in (acr, amr, authAge).',
    duplicate_cookie: 'The session cookie was sent more than once.',
    invalid_token: 'The bearer token is malformed, not genuine, or not meant for Vestibule.',
    expired_token: 'The bearer token was genuine and has expired.',
    revoked_token:
      'The bearer token was genuine; it, or all that its subject had, was ended after it was issued.',
    token_not_for_host: 'The service token is genuine, and was not made for this host.',
    token_not_yet_valid:
      'The bearer token is genuine and of a time to come: the clocks of its issuer and of Vestibule differ.',
    binding_not_proven:
      'The token is bound to a key or certificate, and the caller did not show that it has it.',
    invalid_dpop_proof:
      'The DPoP proof is missing, not genuine, used before, or for another request or token.',
    use_dpop_nonce: 'The DPoP proof has to carry the nonce that the answer names.',
    token_not_bound: 'The policy takes only tokens that are bound to their sender.',
    delegation_too_deep: 'The token says that an agent acts for an agent.',
  },
  deny: {
    denied_by_rule: 'A deny rule holds.',
    no_rule_matched: 'No allow rule holds.',
    grant_expired: 'An allow rule would hold, but its `until` has passed.',
    unknown_host: 'No policy names the routed host.',
    host_mismatch: 'The claimed host (X-Original-URL) is not the host that nginx routed to.',
    path_mismatch: 'X-Original-URL and X-Auth-Request-Redirect name different paths.',
    path_ambiguous: 'The application may read another path than nginx did, and rules depend on it.',
    misconfigured_auth_url:
      'The query of the auth URL has unknown, repeated or missing parameters.',
    malformed_request: 'A header that nginx sets is missing or not well-formed.',
    duplicate_header: 'A header that is read was sent more than once.',
    impersonation_header:
      'The client sent an Impersonate-* header, or an identity header in another spelling.',
    method_refused: 'TRACE and CONNECT are never let through.',
    proof_not_delivered: 'The provider was asked for a stronger sign-in and did not deliver one.',
    agent_not_allowed: 'The agent may not do this, whomever it acts for.',
    person_not_allowed: 'The agent may do this, but not the person whom it acts for.',
    identity_too_large: 'The subject does not fit the identity headers.',
  },
  unavailable: {
    session_store_unreachable:
      'The session store did not answer in time, or holds a record of a later version of Vestibule.',
    identity_provider_unreachable:
      'The provider could not be asked about the session for longer than is allowed.',
    replay_store_unreachable: 'Whether a DPoP proof was used before could not be found out.',
    issuer_keys_unreachable: "The token issuer's keys could not be fetched.",
    token_issuer_unreachable: 'The token issuer could not be asked about the token.',
    overloaded:
      'More callers than can be looked at are not known yet; whoever is known is not concerned.',
    internal_error: 'Vestibule failed; the service log says how.',
  },
} as const

export type AllowReason = keyof typeof REASONS.allow
export type ChallengeReason = keyof typeof REASONS.challenge
export type DenyReason = keyof typeof REASONS.deny
export type UnavailableReason = keyof typeof REASONS.unavailable
export type Reason = AllowReason | ChallengeReason | DenyReason | UnavailableReason
