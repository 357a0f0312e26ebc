import { placeIn } from '../cluster-object.ts'
import { annotationPath, type IngressView, isOn, nginxAnnotation } from '../views/ingress.ts'
import { type Controller } from './controllers.ts'
import { allowlistOf } from './controls.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { hostsOf, type Scene } from './scene.ts'
import { countOf, isEverybody, isPrivateRange, listItems, someOf } from './shown.ts'

/** Trust in where a request comes from. */
export const ADDRESS_FINDINGS = {
  ip_allowlist: {
    severity: 'medium',
    title: 'Addresses decide who may pass',
    why: 'Whoever is in the network, or on a stolen laptop with VPN, passes; nobody knows who it was.',
    next: 'Translate the list into groups (vestibule migrate translate), observe, then take the list away.',
  },
  ip_allowlist_open: {
    severity: 'high',
    title: 'An address list that lets everybody in',
    why: 'A list that holds 0.0.0.0/0 looks like protection and is none.',
    next: 'Find out who put it there and why; treat the host as one without protection.',
  },
  ip_denylist: {
    severity: 'low',
    title: 'A list of addresses that are refused',
    why: 'Everybody else passes, and addresses change hands.',
    next: 'Keep it against noise if it helps; a policy decides who may pass.',
  },
  controller_ip_allowlist: {
    severity: 'medium',
    title: 'The controller decides by addresses for all hosts',
    why: 'An Ingress with a list of its own replaces this one, so it protects less than it seems to.',
    next: 'Find the hosts that hang on it in this report; take it away when the last one has moved.',
  },
  forged_addresses: {
    severity: 'high',
    title: 'Clients can choose their own address',
    why: 'The controller believes X-Forwarded-For from everywhere, so every address list can be passed by a header.',
    next: 'Set proxy-real-ip-cidr to the addresses of the load balancer, or use-forwarded-headers to false.',
  },
} as const satisfies FindingKinds

export const addressFindings = (scene: Scene): readonly Finding[] => [
  ...scene.ingresses.flatMap(ingressAddresses),
  ...scene.controllers.flatMap((controller) => controllerAddresses(scene, controller)),
]

const ingressAddresses = (ingress: IngressView): readonly Finding[] => {
  const hosts = hostsOf(ingress)
  const found: Finding[] = []
  const list = allowlistOf(ingress)
  if (list !== undefined) {
    const { name, ranges } = list
    const isOpen = isEverybody(ranges)
    const kind = ranges.every(isPrivateRange) ? 'all of them private' : 'some of them public'
    found.push(
      findingOf(ADDRESS_FINDINGS, isOpen ? 'ip_allowlist_open' : 'ip_allowlist', {
        what: `${name} names ${countOf(ranges.length, 'range')}${isOpen ? '' : `, ${kind}`}: ${someOf(ranges)}`,
        places: [placeIn(ingress.object, ...annotationPath(name))],
        hosts,
      }),
    )
  }
  const denied = nginxAnnotation(ingress, 'denylist-source-range')
  if (denied !== undefined) {
    found.push(
      findingOf(ADDRESS_FINDINGS, 'ip_denylist', {
        what: `denylist-source-range names ${someOf(listItems(denied))}`,
        places: [placeIn(ingress.object, ...annotationPath('denylist-source-range'))],
        hosts,
      }),
    )
  }
  return found
}

const controllerAddresses = (scene: Scene, controller: Controller): readonly Finding[] => {
  const { configMap, settings } = controller
  if (configMap === undefined) return []
  const found: Finding[] = []
  const named = (['whitelist-source-range', 'block-cidrs'] as const).filter(
    (key) => (settings[key] ?? '') !== '',
  )
  for (const key of named) {
    found.push(
      findingOf(ADDRESS_FINDINGS, 'controller_ip_allowlist', {
        what: `${key} in the ConfigMap names ${someOf(listItems(settings[key] ?? ''))}`,
        places: [placeIn(configMap, 'data', key)],
        hosts: [],
      }),
    )
  }
  const trusted = listItems(settings['proxy-real-ip-cidr'] ?? '0.0.0.0/0')
  const believes = isOn(settings['use-forwarded-headers'])
  const matters =
    named.length > 0 || scene.ingresses.some((each) => allowlistOf(each) !== undefined)
  if (believes && matters && isEverybody(trusted)) {
    found.push(
      findingOf(ADDRESS_FINDINGS, 'forged_addresses', {
        what: 'use-forwarded-headers is on and proxy-real-ip-cidr holds every address',
        places: [placeIn(configMap, 'data', 'use-forwarded-headers')],
        hosts: scene.ingresses.filter((each) => allowlistOf(each) !== undefined).flatMap(hostsOf),
      }),
    )
  }
  return found
}
