import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { stringify } from 'yaml'
import { freePort } from '../../demo/free-port.ts'
import {
  applyIngresses,
  type Ended,
  editIngress,
  type ReportJson,
  vestibule,
  writePolicy,
  wrongs,
} from './support-verify.ts'
import { SESSION_COOKIE, type Site, signIn, startSite } from './support-world.ts'

jest.setTimeout(90_000)

const GRAFANA = `hosts: [grafana.vestibule.localhost]
policy:
  - allow: { and: [ { groups: { has: sre } } ] }
  - allow: { and: [ { groups: { has: developers } } ] }
  - deny: { and: [ { groups: { has: developers } }, { http_path: { starts_with: /admin } } ] }
`
const WITHOUT_DENY = GRAFANA.replace(/ {2}- deny.*\n/, '')
const OBSERVED = GRAFANA.replace('policy:', 'mode: observe\nuntil: 2099-01-01\npolicy:')

let folder: string
let logFile: string
let site: Site
let secrets: Readonly<Record<string, string>>
let grafana: { readonly ingress: string; readonly address: string }

const startWithLog = async (to: string): Promise<Site> =>
  await startSite({ policies: { 'grafana.yaml': GRAFANA }, overrides: { decisionLog: { to } } })

const signedIn = async (at: Site): Promise<Readonly<Record<string, string>>> => ({
  ALICE: await signIn(at, 'alice'),
  BOB: await signIn(at, 'bob'),
  PIPELINE: await at.identityProvider.workloadToken(),
})

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vestibule-verify-'))
  logFile = join(folder, 'decisions.log')
  writeFileSync(logFile, '')
  site = await startWithLog(logFile)
  secrets = await signedIn(site)
  grafana = {
    ingress: readFileSync(join(site.ingresses, 'grafana.yaml'), 'utf8'),
    address: site.applications.get('grafana')?.address ?? '',
  }
})

