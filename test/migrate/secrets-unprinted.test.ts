import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createWorkplace, type Workplace } from '../commands/policy-reports-support.ts'
import { controller, deployment, ingress, service } from './support-cluster.ts'

/** Wherever people leave one; each begins with `sesame`. */
const inSecret = (kind: object): string =>
  `${JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'app', namespace: 'apps' }, ...kind })}\n---\n`

const APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

const SECRETS = [
  inSecret({ data: { auth: 'sesame-data' }, stringData: { user: 'sesame-text' } }),
  inSecret({
    metadata: {
      name: 'applied',
      namespace: 'apps',
      annotations: { [APPLIED]: '{"data":{"auth":"sesame-applied"}}' },
    },
    data: { 'tls.key': 'sesame-key' },
  }),
].join('')

const INGRESS = ingress({
  annotations: {
    'auth-url': 'https://user:sesame-user@gate.example.com/auth?token=sesame-query',
    'auth-type': 'basic',
    'auth-secret': 'app',
    'whitelist-source-range': '10.0.0.0/8',
    'configuration-snippet':
      'proxy_set_header Authorization "Basic sesame-snippet";\ndeny all; # sesame-comment',
    'server-snippet': 'set $key sesame-server;\nif ($arg_key != sesame-if) { return 403; }',
  },
})

const WORKLOADS = [
  deployment('app', {
    image: 'grafana/grafana:12.0.0',
    args: ['--password=sesame-argument'],
    env: [{ name: 'GF_SECURITY_ADMIN_PASSWORD', value: 'sesame-environment' }],
  }),
  service(),
  controller('v1.11.0', { 'http-snippet': 'set $token sesame-config;' }),
].join('')

const PUBLIC_URL = ['--public-url', 'https://auth.example.com'] as const

/** Each command, in each of its formats. */
const RUNS: readonly (readonly string[])[] = [
  ['inventory'],
  ['inventory', '--json'],
  ['inventory', '--format', 'sarif'],
  ['inventory', '--format', 'html'],
  ['translate', '--json'],
  ['translate', '--out', '@drafts'],
  ['ingress', ...PUBLIC_URL],
  ['ingress', ...PUBLIC_URL, '--rollback'],
  ['networkpolicy'],
  ['networkpolicy', '--json'],
  ['networkpolicy', '--format', 'yaml'],
  ['drift', ...PUBLIC_URL, '--class', 'nginx'],
  ['drift', ...PUBLIC_URL, '--class', 'nginx', '--json'],
  ['report'],
  ['report', '--json'],
  ['report', '--html', '@report.html'],
]

let place: Workplace

beforeAll(async () => {
  place = await createWorkplace()
  await place.write({ 'cluster.yaml': SECRETS + INGRESS + WORKLOADS, 'secrets.yaml': SECRETS })
})

afterAll(async () => {
  await place.remove()
})

const written = async (): Promise<string> => {
  const names = await readdir(place.folder, { recursive: true, withFileTypes: true })
  const files = names.filter(
    (each) => each.isFile() && !/^(?:cluster|secrets)\.yaml$/.test(each.name),
  )
  const texts = await Promise.all(
    files.map(async ({ parentPath, name }) => await readFile(join(parentPath, name), 'utf8')),
  )
  return texts.join('')
}

describe('what is secret is not in', () => {
  test.each(RUNS.map((words) => [words.join(' '), words] as const))(
    'migrate %s',
    async (_name, words) => {
      const [name = '', ...options] = words
      const { code, out, err } = await place.run('migrate', name, '@cluster.yaml', ...options)
      expect([0, 1]).toContain(code)
      const all = `${out}${err}${await written()}`
      expect(all).toMatch(/\bapp\b/)
      expect(all).not.toContain('sesame')
    },
  )

  test.each(['text', 'json'])(
    'the values of Secrets are not in patches either: %s',
    async (format) => {
      const options = format === 'json' ? ['--json'] : []
      const { out, err } = await place.run(
        'migrate',
        'ingress',
        '@cluster.yaml',
        ...PUBLIC_URL,
        ...options,
      )
      expect(out).toContain('auth-url')
      expect(`${out}${err}`).not.toMatch(/sesame-(?:data|text|applied|key)/)
    },
  )
})
