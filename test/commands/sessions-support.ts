import { stringify } from 'yaml'
import { type IdentityProvider } from '../../demo/identity-provider.ts'
import { newKey, until } from '../attacks/support-replicas.ts'
import { providerSettings } from '../support/sign-in.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'
import { createWorkplace, type Ran, type Workplace } from './policy-reports-support.ts'

export const ADMIN_TOKEN = 'an-admin-token-CANARY-0123456789'

export type SessionsWorld = {
  readonly replicas: readonly Vestibule[]
  readonly work: Workplace
  /** Runs a command with the configuration that the replicas have. */
  readonly run: (...words: readonly string[]) => Promise<Ran>
  readonly stop: () => Promise<void>
}

const POLICIES = {
  'app.yaml': 'hosts: [app.test]\npolicy:\n  - allow: { and: [ { groups: { has: sre } } ] }\n',
}

/** So many replicas on one store, and the command line beside them. */
export const startSessionsWorld = async (
  idp: IdentityProvider,
  store: string,
  count: number,
): Promise<SessionsWorld> => {
  const key = newKey()
  const { config, environment } = providerSettings(idp)
  const session = {
    store,
    ...(store === 'memory' ? {} : { keysFile: './session-keys', storeTimeout: '500ms' }),
  }
  const issuer = { name: 'ci', issuer: idp.issuer, audiences: ['vestibule'], actor: 'workload' }
  const files = { 'session-keys': `${key}\n`, 'admin-token': ADMIN_TOKEN, 'client-secret': 'x-y-z' }
  const settings = {
    policies: POLICIES,
    config: { ...config, session, tokenIssuers: [issuer], admin: { tokenFile: './admin-token' } },
    environment,
    files,
  }
  const replicas = await Promise.all(
    Array.from({ length: count }, async () => await startVestibule(settings)),
  )
  for (const { opsPort } of replicas) {
    await until(async () => (await fetch(`http://127.0.0.1:${opsPort}/readyz`)).ok)
  }
  const work = await createWorkplace()
  const [first] = replicas
  await work.write({
    ...files,
    'vestibule.yaml': stringify({
      publicUrl: 'https://auth.test',
      cookie: { domain: 'test' },
      policies: './policies',
      listen: {
        verify: `127.0.0.1:${first?.verifyPort ?? 0}`,
        ops: `127.0.0.1:${first?.opsPort ?? 0}`,
      },
      ...settings.config,
    }),
  })
  return {
    replicas,
    work,
    run: async (...words) => await work.run(...words, '--config', '@vestibule.yaml'),
    stop: async () => {
      await Promise.all(replicas.map(async (replica) => await replica.stop()))
      await work.remove()
    },
  }
}
