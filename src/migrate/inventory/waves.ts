import { type HostEntry } from './hosts.ts'
import { countOf } from './shown.ts'

/** A group of hosts that move together. */
export type Wave = {
  readonly name: string
  readonly aim: string
  readonly hosts: readonly PlannedHost[]
}

export type PlannedHost = {
  readonly host: string
  /** The sum of the efforts; less comes first. */
  readonly effort: number
  /** What makes it easy or hard, in words. */
  readonly because: readonly string[]
  /** What has to be done before its gate enforces. */
  readonly first: readonly string[]
}

/** What has to be removed or understood before a host can move, with the effort that it takes. */
const OBSTACLES: Readonly<Record<string, readonly [effort: number, task: string]>> = {
  ssl_passthrough: [5, 'let nginx end TLS'],
  snippet_access: [4, 'put the rules of the snippet into the policy'],
  snippet_route: [4, 'make an Ingress of what the snippet answers'],
  snippet_credential: [3, 'change the credential in the snippet'],
  snippet: [2, 'replace the snippet'],
  satisfy_any: [1, 'take satisfy away'],
  second_ingress: [2, 'bring its Ingresses into line'],
  contested_path: [2, 'leave each path to one Ingress'],
  shared_service: [2, 'guard its other host alike'],
  canary_ingress: [1, 'end the canary or include its back end'],
  wildcard_host: [3, 'write the hosts out'],
  any_host: [3, 'name the host'],
  no_tls: [2, 'add a certificate'],
  regex_paths: [1, 'say that its paths are case-insensitive'],
  mirror_target: [2, 'end the mirror'],
  server_alias: [1, 'name the aliases in the policy'],
  other_route: [3, 'take the route of the other proxy away, or let it ask too'],
  node_port: [2, 'make the Service a ClusterIP'],
  load_balancer: [3, 'make the Service a ClusterIP'],
  internal_load_balancer: [2, 'make the Service a ClusterIP'],
  external_ips: [2, 'take externalIPs away'],
  host_port: [2, 'take hostPort away'],
  host_network: [3, 'take hostNetwork away'],
  no_network_policy: [1, 'apply the NetworkPolicy'],
  open_network_policy: [1, 'narrow the older NetworkPolicy'],
  auth_cache_key: [1, 'take auth-cache-key away'],
  auth_cache_shared: [1, 'take auth-cache-key away today'],
  auth_keepalive: [1, 'take auth-keepalive away'],
  custom_errors: [1, 'let the error page return its code'],
  other_gate: [2, 'translate the rules of the other gate'],
}

const WEIGHT = { low: 0, medium: 1, high: 3 } as const

/** A pilot is small enough to be moved, watched and moved back within days. */
const MOST_PILOTS = 4
const PILOT_EFFORT = 7
const EASY_EFFORT = 9

/** Small and internal first, then the rest of the inside, then what takes work, then the public. */
export const planWaves = (hosts: readonly HostEntry[]): readonly Wave[] => {
  const left = hosts.filter(({ standing }) => standing !== 'vestibule')
  const gated = left.filter((host) => !host.isDoor)
  const planned = new Map(gated.map((host) => [host, plan(host)]))
  const effortOf = (host: HostEntry): number => planned.get(host)?.effort ?? 0
  const ordered = gated.toSorted(
    (one, other) => effortOf(one) - effortOf(other) || one.host.localeCompare(other.host, 'en'),
  )
  const inside = ordered.filter(isInside)
  const pilots = inside
    .filter((host) => effortOf(host) <= PILOT_EFFORT && isHarmless(host))
    .slice(0, MOST_PILOTS)
  const rest = inside.filter((host) => !pilots.includes(host))
  const easy = rest.filter((host) => effortOf(host) <= EASY_EFFORT)
  const hard = rest.filter((host) => effortOf(host) > EASY_EFFORT)
  const gates = ordered.filter((host) => !isInside(host) && hasOtherGate(host))
  const outside = ordered.filter((host) => !isInside(host) && !hasOtherGate(host))
  const wave = (name: string, aim: string, members: readonly HostEntry[]): Wave => ({
    name,
    aim,
    hosts: members.flatMap((host) => planned.get(host) ?? []),
  })
  return [
    wave('Pilot', 'Small and internal: learn on what few people miss for an hour.', pilots),
    wave('Inside, easy', 'Internal hosts that need little besides annotations and a policy.', easy),
    wave(
      'Inside, with work',
      'Internal hosts with side doors, machine callers or much behind them.',
      hard,
    ),
    wave(
      'Behind another gate',
      'Identity decides here already: translate the rules and change the gate.',
      gates,
    ),
    wave(
      'Reachable from outside',
      'Nothing says that these are internal: decide for each whether it is public on purpose.',
      outside,
    ),
  ].filter((each) => each.hosts.length > 0)
}

/** Passwords and address lists are what internal tools hang on; nobody puts them before a shop. */
const isInside = ({ internalBecause, standing }: HostEntry): boolean =>
  internalBecause.length > 0 || standing === 'password' || standing === 'addresses'

const hasOtherGate = ({ standing }: HostEntry): boolean =>
  standing === 'other_gate' || standing === 'client_certificate'

/** What can change production is no place to learn, and neither is what nobody knows. */
const isHarmless = ({ application, host, internalBecause }: HostEntry): boolean =>
  application?.weight !== 'high' &&
  !host.startsWith('*') &&
  (application !== undefined || internalBecause.length > 0)

const placeText = ({ internalBecause, standing }: HostEntry): string => {
  if (internalBecause.length > 0) return `internal by ${internalBecause.join(' and ')}`
  if (standing === 'password') return 'kept from the public by a password'
  return standing === 'addresses'
    ? 'kept from the public by addresses'
    : 'no sign that it is internal'
}

const plan = (entry: HostEntry): PlannedHost => {
  const { host, paths, services, application, machinePaths, findings } = entry
  const obstacles = findings.flatMap((id) => {
    const obstacle = Object.hasOwn(OBSTACLES, id) ? OBSTACLES[id] : undefined
    return obstacle === undefined ? [] : [obstacle]
  })
  const size = Math.min(4, paths - 1 + services.length)
  const machines = Math.min(3, machinePaths.length)
  const weight = WEIGHT[application?.weight ?? 'medium']
  const because = [
    placeText(entry),
    `${countOf(paths, 'path')} to ${countOf(services.length, 'Service')}`,
    application === undefined
      ? 'an application that nobody recognised'
      : `${application.title}, ${application.preset === undefined ? 'no preset' : `preset ${application.preset}`}`,
    ...(machines > 0 ? [`${countOf(machinePaths.length, 'path')} that programs call`] : []),
  ]
  return {
    host,
    effort: size + machines + weight + obstacles.reduce((total, [effort]) => total + effort, 0),
    because,
    first: [...new Set(obstacles.map(([, task]) => task))],
  }
}
