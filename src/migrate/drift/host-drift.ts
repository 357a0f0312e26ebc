import { isAtLeast, isLargeEnough } from '../ingress/guard.ts'
import { findHostRules, type HostRules } from '../ingress/host-rules.ts'
import { rewritesPaths } from '../ingress/machine-twin.ts'
import { type IngressView, nginxAnnotation } from '../views/ingress.ts'
import { type DriftFinding } from './drift-finding.ts'
import { type DriftSettings } from './drift-settings.ts'
import { ingressFinding } from './ingress-drift.ts'

/** A guarded Ingress against the policies of its hosts. */
export const hostDrift = (
  ingress: IngressView,
  { policies }: DriftSettings,
): readonly DriftFinding[] => {
  if (policies === undefined) return []
  return ingress.hosts.flatMap((host) => {
    const rules = findHostRules(policies, host)
    if (rules === undefined) {
      return [
        ingressFinding(ingress, 'host_without_policy', undefined, [
          `no policy names ${host}, so everybody gets 403`,
          'Write one; vestibule migrate translate drafts it.',
        ]),
      ]
    }
    return [
      ...pathDrift(ingress, host, rules),
      ...bufferDrift(ingress, host, rules),
      ...stageDrift(ingress, host, rules),
    ]
  })
}

/** Vestibule fills what the policy says; one below the smallest is found without a policy. */
const bufferDrift = (
  ingress: IngressView,
  host: string,
  { file, proxyBufferSize }: HostRules,
): readonly DriftFinding[] => {
  const size = nginxAnnotation(ingress, 'proxy-buffer-size')
  const isFine = isAtLeast(size, proxyBufferSize) || (size !== undefined && !isLargeEnough(size))
  return isFine
    ? []
    : [
        ingressFinding(ingress, 'buffer_too_small', 'proxy-buffer-size', [
          `proxy-buffer-size ${size ?? 'is absent, which is 4k, and'} is less than ${file} says for ${host}`,
          `Write ${proxyBufferSize}, or take proxyBufferSize out of the policy.`,
        ]),
      ]
}

const pathDrift = (
  ingress: IngressView,
  host: string,
  { file, pathsIgnoreCase, redirectIsOverridden }: HostRules,
): readonly DriftFinding[] => [
  ...(rewritesPaths(ingress) && !pathsIgnoreCase
    ? [
        ingressFinding(ingress, 'case_matters', 'use-regex', [
          `nginx ignores the case of paths of ${host}, and ${file} does not`,
          'Write paths: { case: insensitive } there.',
        ]),
      ]
    : []),
  ...(nginxAnnotation(ingress, 'auth-request-redirect') !== undefined && !redirectIsOverridden
    ? [
        ingressFinding(ingress, 'redirect_overridden', 'auth-request-redirect', [
          `auth-request-redirect does not repeat the path, and ${file} expects it to`,
          'Remove it, or write authRequestRedirect: overridden there.',
        ]),
      ]
    : []),
]

const OLD_CONTROLS = ['whitelist-source-range', 'allowlist-source-range', 'auth-type'] as const

const stageDrift = (
  ingress: IngressView,
  host: string,
  { mode, file }: HostRules,
): readonly DriftFinding[] => {
  const left = OLD_CONTROLS.filter((name) => nginxAnnotation(ingress, name) !== undefined)
  if (mode === 'enforce') {
    return left.map((name) =>
      ingressFinding(ingress, 'old_control_left', name, [
        `${name} is still there, though ${file} is enforced`,
        'Remove it: vestibule migrate ingress has the patch.',
      ]),
    )
  }
  return left.length > 0
    ? []
    : [
        ingressFinding(ingress, 'observed_without_control', undefined, [
          `${file} is only in mode ${mode}, and nothing else guards ${host}`,
          'Enforce it, or put the old control back until then.',
        ]),
      ]
}

/** Hosts of policies that nobody serves: a misspelt name looks so, and so does a retired one. */
export const policyDrift = (
  ingresses: readonly IngressView[],
  policies: readonly HostRules[],
): readonly DriftFinding[] => {
  const served = ingresses.flatMap(({ hosts }) => hosts)
  return policies.flatMap(({ hosts, file, line }) =>
    hosts
      .filter((pattern) => !served.some((host) => isMeant(pattern, host)))
      .map((pattern) => ({
        id: 'policy_without_ingress',
        object: file,
        file,
        line,
        problem: `no Ingress serves ${pattern}`,
        remedy: 'Correct the name, or remove the policy.',
      })),
  )
}

const isMeant = (pattern: string, host: string): boolean =>
  pattern === host || (pattern.startsWith('*.') && host.endsWith(pattern.slice(1)))
