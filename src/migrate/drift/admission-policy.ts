import { type GuardSettings, signInUrl, verifyUrl } from '../ingress/guard.ts'
import { NGINX_PREFIX } from '../views/ingress.ts'

export type AdmissionSettings = {
  readonly guard: GuardSettings
  /** Every Ingress of these classes has to ask Vestibule. */
  readonly classes: readonly string[]
  /** Namespaces whose Ingresses may be as they are: that of Vestibule itself. */
  readonly exempt: readonly string[]
  /** `audit` records and warns, `deny` refuses. */
  readonly action: 'audit' | 'deny'
}

export type Validation = { readonly expression: string; readonly message: string }

const NAME = 'vestibule-guards-ingresses'

/** Refuses, before it is stored, an Ingress of a guarded class that would not ask Vestibule. */
export const admissionPolicy = (settings: AdmissionSettings): readonly unknown[] => [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: NAME },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: ['networking.k8s.io'],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['ingresses'],
          },
        ],
      },
      matchConditions: matchConditions(settings),
      validations: validations(settings),
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: NAME },
    spec: {
      policyName: NAME,
      validationActions: settings.action === 'deny' ? ['Deny'] : ['Audit', 'Warn'],
    },
  },
]

export const matchConditions = ({
  classes,
  exempt,
}: AdmissionSettings): readonly { readonly name: string; readonly expression: string }[] => [
  {
    name: 'guarded-class',
    // Either way of naming a class counts: controllers read both.
    expression: [
      `(has(object.spec.ingressClassName) && object.spec.ingressClassName in ${list(classes)})`,
      `(${isThere(OLDER_CLASS)} && ${at(OLDER_CLASS)} in ${list(classes)})`,
    ].join(' || '),
  },
  ...(exempt.length === 0
    ? []
    : [{ name: 'not-exempt', expression: `!(request.namespace in ${list(exempt)})` }]),
]

const OLDER_CLASS = 'kubernetes.io/ingress.class'

export const validations = ({ guard }: AdmissionSettings): readonly Validation[] => [
  {
    expression: `${isThere(name('auth-url'))} && ${at(name('auth-url'))} == ${text(verifyUrl(guard))}`,
    message: `auth-url has to be ${verifyUrl(guard)}`,
  },
  {
    expression: `!(${isThere(name('auth-signin'))}) || ${at(name('auth-signin'))} == ${text(signInUrl(guard))}`,
    message: `auth-signin has to be ${signInUrl(guard)}, or absent for programs`,
  },
  {
    expression: [
      isThere(name('auth-response-headers')),
      ...guard.identityHeaders.map(isListed),
    ].join(' && '),
    message: `auth-response-headers has to list ${guard.identityHeaders.join(', ')}: others pass from the client`,
  },
  {
    expression: `!has(object.metadata.annotations) || ${list(FORBIDDEN.map(name))}.all(each, !(each in object.metadata.annotations))`,
    message: `these annotations defeat the check: ${FORBIDDEN.join(', ')}`,
  },
  ...SWITCHES.map(
    ([annotation, value]): Validation => ({
      expression: `!(${isThere(name(annotation))}) || ${at(name(annotation))} != ${text(value)}`,
      message: `${annotation} must not be ${value}`,
    }),
  ),
  {
    expression: `!(${isThere(name('proxy-buffer-size'))}) || ${at(name('proxy-buffer-size'))}.matches('^([4-9]|[1-9][0-9]+)[kK]$|^[1-9][0-9]*[mM]$')`,
    message: 'proxy-buffer-size has to be at least 4k, or nginx answers 500',
  },
]

const FORBIDDEN = [
  'satisfy',
  'auth-cache-key',
  'auth-keepalive',
  'auth-snippet',
  'auth-method',
  'auth-request-redirect',
  'configuration-snippet',
  'server-snippet',
] as const

const SWITCHES = [
  ['enable-global-auth', 'false'],
  ['ssl-passthrough', 'true'],
] as const

const name = (annotation: string): string => `${NGINX_PREFIX}${annotation}`

const isThere = (annotation: string): string =>
  `has(object.metadata.annotations) && ${text(annotation)} in object.metadata.annotations`

const at = (annotation: string): string => `object.metadata.annotations[${text(annotation)}]`

/** One member of a list with commas, in any case. */
const isListed = (header: string): string =>
  `${at(name('auth-response-headers'))}.lowerAscii().matches(${text(`(^|,) *${header.toLowerCase()} *(,|$)`)})`

/** A CEL text. What goes in comes from options and the configuration; quotes must not leave it. */
const text = (value: string): string =>
  `'${value.replace(/[\\']/g, '\\$&').replace(/[^\x20-\x7e]/g, '?')}'`

const list = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`
