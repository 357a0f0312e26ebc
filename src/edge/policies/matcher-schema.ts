import { z } from 'zod'
import { parseMoment } from '../../core/policy/criteria/date.ts'
import { parseDays } from '../../core/policy/criteria/day-of-week.ts'
import { isTimeZone, parseTimeOfDay } from '../../core/policy/criteria/time-of-day.ts'
import { type ArgumentKind, type Matcher } from '../../core/policy/criterion.ts'
import { secondsOf } from '../../core/policy/duration.ts'
import { routedPath } from '../../core/routed-path.ts'
import { parseRange } from './address-ranges.ts'
import { expressionFault } from './expressions.ts'
import { isFilledIn, NOT_FILLED_IN } from './filled-in.ts'

type MatcherSchema = z.ZodType<Matcher>

const text = z
  .string({ error: 'is not text. Write a string, in quotes if it looks like a number' })
  .min(1, 'is empty. An empty value would match nothing')
  .max(1024)
  .refine(isFilledIn, NOT_FILLED_IN)
  .refine((written) => written.isWellFormed() && !/\p{Cc}/u.test(written), {
    error: 'holds a control character. Remove it',
  })

/** What nginx would route on, written as it would be after decoding. */
const path = text.refine((written) => !/[?#%\\]/.test(written) && routedPath(written) === written, {
  error:
    'is not a path as nginx routes on it. Start with /, decode it, leave out //, dots, query and fragment',
})
const pathPart = text.refine((written) => !/[?#%\\]/.test(written), {
  error: 'cannot be part of a routed path. Leave out ? # % and \\',
})

const range = text.refine((written) => parseRange(written) !== undefined, {
  error: 'is no address range. Write CIDR, such as 10.0.0.0/8',
})

const actor = z.enum(['human', 'workload', 'agent'], {
  error: 'is no actor. Use human, workload or agent',
})

const emailAddress = text.refine((written) => /^[^\s@]+@[^\s@]+$/.test(written), {
  error: 'is no e-mail address. Write name@example.com',
})

const domainName = text.refine((written) => /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i.test(written), {
  error: 'is no domain name. Write example.com, without @ or *',
})

const moment = text.refine((written) => parseMoment(written) !== undefined, {
  error: 'is no date. Write 2027-01-31 or 2027-01-31T18:00:00Z',
})

const timeOfDay = text.refine((written) => parseTimeOfDay(written) !== undefined, {
  error: 'is no time of day. Write 9:30, 14:20:00 or 4:30PM, in quotes',
})

const timezone = text.refine(isTimeZone, {
  error: 'is no time zone. Write a name of the IANA database, such as Europe/Berlin',
})

const days = text.refine((written) => parseDays(written) !== undefined, {
  error: 'names no days. Write mon-fri, or tue,thu, or *',
})

const age = text.refine((written) => secondsOf(written) > 0, {
  error: 'is no duration. Write 15m, 8h or 2d',
})

/** Booleans are kept as text, like every other argument. */
const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])], {
    error: 'is neither true nor false. Write one',
  })
  .transform(String)

const expression = z
  .string({ error: 'is no expression. Write CEL, in quotes' })
  .max(4096, 'is longer than 4096 characters. Split the rule')
  .superRefine((written, context) => {
    const fault = expressionFault(written)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })

const some = <Schema extends z.ZodType>(schema: Schema): z.ZodArray<Schema> =>
  z
    .array(schema, { error: 'is not a list. Write it as [a, b]' })
    .min(1, 'is an empty list. It would match nothing')
    .max(10_000)

const oneOrSome = (
  schema: typeof text,
): z.ZodUnion<readonly [typeof text, z.ZodArray<typeof text>]> => z.union([schema, some(schema)])

const equality = <Schema extends z.ZodType<string>>(
  schema: Schema,
): Record<'is' | 'not' | 'in' | 'not_in', z.ZodOptional<Schema | z.ZodArray<Schema>>> => ({
  is: schema.optional(),
  not: schema.optional(),
  in: some(schema).optional(),
  not_in: some(schema).optional(),
})

const parts = {
  starts_with: text.optional(),
  ends_with: text.optional(),
  contains: text.optional(),
}

const notEmpty = (matcher: Readonly<Record<string, unknown>>): boolean =>
  Object.values(matcher).some((argument) => argument !== undefined)
const EMPTY = { error: 'has no operator. Write one, such as is, in or has' }

