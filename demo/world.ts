import { join } from 'node:path'
import type { Child } from './child.ts'
import { type Cleanup, createCleanup } from './cleanup.ts'
import { readIngresses } from './controller/ingress.ts'
import { type Controller, startController } from './controller.ts'
import { type IdentityProvider, startIdentityProvider } from './identity-provider.ts'
import { choosePorts, DEFAULT_PORTS, type Ports } from './ports.ts'
import { type Redis, startRedis } from './redis.ts'
import { type SampleApplications, startSampleApplications } from './sample-applications.ts'
import { startVestibule, type Vestibule } from './vestibule.ts'

export type WorldSettings = {
  /** Wanted ports; a busy one gives way to the next free one, 0 to any. */
  readonly ports?: Partial<Ports>
  /** `memory`, the URL of a Redis, or `start` for a Redis of its own. */
  readonly store?: string
  /** Folders; by default those of the demonstration. */
  readonly ingresses?: string
  readonly policies?: string
  /** Another program in place of `src/main.ts`, with the same command line. */
  readonly entry?: string
  /** Sections that replace those of Vestibule's configuration file. */
  readonly overrides?: Readonly<Record<string, unknown>>
  readonly onDecision?: (line: string) => void
  readonly onNotice?: (line: string) => void
  readonly onBusyPort?: (name: string, wanted: number, found: number) => void
}

export type World = {
  readonly ports: Ports
  /** The URL of a host of the demonstration, for example of `grafana`. */
  readonly url: (name: string, path?: string) => string
  readonly store: string
  readonly controller: Controller
  readonly identityProvider: IdentityProvider
  readonly vestibule: Vestibule
  readonly applications: SampleApplications
  /** Resolves with the child that ended although nobody stopped it. */
  readonly casualty: Promise<Child>
  readonly stop: () => Promise<void>
}

export const DOMAIN = 'vestibule.localhost'
export const CLUSTER_NAME = 'vestibule.vestibule.svc.cluster.local:8080'

const folder = (name: string): string => join(import.meta.dirname, name)

const startProvider = async ({ identityProvider, public: publicPort }: Ports, origin: string) =>
  await startIdentityProvider({
    port: identityProvider,
    clients: [
      {
        redirectUris: [`${origin}/oauth2/callback`],
        postLogoutRedirectUris: [`${origin}/oauth2/signed_out`, `${origin}/`],
        backchannelLogoutUri: `http://127.0.0.1:${publicPort}/oauth2/backchannel_logout`,
      },
    ],
  })

const startFront = async (
  settings: WorldSettings,
  ports: Ports,
  applications: SampleApplications,
): Promise<Controller> =>
  await startController({
    port: ports.nginx,
    // The manifests name the standard port; a busy one has given way to another.
    ingresses: readIngresses(settings.ingresses ?? folder('ingresses'), (yaml) =>
      yaml.replaceAll(`${DOMAIN}:${DEFAULT_PORTS.nginx}`, `${DOMAIN}:${ports.nginx}`),
    ),
    services: {
      'vestibule-public': `127.0.0.1:${ports.public}`,
      ...Object.fromEntries([...applications].map(([name, { address }]) => [name, address])),
    },
    clusterNames: { [CLUSTER_NAME]: `127.0.0.1:${ports.verify}` },
  })

const startStore = async (wanted: string): Promise<Redis | undefined> =>
  wanted === 'start' ? await startRedis() : undefined

/** A child that ends while everything is being stopped is no casualty. */
const firstCasualty = async (
  children: readonly Child[],
  isStopping: () => boolean,
): Promise<Child> =>
  await Promise.race(
    children.map(async (child) => {
      await child.ended
      return isStopping() ? await new Promise<never>(() => {}) : child
    }),
  )

const build = async (settings: WorldSettings, cleanup: Cleanup): Promise<World> => {
  let stopping = false
  const ports = await choosePorts(settings.ports, settings.onBusyPort)
  const url = (name: string, path = '/'): string => `http://${name}.${DOMAIN}:${ports.nginx}${path}`
  const origin = url('auth', '')

  const identityProvider = await startProvider(ports, origin)
  cleanup.add(identityProvider.stop)
  const jwksUrl = `http://127.0.0.1:${ports.public}/.well-known/jwks.json`
  const applications = await startSampleApplications(url, jwksUrl, cleanup)

  const { store: wantedStore = 'memory', policies = folder('policies') } = settings
  const redis = await startStore(wantedStore)
  if (redis !== undefined) cleanup.add(redis.stop)
  const store = redis?.url ?? wantedStore

  const vestibule = await startVestibule({
    publicUrl: origin,
    cookieDomain: DOMAIN,
    issuer: identityProvider.issuer,
    policies,
    ports,
    store,
    entry: settings.entry,
    overrides: settings.overrides,
    onDecision: settings.onDecision,
    onNotice: settings.onNotice,
  })
  cleanup.add(vestibule.stop)
  const controller = await startFront(settings, ports, applications)
  cleanup.add(controller.stop)

  const children = [controller, vestibule, redis].flatMap((part) => part?.child ?? [])
  return {
    ports,
    url,
    store,
    controller,
    identityProvider,
    vestibule,
    applications,
    casualty: firstCasualty(children, () => stopping),
    stop: async () => {
      stopping = true
      await cleanup.run()
    },
  }
}

/** Starts everything of the demonstration: real nginx, real Vestibule, an IdP and applications. */
export const startWorld = async (settings: WorldSettings = {}): Promise<World> => {
  const cleanup = createCleanup()
  try {
    return await build(settings, cleanup)
  } catch (error) {
    await cleanup.run()
    throw error
  }
}
