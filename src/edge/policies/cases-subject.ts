import { type CredentialKind } from '../../core/credential.ts'
import { type Fault } from '../../core/fault.ts'
import { ANONYMOUS, type Claims, type Principal } from '../../core/principal.ts'
import { fail, ok, type Result } from '../../core/result.ts'
import { schemaFaults } from '../files/schema-faults.ts'
import { parseYaml, type YamlFile } from '../files/yaml-file.ts'
import { SUBJECT_SCHEMA, type SubjectFile } from './cases-schema.ts'

/** Somebody, and by what he proves it. */
export type Who = {
  readonly principal: Principal
  readonly credential: CredentialKind | 'none'
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
  const { sub, issuer = defaultIssuer, actor = 'human', email, groups, preferredUsername } = subject
  const credential = subject.credential ?? (actor === 'human' ? 'cookie' : 'bearer')
  return {
    credential,
    principal: {
      kind: 'authenticated',
      actor,
      subject: sub,
      issuer,
      email,
      preferredUsername,
      groups,
      claims: claimsOf(subject, issuer, credential),
    },
  }
}

/** The server puts the issuer's name before the `sub` of a bearer token; the claim is without. */
const claimsOf = (
  { sub = '', email, groups, preferredUsername, claims }: SubjectFile,
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
