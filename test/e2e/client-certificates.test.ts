import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { type Application, startApplication } from '../../demo/applications.ts'
import { type Certificate, createCertificate } from '../../demo/certificate.ts'
import type { Ingress } from '../../demo/controller/ingress.ts'
import { type Controller, startController } from '../../demo/controller.ts'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import { startVestibule, type Vestibule } from '../support/vestibule.ts'

jest.setTimeout(30_000)

const CLUSTER_NAME = 'vestibule.auth.svc.cluster.local:8080'
const PREFIX = 'nginx.ingress.kubernetes.io/'

const policy = (host: string, more: string): string =>
  `hosts: [${host}]\n${more}policy:\n  - allow: { and: [ { actor: workload } ] }\n`

const ingress = (host: string, more: Readonly<Record<string, string>> = {}): Ingress => ({
  metadata: {
    name: host.replace('.', '-'),
    namespace: 'shop',
    annotations: Object.fromEntries(
      Object.entries({
        'auth-url': `http://${CLUSTER_NAME}/verify?host=$host&ns=$namespace&ing=$ingress_name&svc=$service_name&lp=$location_path`,
        'auth-response-headers': 'X-Auth-Request-User,Cookie',
        ...more,
      }).map(([name, value]) => [`${PREFIX}${name}`, value]),
    ),
  },
  spec: {
    rules: [
      {
        host,
        http: {
          paths: [
            {
              path: '/',
              pathType: 'Prefix',
              backend: { service: { name: 'api', port: { number: 80 } } },
            },
          ],
        },
      },
    ],
  },
})

let idp: IdentityProvider
let vestibule: Vestibule
let api: Application
let controller: Controller
let server: Certificate
let robot: Certificate
let stranger: Certificate
let token: string

beforeAll(async () => {
  server = createCertificate(['mtls.test', 'plain.test'])
  robot = createCertificate(['robot.test'])
  stranger = createCertificate(['stranger.test'])
  idp = await startIdentityProvider()
  vestibule = await startVestibule({
    policies: {
      'mtls.yaml': policy(
        'mtls.test',
        'proxySets: [ssl-client-cert]\nrequire: { senderConstrained: [mtls] }\n',
      ),
      'plain.yaml': policy('plain.test', ''),
    },
    config: { tokenIssuers: [{ name: 'ci', issuer: idp.issuer, audiences: ['vestibule'] }] },
  })
  api = await startApplication({ name: 'api' })
  controller = await startController({
    https: server,
    ingresses: [
      ingress('mtls.test', {
        'auth-tls-secret': 'shop/client-ca',
        'auth-tls-verify-client': 'optional',
        'auth-tls-pass-certificate-to-upstream': 'true',
      }),
      ingress('plain.test'),
    ],
    services: { api: api.address },
    clusterNames: { [CLUSTER_NAME]: vestibule.addresses.verify },
    // A self-signed certificate is its own authority.
    clientCas: { 'shop/client-ca': robot.certificateFile },
  })
  token = await idp.issueToken({
    sub: 'robot',
    aud: 'vestibule',
    cnf: { 'x5t#S256': thumbprintOf(robot) },
  })
})
afterAll(async () => {
  await controller.stop()
  await api.stop()
  await vestibule.stop()
  await idp.stop()
  for (const certificate of [server, robot, stranger]) certificate.remove()
})

const thumbprintOf = ({ certificate }: Certificate): string =>
  createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url')

const send = async (
  host: string,
  client: Certificate | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> => {
  const own =
    client === undefined
      ? {}
      : { cert: client.certificate, key: readFileSync(client.keyFile, 'utf8') }
  const request = httpsRequest({
    host: '127.0.0.1',
    port: controller.httpsPort,
    servername: host,
    path: '/x',
    ca: server.certificate,
    agent: false,
    ...own,
    headers: { host, authorization: `Bearer ${token}`, ...headers },
  })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  await text(response)
  return response.statusCode ?? 0
}

/** The right certificate, as text that a client may send. */
const claimed = (): Readonly<Record<string, string>> => ({
  'ssl-client-verify': 'SUCCESS',
  'ssl-client-cert': encodeURIComponent(robot.certificate),
})

describe('a token that is bound to a client certificate, through nginx', () => {
  test('passes over a connection with that certificate', async () => {
    expect(await send('mtls.test', robot)).toBe(200)
    expect(api.received('x-auth-request-user')).toEqual(['ci/robot'])
  })

  test('is refused without one, also if the client says that it has it', async () => {
    expect(await send('mtls.test', undefined)).toBe(401)
    expect(await send('mtls.test', undefined, claimed())).toBe(401)
  })

  test('never comes in with a certificate that nginx has not verified', async () => {
    // nginx itself answers 400 where a certificate was shown and is not good.
    expect(await send('mtls.test', stranger)).toBe(400)
    expect(await send('mtls.test', stranger, claimed())).toBe(400)
  })

  test('is refused on a host before which nginx asks for none, whatever the client says', async () => {
    expect(await send('plain.test', robot)).toBe(401)
    expect(await send('plain.test', undefined, claimed())).toBe(401)
  })
})
