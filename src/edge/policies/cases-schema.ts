import { isIP } from 'node:net'
import { z } from 'zod'
import { BINDINGS } from '../../core/confirmation.ts'
import { parseOriginalUrl } from '../../core/original-url.ts'
import { parseMoment } from '../../core/policy/criteria/date.ts'
import { secondsOf } from '../../core/policy/duration.ts'
import { parseSubject } from '../../core/principal.ts'
import { REASONS } from '../../core/reason.ts'

const text = z.string({ error: 'is not text. Write a string' }).min(1, 'is empty. Write a value')

const subjectFields = {
  sub: text.refine((written) => parseSubject(written) !== undefined, {
    error: 'is no subject. Leave out control characters and blanks at the ends',
  }),
  issuer: text.describe('The `iss` that vouches.'),
  actor: z.enum(['human', 'workload', 'agent'], {
    error: 'is no actor. Use human, workload or agent',
  }),
  credential: z
    .enum(['cookie', 'bearer'], { error: 'is no credential. Use cookie or bearer' })
    .describe('A cookie for people, a bearer token for others, unless this says otherwise.'),
  email: text.describe('An address that the issuer has verified.'),
  groups: z.array(text, { error: 'is not a list. Write it as [a, b]' }),
  preferredUsername: text,
  claims: z.record(z.string(), z.unknown(), { error: 'is no mapping. Write { name: value }' }),
}

const PERSON = z.strictObject(subjectFields).omit({ credential: true }).partial()

const PARTIAL_SUBJECT = z
  .strictObject({
    ...subjectFields,
    onBehalfOf: PERSON.required({ sub: true }).describe('The person for whom an agent acts.'),
    bindings: z
      .array(z.enum(BINDINGS, { error: 'is no way to bind a token. Use dpop or mtls' }))
      .describe('How the token is bound to its sender, which it has shown.'),
  })
  .partial()

/** Somebody as a case, or a file for `--as`, describes him. */
export const SUBJECT_SCHEMA = PARTIAL_SUBJECT.required({ sub: true })

const personName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'is no name. Use letters, digits, . _ and -')
  .refine((name) => name !== 'anonymous', {
    error: 'is nobody. Choose a name other than anonymous',
  })

const host = z
  .string({ error: 'is not a host. Write app.example.com' })
  .refine((written) => parseOriginalUrl(`https://${written}/`) !== undefined, {
    error: 'is not a host name. Write app.example.com, without scheme and path',
  })

const path = z
  .string({ error: 'is not a path. Write it as /api' })
  .refine((written) => parseOriginalUrl(`https://app.test${written}`) !== undefined, {
    error: 'is not a path. Start with /, and percent-encode what is not printable ASCII',
  })

const url = z
  .string({ error: 'is not a URL. Write https://app.example.com/path' })
  .refine((written) => parseOriginalUrl(withPath(written)) !== undefined, {
    error: 'is not a URL. Write https://app.example.com/path, percent-encoded, without user',
  })

