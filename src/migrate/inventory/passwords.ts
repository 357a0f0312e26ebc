import { placeIn } from '../cluster-object.ts'
import { annotationPath, type IngressView, nginxAnnotation } from '../views/ingress.ts'
import { type Finding, type FindingKinds, findingOf } from './finding.ts'
import { hostsOf, type Scene } from './scene.ts'
import { someOf } from './shown.ts'

/** Passwords that nginx checks. */
export const PASSWORD_FINDINGS = {
  basic_auth: {
    severity: 'medium',
    title: 'A password that nginx checks',
    why: 'It is shared, seldom changed, stays valid when people leave, and says nothing about who it was.',
    next: 'Translate its users into groups (vestibule migrate translate), and move the host.',
  },
  digest_auth: {
    severity: 'medium',
    title: 'A digest password that nginx checks',
    why: 'As with basic auth, and its hash of the password is as good as the password.',
    next: 'Translate its users into groups (vestibule migrate translate), and move the host.',
  },
  shared_password: {
    severity: 'medium',
    title: 'One password file for several applications',
    why: 'Whoever may open the least of them opens all of them.',
    next: 'Move these hosts together, each with rules of its own.',
  },
  password_and_gate: {
    severity: 'low',
    title: 'A password before a gate',
    why: 'Both have to pass, and the application no longer sees the Authorization header.',
    next: 'Take auth-type, auth-secret and auth-realm away once the gate enforces.',
  },
} as const satisfies FindingKinds

export const passwordFindings = ({ ingresses }: Scene): readonly Finding[] => {
  const protectedOnes = ingresses.filter((each) => nginxAnnotation(each, 'auth-type') !== undefined)
  return [...protectedOnes.flatMap(passwordOf), ...sharedSecrets(protectedOnes)]
}

const passwordOf = (ingress: IngressView): readonly Finding[] => {
  const type = nginxAnnotation(ingress, 'auth-type')
  const at = placeIn(ingress.object, ...annotationPath('auth-type'))
  const seen = { places: [at], hosts: hostsOf(ingress) } as const
  const password = findingOf(PASSWORD_FINDINGS, type === 'digest' ? 'digest_auth' : 'basic_auth', {
    ...seen,
    what: `auth-type asks for a password out of Secret ${secretOf(ingress)}`,
  })
  if (nginxAnnotation(ingress, 'auth-url') === undefined) return [password]
  const what = 'auth-type and auth-url stand on one Ingress'
  return [password, findingOf(PASSWORD_FINDINGS, 'password_and_gate', { ...seen, what })]
}

/** `namespace/name`, as the annotation allows it to be written. */
const secretOf = (ingress: IngressView): string => {
  const written = nginxAnnotation(ingress, 'auth-secret') ?? ''
  return written.includes('/') ? written : `${ingress.namespace}/${written}`
}

const sharedSecrets = (ingresses: readonly IngressView[]): readonly Finding[] =>
  [...Map.groupBy(ingresses, secretOf)].flatMap(([secret, users]) => {
    const hosts = [...new Set(users.flatMap(hostsOf))]
    const [first, ...others] = users.map(({ object }) =>
      placeIn(object, ...annotationPath('auth-secret')),
    )
    if (first === undefined || others.length === 0 || hosts.length < 2) return []
    const what = `Secret ${secret} opens ${someOf(hosts)}`
    return [
      findingOf(PASSWORD_FINDINGS, 'shared_password', { what, places: [first, ...others], hosts }),
    ]
  })