afterAll(async () => {
  await site.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** As it should be, whatever the test before broke. */
beforeEach(async () => {
  writeFileSync(join(site.ingresses, 'grafana.yaml'), grafana.ingress)
  await applyIngresses(site)
  await writePolicy(site, 'grafana.yaml', GRAFANA)
})

type Host = Readonly<Record<string, unknown>>

const grafanaHost = (at: Site, changes: Host = {}): Host => ({
  origin: at.url('grafana', ''),
  address: `127.0.0.1:${at.ports.nginx}`,
  right: [{ caller: 'alice', path: '/admin' }],
  wrong: [{ caller: 'bob', path: '/admin', reason: 'denied_by_rule' }],
  identity: { path: '/api/user', shows: 'alice@example.com' },
  ...changes,
})

const apiHost = (at: Site): Host => ({
  origin: at.url('api', ''),
  address: `127.0.0.1:${at.ports.nginx}`,
  anonymous: { path: '/v1/orders', answer: '401' },
  right: [{ caller: 'pipeline', path: '/v1/orders', method: 'POST' }],
  wrong: [{ caller: 'bob', path: '/v1/orders' }],
})

const planFor = (at: Site, hosts: readonly Host[], changes: Host = {}): string => {
  const file = join(folder, 'plan.yaml')
  const callers = {
    alice: { cookieEnv: 'ALICE', subject: 'alice', email: 'alice@example.com', actor: 'human' },
    bob: { cookieEnv: 'BOB', subject: 'bob' },
    pipeline: { tokenEnv: 'PIPELINE', subject: 'ci/ci', actor: 'workload' },
  }
  const signInUrl = at.url('auth', '/oauth2/start')
  writeFileSync(
    file,
    stringify({ signIn: signInUrl, cookieName: SESSION_COOKIE, callers, hosts, ...changes }),
  )
  return file
}

const verify = async (plan: string, ...more: readonly string[]): Promise<Ended> =>
  await vestibule(
    [
      'migrate',
      'verify',
      '--plan',
      plan,
      ...(more.length > 0 ? more : ['--log', logFile, '--json']),
    ],
    secrets,
  )

describe('where every protection is in place', () => {
  test('all is green, for people and programs, in the log too: exit 0', async () => {
    const closed = `http://127.0.0.1:${await freePort()}/`
    const hosts = [grafanaHost(site, { direct: [{ url: closed }] }), apiHost(site)]
    const ended = await verify(planFor(site, hosts))
    expect([wrongs(ended.stdout), ended.code, ended.stderr]).toEqual([[], 0, ''])
    const { checks } = JSON.parse(ended.stdout) as ReportJson
    expect(checks.map(({ check, status }) => [check, status])).toEqual([
      ['anonymous', 302],
      ['right_person', 200],
      ['wrong_person', 403],
      ['spoofed_anonymous', 302],
      ['impersonation', 403],
      ['spoofed_identity', 200],
      ['spoofed_spelling', 200],
      ['direct', undefined],
      ['anonymous', 401],
      ['right_person', 200],
      ['wrong_person', 403],
      ['spoofed_anonymous', 401],
      ['impersonation', 403],
    ])
  })

  test('what people read names each request, and what the plan leaves out', async () => {
    const { stdout, code } = await verify(planFor(site, [apiHost(site)]), '--log', logFile)
    expect(code).toBe(0)
    expect(stdout).toContain('  ok      the wrong person (bob): GET /v1/orders  403')
    expect(stdout).toContain('  not checked  ways around the ingress (direct)')
    expect(stdout).toContain('5 requests')
  })

  test('no secret is printed or written, whatever happens', async () => {
    const junit = join(folder, 'secret.xml')
    const plan = planFor(site, [grafanaHost(site, { wrong: [{ caller: 'alice', path: '/' }] })])
    const { stdout, stderr } = await verify(plan, '--log', logFile, '--json', '--junit', junit)
    const all = `${stdout}${stderr}${readFileSync(junit, 'utf8')}`
    expect(Object.values(secrets).filter((value) => all.includes(value))).toEqual([])
  })
})

describe('each protection broken in turn is found, by name: exit 1', () => {
  const expectWrong = async (
    hosts: readonly Host[],
    expected: readonly string[],
  ): Promise<Ended> => {
    const ended = await verify(planFor(site, hosts, { logWait: '1s' }))
    expect([wrongs(ended.stdout), ended.code]).toEqual([expected, 1])
    return ended
  }

  test('the deny rule is gone', async () => {
    await writePolicy(site, 'grafana.yaml', WITHOUT_DENY)
    const ended = await expectWrong(
      [grafanaHost(site)],
      ['wrong_person: let_through', 'wrong_person: logged_effect'],
    )
    expect(ended.stdout).toContain('the log says allow (rule_matched, by grafana.yaml#2)')
  })

  test('a header is not listed in auth-response-headers', async () => {
    await editIngress(site, 'grafana.yaml', (yaml) => yaml.replace('X-Auth-Request-Groups,', ''))
    const ended = await expectWrong([grafanaHost(site)], ['spoofed_identity: spoofed_header'])
    expect(ended.stdout).toContain('X-Auth-Request-Groups reached the application')
  })

  test('auth-url is removed', async () => {
    await editIngress(site, 'grafana.yaml', (yaml) => yaml.replace(/.*auth-url.*\n/, ''))
    const ended = await expectWrong(
      [grafanaHost(site)],
      [
        'anonymous: let_through',
        'anonymous: not_logged',
        'right_person: not_logged',
        'wrong_person: let_through',
        'wrong_person: not_logged',
        'spoofed_anonymous: let_through',
        'spoofed_anonymous: not_logged',
        'impersonation: let_through',
        'impersonation: not_logged',
        ...Array.from({ length: 6 }, () => 'spoofed_identity: spoofed_header'),
        'spoofed_identity: identity_not_shown',
        'spoofed_identity: not_logged',
        'spoofed_spelling: identity_not_shown',
        'spoofed_spelling: not_logged',
      ],
    )
    expect(ended.stdout).toContain('Is auth-url still on every Ingress')
  })

  test('auth-signin is removed', async () => {
    await editIngress(site, 'grafana.yaml', (yaml) => yaml.replace(/.*auth-signin.*\n/, ''))
    await expectWrong(
      [grafanaHost(site)],
      ['anonymous: not_sent_to_sign_in', 'spoofed_anonymous: not_sent_to_sign_in'],
    )
  })

  test('the policy is only observed', async () => {
    await writePolicy(site, 'grafana.yaml', OBSERVED)
    await expectWrong(
      [grafanaHost(site)],
      [
        'anonymous: let_through',
        'anonymous: only_observed',
        'wrong_person: let_through',
        'wrong_person: only_observed',
        'spoofed_anonymous: let_through',
        'spoofed_anonymous: only_observed',
      ],
    )
  })

  test('the application answers around the ingress', async () => {
    const url = `http://${grafana.address}/`
    await expectWrong([grafanaHost(site, { direct: [{ url }] })], ['direct: direct_access'])
  })

  test('the name of a way around is not known here: nothing is proved', async () => {
    const url = 'http://grafana.monitoring.svc.cluster.invalid/'
    await expectWrong([grafanaHost(site, { direct: [{ url }] })], ['direct: direct_unresolved'])
  })

  test('a cookie that names no session, and one that is somebody else’s', async () => {
    const plan = planFor(site, [grafanaHost(site, { identity: undefined })])
    const stale = await vestibule(
      ['migrate', 'verify', '--plan', plan, '--log', logFile, '--json'],
      {
        ...secrets,
        ALICE: 'A'.repeat(43),
        BOB: secrets['ALICE'] ?? '',
      },
    )
    expect(wrongs(stale.stdout)).toEqual([
      'right_person: refused',
      'right_person: stale_credential',
      'wrong_person: let_through',
      'wrong_person: logged_effect',
      'wrong_person: logged_caller',
    ])
  })

  test('nothing answers where the plan says', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const { stdout, code } = await verify(planFor(site, [{ ...apiHost(site), address }]))
    expect([new Set(wrongs(stdout).map((each) => each.split(': ')[1])), code]).toEqual([
      new Set(['unreachable']),
      1,
    ])
  })

  test('JUnit says the same, with the line of the plan', async () => {
    await writePolicy(site, 'grafana.yaml', WITHOUT_DENY)
    const junit = join(folder, 'verify.xml')
    const plan = planFor(site, [grafanaHost(site)])
    await verify(plan, '--log', logFile, '--junit', junit)
    const xml = readFileSync(junit, 'utf8')
    expect(xml).toContain('tests="7" failures="1"')
    expect(xml).toMatch(
      /name="the wrong person \(bob\): GET \/admin" file="[^"]*plan.yaml" line="\d+"/,
    )
    expect(xml).toContain('let_through: answered 200, not 403')
  })
})

