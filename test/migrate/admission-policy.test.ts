import { describe, expect, test } from '@jest/globals'
import { Environment } from '@marcbachmann/cel-js'
import { parseAllDocuments } from 'yaml'
import {
  type AdmissionSettings,
  matchConditions,
  validations,
} from '../../src/migrate/drift/admission-policy.ts'
import { annotationChanges, changed } from '../../src/migrate/ingress/annotation-change.ts'
import { PREFIX } from '../../src/migrate/ingress/annotation-rules.ts'
import { guardAnnotations, STANDARD_HEADERS } from '../../src/migrate/ingress/guard.ts'
import { run } from '../commands/policy-lint-support.ts'

const SETTINGS: AdmissionSettings = {
  guard: {
    verifyOrigin: 'http://vestibule.vestibule.svc.cluster.local:8080',
    publicUrl: 'https://auth.example.com',
    identityHeaders: STANDARD_HEADERS,
  },
  classes: ['internal', "it's"],
  exempt: ['vestibule'],
  action: 'deny',
}

const CEL = new Environment({ unlistedVariablesAreDyn: true })

type Labels = Readonly<Record<string, string>>
type Tried = {
  readonly annotations?: Labels | undefined
  readonly className?: string | undefined
  readonly namespace?: string
}

/** As the API server does it: all conditions match, then every validation has to hold. */
const judge = ({ annotations, className = 'internal', namespace = 'shop' }: Tried) => {
  const facts = {
    object: {
      metadata: { name: 'web', namespace, ...(annotations === undefined ? {} : { annotations }) },
      spec: { ...(className === '' ? {} : { ingressClassName: className }), rules: [] },
    },
    request: { namespace },
  }
  const isMatched = matchConditions(SETTINGS).every(
    ({ expression }) => CEL.evaluate(expression, facts) === true,
  )
  if (!isMatched) return 'not asked'
  const broken = validations(SETTINGS).filter(
    ({ expression }) => CEL.evaluate(expression, facts) !== true,
  )
  return broken.length === 0
    ? 'admitted'
    : broken.map(({ message }) => message.split(' ')[0]).join()
}

const named = (annotations: Labels): Labels =>
  Object.fromEntries(Object.entries(annotations).map(([name, value]) => [PREFIX + name, value]))

const GUARDED = Object.fromEntries(guardAnnotations(SETTINGS.guard, 'people', ['X-WEBAUTH-USER']))
const FOR_PROGRAMS = Object.fromEntries(guardAnnotations(SETTINGS.guard, 'programs', []))
const { [`${PREFIX}auth-url`]: URL = '', ...WITHOUT_URL } = GUARDED

