import { z } from 'zod'
import { parseHostName } from '../../core/ids.ts'
import { parseUntil } from './until.ts'

const text = z.string().min(1, 'is empty. Write a value or remove the key').max(1024)

/** A host, or `*.` and a name of at least two labels: `*.com` would be half the world. */
export const HOST_PATTERN = z.string({ error: 'is not a host' }).refine(
  (written) => {
    const name = written.startsWith('*.') ? written.slice(2) : written
    const enough = written.startsWith('*.') ? name.includes('.') : true
    return enough && !written.endsWith('.') && parseHostName(name) !== undefined
  },
  {
    error:
      'is not a host name. Write app.example.com or *.example.com, without scheme, port or path',
  },
)

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
  })
  .refine((each) => (each.allow === undefined) !== (each.deny === undefined), {
    error: 'needs exactly one of allow and deny. Split it in two rules',
  })

export const POLICY_SCHEMA = z.strictObject({
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
  policy: z
    .union([
      z.array(RULE_SCHEMA).min(1, 'is an empty list. Without a rule nobody gets in; write one'),
      RULE_SCHEMA.transform((one) => [one]),
    ])
    .describe(
      'Rules; a deny that holds denies, else an allow that holds allows, else it is denied.',
    ),
})

export type RuleFile = z.infer<typeof RULE_SCHEMA>
export type OperatorsFile = NonNullable<RuleFile['allow']>