describe('an observed host, where the plan says so', () => {
  test('lets everybody through, and the log has to say who would not have been', async () => {
    await writePolicy(site, 'grafana.yaml', OBSERVED)
    const ended = await verify(planFor(site, [grafanaHost(site, { mode: 'observe' })]))
    expect([wrongs(ended.stdout), ended.code]).toEqual([[], 0])
  })
})

describe('the decision log', () => {
  test('may come through a pipe that does not end', async () => {
    const plan = planFor(site, [apiHost(site)])
    const tail = spawn('tail', ['-n', '0', '-F', logFile])
    try {
      const args = ['migrate', 'verify', '--plan', plan, '--log', '-', '--json']
      const ended = await vestibule(args, secrets, tail.stdout)
      expect([wrongs(ended.stdout), ended.code, ended.stderr]).toEqual([[], 0, ''])
    } finally {
      tail.kill()
    }
  })

  test('that is switched off is missed for every request: exit 1', async () => {
    const silent = await startWithLog('/dev/null')
    try {
      const plan = planFor(silent, [apiHost(silent)], { logWait: '1s' })
      const ended = await vestibule(
        ['migrate', 'verify', '--plan', plan, '--log', logFile, '--json'],
        await signedIn(silent),
      )
      expect([wrongs(ended.stdout), ended.code]).toEqual([
        ['anonymous', 'right_person', 'wrong_person', 'spoofed_anonymous', 'impersonation'].map(
          (check) => `${check}: not_logged`,
        ),
        1,
      ])
    } finally {
      await silent.stop()
    }
  })
})

describe('only hosts of the plan are contacted', () => {
  let elsewhere: Server
  let stranger: Server
  const seen: string[] = []

  beforeAll(async () => {
    stranger = createServer((request, response) => {
      seen.push(request.url ?? '')
      response.end('here')
    }).listen(0, '127.0.0.1')
    elsewhere = createServer((_request, response) => {
      const { port } = stranger.address() as AddressInfo
      response.writeHead(302, { location: `http://127.0.0.1:${port}/caught` }).end()
    }).listen(0, '127.0.0.1')
    await Promise.all(
      [elsewhere, stranger].map(
        async (server) => await new Promise((resolve) => server.once('listening', resolve)),
      ),
    )
  })

  afterAll(() => {
    elsewhere.close()
    stranger.close()
  })

  test('a redirect is looked at, and not followed', async () => {
    const { port } = elsewhere.address() as AddressInfo
    const plan = planFor(site, [grafanaHost(site, { address: `127.0.0.1:${port}` })])
    const { stdout } = await verify(plan, '--no-log', '--json')
    expect(wrongs(stdout)).toContain('anonymous: not_sent_to_sign_in')
    expect(seen).toEqual([])
  })
})
