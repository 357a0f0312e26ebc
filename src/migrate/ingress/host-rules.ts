/** What migration needs to know of a policy file. */
export type HostRules = {
  /** As they are written: `app.example.com`, `*.example.com`. */
  readonly hosts: readonly string[]
  /** Name of its preset. */
  readonly app: string | undefined
  readonly mode: 'enforce' | 'observe' | 'canary'
  readonly file: string
  readonly line: number
  readonly pathsIgnoreCase: boolean
  readonly redirectIsOverridden: boolean
  /** `stripCookie: false`: applications see all cookies, so `Cookie` must not be listed. */
  readonly passesCookies: boolean
  readonly proxyBufferSize: string
}

/** As the service finds it: an exact host wins over wildcards, a longer wildcard over a shorter one. */
export const findHostRules = (
  policies: readonly HostRules[],
  host: string,
): HostRules | undefined => {
  const patterns = policies.flatMap((policy) =>
    policy.hosts.map((pattern) => ({ pattern, policy })),
  )
  const exact = patterns.find(({ pattern }) => pattern === host)
  if (exact !== undefined) return exact.policy
  return patterns
    .filter(({ pattern }) => pattern.startsWith('*.') && host.endsWith(pattern.slice(1)))
    .toSorted((one, other) => other.pattern.length - one.pattern.length)[0]?.policy
}