describe('the admission policy', () => {
  test.each<readonly [string, Tried, string]>([
    ['what migrate ingress makes', { annotations: GUARDED }, 'admitted'],
    ['a twin for programs', { annotations: FOR_PROGRAMS }, 'admitted'],
    ['with annotations of others', { annotations: { ...GUARDED, 'a.example/b': 'c' } }, 'admitted'],
    ['another class', { className: 'public' }, 'not asked'],
    ['no class', { className: '' }, 'not asked'],
    ['the namespace of Vestibule', { namespace: 'vestibule' }, 'not asked'],
    [
      'the class in the older way',
      { className: '', annotations: { 'kubernetes.io/ingress.class': 'internal' } },
      'auth-url,auth-response-headers',
    ],
    ['no annotations at all', {}, 'auth-url,auth-response-headers'],
    ['no auth-url', { annotations: WITHOUT_URL }, 'auth-url'],
    [
      'another service',
      { annotations: { ...GUARDED, ...named({ 'auth-url': 'http://x/verify' }) } },
      'auth-url',
    ],
    [
      'another host pinned',
      { annotations: { ...GUARDED, ...named({ 'auth-url': `${URL}x` }) } },
      'auth-url',
    ],
    [
      'another sign-in',
      { annotations: { ...GUARDED, ...named({ 'auth-signin': 'https://evil.example' }) } },
      'auth-signin',
    ],
    [
      'a header left out',
      { annotations: { ...GUARDED, ...named({ 'auth-response-headers': 'X-Auth-Request-User' }) } },
      'auth-response-headers',
    ],
    [
      'a header that only looks like one',
      {
        annotations: {
          ...GUARDED,
          ...named({
            'auth-response-headers': STANDARD_HEADERS.join(',').replace('-User', '-User-Name'),
          }),
        },
      },
      'auth-response-headers',
    ],
    [
      'headers in other letters, with blanks',
      {
        annotations: {
          ...GUARDED,
          ...named({ 'auth-response-headers': STANDARD_HEADERS.join(' , ').toLowerCase() }),
        },
      },
      'admitted',
    ],
    ['satisfy', { annotations: { ...GUARDED, ...named({ satisfy: 'any' }) } }, 'these'],
    [
      'a snippet',
      { annotations: { ...GUARDED, ...named({ 'configuration-snippet': '' }) } },
      'these',
    ],
    ['a cache', { annotations: { ...GUARDED, ...named({ 'auth-cache-key': '$x' }) } }, 'these'],
    [
      'passthrough',
      { annotations: { ...GUARDED, ...named({ 'ssl-passthrough': 'true' }) } },
      'ssl-passthrough',
    ],
    [
      'no passthrough',
      { annotations: { ...GUARDED, ...named({ 'ssl-passthrough': 'false' }) } },
      'admitted',
    ],
    [
      'a small buffer',
      { annotations: { ...GUARDED, ...named({ 'proxy-buffer-size': '2k' }) } },
      'proxy-buffer-size',
    ],
    [
      'a large buffer',
      { annotations: { ...GUARDED, ...named({ 'proxy-buffer-size': '16k' }) } },
      'admitted',
    ],
  ])('%s: %j', (_name, tried, expected) => {
    expect(judge(tried)).toBe(expected)
  })

  test('admits whatever an Ingress had before, once migrate ingress has been over it', () => {
    const before = named({
      satisfy: 'any',
      'auth-cache-key': 'x',
      'auth-snippet': 'y',
      'whitelist-source-range': '10.0.0.0/8',
      'proxy-buffer-size': '1k',
    })
    const wanted = new Map(Object.entries(GUARDED))
    const after = changed(before, annotationChanges(before, wanted, 'observe'))
    expect(judge({ annotations: before })).not.toBe('admitted')
    expect(judge({ annotations: after })).toBe('admitted')
  })

  test('a name cannot leave its quotes', () => {
    expect(judge({ className: "it's" })).toContain('auth-url')
  })
})

describe('migrate drift --admission-policy', () => {
  const ask = (...args: readonly string[]) =>
    run([
      'migrate',
      'drift',
      '--admission-policy',
      '--public-url',
      'https://auth.example.com',
      ...args,
    ])

  test('prints both objects, with every expression', async () => {
    const { code, out } = await ask('--class', 'internal')
    const [policy, binding] = parseAllDocuments(out).map(
      (document) => document.toJS() as Record<string, { readonly [key: string]: unknown }>,
    )
    expect(code).toBe(0)
    expect(policy).toMatchObject({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      spec: {
        failurePolicy: 'Fail',
        matchConditions: matchConditions({ ...SETTINGS, classes: ['internal'] }),
        validations: validations(SETTINGS),
      },
    })
    expect(binding).toMatchObject({
      kind: 'ValidatingAdmissionPolicyBinding',
      spec: { policyName: 'vestibule-guards-ingresses', validationActions: ['Deny'] },
    })
  })

  test('warns first, where somebody wants to see what it would refuse', async () => {
    expect((await ask('--class', 'internal', '--audit')).out).toContain('- Audit\n    - Warn')
  })

  test('needs a class', async () => {
    expect((await ask()).code).toBe(2)
  })
})
