import { ADDRESS_FINDINGS } from './addresses.ts'
import { APPLICATION_FINDINGS } from './applications.ts'
import { BYPASS_FINDINGS } from './bypasses.ts'
import { CONTROLLER_FINDINGS } from './controller-health.ts'
import { type FindingKinds } from './finding.ts'
import { GATE_FINDINGS } from './gates.ts'
import { NETWORK_FINDINGS } from './network-reach.ts'
import { OTHER_WAY_FINDINGS } from './other-ways.ts'
import { PASSWORD_FINDINGS } from './passwords.ts'
import { ROUTING_FINDINGS } from './routing.ts'
import { SHARED_HOST_FINDINGS } from './shared-hosts.ts'
import { SIDE_DOOR_FINDINGS } from './side-doors.ts'
import { SNIPPET_FINDINGS } from './snippets.ts'

/** Every finding that there can be, by family. Closed: scripts rely on these ids. */
export const FINDING_FAMILIES: Readonly<Record<string, FindingKinds>> = {
  'Trust in addresses': ADDRESS_FINDINGS,
  Passwords: PASSWORD_FINDINGS,
  Gates: GATE_FINDINGS,
  'Side doors': SIDE_DOOR_FINDINGS,
  'Hosts with several Ingresses': SHARED_HOST_FINDINGS,
  Snippets: SNIPPET_FINDINGS,
  'Ways past the ingress': BYPASS_FINDINGS,
  'Other ways': OTHER_WAY_FINDINGS,
  'The network inside': NETWORK_FINDINGS,
  Routing: ROUTING_FINDINGS,
  'The controller': CONTROLLER_FINDINGS,
  Applications: APPLICATION_FINDINGS,
}

export const FINDING_KINDS: FindingKinds = Object.fromEntries(
  Object.values(FINDING_FAMILIES).flatMap((kinds) => Object.entries(kinds)),
)
