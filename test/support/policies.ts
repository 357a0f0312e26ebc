import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccessRequest } from '../../src/core/access-request.ts'
import { faultText } from '../../src/core/fault.ts'
import { epochSeconds, parseHostName } from '../../src/core/ids.ts'
import { compilePolicies } from '../../src/core/policy/compile-policies.ts'
import { findPolicy, type HostPolicy, type PolicySet } from '../../src/core/policy/policy.ts'
import { type Authenticated } from '../../src/core/principal.ts'
import { parseYaml } from '../../src/edge/files/yaml-file.ts'
import { readPolicyFile } from '../../src/edge/policies/policy-file.ts'
import { loadPolicies } from '../../src/edge/policies/policy-folder.ts'
import { TOOLBOX } from '../../src/edge/policies/toolbox.ts'
import { writeFiles } from './files.ts'

export const NOW = epochSeconds(1_800_000_000)

/** Loads policy files as the service does; throws with the faults. */
export const policiesOf = async (files: Readonly<Record<string, string>>): Promise<PolicySet> => {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-policies-'))
  try {
    await writeFiles(folder, files)
    const loaded = await loadPolicies(folder)
    if (!loaded.ok) throw new Error(loaded.failure.map(faultText).join('\n'))
    return loaded.value
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The faults of policy files, one line each; empty where they load. */
export const faultsOf = async (
  files: Readonly<Record<string, string>>,
): Promise<readonly string[]> => {
  try {
    await policiesOf(files)
    return []
  } catch (error) {
    return error instanceof Error ? error.message.split('\n') : ['?']
  }
}

/** The compiled policy of app.test whose rules are given as YAML or JSON; touches no file. */
export const policyOf = (rules: string): Promise<HostPolicy> => {
  const yaml = parseYaml(`hosts: [app.test]\npolicy: ${rules}\n`, 'app.yaml')
  const document = yaml.ok ? readPolicyFile(yaml.value, new Map()) : yaml
  if (!document.ok) return Promise.reject(new Error(document.failure.map(faultText).join('\n')))
  const policy = findPolicy(compilePolicies([document.value], 'test', TOOLBOX), host('app.test'))
  if (policy === undefined) return Promise.reject(new Error('no policy'))
  return Promise.resolve(policy)
}

export const host = (name: string): NonNullable<ReturnType<typeof parseHostName>> => {
  const parsed = parseHostName(name)
  if (parsed === undefined) throw new Error(`${name} is no host`)
  return parsed
}

export const aRequest = (changes: Partial<AccessRequest> = {}): AccessRequest => ({
  host: host('app.test'),
  scheme: 'https',
  method: 'GET',
  path: '/',
  pathIsAmbiguous: false,
  pathIsConfirmed: true,
  clientIp: '203.0.113.7',
  requestId: undefined,
  isPreflight: false,
  clientCertificate: undefined,
  namespace: '',
  ingress: '',
  service: '',
  ...changes,
})

export const aPerson = (changes: Partial<Authenticated> = {}): Authenticated => ({
  kind: 'authenticated',
  actor: 'human',
  subject: 'alice',
  issuer: 'https://idp.test',
  email: 'alice@example.com',
  preferredUsername: 'alice',
  groups: ['sre', 'platform'],
  claims: { department: 'ops', level: 3, vip: true, roles: ['a', 'b'], nested: { deep: 'x' } },
  ...changes,
})
