import { findCriterion } from './criteria.ts'
import { type Literal } from './lint-literal.ts'

/**
 * Whether the second holds whenever the first does. Says so only where it is certain; all that is
 * not known to follow does not.
 */
export const implies = (one: Literal, other: Literal): boolean => {
  if (one.key !== other.key || one.shape !== other.shape) return provesWhoItIs(one, other)
  if (!one.isNegated && !other.isNegated) return narrower(one, other)
  if (one.isNegated && other.isNegated) return narrower(other, one)
  return !one.isNegated && apart(one, other)
}

/** Whether both can never hold together. */
export const contradict = (one: Literal, other: Literal): boolean => {
  if (one.key !== other.key || one.shape !== other.shape) return false
  if (!one.isNegated && !other.isNegated) return apart(one, other) || noOneIsBoth(one, other)
  if (one.isNegated && other.isNegated) return false
  return one.isNegated ? narrower(other, one) : narrower(one, other)
}

/** Whatever is known of somebody, holding or not, he is signed in. */
const provesWhoItIs = ({ key }: Literal, other: Literal): boolean =>
  other.key === 'authenticated_user' &&
  !other.isNegated &&
  key !== 'client_certificate' &&
  findCriterion(key)?.criterion.proves === 'identity'

/** Both taken as not negated: whatever passes the first passes the second. */
const narrower = (one: Literal, other: Literal): boolean => {
  switch (one.shape) {
    case 'opaque':
      return one.values.join() === other.values.join()
    case 'span':
      return within(spanOf(one), spanOf(other))
    case 'list':
      return narrowerList(one, other)
    case 'text':
    case 'path':
    case 'texts':
    case 'user':
      return narrowerText(one, other)
  }
}

const narrowerText = (one: Literal, other: Literal): boolean => {
  const sameKind = one.operator === other.operator || other.operator === 'contains'
  if (one.operator !== 'in' && !sameKind) return false
  return one.values.every((value) => passes(value, other))
}

const passes = (text: string, { shape, operator, values }: Literal): boolean =>
  values.some((value) => {
    if (operator === 'in') return text === value
    if (operator === 'ends_with') return text.endsWith(value)
    if (operator === 'contains') return text.includes(value)
    return shape === 'path' ? isBelow(text, value) : text.startsWith(value)
  })

const isBelow = (path: string, prefix: string): boolean =>
  path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)

const narrowerList = (one: Literal, other: Literal): boolean => {
  if (one.operator === 'exactly') return passesList(one.values, other)
  return other.operator === 'in' && one.values.every((value) => other.values.includes(value))
}

const passesList = (list: readonly string[], { operator, values }: Literal): boolean =>
  operator === 'exactly'
    ? list.length === values.length && list.every((each) => values.includes(each))
    : list.some((each) => values.includes(each))

/** Both taken as not negated: nothing passes both. */
const apart = (one: Literal, other: Literal): boolean => {
  switch (one.shape) {
    case 'opaque':
    case 'texts':
    case 'user':
      return false
    case 'span':
      return areApart(spanOf(one), spanOf(other))
    case 'list':
      return apartLists(one, other)
    case 'text':
    case 'path':
      return apartTexts(one, other)
  }
}

const apartLists = (one: Literal, other: Literal): boolean => {
  if (one.operator === 'exactly') return !passesList(one.values, other)
  return other.operator === 'exactly' && !passesList(other.values, one)
}

const apartTexts = (one: Literal, other: Literal): boolean => {
  if (one.operator === 'in') return !one.values.some((value) => passes(value, other))
  if (other.operator === 'in') return !other.values.some((value) => passes(value, one))
  if (one.operator !== 'starts_with' || other.operator !== 'starts_with') return false
  return (
    !one.values.some((value) => passes(value, other)) &&
    !other.values.some((value) => passes(value, one))
  )
}

/**
 * `user` tests the subject and the address, so that two users may be one person; two subjects or
 * two addresses are two people.
 */
const noOneIsBoth = (one: Literal, other: Literal): boolean => {
  if (one.shape !== 'user' || one.operator !== 'in' || other.operator !== 'in') return false
  const values = [...one.values, ...other.values]
  const addresses = values.filter((value) => value.includes('@')).length
  return (
    (addresses === 0 || addresses === values.length) &&
    !one.values.some((value) => other.values.includes(value))
  )
}

type Span = { readonly from: number; readonly to: number }

const spanOf = ({ values }: Literal): Span => ({
  from: Number(values[0]),
  to: Number(values[1]),
})

const within = (one: Span, other: Span): boolean => one.from >= other.from && one.to <= other.to

const areApart = (one: Span, other: Span): boolean => one.to <= other.from || other.to <= one.from

export const isEmptySpan = (literal: Literal): boolean => {
  const { from, to } = spanOf(literal)
  return from >= to
}
