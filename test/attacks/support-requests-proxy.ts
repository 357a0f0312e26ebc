import { expect } from '@jest/globals'
import { type Application, startApplication } from '../../demo/applications.ts'
import type { Ingress } from '../../demo/controller/ingress.ts'
import { type Controller, type ControllerSettings, startController } from '../../demo/controller.ts'
import { parseAnswers, type RawAnswer, sendRaw } from '../support/raw-http.ts'
import { type Person, startWorld, type World } from './support-requests.ts'

const CLUSTER_NAME = 'vestibule.auth.svc.cluster.local:8080'
/** As design.md 2 has it, word by word. */
const AUTH_URL = `http://${CLUSTER_NAME}/verify?host=$host&ns=$namespace&ing=$ingress_name&svc=$service_name&lp=$location_path`

const IDENTITY_HEADERS = [
  'X-Auth-Request-User',
  'X-Auth-Request-Email',
  'X-Auth-Request-Preferred-Username',
  'X-Auth-Request-Groups',
  'X-Auth-Request-Actor',
  'X-Vestibule-Assertion',
]

const PREFIX = 'nginx.ingress.kubernetes.io/'

const ingress = (
  host: string,
  paths: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): Ingress => ({
  metadata: {
    name: `${host.replace(/\W+/g, '-')}-ingress`,
    namespace: 'shop',
    annotations: {
      [`${PREFIX}auth-url`]: AUTH_URL,
      [`${PREFIX}auth-response-headers`]: IDENTITY_HEADERS.join(','),
      ...more,
    },
  },
  spec: {
    rules: [
      {
        host,
        http: {
          paths: Object.entries(paths).map(([path, service]) => ({
            path,
            pathType: 'Prefix',
            backend: { service: { name: service, port: { number: 80 } } },
          })),
        },
      },
    ],
  },
})

const INGRESSES: readonly Ingress[] = [
  // What lies below /admin of app.test is an application of its own.
  ingress('app.test', { '/': 'web', '/admin': 'admin' }),
  ingress('folded.test', { '/': 'web', '/admin': 'admin' }),
  ingress('lenient.test', { '/': 'web', '/admin': 'admin' }),
  ingress('admin.test', { '/': 'admin' }),
  ingress('public.test', { '/': 'web' }),
  ingress('grafana.test', { '/': 'web' }),
  ingress(
    'preset.test',
    { '/': 'web' },
    {
      [`${PREFIX}auth-response-headers`]: [
        ...IDENTITY_HEADERS,
        'X-WEBAUTH-USER',
        'X-WEBAUTH-EMAIL',
        'X-WEBAUTH-GROUPS',
      ].join(','),
    },
  ),
  ingress('a.internal.test', { '/': 'admin' }),
  ingress('*.internal.test', { '/': 'web' }),
  ingress(
    'plain.test',
    { '/': 'web' },
    { [`${PREFIX}auth-signin`]: 'http://auth.test/oauth2/start' },
  ),
]

/** nginx as the controller configures it, in front of the service and of two applications. */
export type Proxied = {
  readonly world: World
  readonly controller: Controller
  readonly applications: Readonly<Record<'web' | 'admin', Application>>
  /** What the client sees, and which applications were reached. */
  readonly send: (bytes: string) => Promise<Seen>
  readonly stop: () => Promise<void>
}

export type Seen = {
  readonly answer: RawAnswer
  readonly reached: readonly ('web' | 'admin')[]
}

export const startProxied = async (
  settings: Partial<ControllerSettings> = {},
  service: Parameters<typeof startWorld>[0] = {},
): Promise<Proxied> => {
  const world = await startWorld(service)
  const web = await startApplication({ name: 'web' })
  const admin = await startApplication({ name: 'admin' })
  const controller = await startController({
    services: { web: web.address, admin: admin.address },
    clusterNames: { [CLUSTER_NAME]: world.vestibule.addresses.verify },
    ingresses: INGRESSES,
    authTimeout: 5,
    ...settings,
  })
  const applications = { web, admin }
  return {
    world,
    controller,
    applications,
    send: async (bytes) => {
      web.reset()
      admin.reset()
      world.lose()
      const [answer] = parseAnswers(await sendRaw(controller.port, bytes))
      if (answer === undefined) throw new Error('nginx did not answer')
      const names = ['web', 'admin'] as const
      return { answer, reached: names.filter((name) => applications[name].hits() > 0) }
    },
    stop: async () => {
      await controller.stop()
      await world.stop()
      await Promise.all([web.stop(), admin.stop()])
    },
  }
}

/** The bytes of one request to nginx. */
export const request = (
  target: string,
  host: string | undefined,
  lines: readonly string[] = [],
  start = `GET ${target} HTTP/1.1`,
): string =>
  [
    start,
    ...(host === undefined ? [] : [`Host: ${host}`]),
    'Accept: application/json',
    'Connection: close',
    ...lines,
    '',
    '',
  ].join('\r\n')

/** A client's request is refused with this status, and no application hears of it. */
export const expectClosed = async (
  proxied: Proxied,
  bytes: string,
  status: number,
): Promise<RawAnswer> => {
  const { answer, reached } = await proxied.send(bytes)
  expect([answer.status, reached]).toEqual([status, []])
  const names = answer.headers.map(([name]) => name)
  expect(names.filter((name) => /^set-cookie$|^x-vestibule|^x-auth/.test(name))).toEqual([])
  return answer
}

const fold = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-')
const FOLDED: ReadonlySet<string> = new Set(IDENTITY_HEADERS.map(fold))

/** Identity headers as an application sees them that takes `_` and `.` for `-`. */
const identityAt = (application: Application): readonly (readonly [string, string])[] => {
  const { rawHeaders = [] } = application.lastRequest() ?? {}
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && FOLDED.has(fold(name)) ? [[name, rawHeaders[index + 1] ?? ''] as const] : [],
  )
}

/** A request reaches one application, which is told about this person and nobody else. */
export const expectPassed = async (
  proxied: Proxied,
  bytes: string,
  name: 'web' | 'admin',
  who: Person | 'nobody',
): Promise<void> => {
  const { answer, reached } = await proxied.send(bytes)
  expect([answer.status, reached]).toEqual([200, [name]])
  const told = identityAt(proxied.applications[name])
  const assertion = told.filter(([header]) => header === 'X-Vestibule-Assertion')
  expect(told.filter(([header]) => header !== 'X-Vestibule-Assertion')).toEqual(
    who === 'nobody'
      ? []
      : [
          ['X-Auth-Request-User', who],
          ['X-Auth-Request-Email', `${who}@example.test`],
          ['X-Auth-Request-Preferred-Username', who],
          ...(who === 'root' ? [['X-Auth-Request-Groups', 'admins']] : []),
          ['X-Auth-Request-Actor', 'human'],
        ],
  )
  expect(assertion.map(([, value]) => value.split('.').length)).toEqual(who === 'nobody' ? [] : [3])
}
