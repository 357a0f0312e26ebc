import { placeIn } from '../cluster-object.ts'
import { annotationPath, type IngressView, isOn, nginxAnnotation } from '../views/ingress.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { hostsOf, isServed, type Scene } from './scene.ts'
import { countOf, someOf } from './shown.ts'

/** How requests find their application, as far as a policy has to know it. */
export const ROUTING_FINDINGS = {
  no_tls: {
    severity: 'medium',
    title: 'No TLS',
    why: 'Session cookies are sent over TLS only; over plain HTTP passwords and tokens are for anybody to read.',
    next: 'Add a tls section with a certificate before the host moves.',
  },
  wildcard_host: {
    severity: 'medium',
    title: 'A host with a star',
    why: 'A policy names hosts; with a star nobody knows how many there are, and new ones appear unseen.',
    next: 'Write the hosts out, or give the star a policy that denies what no other file names.',
  },
  any_host: {
    severity: 'medium',
    title: 'A rule for every host',
    why: 'It answers under any name that reaches the controller, also under those that nobody chose.',
    next: 'Name the host.',
  },
  regex_paths: {
    severity: 'low',
    title: 'Paths of the host are regular expressions',
    why: 'use-regex or rewrite-target on one Ingress makes all paths of the host case-insensitive prefixes.',
    next: 'Say paths: { case: insensitive } in the policy of the host, or leave path rules out.',
  },
  other_controller: {
    severity: 'info',
    title: 'Ingresses of another controller',
    why: 'Their annotations mean something else, so nothing is said of them here.',
    next: 'Look at them on their own.',
  },
} as const satisfies FindingKinds

export const routingFindings = (scene: Scene): readonly Finding[] => [
  ...scene.ingresses.filter(isServed).flatMap(routingOf),
  ...foreignIngresses(scene),
]

const routingOf = (ingress: IngressView): readonly Finding[] => {
  const { object, hosts, paths, tlsHosts, hasTls } = ingress
  const found: Finding[] = []
  const all = hostsOf(ingress)
  const plain = hosts.filter((host) => !isCovered(host, tlsHosts, hasTls))
  if (plain.length > 0) {
    const what = `${someOf(plain)} ${plain.length === 1 ? 'has' : 'have'} no certificate here`
    found.push(
      findingOf(ROUTING_FINDINGS, 'no_tls', {
        what,
        places: [placeIn(object, 'spec')],
        hosts: plain,
      }),
    )
  }
  const starred = paths.find(({ host }) => host?.startsWith('*') === true)
  if (starred !== undefined) {
    const what = `the rule is for ${starred.host ?? '*'}`
    const places = [placeIn(object, ...starred.at)] as const
    found.push(findingOf(ROUTING_FINDINGS, 'wildcard_host', { what, places, hosts: all }))
  }
  const open = paths.find(({ host }) => host === undefined)
  if (open !== undefined) {
    const places = [placeIn(object, ...open.at)] as const
    const what = `${open.path} is served under every name`
    found.push(findingOf(ROUTING_FINDINGS, 'any_host', { what, places, hosts: all }))
  }
  const name = regexAnnotation(ingress)
  if (name !== undefined) {
    const places = [placeIn(object, ...annotationPath(name))] as const
    found.push(
      findingOf(ROUTING_FINDINGS, 'regex_paths', { what: `${name} is set`, places, hosts: all }),
    )
  }
  return found
}

/** A tls entry without hosts is for those of the rules. */
const isCovered = (host: string, tlsHosts: readonly string[], hasTls: boolean): boolean =>
  hasTls &&
  (tlsHosts.length === 0 ||
    tlsHosts.includes(host) ||
    tlsHosts.includes(host.replace(/^[^.]+\./, '*.')))

const regexAnnotation = (ingress: IngressView): string | undefined => {
  if (isOn(nginxAnnotation(ingress, 'use-regex'))) return 'use-regex'
  return nginxAnnotation(ingress, 'rewrite-target') === undefined ? undefined : 'rewrite-target'
}

const foreignIngresses = ({ foreign }: Scene): readonly Finding[] => {
  const [first, ...others] = foreign.map(({ object }) => placeIn(object))
  if (first === undefined) return []
  const classes = [...new Set(foreign.map(({ className }) => className ?? ''))]
  const what = `${countOf(foreign.length, 'Ingress', 'Ingresses')} of class ${someOf(classes)}`
  const hosts = foreign.flatMap((ingress) => ingress.hosts)
  return [
    findingOf(ROUTING_FINDINGS, 'other_controller', { what, places: [first, ...others], hosts }),
  ]
}
