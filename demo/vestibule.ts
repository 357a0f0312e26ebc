import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import { type Child, startChild } from './child.ts'
import { ask } from './http-client.ts'
import { CLIENT_ID, CLIENT_SECRET } from './idp/clients.ts'

export type VestibulePorts = {
  readonly verify: number
  readonly public: number
  readonly ops: number
}

export type VestibuleSettings = {
  readonly publicUrl: string
  readonly cookieDomain: string
  readonly issuer: string
  /** Folder of the policy files; it is watched, so edits take effect. */
  readonly policies: string
  readonly ports: VestibulePorts
  /** `memory` or the URL of a Redis. */
  readonly store: string
  readonly entry?: string | undefined
  /** More environment variables. */
  readonly variables?: Readonly<Record<string, string>> | undefined
  /** Sections that replace those of the configuration file. */
  readonly overrides?: Readonly<Record<string, unknown>> | undefined
  readonly onDecision?: ((line: string) => void) | undefined
  readonly onNotice?: ((line: string) => void) | undefined
}

export type Vestibule = {
  readonly configFile: string
  readonly ports: VestibulePorts
  readonly child: Child
  readonly stop: () => Promise<void>
}

const MAIN = resolve(import.meta.dirname, '../src/main.ts')

const configOf = (settings: VestibuleSettings, keysFile: string): Record<string, unknown> => {
  const { ports, store } = settings
  return {
    publicUrl: settings.publicUrl,
    listen: {
      verify: `127.0.0.1:${ports.verify}`,
      public: `127.0.0.1:${ports.public}`,
      ops: `127.0.0.1:${ports.ops}`,
    },
    cookie: { domain: settings.cookieDomain },
    identityProvider: { issuer: settings.issuer, clientId: CLIENT_ID },
    session: { store, ...(store === 'memory' ? {} : { keysFile }) },
    tokenIssuers: [
      { name: 'ci', issuer: settings.issuer, audiences: ['vestibule'], actor: 'workload' },
    ],
    policies: settings.policies,
    decisionLog: { to: 'stdout' },
    shutdown: { drain: '1s' },
    ...settings.overrides,
  }
}

/** Settings of the caller's shell must not change what runs here. */
const environment = (): Record<string, string | undefined> => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('VESTIBULE_')),
  ),
  VESTIBULE_IDENTITY_PROVIDER_CLIENT_SECRET: CLIENT_SECRET,
})

const isReady = async (port: number): Promise<boolean> => {
  try {
    return (await ask(`http://127.0.0.1:${port}/readyz`)).status === 200
  } catch {
    return false
  }
}

/** Runs Vestibule as it ships, as a child, and waits until it says that it is ready. */
export const startVestibule = async (settings: VestibuleSettings): Promise<Vestibule> => {
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-demo-'))
  const configFile = join(folder, 'vestibule.yaml')
  const keysFile = join(folder, 'session-keys')
  writeFileSync(keysFile, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 })
  writeFileSync(configFile, stringify(configOf(settings, keysFile)))
  const child = startChild({
    name: 'vestibule',
    command: process.execPath,
    args: [settings.entry ?? MAIN, 'serve', '--config', configFile],
    env: { ...environment(), ...settings.variables },
    onStdout: settings.onDecision,
    onStderr: settings.onNotice,
  })
  const stop = async (): Promise<void> => {
    await child.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await child.until(async () => await isReady(settings.ports.ops))
  } catch (error) {
    await stop()
    throw error
  }
  return { configFile, ports: settings.ports, child, stop }
}