/** A URL that ends with its host asks for `/`. */
export const withPath = (written: string): string =>
  /^https?:\/\/[^/?#]+$/i.test(written) ? `${written}/` : written

const REQUEST_LINE = /^(?:([^\s/:]+) )?(https?:\/\/\S+|\/\S*)$/i

/** `GET https://app.example.com/x`, with the method, the host or both left to the defaults. */
export const splitRequestLine = (
  line: string,
): { readonly method: string | undefined; readonly target: string } | undefined => {
  const match = REQUEST_LINE.exec(line)
  return match === null ? undefined : { method: match[1], target: match[2] ?? '' }
}

const requestFields = z
  .strictObject({
    url,
    host,
    path,
    method: text,
    clientIp: text.refine((written) => isIP(written) !== 0, {
      error: 'is no IP address. Write 203.0.113.7 or 2001:db8::7',
    }),
    preflight: z.boolean({ error: 'is neither true nor false. Write one' }),
    clientCertificate: text.describe('PEM; counts as verified by nginx.'),
    namespace: text,
    ingress: text,
    service: text,
  })
  .partial()

const requestLine = z
  .string()
  .refine((written) => isRequestLine(written))
  .transform((written) => {
    const { method, target = '/' } = splitRequestLine(written) ?? {}
    const place = target.startsWith('/') ? { path: target } : { url: target }
    return method === undefined ? place : { ...place, method }
  })

const isRequestLine = (written: string): boolean => {
  const split = splitRequestLine(written)
  if (split === undefined) return false
  const whole = split.target.startsWith('/')
    ? `https://app.test${split.target}`
    : withPath(split.target)
  return parseOriginalUrl(whole) !== undefined
}

const NO_REQUEST =
  'is no request. Write GET https://app.example.com/path, or keys such as host and path'

const request = z.union([requestLine, requestFields], { error: NO_REQUEST })

const moment = text.refine((written) => parseMoment(written) !== undefined, {
  error: 'is no moment. Write 2027-01-31 or 2027-01-31T18:00:00Z',
})

const age = text.refine((written) => secondsOf(written) > 0, {
  error: 'is no duration. Write 15m, 8h or 2d',
})

const session = z
  .strictObject({
    age: age.describe('How long ago the session was made.'),
    authAge: age.describe('How long ago the person proved who he is (`auth_time`).'),
  })
  .partial()

const EFFECTS = ['allow', 'challenge', 'deny'] as const
const effect = z.enum(EFFECTS, { error: 'is no effect. Use allow, challenge or deny' })

const expectation = z
  .strictObject({
    effect,
    reason: z
      .enum(
        EFFECTS.flatMap((each) => Object.keys(REASONS[each])),
        {
          error: 'is no reason. docs/decisions.md lists them',
        },
      )
      .optional(),
    rule: text.optional().describe('The id of the rule, with or without its file.'),
    mode: z
      .enum(['enforce', 'observe'], { error: 'is no mode. Use enforce or observe' })
      .optional(),
  })
  .superRefine(({ effect: expected, reason }, context) => {
    if (reason === undefined || Object.hasOwn(REASONS[expected], reason)) return
    context.addIssue({
      code: 'custom',
      path: ['reason'],
      message: `is no reason of ${expected}. Reasons: ${Object.keys(REASONS[expected]).join(', ')}`,
    })
  })

const subject = z.union([text, PARTIAL_SUBJECT], {
  error: 'is no subject. Write anonymous, a name from people, or { sub: … }',
})

export const CASES_SCHEMA = z.strictObject({
  people: z
    .record(personName, PARTIAL_SUBJECT)
    .default({})
    .describe('Subjects by name; `sub` is the name where none is given.'),
  defaults: z
    .strictObject({ subject, request, session, at: moment })
    .partial()
    .default({})
    .describe('What every case of the file begins with.'),
  cases: z
    .array(
      z.strictObject({
        name: text.describe('What should be so, as a sentence.'),
        subject: subject.optional().describe('`anonymous`, a name from `people`, or a mapping.'),
        request: request.optional(),
        session: session.optional(),
        at: moment.optional().describe('The moment; now, if absent.'),
        expect: z.union([effect.transform((only) => ({ effect: only })), expectation], {
          error: 'is no effect. Write allow, challenge or deny, or { effect: deny, reason: … }',
        }),
      }),
      { error: 'is not a list. Write the cases as a list' },
    )
    .min(1, 'is an empty list. Write a case'),
})

export type CasesFile = z.infer<typeof CASES_SCHEMA>
export type SubjectFile = z.infer<typeof PARTIAL_SUBJECT>
export type RequestFile = z.infer<typeof requestFields>
export type ExpectationFile = {
  readonly effect: (typeof EFFECTS)[number]
  readonly reason?: string | undefined
  readonly rule?: string | undefined
  readonly mode?: 'enforce' | 'observe' | undefined
}
