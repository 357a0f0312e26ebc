import { z } from 'zod'
import { parseHostName } from '../../core/ids.ts'
import { APPLICATION_PRESETS } from '../../presets/applications.ts'
import { isFilledIn, NOT_FILLED_IN } from './filled-in.ts'
import { PROTECTED_RESOURCE } from './protected-resource-schema.ts'
import { REQUIREMENT, RULE_REQUIREMENT } from './requirement-schema.ts'
import { parseUntil } from './until.ts'

const text = z
  .string()
  .min(1, 'is empty. Write a value or remove the key')
  .max(1024)
  .refine(isFilledIn, NOT_FILLED_IN)

/** Names that no registry sells (RFC 6761 and private use): a wildcard may cover all of one. */
const PRIVATE_TLD = /^(?:test|localhost|local|internal|lan|example|invalid)$/i

/** A host, or `*.` and a name of at least two labels: `*.com` would be half the world. */
const isHostPattern = (written: string): boolean => {
  const isWildcard = written.startsWith('*.')
  const name = isWildcard ? written.slice(2) : written
  const isNarrow = !isWildcard || name.includes('.') || PRIVATE_TLD.test(name)
  return isNarrow && !written.endsWith('.') && parseHostName(name) !== undefined
}

export const HOST_PATTERN = z.string({ error: 'is not a host' }).refine(isHostPattern, {
  error: 'is not a host name. Write app.example.com or *.example.com, without scheme, port or path',
})

const until = z
  .string({ error: 'is not a date. Write it as 2027-01-31' })
  .refine((written) => parseUntil(written) !== undefined, {
    error: 'is not a date. Write 2027-01-31 (through that day, UTC) or 2027-01-31T18:00:00Z',
  })
  .describe('The rule stops counting after this day, or at this moment.')

/** Conditions are checked one by one against their criterion, so that each fault has its place. */
const conditions = z
  .array(
    z.record(z.string(), z.unknown(), { error: 'is not a condition. Write { criterion: value }' }),
    {
      error: 'is not a list. Write the conditions as a list',
    },
  )
  .min(1, 'is an empty list. It would hold for everybody or nobody')

const operators = z
  .strictObject({
    and: conditions.optional().describe('Holds where all conditions hold.'),
    or: conditions.optional().describe('Holds where any condition holds.'),
    not: conditions.optional().describe('Holds where no condition holds.'),
    nor: conditions.optional().describe('Holds where at least one condition does not hold.'),
  })
  .refine((rule) => Object.values(rule).some((list) => list !== undefined), {
    error: 'has no operator. Write and, or, not or nor with a list of conditions',
  })

export const RULE_SCHEMA = z
  .strictObject({
    id: z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9._-]{0,63}$/,
        'is not an id. Use lower-case letters, digits, . _ and -',
      )
      .optional()
      .describe('Name of the rule in logs; its place in the file otherwise.'),
    allow: operators.optional(),
    deny: operators.optional(),
    until: until.optional(),
    public: z
      .literal(true, { error: 'can only be true. Remove it otherwise' })
      .optional()
      .describe('Admits without any identity; needs `owner` and `until`.'),
    owner: text.optional().describe('Who answers for this rule.'),
    require: RULE_REQUIREMENT.optional().describe(
      'Stronger proof asked of whoever this rule admits.',
    ),
  })
  .refine((each) => each.allow !== undefined || each.deny !== undefined, {
    error: 'has neither allow nor deny. Write one',
  })

const rules = z.union([
  z.array(RULE_SCHEMA).min(1, 'is an empty list. Without a rule nobody gets in; write one'),
  RULE_SCHEMA.transform((one) => [one]),
])

const setName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'is not a name. Use lower-case letters, digits and hyphens')

/** Rules that several files share, in a file of their own. */
export const RULE_SETS_SCHEMA = z.strictObject({
  ruleSets: z
    .record(setName, rules)
    .describe('Named rules; `use: [name]` in a policy file adds them.'),
})

