import { type Binding } from '../../core/confirmation.ts'
import { type CredentialKind } from '../../core/credential.ts'
import { type Fault } from '../../core/fault.ts'
import { ANONYMOUS, type Authenticated, type Claims, type Principal } from '../../core/principal.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { schemaFaults } from '../files/schema-faults.ts'
import { parseYaml, type YamlFile } from '../files/yaml-file.ts'
import { SUBJECT_SCHEMA, type SubjectFile } from './cases-schema.ts'

/** Somebody, and by what he proves it. */
export type Who = {
  readonly principal: Principal
  readonly credential: CredentialKind | 'none'
  /** How the token is bound to its sender; undefined where it is no token. */
  readonly bindings?: readonly Binding[] | undefined
}

export const ANYBODY: Who = { principal: ANONYMOUS, credential: 'none' }

/** Reads a subject that stands alone, as YAML or JSON: `{ sub: ada, groups: [sre] }`. */
export const readSubjectText = (
  text: string,
  name: string,
  issuer: string,
): Result<Who, readonly Fault[]> => {
  const yaml = parseYaml(text, name)
  return yaml.ok ? readSubjectFile(yaml.value, issuer) : yaml
}

const readSubjectFile = (yaml: YamlFile, issuer: string): Result<Who, readonly Fault[]> => {
  const parsed = SUBJECT_SCHEMA.safeParse(yaml.value)
  return parsed.success
    ? ok(whoIs(parsed.data, issuer))
    : fail(schemaFaults(parsed.error, SUBJECT_SCHEMA, yaml))
}

/** The principal that the server would make of such a caller's session or token. */
export const whoIs = (
  subject: SubjectFile & { readonly sub: string },
  defaultIssuer: string,
): Who => {
  const { onBehalfOf, actor = onBehalfOf === undefined ? 'human' : 'agent' } = subject
  const credential = subject.credential ?? (actor === 'human' ? 'cookie' : 'bearer')
  const issuer = subject.issuer ?? defaultIssuer
  const own = principalOf({ ...subject, actor, issuer }, credential)
  return {
    credential,
    bindings: credential === 'bearer' ? (subject.bindings ?? []) : undefined,
    principal:
      onBehalfOf === undefined
        ? own
        : { ...own, onBehalfOf: personOf(onBehalfOf, issuer, credential) },
  }
}

/** Vouched for by the token of the agent. */
const personOf = (
  person: NonNullable<SubjectFile['onBehalfOf']>,
  issuer: string,
  credential: CredentialKind,
): Authenticated => principalOf({ ...person, actor: person.actor ?? 'human', issuer }, credential)

type Described = Omit<SubjectFile, 'onBehalfOf' | 'bindings' | 'credential'> & {
  readonly sub: string
  readonly actor: Authenticated['actor']
  readonly issuer: string
}

const principalOf = (described: Described, credential: CredentialKind): Authenticated => {
  const { sub, issuer, actor, email, groups, preferredUsername } = described
  return {
    kind: 'authenticated',
    actor,
    subject: sub,
    issuer,
    email,
    preferredUsername,
    groups,
    claims: claimsOf(described, issuer, credential),
  }
}

/** The server puts the issuer's name before the `sub` of a bearer token; the claim is without. */
const claimsOf = (
  { sub, email, groups, preferredUsername, claims }: Described,
  issuer: string,
  credential: CredentialKind,
): Claims => ({
  iss: issuer,
  sub: credential === 'bearer' ? sub.slice(sub.indexOf('/') + 1) : sub,
  ...(email === undefined ? {} : { email, email_verified: true }),
  ...(groups === undefined ? {} : { groups }),
  ...(preferredUsername === undefined ? {} : { preferred_username: preferredUsername }),
  ...claims,
})
