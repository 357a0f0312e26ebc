import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decide } from '../../src/core/decide.ts'
import { findPolicy, type PolicySet } from '../../src/core/policy/policy.ts'
import { ANONYMOUS, type Principal } from '../../src/core/principal.ts'
import { parseYaml } from '../../src/edge/files/yaml-file.ts'
import { readManifests } from '../../src/edge/manifests/read-manifests.ts'
import { type Cluster, clusterOf } from '../../src/migrate/cluster.ts'
import { type Translation } from '../../src/migrate/translate/draft.ts'
import { draftFileName, draftText } from '../../src/migrate/translate/draft-text.ts'
import { type SourceFile } from '../../src/migrate/translate/source-file.ts'
import { writeFiles } from '../support/files.ts'
import { aPerson, aRequest, host, NOW, policiesOf } from '../support/policies.ts'

/** A YAML configuration of another product. */
export const sourceOf = (text: string, file = 'source.yaml'): SourceFile => {
  const yaml = parseYaml(text, file)
  if (!yaml.ok) throw new Error(JSON.stringify(yaml.failure))
  const { value, placeOf } = yaml.value
  return { file, value, lineOf: (path) => placeOf(path, typeof path.at(-1) === 'string').line }
}

export const clusterFrom = async (text: string): Promise<Cluster> => {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-manifests-'))
  try {
    await writeFiles(folder, { 'cluster.yaml': text })
    const { objects, faults } = await readManifests([join(folder, 'cluster.yaml')], process.stdin)
    if (faults.length > 0) throw new Error(JSON.stringify(faults))
    return clusterOf(objects)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const filesOf = ({ drafts }: Translation): Readonly<Record<string, string>> =>
  Object.fromEntries(drafts.map((draft) => [draftFileName(draft), draftText(draft)]))

/**
 * What somebody careful does who goes through the TODOs: names that nobody has where something is
 * granted, everything where something is refused or left out, and a far day.
 */
export const filledIn = (text: string): string =>
  text
    .replace(
      /user: "TODO: (?:refuse|leave out|whether) (?:[^"\\]|\\.)*"/g,
      'http_path: { starts_with: / }',
    )
    .replace(/^( *until: )"TODO: [^"]*"$/gm, '$12099-01-01')
    .replace(/acr: "TODO: [^"]*"/g, 'acr: mfa')
    .replace(/"TODO: (?:[^"\\]|\\.)*"/g, 'nobody-at-all@filled.test')

export const loadedFrom = async (translation: Translation): Promise<PolicySet> =>
  await policiesOf(
    Object.fromEntries(
      Object.entries(filesOf(translation)).map(([name, text]) => [name, filledIn(text)]),
    ),
  )

export type Asking = {
  readonly host: string
  readonly path: string
  readonly method: string
  readonly ip: string
  /** Undefined: nobody is signed in. */
  readonly groups: readonly string[] | undefined
  readonly email?: string
  readonly acr?: string
}

/** Whether the loaded policies let this one pass. */
export const lets = (policies: PolicySet, asking: Asking): boolean => {
  const policy = findPolicy(policies, host(asking.host))
  if (policy === undefined) return false
  const request = aRequest({
    host: host(asking.host),
    path: asking.path,
    method: asking.method,
    clientIp: asking.ip,
  })
  const { effect } = decide(policy, { request, principal: principalOf(asking), now: NOW })
  return effect === 'allow'
}

const principalOf = ({ groups, email, acr }: Asking): Principal =>
  groups === undefined
    ? ANONYMOUS
    : aPerson({
        groups,
        email: email ?? 'ada@example.com',
        claims: acr === undefined ? {} : { acr },
      })

export const readShared = (path: string): Promise<string> => readFile(path, 'utf8')
