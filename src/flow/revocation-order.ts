import { parseMoment } from '../core/policy/criteria/date.ts'
import { parseSubject } from '../core/principal.ts'
import { fail, ok, type Result } from '../core/result.ts'
import { type RevocationOrder } from './revoke.ts'

/** What somebody wrote down to end; exactly one of the three. */
export type WrittenOrder = {
  readonly subject: string | undefined
  readonly before: string | undefined
  readonly all: string | undefined
}

/** The order that is meant, or what is wrong with it: an order that is guessed ends too much. */
export const readOrder = (
  { subject, before, all }: WrittenOrder,
  nowMs: number,
): Result<RevocationOrder, string> => {
  const given = [subject, before, all].filter((each) => each !== undefined)
  if (given.length !== 1) return fail('name one of subject, before and all')
  if (subject !== undefined) {
    return isSubjectName(subject)
      ? ok({ kind: 'subject', subject })
      : fail('subject is no name: write it as the decision log shows it')
  }
  if (before !== undefined) return readMoment(before, nowMs)
  return all === 'true' ? ok({ kind: 'everything' }) : fail('all has to be true')
}

/** `sub` of a person, or `<issuer name>/<sub>`, which may be longer. */
export const isSubjectName = (text: string): boolean =>
  parseSubject(text) !== undefined || parseSubject(text.slice(text.indexOf('/') + 1)) !== undefined

/** RFC 3339 section 5.6, with its offset: a moment that is read in another zone ends too much. */
const MOMENT = /^[0-9-]{10}[Tt ][0-9:]{5,8}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$/

const readMoment = (text: string, nowMs: number): Result<RevocationOrder, string> => {
  const isWhole = MOMENT.test(text)
  const plain = text.replace(/\.[0-9]+/, '').toUpperCase()
  const seconds = isWhole ? parseMoment(plain) : undefined
  if (seconds === undefined) return fail('before is no moment: write 2027-01-31T18:00:00Z')
  // Of tomorrow it would keep everybody from signing in until then.
  if (seconds * 1000 > nowMs) return fail('before lies in the future')
  return ok({ kind: 'before', momentMs: seconds * 1000 })
}
