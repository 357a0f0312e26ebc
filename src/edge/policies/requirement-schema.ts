import { z } from 'zod'
import { BINDINGS } from '../../core/confirmation.ts'
import { secondsOf } from '../../core/policy/duration.ts'
import { MATCHER_SCHEMAS } from './matcher-schema.ts'

const acrValue = z
  .string()
  .regex(/^[A-Za-z0-9:._/+-]{1,200}$/, 'is no acr value. Leave out blanks and quotes')

const amrValue = z
  .string()
  .regex(/^[A-Za-z0-9:._/+-]{1,200}$/, 'is no amr value. Leave out blanks and quotes')

const age = z.string().refine((written) => secondsOf(written) > 0, {
  error: 'is no duration. Write 15m, 8h or 2d',
})

const FIELDS = {
  acr: z
    .array(acrValue)
    .min(1, 'is an empty list. Name a value')
    .optional()
    .describe('One of these authentication contexts.'),
  amr: z
    .array(amrValue)
    .min(1, 'is an empty list. Name a value')
    .optional()
    .describe('One of these authentication methods (RFC 8176).'),
  authAge: age.optional().describe('A sign-in no older than this.'),
  senderConstrained: z
    .array(
      z.enum(BINDINGS, {
        error: 'is no way to bind a token. Use dpop (RFC 9449) or mtls (RFC 8705)',
      }),
    )
    .min(1, 'is an empty list. Name dpop, mtls or both')
    .optional()
    .describe(
      'Tokens have to be bound to their sender in one of these ways; sessions are not meant.',
    ),
}

const asksSomething = ({ acr, amr, authAge, senderConstrained }: Asked): boolean =>
  [acr, amr, authAge, senderConstrained].some((each) => each !== undefined)

type Asked = { readonly [Name in keyof typeof FIELDS]?: unknown }

const NOTHING = { error: 'asks for nothing. Write acr, amr, authAge or senderConstrained' }

/** More proof, asked of those whom a rule admits. */
export const RULE_REQUIREMENT = z.strictObject(FIELDS).refine(asksSomething, NOTHING)

/** The same for a whole host, or some of its paths. */
export const REQUIREMENT = z
  .strictObject({
    path: MATCHER_SCHEMAS.path.optional().describe('On these paths only; everywhere if absent.'),
    ...FIELDS,
  })
  .refine(asksSomething, NOTHING)

export type RequirementFile = z.infer<typeof REQUIREMENT>