const NO_MATCHER =
  'is neither one value nor a matcher. Write a value, or operators such as { in: [a, b] }'

/** A bare value is short for one operator. */
const shorthand = (
  bare: z.ZodType<string>,
  operator: 'is' | 'has',
  full: z.ZodType<Matcher>,
): MatcherSchema =>
  z.union([bare.transform((written): Matcher => ({ [operator]: written })), full], {
    error: ({ input }) =>
      typeof input === 'string' && !isFilledIn(input) ? NOT_FILLED_IN : NO_MATCHER,
  })

const stringMatcher = (schema: z.ZodType<string>): MatcherSchema =>
  shorthand(schema, 'is', z.strictObject({ ...equality(schema), ...parts }).refine(notEmpty, EMPTY))

/** The schema of the argument, for each kind of criterion. */
export const MATCHER_SCHEMAS: Readonly<Record<ArgumentKind, MatcherSchema>> = {
  none: z
    .union([z.literal(true), z.literal('true'), z.strictObject({}), z.null()], {
      error: 'takes no argument. Write true',
    })
    .transform((): Matcher => ({})),
  string: stringMatcher(text),
  claim: shorthand(
    text,
    'is',
    z
      .strictObject({
        ...equality(text),
        ...parts,
        has: text.optional(),
        exclude: text.optional(),
      })
      .refine(notEmpty, EMPTY),
  ),
  list: shorthand(
    text,
    'has',
    z
      .strictObject({
        has: text.optional(),
        in: some(text).optional(),
        is: z.union([text, some(text)]).optional(),
        exclude: text.optional(),
        not_in: some(text).optional(),
      })
      .refine(notEmpty, EMPTY),
  ),
  path: shorthand(
    path,
    'is',
    z
      .strictObject({
        ...equality(path),
        starts_with: z.union([path, some(path)]).optional(),
        ends_with: pathPart.optional(),
        contains: pathPart.optional(),
      })
      .refine(notEmpty, EMPTY),
  ),
  address: z
    .union(
      [
        range.transform((one) => [one]),
        some(range),
        z.strictObject({ in: some(range) }).transform((matcher) => matcher.in),
      ],
      { error: 'is no address range. Write 10.0.0.0/8, or a list of ranges' },
    )
    .transform((ranges): Matcher => ({ in: ranges })),
  date: z
    .strictObject({ after: moment.optional(), before: moment.optional() })
    .refine(notEmpty, { error: 'has no operator. Write after, before or both' }),
  time_of_day: z
    .strictObject({
      timezone: timezone.optional(),
      after: timeOfDay.optional(),
      before: timeOfDay.optional(),
    })
    .refine(({ after, before }) => after !== undefined || before !== undefined, {
      error: 'has no operator. Write after, before or both',
    }),
  day_of_week: shorthand(days, 'is', z.strictObject({ is: days, timezone: timezone.optional() })),
  device: z
    .strictObject({
      is: text.optional(),
      in: some(text).optional(),
      approved: flag.optional(),
      compliant: flag.optional(),
      type: text.optional(),
      max_age: age.optional(),
    })
    .refine(notEmpty, EMPTY),
  certificate: z
    .strictObject({
      fingerprint: oneOrSome(text).optional(),
      spki_hash: oneOrSome(text).optional(),
      san_dns: oneOrSome(text).optional(),
      san_email: oneOrSome(text).optional(),
      san_uri: oneOrSome(text).optional(),
    })
    .refine(notEmpty, {
      error: 'has no operator. Write fingerprint, spki_hash, san_dns, san_email or san_uri',
    }),
  duration: z
    .union(
      [
        age,
        z.strictObject({ max: age }).transform(({ max }) => max),
        z.strictObject({ max_age: age }).transform((matcher) => matcher.max_age),
      ],
      { error: 'is no duration. Write 8h' },
    )
    .transform((longest): Matcher => ({ max_age: longest })),
  expression: expression.transform((source): Matcher => ({ is: source })),
  actor: shorthand(actor, 'is', z.strictObject(equality(actor)).refine(notEmpty, EMPTY)),
  email: shorthand(
    emailAddress,
    'is',
    z.strictObject({ ...equality(emailAddress), ...parts }).refine(notEmpty, EMPTY),
  ),
  domain: shorthand(
    domainName,
    'is',
    z.strictObject({ ...equality(domainName), ...parts }).refine(notEmpty, EMPTY),
  ),
}
