import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { jsonSchemas } from '../../docs/json-schemas.ts'
import { createWorkplace, type Workplace } from '../commands/policy-reports-support.ts'
import { COMPANY_REPORT, companyFiles } from '../migrate/support-company.ts'
import { departures, type Schema } from '../support/json-schema.ts'

const CLUSTER = 'test/fixtures/cluster'
const PUBLIC_URL = ['--public-url', 'https://auth.example.com'] as const

const PROXY = `provider = "oidc"
oidc_issuer_url = "https://idp.example.com"
client_id = "proxy"
redirect_url = "https://auth.example.com/oauth2/callback"
allowed_groups = ["sre"]
skip_auth_routes = ["GET=^/health$"]
frobnicate = 1
`

/** One host that answers otherwise than planned, and one where nobody is. */
const planFor = (port: number): string => `signIn: https://auth.example.com/oauth2/start
deadline: 1s
callers:
  alice: { cookieFile: alice, subject: alice }
  bob: { cookieFile: bob }
hosts:
  - origin: http://app.example.com
    address: 127.0.0.1:${port}
    right: [{ caller: alice }]
    wrong: [{ caller: bob, path: /admin }]
    direct: [{ url: "http://app.apps.svc.cluster.local/", address: "127.0.0.1:${port}" }]
  - origin: http://gone.example.com
    address: 127.0.0.1:1
    right: [{ caller: alice }]
    wrong: [{ caller: bob }]
`

const schemaOf = (command: string): Schema =>
  JSON.parse(jsonSchemas()[`schema/migrate-${command}.schema.json`] ?? '') as Schema

/** The same, with nothing that the schema does not name: what is printed should be described. */
const closed = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const parts = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, closed(value)]),
  )
  return 'properties' in parts && !('additionalProperties' in parts)
    ? { ...parts, additionalProperties: false }
    : parts
}

let place: Workplace
let server: Server

beforeAll(async () => {
  server = createServer((_request, response) => response.end('hello'))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  place = await createWorkplace()
  await place.write({
    ...companyFiles(),
    'plan.yaml': planFor((server.address() as AddressInfo).port),
    alice: 'alices-session',
    bob: 'bobs-session',
    'oauth2-proxy.cfg': PROXY,
    'broken.yaml': 'kind: [\n',
  })
})

afterAll(async () => {
  server.close()
  await place.remove()
})

/** Real runs, with much to say, and one that cannot run. */
const RUNS: readonly (readonly [command: string, code: number, words: readonly string[]])[] = [
  ['inventory', 1, [CLUSTER]],
  ['inventory', 1, [CLUSTER, '@broken.yaml', '--keep-going']],
  ['inventory', 2, ['@broken.yaml']],
  ['translate', 1, [CLUSTER]],
  ['translate', 2, ['@broken.yaml']],
  ['ingress', 1, [CLUSTER, ...PUBLIC_URL, '--app', 'grafana-proxy']],
  ['ingress', 2, ['@broken.yaml', ...PUBLIC_URL]],
  ['networkpolicy', 1, [CLUSTER]],
  ['networkpolicy', 2, ['@broken.yaml']],
  ['drift', 1, [CLUSTER, ...PUBLIC_URL, '--class', 'nginx']],
  ['drift', 2, ['@broken.yaml', ...PUBLIC_URL]],
  ['verify', 1, ['--plan', '@plan.yaml', '--no-log']],
  ['verify', 2, ['--plan', '@broken.yaml', '--no-log']],
  ['report', 0, COMPANY_REPORT.slice(2)],
  ['report', 0, [CLUSTER]],
  ['report', 2, ['@broken.yaml']],
  ['oauth2-proxy', 1, ['--settings', '@oauth2-proxy.cfg', '--host', 'app.example.com']],
  ['oauth2-proxy', 2, ['--settings', '@absent.cfg']],
]

describe('what migrate commands print as JSON is what its schema says', () => {
  test.each(RUNS)('%s, exit code %i: %j', async (command, expected, words) => {
    const { code, out } = await place.run('migrate', command, ...words, '--json')
    expect(code).toBe(expected)
    const schema = closed(schemaOf(command)) as Schema
    expect(departures(schema, JSON.parse(out))).toEqual([])
    const [result, failure] = schema['anyOf'] as readonly [Schema, Schema]
    expect(departures(code === 2 ? failure : result, JSON.parse(out))).toEqual([])
  })

  test.each(['inventory', 'drift', 'report', 'verify'])('%s: something else is not', (command) => {
    for (const value of [{}, { ok: true }, [], { ok: false, faults: [] }]) {
      expect(departures(schemaOf(command), value)).not.toEqual([])
    }
  })
})