export const POLICY_SCHEMA = z
  .strictObject({
    hosts: z
      .array(HOST_PATTERN)
      .min(1, 'is an empty list. Name a host')
      .max(1000)
      .describe('Hosts that this file decides about.'),
    owner: text.optional().describe('Who answers for these hosts.'),
    credentials: z
      .array(z.enum(['cookie', 'bearer']))
      .min(1, 'is an empty list. Name cookie, bearer or both')
      .default(['cookie', 'bearer'])
      .describe(
        'What counts as proof here. With [cookie] the application keeps Authorization to itself.',
      ),
    paths: z
      .strictObject({
        case: z
          .enum(['sensitive', 'insensitive'])
          .default('sensitive')
          .describe(
            '`insensitive` where an Ingress of the host uses `use-regex` or `rewrite-target`.',
          ),
        ambiguous: z
          .enum(['refuse', 'accept'])
          .default('refuse')
          .describe('`accept` where the application needs paths such as `a%2Fb`.'),
      })
      .prefault({}),
    authRequestRedirect: z
      .enum(['original', 'overridden'])
      .default('original')
      .describe('`overridden` where an Ingress of the host sets `auth-request-redirect`.'),
    sendGroups: z
      .array(text)
      .max(1000)
      .default([])
      .describe('Groups that the application may see besides those that rules name.'),
    use: z.array(setName).default([]).describe('Rule sets whose rules count here as well.'),
    policy: rules
      .optional()
      .describe(
        'Rules; a deny that holds denies, else an allow that holds allows, else it is denied.',
      ),
    require: z
      .union([REQUIREMENT.transform((one) => [one]), z.array(REQUIREMENT).min(1)], {
        error: 'asks for nothing. Write acr, amr, authAge or senderConstrained, or a list of such',
      })
      .default([])
      .describe('Stronger proof asked of whoever a rule admits.'),
    app: z
      .enum(
        APPLICATION_PRESETS.map(({ name }) => name),
        {
          error: `is no known application. Known: ${APPLICATION_PRESETS.map(({ name }) => name).join(', ')}`,
        },
      )
      .optional()
      .describe('Adds the identity headers that this application reads.'),
    proxySets: z
      .array(z.literal('ssl-client-cert'))
      .default([])
      .describe(
        'Client certificate headers that nginx sets here (`auth-tls-secret`); else they are ignored.',
      ),
    stripCookie: z
      .boolean()
      .default(true)
      .describe(
        'Answer with the Cookie header without our session cookie; list `Cookie` in `auth-response-headers`.',
      ),
    forwardBearer: z
      .boolean()
      .default(true)
      .describe(
        'With false, answer with an Authorization header without our token; list `Authorization` in `auth-response-headers`.',
      ),
    proxyBufferSize: z
      .string()
      .regex(/^(?:[4-9]|[1-5][0-9]|6[0-4])k$/, 'is no buffer size. Write 4k to 64k')
      .default('4k')
      .describe('What the Ingresses of these hosts say as `proxy-buffer-size`, at least.'),
    protectedResource: PROTECTED_RESOURCE.optional().describe(
      'What programs without a token are told, at `/.well-known/oauth-protected-resource` (RFC 9728).',
    ),
    mode: z
      .enum(['enforce', 'observe', 'canary'])
      .default('enforce')
      .describe(
        '`observe` answers 200 and records what enforcing had said; `canary` enforces for some. Both need `until`.',
      ),
    until: until
      .optional()
      .describe('When `observe` or `canary` ends; from then on the rules are enforced.'),
    canary: z
      .strictObject({
        groups: z.array(text).default([]).describe('Members are enforced.'),
        share: z
          .number()
          .int()
          .min(0)
          .max(100)
          .default(0)
          .describe('So many of a hundred others are enforced, always the same ones.'),
      })
      .optional(),
  })
  .superRefine((file, context) => {
    const complain = (path: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [path], message })
    }
    if (file.policy === undefined && file.use.length === 0) {
      complain('policy', 'is missing. Without a rule nobody gets in; write one, or use a rule set')
    }
    if (file.mode !== 'enforce' && file.until === undefined) {
      complain('mode', 'needs until. Say when enforcing begins')
    }
    if (file.mode === 'enforce' && file.until !== undefined) {
      complain('until', 'belongs to mode observe or canary. Remove it, or move it to a rule')
    }
    if ((file.mode === 'canary') !== (file.canary !== undefined)) {
      complain('canary', 'goes with mode canary. Write both or neither')
    }
  })

export type PolicyFile = z.infer<typeof POLICY_SCHEMA>
export type RuleFile = z.infer<typeof RULE_SCHEMA>
export type OperatorsFile = NonNullable<RuleFile['allow']>
