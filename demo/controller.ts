import type { Child } from './child.ts'
import { type ControllerInput, renderControllerConfig } from './controller-config.ts'
import { freePort } from './free-port.ts'
import { startNginx } from './nginx.ts'
import { inspectNginx } from './nginx-build.ts'

type Ports = { readonly http: number; readonly https: number | undefined }

export type ControllerSettings = Omit<ControllerInput, 'listen' | 'nginx'> & {
  /** 0 or absent: any free port. */
  readonly port?: number
  readonly https?: {
    readonly port?: number
    readonly certificateFile: string
    readonly keyFile: string
    readonly http2?: boolean
  }
}

export type Controller = {
  readonly port: number
  readonly httpsPort: number | undefined
  readonly prefix: string
  readonly warnings: readonly string[]
  readonly config: () => string
  readonly errorLog: () => string
  /** Applies changed Ingresses or addresses, as the controller does; ports stay. */
  readonly reload: (changes: Partial<Omit<ControllerSettings, 'port' | 'https'>>) => Promise<void>
  readonly stop: () => Promise<void>
  readonly child: Child
}

const ATTEMPTS = 3

const inputOf = (settings: ControllerSettings, ports: Ports): ControllerInput => {
  const { https } = settings
  const secure =
    https === undefined || ports.https === undefined
      ? {}
      : { https: { ...https, port: ports.https } }
  return { ...settings, listen: { http: ports.http, ...secure }, nginx: inspectNginx() }
}

const choosePorts = async ({ port, https }: ControllerSettings): Promise<Ports> => ({
  http: port === undefined || port === 0 ? await freePort() : port,
  https: https === undefined ? undefined : (https.port ?? 0) || (await freePort()),
})

/** Between choosing a free port and binding it, another process may take it. */
const startOnFreePorts = async (settings: ControllerSettings, attempt = 1) => {
  const ports = await choosePorts(settings)
  const input = inputOf(settings, ports)
  const config = renderControllerConfig(input)
  try {
    return { ports, config, nginx: await startNginx(config) }
  } catch (error) {
    const taken = error instanceof Error && error.message.includes('Address already in use')
    if (!taken || attempt === ATTEMPTS || (settings.port ?? 0) !== 0) throw error
    return await startOnFreePorts(settings, attempt + 1)
  }
}

/** Runs nginx with the configuration that the ingress-nginx controller makes of these Ingresses. */
export const startController = async (settings: ControllerSettings): Promise<Controller> => {
  const started = await startOnFreePorts(settings)
  const { ports, nginx } = started
  let current = settings
  let { config } = started
  return {
    port: ports.http,
    httpsPort: ports.https,
    prefix: nginx.prefix,
    warnings:
      inspectNginx().escapeModules.length > 0
        ? []
        : ['nginx has no set-misc module here: the return URL of the sign-in is not escaped'],
    config: () => config,
    errorLog: nginx.errorLog,
    reload: async (changes) => {
      const next = { ...current, ...changes }
      const text = renderControllerConfig(inputOf(next, ports))
      await nginx.reload(text)
      current = next
      config = text
    },
    stop: nginx.stop,
    child: nginx.child,
  }
}
